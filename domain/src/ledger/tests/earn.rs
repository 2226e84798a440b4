//! Earn: the arithmetic of a rule, pending points, and the repayment of debt.

use std::collections::BTreeSet;

use super::builders::{
    PRICES, Till, at, basket, day, hold, line, points, purchase, redeem, refund, rule, shop,
};
use crate::{
    earn::{BasketLine, EarnRule, Rate},
    ledger::{AccountKind, Command, CommandEarn, LotState, RefundSpec, Rejection, WalletState, apply},
};

/// What a basket of 1,000 earns under a rule.
fn earned(rule: EarnRule, lines: Vec<BasketLine>) -> i64 {
    let mut till = Till::new();
    let basket = basket(1_000, lines);
    till.does(shop(1), Command::Earn(CommandEarn { rule: Some(rule), basket, ..purchase("R", 1) }));
    till.last().amount.get()
}

#[test]
fn points_are_money_times_the_rate_rounded_down() {
    for (points, per, expected) in [(1, 1, 1_000), (1, 300, 3), (2, 300, 6), (7, 1_001, 6), (1, 1_001, 0)] {
        assert_eq!(earned(EarnRule { rate: Rate { points, per }, ..rule() }, Vec::new()), expected);
    }
}

#[test]
fn a_basket_earns_from_the_minimum_on() {
    assert_eq!(earned(EarnRule { minimum_basket: 1_000, ..rule() }, Vec::new()), 1_000);
    assert_eq!(earned(EarnRule { minimum_basket: 1_001, ..rule() }, Vec::new()), 0);
}

#[test]
fn excluded_categories_earn_nothing_but_count_for_the_minimum() {
    let lines =
        || vec![line(1, 600, 1, Some("food")), line(2, 300, 1, Some("gift card")), line(3, 100, 1, None)];
    let excluded_categories = BTreeSet::from(["gift card".to_owned()]);
    let rule = EarnRule { excluded_categories, minimum_basket: 1_000, ..rule() };
    assert_eq!(earned(rule.clone(), lines()), 700);
    let all = BTreeSet::from(["gift card".to_owned(), "food".to_owned()]);
    assert_eq!(earned(EarnRule { excluded_categories: all, ..rule }, lines()), 100);
}

#[test]
fn a_purchase_earns_at_most_its_cap() {
    assert_eq!(earned(EarnRule { cap_per_purchase: Some(points(999)), ..rule() }, Vec::new()), 999);
    assert_eq!(earned(EarnRule { cap_per_purchase: Some(points(1_001)), ..rule() }, Vec::new()), 1_000);
}

/// A purchase at shop 1 under a cap of 100 points a day.
fn capped(till: &mut Till, number: &str, amount: i64, on: i64) -> i64 {
    let rule = Some(EarnRule { cap_per_day: Some(points(100)), ..rule() });
    till.does(shop(1), Command::Earn(CommandEarn { rule, day: day(on), ..purchase(number, amount) }));
    till.last().amount.get()
}

#[test]
fn the_purchases_of_a_day_share_its_cap() {
    let mut till = Till::new();
    assert_eq!(capped(&mut till, "A", 70, 1), 70);
    assert_eq!(capped(&mut till, "B", 70, 1), 30);
    assert_eq!(capped(&mut till, "C", 70, 1), 0);
    assert_eq!(capped(&mut till, "D", 70, 2), 70);
}

#[test]
fn a_refund_gives_its_own_days_cap_back() {
    let mut till = Till::new();
    capped(&mut till, "A", 70, 1);
    capped(&mut till, "B", 70, 1);
    capped(&mut till, "C", 100, 2);
    till.does(shop(1), refund("A", RefundSpec::Whole, None));
    assert_eq!(till.state.caps[&(shop(1), day(1))], points(30));
    assert_eq!(till.state.caps[&(shop(1), day(2))], points(100));
    assert_eq!(capped(&mut till, "E", 90, 1), 70);
    // The sale was capped at 30: half of it back still earns that.
    till.does(shop(1), refund("B", RefundSpec::Amount(35), None));
    assert_eq!(till.last().amount, points(0));
    till.does(shop(1), refund("B", RefundSpec::Amount(10), None));
    assert_eq!(till.last().amount, points(5));
}

