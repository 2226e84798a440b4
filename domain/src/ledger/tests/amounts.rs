//! Amounts at the ends of their ranges: what would leave them is refused, and nothing that is accepted can lead out of
//! them later, neither by a refund nor by time alone.

use super::builders::{Till, at, capture, hold, purchase, redeem, refund, shop};
use crate::{
    ledger::{Command, CommandEarn, Operation, Prices, RefundSpec, Rejection, apply, settle},
    merchant::MOST_EXPENSIVE_POINT,
    money::Money,
    points::Points,
};

const FREE: Prices = Prices { issue: 0, redeem: 0 };
const DEAR: Prices = Prices { issue: MOST_EXPENSIVE_POINT, redeem: MOST_EXPENSIVE_POINT };

fn earn(number: &str, amount: i64) -> Command {
    Command::Earn(purchase(number, amount))
}

/// Decides a command at prices of a till's choice. The invariants of other tests know one pair of prices only.
fn decide(till: &mut Till, prices: Prices, command: Command) -> Option<Rejection> {
    let operation = Operation { prices, ..till.operation(shop(1), command) };
    apply(&mut till.state, &operation, till.now).unwrap();
    till.last().rejection
}

fn does(till: &mut Till, prices: Prices, command: Command) {
    assert_eq!(decide(till, prices, command), None, "{:?}", till.last());
}

fn refuses(till: &mut Till, prices: Prices, command: Command) {
    let before = till.balances();
    assert_eq!(decide(till, prices, command), Some(Rejection::AmountTooLarge));
    assert_eq!(till.balances(), before);
}

#[test]
fn a_wallet_holds_no_more_points_than_there_can_be() {
    let mut till = Till::new();
    does(&mut till, FREE, earn("most", Points::MAX));
    refuses(&mut till, FREE, earn("one more", 1));
    // What was spent and earned anew leaves no room for what a refund would return.
    does(&mut till, FREE, redeem(100, Some("most")));
    does(&mut till, FREE, earn("refill", 100));
    refuses(&mut till, FREE, refund("most", RefundSpec::Whole, None));
}

#[test]
fn points_of_an_operation_are_worth_no_more_than_money_can_be() {
    let mut till = Till::new();
    let most = Money::MAX / MOST_EXPENSIVE_POINT;
    refuses(&mut till, DEAR, earn("dear", most + 1));
    does(&mut till, DEAR, earn("dear", most));
    does(&mut till, FREE, earn("more", most));
    does(&mut till, FREE, hold(most + 1, 10, None));
    let held = till.last().seq;
    refuses(&mut till, DEAR, capture(held, None));
    does(&mut till, DEAR, capture(held, Some(most)));
    does(&mut till, FREE, earn("again", most));
    refuses(&mut till, DEAR, redeem(most + 1, None));
}

#[test]
fn whatever_is_accepted_can_lapse_in_one_operation() {
    let mut till = Till::new();
    let most = Money::MAX / MOST_EXPENSIVE_POINT;
    let amounts = [i64::MAX / MOST_EXPENSIVE_POINT; 2].into_iter().chain([most; 200]);
    for (number, amount) in amounts.enumerate() {
        let command = CommandEarn { expires_at: Some(at(3)), ..purchase(&format!("dear-{number}"), amount) };
        decide(&mut till, DEAR, Command::Earn(command));
    }
    let [posted, ..] = till.balances();
    assert!(posted >= 200 * most);
    does(&mut till, FREE, hold(posted, 10, None));
    till.clock(10);
    settle(&mut till.state, till.now).unwrap();
    assert_eq!(till.balances(), [0; 4]);
}

#[test]
fn debt_stays_in_the_range_of_points() {
    let mut till = Till::new();
    for number in ["first", "second"] {
        does(&mut till, FREE, earn(number, Points::MAX));
        does(&mut till, FREE, redeem(Points::MAX, None));
    }
    does(&mut till, FREE, refund("first", RefundSpec::Whole, None));
    assert_eq!(till.balances(), [0, 0, 0, Points::MAX]);
    refuses(&mut till, FREE, refund("second", RefundSpec::Whole, None));
}

#[test]
fn a_capture_for_a_receipt_keeps_debt_in_the_range_of_points() {
    let mut till = Till::new();
    does(&mut till, FREE, earn("first", Points::MAX));
    does(&mut till, FREE, redeem(Points::MAX, None));
    does(&mut till, FREE, earn("paid", 100));
    does(&mut till, FREE, hold(100, 10, Some("paid")));
    let held = till.last().seq;
    does(&mut till, FREE, refund("first", RefundSpec::Whole, None));
    refuses(&mut till, Prices { issue: 0, redeem: 1 }, capture(held, None));
}

#[test]
fn what_pays_for_one_receipt_can_be_given_back() {
    let mut till = Till::new();
    for number in ["first", "second"] {
        does(&mut till, FREE, earn(number, Points::MAX));
        if number == "first" {
            does(&mut till, FREE, redeem(Points::MAX, Some("R")));
        }
    }
    refuses(&mut till, FREE, redeem(1, Some("R")));
    let most = Money::MAX / MOST_EXPENSIVE_POINT;
    does(&mut till, DEAR, redeem(most, Some("dear")));
    does(&mut till, FREE, hold(1, 10, Some("dear")));
    let held = till.last().seq;
    refuses(&mut till, DEAR, capture(held, None));
}
