//! Partial refunds: however a purchase comes back, it ends where one refund of the whole ends.

use proptest::{collection::vec, option, prelude::*};

use super::builders::{Till, basket, line, numbers, points, purchase, redeem, refund, rule, shop};
use crate::{
    earn::{EarnRule, Rate},
    ledger::{Command, CommandEarn, Operation, Outcome, Purchase, ReceiptFile, RefundSpec},
    points::Points,
};

/// A purchase at shop 1 by a wallet that already has points from shop 2.
#[derive(Debug, Clone)]
struct Case {
    /// Price, units, and whether the line earns.
    lines: Vec<(i64, i64, bool)>,
    rate: (i64, i64),
    minimum: i64,
    cap: Option<i64>,
    day_cap: Option<i64>,
    /// Points paid for the receipt, in one or two redemptions.
    paid: Option<(i64, i64)>,
    /// Points that the member spent elsewhere after the purchase.
    spent: i64,
}

fn case() -> impl Strategy<Value = Case> {
    (
        vec((0..300_i64, 1..5_i64, any::<bool>()), 1..5)
            .prop_filter("a price", |lines| lines.iter().any(|(amount, _, _)| *amount > 0)),
        (1..8_i64, 1..8_i64),
        prop_oneof![Just(0), 0..700_i64],
        option::of(1..400_i64),
        option::of(1..400_i64),
        option::of((1..150_i64, 0..150_i64)),
        prop_oneof![Just(0), 0..200_i64],
    )
        .prop_map(|(lines, rate, minimum, cap, day_cap, paid, spent)| Case {
            lines,
            rate,
            minimum,
            cap,
            day_cap,
            paid,
            spent,
        })
}

/// Partial refunds: amounts in thousandths of the basket, or units of a line.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    let part = prop_oneof![
        (1..600_i64).prop_map(Part::Thousandths),
        (1..5_i32, 1..4_i64).prop_map(|(line_no, units)| Part::Line(line_no, units)),
    ];
    vec(part, 0..8)
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Thousandths(i64),
    Line(i32, i64),
}

impl Part {
    fn spec(self, case: &Case) -> RefundSpec {
        match self {
            Self::Thousandths(share) => RefundSpec::Amount((case.total() * share / 1000).max(1)),
            Self::Line(line_no, units) => RefundSpec::Lines(vec![(line_no, units)]),
        }
    }
}

impl Case {
    fn total(&self) -> i64 {
        self.lines.iter().map(|(amount, _, _)| amount).sum()
    }

    fn earn(&self) -> CommandEarn {
        let lines = (1..).zip(&self.lines).map(|(line_no, (amount, quantity, earns))| {
            line(line_no, *amount, *quantity, (!earns).then_some("tip"))
        });
        let rule = EarnRule {
            rate: Rate { points: self.rate.0, per: self.rate.1 },
            minimum_basket: self.minimum,
            cap_per_purchase: self.cap.map(points),
            cap_per_day: self.day_cap.map(points),
            excluded_categories: ["tip".to_owned()].into(),
            ..rule()
        };
        let basket = basket(self.total(), lines.collect());
        CommandEarn { basket, rule: Some(rule), ..purchase("R", 1) }
    }

    /// The wallet before the purchase.
    fn seeded() -> Till {
        let mut till = Till::new();
        till.earns(shop(2), 100, Some(100));
        till.earns(shop(2), 300, Some(200));
        till
    }

    fn pay(&self, till: &mut Till) {
        if let Some((first, second)) = self.paid {
            till.does(shop(1), redeem(first, Some("R")));
            if second > 0 {
                till.does(shop(1), redeem(second, Some("R")));
            }
        }
    }

    /// The wallet after the purchase, paid with points before or after its earn.
    fn bought(&self, paid_first: bool) -> Till {
        let mut till = Self::seeded();
        if paid_first {
            self.pay(&mut till);
        }
        till.does(shop(1), Command::Earn(self.earn()));
        if !paid_first {
            self.pay(&mut till);
        }
        till
    }

    /// The wallet after the member spent some of what was left at a third shop.
    fn spends(&self, till: &mut Till) {
        let spent = self.spent.min(till.balances()[0]);
        if spent > 0 {
            till.does(shop(3), redeem(spent, None));
        }
    }
}

/// Asks for a refund; whether it was applied.
fn refunds(till: &mut Till, what: RefundSpec) -> bool {
    let operation: Operation = till.operation(shop(1), refund("R", what, None));
    matches!(till.run(&operation), Outcome::Applied(_))
}

fn file(till: &Till) -> &ReceiptFile {
    till.state.receipts.values().find(|file| file.purchase.is_some()).unwrap()
}

