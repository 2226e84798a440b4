//! Refund: what is taken back, from where, and what returns.

use super::builders::{Till, at, basket, hold, line, points, purchase, redeem, refund, shop};
use crate::{
    ledger::{AccountKind, Command, CommandEarn, Fault, LotUseKind, RefundSpec, apply},
    points::Points,
};

fn whole(number: &str) -> Command {
    refund(number, RefundSpec::Whole, None)
}

#[test]
fn a_refund_takes_back_what_the_returned_part_earned() {
    let mut till = Till::new();
    let lines = vec![line(1, 60, 3, None), line(2, 40, 1, None)];
    let basket = basket(100, lines);
    let earn = till.does(shop(1), Command::Earn(CommandEarn { basket, ..purchase("R", 1) }));
    till.does(shop(1), refund("R", RefundSpec::Lines(vec![(1, 2)]), None));
    assert_eq!(till.balances(), [60, 0, 0, 0]);
    let record = till.last();
    assert_eq!((record.amount, record.money, record.ref_seq), (points(40), Some(40), Some(earn)));
    till.does(shop(1), refund("R", RefundSpec::Amount(25), None));
    assert_eq!(till.balances(), [35, 0, 0, 0]);
    till.does(shop(1), whole("R"));
    assert_eq!((till.balances(), till.last().money), ([0; 4], Some(35)));
}

#[test]
fn a_refund_below_the_minimum_basket_takes_all_points_back() {
    let mut till = Till::new();
    let mut earn = purchase("R", 100);
    earn.rule.as_mut().unwrap().minimum_basket = 80;
    till.does(shop(1), Command::Earn(earn));
    till.does(shop(1), refund("R", RefundSpec::Amount(20), None));
    assert_eq!(till.balances(), [80, 0, 0, 0]);
    till.does(shop(1), refund("R", RefundSpec::Amount(1), None));
    assert_eq!(till.balances(), [0; 4]);
}

#[test]
fn pending_points_are_cancelled_and_never_debited() {
    let mut till = Till::new();
    till.earns(shop(2), 50, None);
    let active_from = at(10);
    till.does(shop(1), Command::Earn(CommandEarn { active_from, ..purchase("R", 100) }));
    till.does(shop(1), refund("R", RefundSpec::Amount(30), None));
    assert_eq!(till.balances(), [50, 0, 70, 0]);
    till.does(shop(1), whole("R"));
    assert_eq!(till.balances(), [50, 0, 0, 0]);
    assert_eq!(till.settles(10), 0, "nothing is left to activate");
    assert_eq!(till.state.lots[&2].expires_at, till.state.lots[&1].expires_at);
}

#[test]
fn a_refund_and_an_activation_end_the_same_in_either_order() {
    let ends: Vec<_> = [9, 10]
        .into_iter()
        .map(|tick| {
            let mut till = Till::new();
            let active_from = at(10);
            till.does(shop(1), Command::Earn(CommandEarn { active_from, ..purchase("R", 100) }));
            till.clock(tick).does(shop(1), refund("R", RefundSpec::Amount(30), None));
            till.settles(11);
            till.balances()
        })
        .collect();
    assert_eq!(ends, [[70, 0, 0, 0]; 2]);
}

#[test]
fn a_refund_takes_the_purchases_own_points_first_then_others_then_debt() {
    let mut till = Till::new();
    let other = till.earns(shop(2), 30, Some(50));
    let own = till.state.wallet.next_lot;
    till.does(shop(1), Command::Earn(purchase("R", 100)));
    till.does(shop(1), refund("R", RefundSpec::Amount(20), None));
    assert_eq!((till.remaining(other), till.remaining(own)), (30, 80));
    till.does(shop(3), redeem(100, None));
    till.does(shop(1), whole("R"));
    assert_eq!(till.balances(), [0, 0, 0, 70]);
    let kinds: Vec<_> =
        till.state.journal.entries.iter().rev().take(3).map(|e| (e.account_kind, e.amount)).collect();
    let legs = [(AccountKind::MerchantIssue, 80), (AccountKind::Debt, -70), (AccountKind::Wallet, -10)];
    assert_eq!(kinds, legs);
}

