//! A merchant reserves points of a member until it captures or releases them.

use amvaj_domain::{
    id::MerchantId,
    ledger::{Command, CommandHold},
    member::MemberLookup,
    points::Points,
    text::ReceiptNumber,
    time::Span,
};
use amvaj_infra::ledger::Recorded;

use super::{
    App,
    error::Stopped,
    fingerprint::Fingerprint,
    points::{Acting, PointsRefusal, PointsRequest, submit_now},
};

/// Points to reserve.
#[derive(Debug, Clone)]
pub struct HoldPoints {
    /// Key, branch and time.
    pub request: PointsRequest,
    /// Whose points.
    pub member: MemberLookup,
    /// How many.
    pub amount: Points,
    /// For how many seconds.
    pub seconds: i64,
    /// The receipt that a capture will pay for.
    pub receipt: Option<ReceiptNumber>,
}

/// The longest hold: thirty days.
pub const LONGEST_HOLD_SECONDS: i64 = 30 * 24 * 60 * 60;
/// How long a hold lasts unless the merchant says otherwise: a quarter of an hour, as at a till.
pub const USUAL_HOLD_SECONDS: i64 = 15 * 60;

/// Reserves points.
///
/// # Errors
/// [`PointsRefusal::MemberNotFound`], [`PointsRefusal::IdempotencyMismatch`]; all other refusals are recorded.
pub async fn hold_points(
    app: &App,
    merchant: MerchantId,
    input: &HoldPoints,
) -> Result<Recorded, Stopped<PointsRefusal>> {
    let acting = Acting::load(app, merchant, &input.request).await?;
    let wallet = acting.wallet(app, &input.member).await?;
    let command = Command::Hold(CommandHold {
        amount: input.amount,
        ttl: Span::seconds(input.seconds),
        receipt: input.receipt.clone(),
    });
    let body = Fingerprint::of("hold", &input.request)
        .member(&input.member)
        .points(Some(input.amount))
        .seconds(Some(input.seconds))
        .receipt(input.receipt.as_ref())
        .body(&app.credentials.secret);
    submit_now(app, acting.operation(app, wallet, body, acting.standing(), command)).await
}
