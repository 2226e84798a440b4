//! `setEarnRule`.

use std::collections::BTreeSet;

use amvaj_domain::earn::{InvalidEarnRule, Rate};
use amvaj_domain::points::Points;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{EarnRateInput, EarnRule, ExpiryInput};
use crate::app::set_earn_rule::{SetEarnRule, SetEarnRuleRefused, set_earn_rule};
use crate::graphql::context::{app, author, require_operator};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::scalar::{DateTime, MinorUnits, PointsScalar};
use crate::graphql::user_error::{Problems, user_errors};

/// A rule to set.
#[derive(Debug, InputObject)]
pub struct SetEarnRuleInput {
    /// Global id of the merchant.
    pub merchant_id: ID,
    /// Points per money.
    pub rate: EarnRateInput,
    /// When the points lapse.
    pub expiry: ExpiryInput,
    /// A basket below this earns nothing, in minor units of the merchant's currency; no minimum when left out.
    /// Example: `"500000"`.
    pub minimum_basket: Option<MinorUnits>,
    /// The most points of one purchase, from 1; no limit when left out.
    pub cap_per_purchase: Option<PointsScalar>,
    /// The most points of one member on one day of the network's time zone, from 1; no limit when left out.
    pub cap_per_day: Option<PointsScalar>,
    /// Basket lines of these categories earn nothing: at most 200, each of 1 to 64 characters, compared letter by
    /// letter. Example: `["tip", "gift card"]`.
    #[graphql(default)]
    pub excluded_categories: Vec<String>,
    /// Days from a purchase until its points can be spent, 0 (at once) to 3,650.
    #[graphql(default)]
    pub pending_days: i32,
    /// Whether the points can be spent only at this merchant.
    #[graphql(default)]
    pub spend_only_at_issuer: bool,
    /// First moment at which the rule holds: not in the past, and after the version before it. Now when left out.
    pub effective_from: Option<DateTime>,
}

/// What `setEarnRule` did.
#[derive(Default, SimpleObject)]
pub struct SetEarnRulePayload {
    /// The new version; null when nothing changed.
    pub earn_rule: Option<EarnRule>,
    /// Why nothing changed; empty when the version was added.
    pub user_errors: Vec<SetEarnRuleUserError>,
}

user_errors! {
    /// Why `setEarnRule` changed nothing.
    SetEarnRuleUserError, SetEarnRuleErrorCode {
        /// There is no such merchant.
        MerchantNotFound,
        /// The ratio is out of range.
        InvalidRate,
        /// The minimum basket is out of range.
        InvalidMinimumBasket,
        /// A cap is out of range.
        InvalidCap,
        /// There are too many categories, or one is empty or too long.
        InvalidCategories,
        /// The pending days are out of range.
        InvalidPendingDays,
        /// The expiry is out of range, or lies before the rule takes effect.
        InvalidExpiry,
        /// The version would hold from the past, or from before the version it follows.
        InvalidEffectiveFrom,
    }
}

/// The mutation of earn rules.
#[derive(Default)]
pub struct EarnRuleMutations;

#[Object]
impl EarnRuleMutations {
    /// Sets what purchases at a merchant earn, from now or from a later moment on (operator): adds a version to its
    /// earn rule. Purchases that occurred before keep the version that held then.
    async fn set_earn_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rule.")] input: SetEarnRuleInput,
    ) -> Result<SetEarnRulePayload> {
        require_operator(ctx)?;
        let request = match read(input) {
            Ok(request) => request,
            Err(user_errors) => return Ok(SetEarnRulePayload { earn_rule: None, user_errors }),
        };
        let merchant = request.merchant;
        match refusal_or_fault(set_earn_rule(app(ctx)?, &author(ctx)?, request).await)? {
            Ok(rule) => {
                let earn_rule = Some(EarnRule { merchant, rule });
                Ok(SetEarnRulePayload { earn_rule, user_errors: Vec::new() })
            }
            Err(refused) => {
                let (code, path) = shown(refused);
                let user_errors = Problems::one(code, path);
                Ok(SetEarnRulePayload { earn_rule: None, user_errors })
            }
        }
    }
}