#[test]
fn buying_spending_and_returning_does_not_keep_the_points() {
    let mut till = Till::new();
    till.does(shop(1), Command::Earn(purchase("R", 100)));
    till.does(shop(2), redeem(100, None));
    till.does(shop(1), whole("R"));
    assert_eq!(till.balances(), [0, 0, 0, 100]);
    let active_from = at(10);
    till.does(shop(1), Command::Earn(CommandEarn { active_from, ..purchase("S", 130) }));
    assert_eq!(till.balances(), [0, 0, 130, 100]);
    till.settles(10);
    assert_eq!(till.balances(), [30, 0, 0, 0]);
}

/// A wallet whose lot of 40 until tick 20 and lot of 60 paid 50 points of receipt R.
fn paid_with_points() -> (Till, i64, i64) {
    let mut till = Till::new();
    let soon = till.earns(shop(2), 40, Some(20));
    let later = till.earns(shop(2), 60, Some(90));
    till.does(shop(1), redeem(50, Some("R")));
    till.does(shop(1), Command::Earn(purchase("R", 100)));
    assert_eq!(till.balances(), [50, 0, 0, 0]);
    (till, soon, later)
}

#[test]
fn points_return_to_the_lots_they_came_from_the_last_spent_first() {
    let (mut till, soon, later) = paid_with_points();
    till.does(shop(1), refund("R", RefundSpec::Amount(30), None));
    assert_eq!((till.remaining(soon), till.remaining(later)), (5, 60));
    till.does(shop(1), whole("R"));
    assert_eq!((till.remaining(soon), till.remaining(later)), (40, 60));
    assert_eq!(till.state.lots[&soon].expires_at, at(20));
    assert_eq!(till.settles(21), 1);
    assert_eq!(till.balances(), [60, 0, 0, 0]);
}

#[test]
fn points_that_return_to_an_expired_lot_get_a_lot_of_grace() {
    let (mut till, soon, later) = paid_with_points();
    till.clock(21).does(shop(1), refund("R", RefundSpec::Whole, Some(5)));
    assert_eq!((till.remaining(soon), till.remaining(later)), (0, 60));
    let grace = till.state.lots.values().last().unwrap();
    assert_eq!((grace.remaining, grace.expires_at, grace.issuer), (points(40), at(26), shop(2)));
    assert_eq!(till.balances(), [100, 0, 0, 0]);
    assert_eq!((till.settles(26), till.settles(27)), (0, 1));
    assert_eq!(till.balances(), [60, 0, 0, 0]);
}

#[test]
fn points_that_return_to_an_expired_lot_expire_at_once_without_grace() {
    let (mut till, ..) = paid_with_points();
    till.clock(21).does(shop(1), whole("R"));
    assert_eq!(till.balances(), [60, 0, 0, 0]);
    let expired = till.state.journal.lot_uses.iter().filter(|used| used.kind == LotUseKind::Expire);
    assert_eq!(
        expired.map(|used| (used.seq, used.quantity)).collect::<Vec<_>>(),
        [(till.last().seq, points(40))]
    );
}

#[test]
fn points_that_return_repay_debt_first() {
    let (mut till, ..) = paid_with_points();
    till.does(shop(3), Command::Earn(purchase("S", 30)));
    till.does(shop(2), redeem(80, None));
    till.does(shop(3), whole("S"));
    assert_eq!(till.balances(), [0, 0, 0, 30]);
    till.does(shop(1), whole("R"));
    assert_eq!(till.balances(), [20, 0, 0, 0]);
}

#[test]
fn a_refund_frees_no_held_points() {
    let (mut till, ..) = paid_with_points();
    till.does(shop(2), hold(50, 10, None));
    till.does(shop(1), whole("R"));
    assert_eq!(till.balances(), [100, 50, 0, 0]);
}

#[test]
fn a_refund_without_the_days_cap_that_it_must_give_back_is_a_fault() {
    let mut till = Till::new();
    let mut earn = purchase("R", 100);
    earn.rule.as_mut().unwrap().cap_per_day = Some(points(Points::MAX));
    till.does(shop(1), Command::Earn(earn));
    till.state.caps.clear();
    let operation = till.operation(shop(1), whole("R"));
    assert_eq!(apply(&mut till.state, &operation, at(0)), Err(Fault::Missing("a daily cap")));
}
