//! Earn rules: how money becomes points at a merchant, in versions with effective dates.

pub mod expiry;
pub mod set;

use amvaj_domain::earn;
use amvaj_domain::id::MerchantId;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::connection::connection;
use super::error::{Code, fault};
use super::global_id::GlobalId;
use super::loader::loader;
use super::merchant::Merchant;
use super::scalar::{DateTime, MinorUnits, PointsScalar};
pub use expiry::{Expiry, ExpiryInput};
pub use set::EarnRuleMutations;

/// Points per money: so many points for every so many minor units, rounded down once for the whole basket.
/// Example: `{ points: "1", per: "10000" }` gives one point for every 10,000 rials.
#[derive(Debug, Clone, SimpleObject)]
pub struct EarnRate {
    /// Points given, 1 to 1,000,000.
    pub points: PointsScalar,
    /// For so many minor units of the merchant's currency, 1 to 1,000,000,000,000.
    pub per: MinorUnits,
}

/// Points per money: so many points for every so many minor units, rounded down once for the whole basket.
/// Example: `{ points: "1", per: "10000" }` gives one point for every 10,000 rials.
#[derive(Debug, Clone, Copy, InputObject)]
pub struct EarnRateInput {
    /// Points given, 1 to 1,000,000.
    pub points: PointsScalar,
    /// For so many minor units of the merchant's currency, 1 to 1,000,000,000,000.
    pub per: MinorUnits,
}

connection! {
    /// Versions of an earn rule, a page at a time, oldest first.
    EarnRuleConnection, EarnRuleEdge, EarnRule
}

/// One version of a merchant's earn rule. A version never changes; a later one replaces it from its date on.
#[derive(Debug, Clone)]
pub struct EarnRule {
    /// The merchant.
    pub merchant: MerchantId,
    /// The version.
    pub rule: earn::EarnRule,
}

/// One version of a merchant's earn rule. A version never changes; a later one replaces it from its date on.
#[Object]
impl EarnRule {
    /// The version's global id.
    pub async fn id(&self) -> ID {
        GlobalId::EarnRule(self.merchant, self.rule.version).write()
    }

    /// The merchant whose purchases earn by it.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Merchant> {
        let merchant = loader(ctx)?.load_one(self.merchant).await.map_err(fault)?;
        merchant.map(Merchant).ok_or_else(|| Code::internal("a rule without its merchant"))
    }

    /// Number of the version, from 1 without gaps.
    async fn version(&self) -> i32 {
        self.rule.version
    }

    /// First moment at which it holds, by the time a purchase occurred.
    async fn effective_from(&self) -> DateTime {
        DateTime(self.rule.effective_from)
    }

    /// Points per money.
    async fn rate(&self) -> EarnRate {
        EarnRate { points: self.rule.rate.points.into(), per: self.rule.rate.per.into() }
    }

    /// A basket below this earns nothing, in minor units of the merchant's currency.
    async fn minimum_basket(&self) -> MinorUnits {
        self.rule.minimum_basket.into()
    }

    /// The most points of one purchase; null when there is no such limit.
    async fn cap_per_purchase(&self) -> Option<PointsScalar> {
        self.rule.cap_per_purchase.map(PointsScalar::from)
    }

    /// The most points of one member on one day of the network's time zone; null when there is no such limit.
    async fn cap_per_day(&self) -> Option<PointsScalar> {
        self.rule.cap_per_day.map(PointsScalar::from)
    }

    /// Basket lines of these categories earn nothing. Example: `["tip", "gift card"]`.
    async fn excluded_categories(&self) -> Vec<&str> {
        self.rule.excluded_categories.iter().map(String::as_str).collect()
    }

    /// Days from a purchase until its points can be spent; 0 means at once.
    async fn pending_days(&self) -> i32 {
        self.rule.pending_days.into()
    }

    /// When the points lapse. It is stamped on points when they are earned; later versions do not change it.
    async fn expiry(&self) -> Expiry {
        self.rule.expiry.into()
    }

    /// Whether the points can be spent only at the merchant that issued them.
    async fn spend_only_at_issuer(&self) -> bool {
        self.rule.spend_only_at_issuer
    }
}