fn read(input: SetEarnRuleInput) -> Result<SetEarnRule, Vec<SetEarnRuleUserError>> {
    use SetEarnRuleErrorCode as Code;
    let mut problems = Problems::new();
    let merchant = GlobalId::merchant(&input.merchant_id).ok_or(());
    let merchant = problems.take(merchant, Code::MerchantNotFound, "input.merchantId");
    let rate = problems.take(rate(input.rate), Code::InvalidRate, "input.rate");
    let minimum = amount(input.minimum_basket.unwrap_or(MinorUnits(0)));
    let minimum = problems.take(minimum, Code::InvalidMinimumBasket, "input.minimumBasket");
    let per_purchase = cap(input.cap_per_purchase);
    let per_purchase = problems.take(per_purchase, Code::InvalidCap, "input.capPerPurchase");
    let per_day = problems.take(cap(input.cap_per_day), Code::InvalidCap, "input.capPerDay");
    let pending = u16::try_from(input.pending_days);
    let pending = problems.take(pending, Code::InvalidPendingDays, "input.pendingDays");
    let expiry = problems.take(input.expiry.policy().ok_or(()), Code::InvalidExpiry, "input.expiry");
    if let (Some(merchant), Some(rate), Some(minimum_basket)) = (merchant, rate, minimum)
        && let (Some(cap_per_purchase), Some(cap_per_day)) = (per_purchase, per_day)
        && let (Some(pending_days), Some(expiry)) = (pending, expiry)
    {
        return Ok(SetEarnRule {
            merchant,
            effective_from: input.effective_from.map(|from| from.0),
            rate,
            minimum_basket,
            cap_per_purchase,
            cap_per_day,
            excluded_categories: BTreeSet::from_iter(input.excluded_categories),
            pending_days,
            expiry,
            spend_only_at_issuer: input.spend_only_at_issuer,
        });
    }
    Err(problems.into_errors())
}

/// Only whether the numbers are numbers of ours; the rule itself checks their range.
fn rate(rate: EarnRateInput) -> Result<Rate, std::num::TryFromIntError> {
    Ok(Rate { points: rate.points.0.try_into()?, per: rate.per.0.try_into()? })
}

fn amount(amount: MinorUnits) -> Result<i64, ()> {
    let amount = i64::try_from(amount.0).map_err(|_| ())?;
    if (0..=amvaj_domain::money::Money::MAX).contains(&amount) { Ok(amount) } else { Err(()) }
}

/// A cap of nothing would be a rule that never gives a point: surely a mistake.
fn cap(cap: Option<PointsScalar>) -> Result<Option<Points>, ()> {
    let Some(cap) = cap else { return Ok(None) };
    match cap.points() {
        Ok(points) if !points.is_zero() => Ok(Some(points)),
        Ok(_) | Err(_) => Err(()),
    }
}

const fn shown(refused: SetEarnRuleRefused) -> (SetEarnRuleErrorCode, &'static str) {
    use SetEarnRuleErrorCode as Code;
    match refused {
        SetEarnRuleRefused::MerchantNotFound => (Code::MerchantNotFound, "input.merchantId"),
        SetEarnRuleRefused::PendingDays => (Code::InvalidPendingDays, "input.pendingDays"),
        SetEarnRuleRefused::Expired => (Code::InvalidExpiry, "input.expiry"),
        SetEarnRuleRefused::Invalid(invalid) => match invalid {
            InvalidEarnRule::Rate => (Code::InvalidRate, "input.rate"),
            InvalidEarnRule::MinimumBasket => (Code::InvalidMinimumBasket, "input.minimumBasket"),
            InvalidEarnRule::EffectiveFrom => (Code::InvalidEffectiveFrom, "input.effectiveFrom"),
            InvalidEarnRule::Categories => (Code::InvalidCategories, "input.excludedCategories"),
        },
    }
}