fn bill(till: &Till) -> &Purchase {
    file(till).purchase.as_ref().unwrap()
}

/// All that an order of refunds could wrongly change: balances, what is kept, what was returned, and the cap.
fn outcome(till: &Till) -> ([i64; 4], Points, Vec<Points>, Vec<Points>) {
    let returned = file(till).redemptions.iter().map(|paid| paid.reversed).collect();
    let caps = till.state.caps.values().copied().collect();
    (till.balances(), bill(till).kept, returned, caps)
}

proptest! {
    #[test]
    fn any_sequence_of_partial_refunds_ends_at_the_full_one(
        case in case(), parts in parts(), paid_first in any::<bool>(), by_amount in any::<bool>(),
    ) {
        let mut whole = case.bought(paid_first);
        case.spends(&mut whole);
        let mut partly = whole.clone();
        prop_assert!(refunds(&mut whole, RefundSpec::Whole));
        for part in parts {
            refunds(&mut partly, part.spec(&case));
        }
        let left = bill(&partly).sale.kept_total();
        if left > 0 {
            let rest = if by_amount { RefundSpec::Amount(left) } else { RefundSpec::Whole };
            prop_assert!(refunds(&mut partly, rest));
        }
        prop_assert_eq!(bill(&partly).kept, Points::ZERO);
        prop_assert!(file(&partly).redemptions.iter().all(|paid| paid.reversed == paid.points));
        prop_assert_eq!(outcome(&partly), outcome(&whole));
        prop_assert_eq!(partly.refuses(shop(1), refund("R", RefundSpec::Whole, None)).1, Some(0));
    }

    #[test]
    fn the_order_of_partial_refunds_does_not_matter(
        case in case(), parts in parts(), paid_first in any::<bool>(), turn in 0..8_usize,
    ) {
        let mut one = case.bought(paid_first);
        case.spends(&mut one);
        let mut other = one.clone();
        let mut applied: Vec<RefundSpec> =
            parts.iter().map(|part| part.spec(&case)).filter(|what| refunds(&mut one, what.clone())).collect();
        applied.reverse();
        let turn = turn.min(applied.len());
        applied.rotate_left(turn);
        for what in applied {
            // Units too cheap to be worth anything can be returned only while something is left.
            let nothing_left = bill(&other).sale.kept_total() == 0;
            prop_assert!(refunds(&mut other, what) || nothing_left, "a set of refunds fits in every order");
        }
        prop_assert_eq!(outcome(&one), outcome(&other));
        prop_assert_eq!(bill(&one).sale.kept_total(), bill(&other).sale.kept_total());
    }

    #[test]
    fn a_purchase_refunded_at_once_leaves_the_wallet_as_it_was(case in case(), paid_first in any::<bool>()) {
        let mut till = case.bought(paid_first);
        prop_assert!(refunds(&mut till, RefundSpec::Whole));
        let seeded = Case::seeded();
        prop_assert_eq!(till.balances(), seeded.balances());
        let caps_back = till.state.caps.values().all(|used| used.is_zero());
        prop_assert!(caps_back);
    }

    #[test]
    fn a_refund_never_returns_more_than_was_earned(
        case in case(), parts in parts(), paid_first in any::<bool>(),
    ) {
        let mut till = case.bought(paid_first);
        let earned = bill(&till).kept;
        let (mut kept, mut taken) = (earned, 0);
        for part in parts {
            if refunds(&mut till, part.spec(&case)) {
                prop_assert!(bill(&till).kept <= kept, "a refund mints no points");
                kept = bill(&till).kept;
                taken += till.last().amount.get();
                prop_assert_eq!(taken + kept.get(), earned.get());
            }
        }
    }

    #[test]
    fn paying_before_or_after_the_earn_keeps_the_same_points(case in case(), parts in parts()) {
        let (mut before, mut after) = (case.bought(true), case.bought(false));
        prop_assert_eq!(outcome(&before), outcome(&after));
        for part in parts {
            let applied = refunds(&mut before, part.spec(&case));
            prop_assert_eq!(refunds(&mut after, part.spec(&case)), applied);
            prop_assert_eq!(outcome(&before), outcome(&after));
        }
    }
}

#[test]
fn the_part_that_points_paid_for_earns_nothing() {
    let case = Case {
        lines: vec![(100, 1, true)],
        rate: (1, 1),
        minimum: 0,
        cap: None,
        day_cap: None,
        // Worth two each: they pay 40 of 100.
        paid: Some((20, 0)),
        spent: 0,
    };
    for paid_first in [true, false] {
        let till = case.bought(paid_first);
        assert_eq!(bill(&till).kept, points(60));
        assert_eq!(numbers(till.last().after), [440, 0, 0, 0]);
    }
}
