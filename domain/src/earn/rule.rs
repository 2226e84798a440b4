//! A merchant's earn rule: how money becomes points, in versions with effective dates.

use std::collections::BTreeSet;

use crate::{
    calendar::ExpiryPolicy,
    points::Points,
    time::{Instant, Span},
};

/// Points per money, as a ratio of whole numbers: `points` for every `per` minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Points given, 1 to 1,000,000.
    pub points: i64,
    /// For so many minor units of eligible money, 1 to 1,000,000,000,000.
    pub per: i64,
}

/// One version of a merchant's earn rule. A version is never changed; a later one replaces it from its date on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarnRule {
    /// Number of the version, from 1 without gaps.
    pub version: i32,
    /// First instant at which the version holds, by the time the purchase occurred.
    pub effective_from: Instant,
    /// Points per money.
    pub rate: Rate,
    /// A basket below this many minor units earns nothing.
    pub minimum_basket: i64,
    /// The most points of one purchase.
    pub cap_per_purchase: Option<Points>,
    /// The most points of one member on one day of the network's time zone.
    pub cap_per_day: Option<Points>,
    /// Lines of these categories earn nothing (tips, taxes, gift cards).
    pub excluded_categories: BTreeSet<String>,
    /// Days from the purchase until its points can be spent; zero means at once.
    pub pending_days: u16,
    /// When the points lapse; stamped on the lot at issue.
    pub expiry: ExpiryPolicy,
    /// Whether the points can be spent only at the merchant that issued them.
    pub spend_only_at_issuer: bool,
}

/// Why a version is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEarnRule {
    /// The ratio is out of range.
    #[error("points must be between 1 and 1,000,000 for every 1 to 1,000,000,000,000 minor units")]
    Rate,
    /// The minimum basket is negative.
    #[error("the minimum basket cannot be negative")]
    MinimumBasket,
    /// The version would hold from before now or before an existing version.
    #[error("a version takes effect now or later, and after the version before it")]
    EffectiveFrom,
    /// More categories than a rule may name.
    #[error("a rule excludes at most 200 categories of 1 to 64 characters")]
    Categories,
}

impl EarnRule {
    /// Checks the ranges of a version.
    pub fn validate(&self) -> Result<(), InvalidEarnRule> {
        let rate_fits =
            (1..=1_000_000).contains(&self.rate.points) && (1..=1_000_000_000_000).contains(&self.rate.per);
        let categories_fit = self.excluded_categories.len() <= 200
            && self.excluded_categories.iter().all(|category| (1..=64).contains(&category.chars().count()));
        if !rate_fits {
            Err(InvalidEarnRule::Rate)
        } else if self.minimum_basket < 0 {
            Err(InvalidEarnRule::MinimumBasket)
        } else if !categories_fit {
            Err(InvalidEarnRule::Categories)
        } else {
            Ok(())
        }
    }

    /// The most that a purchase can earn on a day of which `used` points of the daily cap are gone.
    pub fn cap_left(&self, used: Points) -> Option<Points> {
        let day_left = self.cap_per_day.map(|cap| cap.less(used));
        match (self.cap_per_purchase, day_left) {
            (Some(purchase), Some(day)) => Some(purchase.min(day)),
            (purchase, day) => purchase.or(day),
        }
    }

    /// Whether a line of this category earns.
    pub fn includes(&self, category: Option<&str>) -> bool {
        category.is_none_or(|category| !self.excluded_categories.contains(category))
    }
}

/// The version that holds at `instant`: the one with the latest effective date not after it.
pub fn rule_at(versions: &[EarnRule], instant: Instant) -> Option<&EarnRule> {
    versions
        .iter()
        .filter(|rule| rule.effective_from <= instant)
        .max_by_key(|rule| (rule.effective_from, rule.version))
}

/// How far back a new version may take effect: clocks differ a little, and a request takes its time.
const LATEST_START: Span = Span::minutes(-1);

/// The number of a new version that takes effect at `effective_from`. It has to hold from now on or later, and from
/// after the newest version, so that no purchase of the past changes its rule.
pub fn next_version(
    newest: Option<&EarnRule>,
    effective_from: Instant,
    now: Instant,
) -> Result<i32, InvalidEarnRule> {
    let follows = newest.is_none_or(|newest| newest.effective_from < effective_from);
    if follows && effective_from >= now.plus(LATEST_START) {
        Ok(newest.map_or(0, |newest| newest.version).saturating_add(1))
    } else {
        Err(InvalidEarnRule::EffectiveFrom)
    }
}
