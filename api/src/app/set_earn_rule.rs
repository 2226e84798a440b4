//! The operator decides what purchases at a merchant earn, from a moment on.

use std::collections::BTreeSet;

use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::calendar::ExpiryPolicy;
use amvaj_domain::earn::{EarnRule, InvalidEarnRule, Rate};
use amvaj_domain::id::MerchantId;
use amvaj_domain::points::Points;
use amvaj_domain::time::Instant;
use amvaj_infra::directory::RuleRefused;

use super::access::operator_only;
use super::{App, Stopped};

/// Most days for which points may be pending.
pub const LONGEST_PENDING: u16 = 3_650;

/// A rule to set.
#[derive(Debug, Clone)]
pub struct SetEarnRule {
    /// The merchant.
    pub merchant: MerchantId,
    /// From when on it holds; from now on when nothing is said.
    pub effective_from: Option<Instant>,
    /// Points per money.
    pub rate: Rate,
    /// A basket below this many minor units earns nothing.
    pub minimum_basket: i64,
    /// The most points of one purchase.
    pub cap_per_purchase: Option<Points>,
    /// The most points of one member on one day.
    pub cap_per_day: Option<Points>,
    /// Categories that earn nothing.
    pub excluded_categories: BTreeSet<String>,
    /// Days until the points can be spent.
    pub pending_days: u16,
    /// When the points lapse.
    pub expiry: ExpiryPolicy,
    /// Whether they can be spent only at the merchant.
    pub spend_only_at_issuer: bool,
}

/// Why a rule was not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetEarnRuleRefused {
    /// There is no such merchant.
    #[error("there is no such merchant")]
    MerchantNotFound,
    /// The rule itself is out of range, or holds from too early on.
    #[error(transparent)]
    Invalid(#[from] InvalidEarnRule),
    /// Points would be pending for too long.
    #[error("points are pending for at most {LONGEST_PENDING} days")]
    PendingDays,
    /// The points would have lapsed before they were earned.
    #[error("the points would lapse before the rule holds")]
    Expired,
}

/// Adds a version to a merchant's rule. Purchases before its date keep the version that held then.
pub async fn set_earn_rule(
    app: &App,
    author: &Author,
    request: SetEarnRule,
) -> Result<EarnRule, Stopped<SetEarnRuleRefused>> {
    operator_only(author)?;
    let (present, now) = (app.now(), app.ledger_now());
    let merchant = request.merchant;
    let rule = version(request, now);
    rule.validate().map_err(|invalid| Stopped::Refused(invalid.into()))?;
    if rule.pending_days > LONGEST_PENDING {
        return Err(Stopped::Refused(SetEarnRuleRefused::PendingDays));
    }
    if rule.expiry.expires_at(rule.effective_from, &app.zone).is_some_and(|end| end < rule.effective_from) {
        return Err(Stopped::Refused(SetEarnRuleRefused::Expired));
    }
    let act = Act::new(author, ActKind::EarnRuleSet, Target::Merchant(merchant), present)
        .detail("points", rule.rate.points)
        .detail("per", rule.rate.per)
        .detail("effectiveFrom", rule.effective_from.micros());
    let added = app.directory.add_rule_version(merchant, &rule, now, &act).await?;
    added.map_err(|refused| Stopped::Refused(refused.into()))
}

/// The version as it is asked for; its number is given when it is written.
fn version(request: SetEarnRule, now: Instant) -> EarnRule {
    EarnRule {
        version: 0,
        effective_from: request.effective_from.unwrap_or(now),
        rate: request.rate,
        minimum_basket: request.minimum_basket,
        cap_per_purchase: request.cap_per_purchase,
        cap_per_day: request.cap_per_day,
        excluded_categories: request.excluded_categories,
        pending_days: request.pending_days,
        expiry: request.expiry,
        spend_only_at_issuer: request.spend_only_at_issuer,
    }
}

impl From<RuleRefused> for SetEarnRuleRefused {
    fn from(refused: RuleRefused) -> Self {
        match refused {
            RuleRefused::MerchantNotFound => Self::MerchantNotFound,
            RuleRefused::EffectiveFrom => Self::Invalid(InvalidEarnRule::EffectiveFrom),
        }
    }
}