#[test]
fn an_earn_of_no_points_takes_its_receipt() {
    let mut till = Till::new();
    let rule = Some(EarnRule { minimum_basket: 50, ..rule() });
    till.does(shop(1), Command::Earn(CommandEarn { rule, ..purchase("R", 49) }));
    assert!(till.state.lots.is_empty() && till.state.journal.entries.is_empty());
    let again = till.refuses(shop(1), Command::Earn(purchase("R", 100)));
    assert_eq!(again, (Rejection::ReceiptAlreadyUsed, None));
    till.does(shop(1), refund("R", RefundSpec::Whole, None));
    assert_eq!(till.balances(), [0; 4]);
}

#[test]
fn points_are_posted_with_the_merchants_price() {
    let mut till = Till::new();
    till.does(shop(1), Command::Earn(purchase("R", 10)));
    let legs: Vec<_> =
        till.state.journal.entries.iter().map(|e| (e.account_kind, e.amount, e.value)).collect();
    assert_eq!(legs, [(AccountKind::Wallet, 10, 0), (AccountKind::MerchantIssue, -10, -10 * PRICES.issue)]);
}

#[test]
fn pending_points_wait_for_their_first_instant() {
    let mut till = Till::new();
    let active_from = at(10);
    till.does(shop(1), Command::Earn(CommandEarn { active_from, ..purchase("R", 10) }));
    assert_eq!(till.balances(), [0, 0, 10, 0]);
    assert_eq!(till.state.lots[&1].state, LotState::Pending);
    till.clock(9);
    assert_eq!(till.refuses(shop(1), redeem(1, None)), (Rejection::InsufficientPoints, Some(0)));
    till.clock(10).does(shop(1), redeem(10, None));
    assert_eq!(till.balances(), [0; 4]);
}

#[test]
fn restricted_points_are_spent_at_their_issuer_only() {
    let mut till = Till::new();
    let rule = Some(EarnRule { spend_only_at_issuer: true, ..rule() });
    till.does(shop(1), Command::Earn(CommandEarn { rule, ..purchase("R", 10) }));
    till.earns(shop(1), 5, None);
    assert_eq!(till.refuses(shop(2), redeem(6, None)), (Rejection::InsufficientPoints, Some(5)));
    assert_eq!(till.refuses(shop(2), hold(6, 1, None)), (Rejection::InsufficientPoints, Some(5)));
    assert_eq!(till.state.spendable_at(None, till.now), 5);
    till.does(shop(1), redeem(15, None));
}

#[test]
fn the_next_earn_repays_debt_first() {
    let mut till = Till::new();
    till.does(shop(1), Command::Earn(purchase("R", 100)));
    till.does(shop(2), redeem(100, None));
    till.does(shop(1), refund("R", RefundSpec::Whole, None));
    assert_eq!(till.balances(), [0, 0, 0, 100]);
    till.earns(shop(3), 60, None);
    assert_eq!(till.balances(), [0, 0, 0, 40]);
    till.earns(shop(3), 60, None);
    assert_eq!(till.balances(), [20, 0, 0, 0]);
}

#[test]
fn points_that_lapsed_before_their_purchase_was_reported_repay_nothing() {
    for debt in [0, 40] {
        let mut till = Till::new();
        if debt > 0 {
            till.does(shop(1), Command::Earn(purchase("R", debt)));
            till.does(shop(2), redeem(debt, None));
            till.does(shop(1), refund("R", RefundSpec::Whole, None));
        }
        till.clock(10);
        till.earns(shop(3), 60, Some(9));
        assert_eq!(till.balances(), [0, 0, 0, debt]);
        till.earns(shop(3), 60, Some(10));
        assert_eq!(till.balances(), [60 - debt, 0, 0, 0]);
    }
}

#[test]
fn an_earn_needs_one_row_of_a_wallet_without_debt() {
    let mut till = Till::new();
    till.earns(shop(1), 10, Some(50));
    let operation = till.operation(shop(2), Command::Earn(purchase("R", 10)));
    let mut bare = WalletState::head(till.state.wallet.clone());
    apply(&mut bare, &operation, till.now).unwrap();
    till.run(&operation);
    assert_eq!(bare.wallet, till.state.wallet);
}
