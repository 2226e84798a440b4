//! Rules, baskets and the rounding of the one formula. What a sale earns and keeps is proved with the ledger.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{
    calendar::ExpiryPolicy,
    money::{Currency, Money},
    time::Instant,
};

fn rule(version: i32, from: i64) -> EarnRule {
    EarnRule {
        version,
        effective_from: Instant::from_micros(from),
        rate: Rate { points: 1, per: 1_000 },
        minimum_basket: 0,
        cap_per_purchase: None,
        cap_per_day: None,
        excluded_categories: BTreeSet::new(),
        pending_days: 0,
        expiry: ExpiryPolicy::Never,
        spend_only_at_issuer: false,
    }
}

#[test]
fn a_rule_keeps_its_ranges() {
    assert_eq!(rule(1, 0).validate(), Ok(()));
    for (points, per) in [(0, 1), (1_000_001, 1), (1, 0), (1, 1_000_000_000_001), (-1, 1), (1, -1)] {
        let wrong = EarnRule { rate: Rate { points, per }, ..rule(1, 0) };
        assert_eq!(wrong.validate(), Err(InvalidEarnRule::Rate));
    }
    let wrong = EarnRule { minimum_basket: -1, ..rule(1, 0) };
    assert_eq!(wrong.validate(), Err(InvalidEarnRule::MinimumBasket));
    for category in [String::new(), "ک".repeat(65)] {
        let wrong = EarnRule { excluded_categories: [category].into(), ..rule(1, 0) };
        assert_eq!(wrong.validate(), Err(InvalidEarnRule::Categories));
    }
    let many = EarnRule { excluded_categories: (0..201).map(|n| n.to_string()).collect(), ..rule(1, 0) };
    assert_eq!(many.validate(), Err(InvalidEarnRule::Categories));
}

#[test]
fn the_latest_version_that_has_begun_holds() {
    let versions = [rule(2, 20), rule(1, 10), rule(3, 20)];
    for (instant, version) in [(9, None), (10, Some(1)), (19, Some(1)), (20, Some(3)), (99, Some(3))] {
        let found = rule_at(&versions, Instant::from_micros(instant));
        assert_eq!(found.map(|rule| rule.version), version, "{instant}");
    }
}

fn line(line_no: i32, amount: i64, quantity: i64) -> BasketLine {
    BasketLine { line_no, product: None, category: None, amount, quantity }
}

fn basket(total: i64, lines: Vec<BasketLine>) -> Result<Basket, InvalidBasket> {
    Basket::new(Money::new(total, Currency::IRR).unwrap(), lines)
}

#[test]
fn a_basket_without_lines_is_one_line() {
    assert_eq!(basket(70, Vec::new()).unwrap().lines(), [line(1, 70, 1)]);
}

#[test]
fn a_basket_is_something_that_adds_up() {
    assert_eq!(basket(0, Vec::new()), Err(InvalidBasket::Empty));
    assert_eq!(basket(70, vec![line(1, 30, 1)]), Err(InvalidBasket::Sum { lines: 30, total: 70 }));
    assert_eq!(basket(70, vec![line(1, 30, 1), line(1, 40, 1)]), Err(InvalidBasket::RepeatedLine(1)));
    for quantity in [0, -1, 1_000_000_001] {
        assert_eq!(basket(70, vec![line(4, 70, quantity)]), Err(InvalidBasket::Quantity(4)));
    }
    for amount in [-1, Money::MAX + 1] {
        let wrong = basket(70, vec![line(1, 70 - amount.min(70), 1), line(4, amount, 1)]);
        assert!(matches!(wrong, Err(InvalidBasket::LineAmount(_))));
    }
    let many = (0..2_001).map(|line_no| line(line_no, 1, 1)).collect();
    assert_eq!(basket(2_001, many), Err(InvalidBasket::TooManyLines));
    assert!(basket(70, vec![line(1, 70, 1), line(-2, 0, 1_000_000_000)]).is_ok());
}

#[test]
fn a_share_of_the_largest_numbers_does_not_overflow() {
    assert_eq!(floor_share(Money::MAX, Money::MAX, Money::MAX), Some(Money::MAX));
    assert_eq!(floor_share(i64::MAX, i64::MAX, 1), None);
    assert_eq!(floor_share(1, 1, 0), None);
}

proptest! {
    #[test]
    fn shares_of_a_whole_never_add_up_to_more(whole in 0..=Money::MAX, cuts in (0..1_000_i64, 1..1_000_i64)) {
        let (part, of) = (cuts.0.min(cuts.1), cuts.1);
        let (one, other) = (floor_share(whole, part, of).unwrap(), floor_share(whole, of - part, of).unwrap());
        prop_assert!(one + other <= whole && whole - (one + other) <= 1);
    }
}
