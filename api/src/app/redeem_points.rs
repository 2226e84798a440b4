//! A member pays with points at a merchant, in one step.

use amvaj_domain::{
    id::MerchantId,
    ledger::{Command, CommandRedeem},
    member::MemberLookup,
    points::Points,
    text::ReceiptNumber,
};
use amvaj_infra::ledger::Recorded;

use super::{
    App,
    error::Stopped,
    fingerprint::Fingerprint,
    points::{Acting, PointsRefusal, PointsRequest, submit_now},
};

/// Points to spend.
#[derive(Debug, Clone)]
pub struct RedeemPoints {
    /// Key, branch and time.
    pub request: PointsRequest,
    /// Whose points.
    pub member: MemberLookup,
    /// How many.
    pub amount: Points,
    /// The receipt they pay for.
    pub receipt: Option<ReceiptNumber>,
}

/// Spends points.
///
/// # Errors
/// [`PointsRefusal::MemberNotFound`], [`PointsRefusal::IdempotencyMismatch`]; all other refusals are recorded.
pub async fn redeem_points(
    app: &App,
    merchant: MerchantId,
    input: &RedeemPoints,
) -> Result<Recorded, Stopped<PointsRefusal>> {
    let acting = Acting::load(app, merchant, &input.request).await?;
    let wallet = acting.wallet(app, &input.member).await?;
    let command = Command::Redeem(CommandRedeem { amount: input.amount, receipt: input.receipt.clone() });
    let body = Fingerprint::of("redeem", &input.request)
        .member(&input.member)
        .points(Some(input.amount))
        .receipt(input.receipt.as_ref())
        .body(&app.credentials.secret);
    submit_now(app, acting.operation(app, wallet, body, acting.standing(), command)).await
}
