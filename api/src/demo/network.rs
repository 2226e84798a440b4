//! What a demo merchant is: names, branches, goods, opening hours and earn rules. The merchants themselves are in
//! [`merchants`]; all of them are invented.

mod merchants;

use amvaj_domain::{
    calendar::ExpiryPolicy,
    earn::{EarnRule, Rate},
    ledger::Prices,
    points::Points,
    time::{Instant, Span},
};

pub use merchants::MERCHANTS;

/// A merchant to be.
#[derive(Debug, Clone, Copy)]
pub struct MerchantPlan {
    /// Its name in Persian.
    pub fa: &'static str,
    /// Its name in English.
    pub en: &'static str,
    /// What a point costs it at issue and brings it at redemption, in rials.
    pub prices: Prices,
    /// Its branches, each in Persian and English.
    pub branches: &'static [(&'static str, &'static str)],
    /// What it sells.
    pub goods: &'static [Good],
    /// Fewest and most lines of a basket.
    pub lines: (i64, i64),
    /// Fewest and most units of a line.
    pub units: (i64, i64),
    /// How much goes on from Saturday to Friday; 100 is a usual day and the most is [`BUSIEST`].
    pub weekdays: [i64; 7],
    /// The hour of the morning at which it opens and the hour of the evening at which it closes.
    pub hours: (i64, i64),
    /// How many of those without a favourite choose it, beside the others' numbers.
    pub popularity: i64,
    /// Purchases of a thousand that come back, wholly or in part.
    pub returns_per_mille: i64,
    /// Visits of a thousand at which points are reserved first and taken later, as at an online till.
    pub holds_per_mille: i64,
    /// The versions of its earn rule.
    pub rules: &'static [RulePlan],
}

/// The highest figure of a weekday.
pub const BUSIEST: i64 = 200;

/// Something that is sold.
#[derive(Debug, Clone, Copy)]
pub struct Good {
    /// The merchant's product code.
    pub code: &'static str,
    /// The merchant's category.
    pub category: &'static str,
    /// The lowest and highest price of a unit, in thousands of rials.
    pub price: (i64, i64),
}

/// A version of an earn rule to be.
#[derive(Debug, Clone, Copy)]
pub struct RulePlan {
    /// Days from the start of the demo until it holds.
    pub from_day: i64,
    /// One point for every so many rials.
    pub rials_per_point: i64,
    /// A smaller basket earns nothing, in rials.
    pub minimum_basket: i64,
    /// The most points of one purchase.
    pub cap_per_purchase: Option<i64>,
    /// The most points of a member and day.
    pub cap_per_day: Option<i64>,
    /// Categories that earn nothing.
    pub excluded: &'static [&'static str],
    /// Days until points can be spent.
    pub pending_days: u16,
    /// When points lapse.
    pub expiry: ExpiryPolicy,
    /// Whether points can be spent only here.
    pub spend_only_at_issuer: bool,
}

impl RulePlan {
    /// The version with this number of a network that starts at `start`.
    pub fn rule(&self, version: i32, start: Instant) -> EarnRule {
        let points = |points: Option<i64>| points.and_then(|points| Points::new(points).ok());
        EarnRule {
            version,
            effective_from: start.plus(Span::days(self.from_day)),
            rate: Rate { points: 1, per: self.rials_per_point },
            minimum_basket: self.minimum_basket,
            cap_per_purchase: points(self.cap_per_purchase),
            cap_per_day: points(self.cap_per_day),
            excluded_categories: self.excluded.iter().map(|&category| category.to_owned()).collect(),
            pending_days: self.pending_days,
            expiry: self.expiry,
            spend_only_at_issuer: self.spend_only_at_issuer,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use amvaj_domain::{merchant::checked_prices, text::Name};

    use super::*;

    #[test]
    fn twelve_merchants_have_valid_names_and_two_to_five_branches() {
        let names: BTreeSet<_> = MERCHANTS.iter().flat_map(|plan| [plan.fa, plan.en]).collect();
        assert_eq!((MERCHANTS.len(), names.len()), (12, 24));
        for plan in &MERCHANTS {
            assert!((2..=5).contains(&plan.branches.len()), "{}", plan.en);
            let branches = plan.branches.iter().flat_map(|(fa, en)| [*fa, *en]);
            assert!(branches.chain([plan.fa, plan.en]).all(|name| Name::parse(name).is_ok()), "{}", plan.en);
            assert!(checked_prices(plan.prices.issue, plan.prices.redeem).is_ok(), "{}", plan.en);
        }
    }

    #[test]
    fn every_rule_is_valid_and_versions_follow_each_other() {
        for plan in &MERCHANTS {
            assert_eq!(plan.rules.first().map(|rule| rule.from_day), Some(0), "{}", plan.en);
            assert!(plan.rules.is_sorted_by(|one, next| one.from_day < next.from_day), "{}", plan.en);
            for rule in plan.rules {
                assert_eq!(rule.rule(1, Instant::from_micros(0)).validate(), Ok(()), "{}", plan.en);
                let sold: BTreeSet<_> = plan.goods.iter().map(|good| good.category).collect();
                assert!(rule.excluded.iter().all(|category| sold.contains(category)), "{}", plan.en);
            }
        }
    }

    #[test]
    fn the_rules_show_what_rules_can_do() {
        let rules = || MERCHANTS.iter().flat_map(|plan| plan.rules);
        assert!(rules().any(|rule| rule.pending_days > 0));
        assert!(rules().any(|rule| rule.spend_only_at_issuer));
        assert!(rules().any(|rule| rule.cap_per_purchase.is_some()));
        assert!(rules().any(|rule| rule.cap_per_day.is_some()));
        assert!(rules().any(|rule| rule.minimum_basket > 0));
        assert!(rules().any(|rule| !rule.excluded.is_empty()));
        assert!(rules().any(|rule| rule.expiry.to_text().starts_with("end jalali month")));
        assert!(MERCHANTS.iter().any(|plan| plan.rules.len() == 2));
    }

    #[test]
    fn days_goods_and_hours_make_sense() {
        for plan in &MERCHANTS {
            assert!(plan.weekdays.iter().all(|day| (0..=BUSIEST).contains(day)), "{}", plan.en);
            assert!(plan.goods.iter().all(|good| 0 < good.price.0 && good.price.0 <= good.price.1));
            assert!(plan.hours.0 < plan.hours.1 && plan.hours.1 <= 24, "{}", plan.en);
        }
    }
}
