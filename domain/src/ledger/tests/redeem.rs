//! Redeem: the order in which lots are spent, and points as payment for a purchase.

use super::builders::{PRICES, Till, points, purchase, redeem, refund, shop};
use crate::ledger::{AccountKind, Command, RefundSpec, Rejection};

#[test]
fn points_go_to_the_merchant_that_accepts_them() {
    let mut till = Till::new();
    till.earns(shop(1), 100, None);
    let seq = till.does(shop(2), redeem(30, None));
    let entries = till.state.journal.entries.iter().filter(|entry| entry.seq == seq);
    let legs: Vec<_> =
        entries.map(|entry| (entry.account_kind, entry.account, entry.amount, entry.value)).collect();
    let wallet = till.state.wallet.id.uuid();
    let accepted = (AccountKind::MerchantRedeem, shop(2).uuid(), 30, 30 * PRICES.redeem);
    assert_eq!(legs, [(AccountKind::Wallet, wallet, -30, 0), accepted]);
}

#[test]
fn the_earliest_expiry_is_spent_first_then_the_oldest() {
    let mut till = Till::new();
    let never = till.earns(shop(1), 10, None);
    let late = till.earns(shop(1), 10, Some(90));
    let soon = till.earns(shop(1), 10, Some(50));
    let soon_too = till.earns(shop(1), 10, Some(50));
    till.does(shop(2), redeem(35, None));
    let spent: Vec<_> =
        till.state.journal.lot_uses.iter().map(|used| (used.lot_no, used.quantity.get())).collect();
    assert_eq!(spent, [(soon, 10), (soon_too, 10), (late, 10), (never, 5)]);
}

#[test]
fn twenty_gifts_from_a_hundred_points_pay_a_hundred() {
    let mut till = Till::new();
    till.earns(shop(1), 100, None);
    let paid = (0..20).filter(|_| {
        let operation = till.operation(shop(2), redeem(100, None));
        till.run(&operation);
        till.last().rejection.is_none()
    });
    assert_eq!(paid.count(), 1);
    assert_eq!(till.balances(), [0; 4]);
}

#[test]
fn points_paid_after_the_earn_take_back_what_their_part_had_earned() {
    let mut till = Till::new();
    till.does(shop(1), Command::Earn(purchase("R", 100)));
    till.does(shop(1), redeem(20, Some("R")));
    // 20 paid and 40 no longer earned; the rest of the lot is left.
    assert_eq!(till.balances(), [40, 0, 0, 0]);
    let file = till.state.receipts.values().next().unwrap();
    assert_eq!(file.purchase.as_ref().unwrap().kept, points(60));
}

#[test]
fn paying_with_all_points_can_leave_debt() {
    let mut till = Till::new();
    till.does(shop(1), Command::Earn(purchase("R", 100)));
    till.does(shop(1), redeem(100, Some("R")));
    assert_eq!(till.balances(), [0, 0, 0, 100], "a basket paid with points earns nothing");
    till.does(shop(1), refund("R", RefundSpec::Whole, None));
    assert_eq!(till.balances(), [0; 4]);
}

#[test]
fn a_receipt_of_another_merchant_is_another_receipt() {
    let mut till = Till::new();
    till.does(shop(1), Command::Earn(purchase("R", 100)));
    till.does(shop(2), redeem(20, Some("R")));
    assert_eq!(till.balances(), [80, 0, 0, 0]);
}

#[test]
fn a_spent_lot_that_expires_takes_nothing_more() {
    let mut till = Till::new();
    till.earns(shop(1), 100, Some(5));
    till.earns(shop(1), 50, None);
    till.does(shop(2), redeem(100, None));
    assert_eq!(till.settles(6), 0);
    assert_eq!(till.balances(), [50, 0, 0, 0]);
    assert_eq!(till.refuses(shop(2), redeem(51, None)), (Rejection::InsufficientPoints, Some(50)));
}

#[test]
fn points_paid_for_a_returned_order_come_back_with_one_more_refund() {
    let mut till = Till::new();
    till.earns(shop(2), 50, None);
    till.does(shop(1), Command::Earn(purchase("R", 100)));
    till.does(shop(1), refund("R", RefundSpec::Whole, None));
    till.does(shop(1), redeem(30, Some("R")));
    assert_eq!(till.balances(), [20, 0, 0, 0]);
    till.does(shop(1), refund("R", RefundSpec::Whole, None));
    assert_eq!(till.balances(), [50, 0, 0, 0]);
    let again = till.refuses(shop(1), refund("R", RefundSpec::Whole, None));
    assert_eq!(again, (Rejection::RefundExceedsPurchase, Some(0)));
}
