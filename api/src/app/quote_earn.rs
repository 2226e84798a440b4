//! What a purchase would earn, by the formula that the earn itself uses.

use amvaj_domain::{
    earn::{Basket, EarnRule, Kept, Sale, rule_at},
    id::MerchantId,
    ledger::Rejection,
    member::MemberLookup,
    points::Points,
    time::Instant,
};

use super::{
    App,
    earn_points::lifetime,
    error::Stopped,
    look_up::Purpose,
    points::{Acting, PointsRefusal, PointsRequest},
};

/// What to quote.
#[derive(Debug, Clone)]
pub struct QuoteEarn {
    /// Branch and time; the key does not matter.
    pub request: PointsRequest,
    /// Who buys; without one the daily cap is not looked at.
    pub member: Option<MemberLookup>,
    /// What is bought.
    pub basket: Basket,
}

/// What the purchase would earn.
#[derive(Debug, Clone)]
pub struct EarnQuote {
    /// The rule version.
    pub rule: EarnRule,
    /// The arithmetic, step by step.
    pub kept: Kept,
    /// The cap that applies, if any.
    pub cap_left: Option<Points>,
    /// First instant at which the points could be spent.
    pub active_from: Instant,
    /// Last instant at which they could be spent; absent when they never expire.
    pub expires_at: Option<Instant>,
}

/// Quotes a purchase; nothing is written.
///
/// # Errors
/// [`PointsRefusal`] for what the earn would refuse, as far as it is known before.
pub async fn quote_earn(
    app: &App,
    merchant: MerchantId,
    input: &QuoteEarn,
) -> Result<EarnQuote, Stopped<PointsRefusal>> {
    let acting = Acting::load(app, merchant, &input.request).await?;
    let refusal = acting
        .standing()
        .or_else(|| acting.currency(input.basket.total().currency()))
        .or_else(|| app.window.refusal(acting.occurred_at, app.ledger_now()));
    if let Some(refusal) = refusal {
        return Err(Stopped::Refused(PointsRefusal::Rejected(refusal)));
    }
    let rule = rule_at(&acting.file.rules, acting.occurred_at)
        .cloned()
        .ok_or(Stopped::Refused(PointsRefusal::Rejected(Rejection::NoEarnRule)))?;
    let cap_left = cap_left(app, &acting, input, &rule).await?;
    let kept = Sale::new(&input.basket, &rule, cap_left, 0)
        .kept()
        .map_err(|_| Stopped::Refused(PointsRefusal::Rejected(Rejection::AmountTooLarge)))?;
    let (active_from, expires_at) = lifetime(Some(&rule), acting.occurred_at, &app.zone);
    Ok(EarnQuote { rule, kept, cap_left, active_from, expires_at })
}

async fn cap_left(
    app: &App,
    acting: &Acting,
    input: &QuoteEarn,
    rule: &EarnRule,
) -> Result<Option<Points>, Stopped<PointsRefusal>> {
    let Some(member) = &input.member else { return Ok(rule.cap_left(Points::ZERO)) };
    let named = acting.named(app, member, Purpose::Look).await?;
    let member = named.ok_or(Stopped::Refused(PointsRefusal::MemberNotFound))?;
    let day = app.zone.day_of(acting.occurred_at);
    let used = app.reader.cap_used(member.wallet, acting.merchant(), day).await?;
    Ok(rule.cap_left(used))
}
