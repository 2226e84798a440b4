//! A merchant issues points for a purchase.

use amvaj_domain::{
    calendar::Zone,
    earn::{Basket, EarnRule, rule_at},
    id::MerchantId,
    ledger::{Command, CommandEarn},
    member::MemberLookup,
    text::ReceiptNumber,
    time::{Instant, Span},
};
use amvaj_infra::ledger::Recorded;

use super::{
    App,
    error::Stopped,
    fingerprint::Fingerprint,
    points::{Acting, PointsRefusal, PointsRequest, submit_now},
};

/// A purchase as the merchant reports it.
#[derive(Debug, Clone)]
pub struct EarnPoints {
    /// Key, branch and time.
    pub request: PointsRequest,
    /// Who bought.
    pub member: MemberLookup,
    /// The merchant's receipt number.
    pub receipt: ReceiptNumber,
    /// What was bought.
    pub basket: Basket,
}

/// Issues the points of a purchase.
///
/// # Errors
/// [`PointsRefusal::MemberNotFound`], [`PointsRefusal::IdempotencyMismatch`]; all other refusals are recorded.
pub async fn earn_points(
    app: &App,
    merchant: MerchantId,
    input: &EarnPoints,
) -> Result<Recorded, Stopped<PointsRefusal>> {
    let acting = Acting::load(app, merchant, &input.request).await?;
    let wallet = acting.wallet(app, &input.member).await?;
    let rule = rule_at(&acting.file.rules, acting.occurred_at).cloned();
    let refusal = acting.standing().or_else(|| acting.currency(input.basket.total().currency()));
    let (active_from, expires_at) = lifetime(rule.as_ref(), acting.occurred_at, &app.zone);
    let command = Command::Earn(CommandEarn {
        receipt: input.receipt.clone(),
        basket: input.basket.clone(),
        rule,
        day: app.zone.day_of(acting.occurred_at),
        active_from,
        expires_at,
    });
    let body = Fingerprint::of("earn", &input.request)
        .member(&input.member)
        .receipt(Some(&input.receipt))
        .money(input.basket.total())
        .lines(input.basket.lines())
        .body(&app.credentials.secret);
    submit_now(app, acting.operation(app, wallet, body, refusal, command)).await
}

/// When points of a purchase become active, and their last valid instant. Expiry runs from activation.
pub(super) fn lifetime(
    rule: Option<&EarnRule>,
    occurred_at: Instant,
    zone: &Zone,
) -> (Instant, Option<Instant>) {
    let Some(rule) = rule else { return (occurred_at, None) };
    let active_from = occurred_at.plus(Span::days(i64::from(rule.pending_days)));
    (active_from, rule.expiry.expires_at(active_from, zone))
}
