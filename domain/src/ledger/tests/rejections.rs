//! Every refusal, reached once, with the limit it met. A refused operation moves nothing: the till checks that.

use super::builders::{Till, at, capture, hold, points, purchase, redeem, refund, shop};
use crate::{
    ledger::{
        Command, CommandEarn, Operation, Outcome, ReceiptFile, ReceiptKey, RefundSpec, Rejection, Tenant,
        WalletStatus,
    },
    time::Span,
};

/// A wallet with 100 points from shop 1.
fn till() -> Till {
    let mut till = Till::new();
    till.earns(shop(1), 100, None);
    till
}

fn earn(number: &str, amount: i64) -> Command {
    Command::Earn(purchase(number, amount))
}

#[test]
fn a_refusal_found_at_submission_stands() {
    for refusal in [
        Rejection::MerchantBlocked,
        Rejection::BranchNotFound,
        Rejection::BranchClosed,
        Rejection::CurrencyMismatch,
        Rejection::NoEarnRule,
    ] {
        let mut till = till();
        let operation = till.operation(shop(1), earn("R", 10));
        let refused = Operation { refusal: Some(refusal), ..operation };
        assert_eq!(till.refuses_operation(&refused), (refusal, None));
        assert_eq!(till.last().money, Some(10));
    }
}

#[test]
fn a_purchase_without_a_rule_earns_nothing() {
    let without = Command::Earn(CommandEarn { rule: None, ..purchase("R", 10) });
    assert_eq!(till().refuses(shop(1), without), (Rejection::NoEarnRule, None));
}

#[test]
fn a_blocked_wallet_starts_nothing_and_ends_what_it_began() {
    let mut till = till();
    let (first, second) = (till.does(shop(1), hold(10, 100, None)), till.does(shop(1), hold(10, 100, None)));
    till.does(shop(1), earn("R", 10));
    till.does(shop(1), Command::SetStatus(WalletStatus::Blocked));
    for command in [earn("S", 1), hold(1, 1, None), redeem(1, None)] {
        assert_eq!(till.refuses(shop(1), command), (Rejection::MemberBlocked, None));
    }
    till.does(shop(1), capture(first, None));
    till.does(shop(1), Command::Release { hold: second });
    till.does(shop(1), refund("R", RefundSpec::Whole, None));
    till.does(shop(1), Command::SetStatus(WalletStatus::Open));
    till.does(shop(1), redeem(90, None));
}

#[test]
fn a_wallet_is_reopened_only_as_it_was_when_it_was_looked_at() {
    let mut till = till();
    let seen = till.does(shop(1), Command::SetStatus(WalletStatus::Blocked));
    let again = till.does(shop(1), Command::SetStatus(WalletStatus::Blocked));
    let late = till.operation(shop(1), Command::Reopen { after: seen });
    assert_eq!(till.run(&late), Outcome::Dismissed(Rejection::MemberBlocked));
    assert_eq!(till.refuses(shop(1), earn("S", 1)), (Rejection::MemberBlocked, None));
    let seen = again + 1; // The refusal is recorded.
    assert_eq!(till.does(shop(1), Command::Reopen { after: seen }), seen + 1);
    till.does(shop(1), earn("T", 1));
}

#[test]
fn a_purchase_must_have_happened_within_the_window() {
    let cases = [
        (Span::days(-30), None),
        (Span::from_micros(Span::days(-30).micros() - 1), Some(Rejection::OccurredTooLongAgo)),
        (Span::minutes(5), None),
        (Span::from_micros(Span::minutes(5).micros() + 1), Some(Rejection::OccurredInFuture)),
    ];
    for (offset, refusal) in cases {
        let mut till = till();
        let operation = till.operation(shop(1), earn("R", 10));
        let operation = Operation { occurred_at: at(0).plus(offset), ..operation };
        match refusal {
            None => assert_eq!(till.run(&operation), Outcome::Applied(2)),
            Some(refusal) => assert_eq!(till.refuses_operation(&operation), (refusal, None)),
        }
    }
}

#[test]
fn a_receipt_earns_once() {
    let mut till = till();
    till.does(shop(1), earn("R", 10));
    assert_eq!(till.refuses(shop(1), earn("R", 20)), (Rejection::ReceiptAlreadyUsed, None));
    till.does(shop(2), earn("R", 20));
}

#[test]
fn a_rejected_earn_leaves_its_receipt_free() {
    let mut till = till();
    till.refuses(shop(1), Command::Earn(CommandEarn { rule: None, ..purchase("R", 10) }));
    till.does(shop(1), earn("R", 10));
}

#[test]
fn a_receipt_belongs_to_one_member() {
    let key = |number| ReceiptKey { merchant: shop(1), number: super::builders::receipt(number) };
    let mut till = till();
    let held = till.does(shop(1), hold(10, 10, Some("earned")));
    let earned = ReceiptFile { earned_elsewhere: true, ..ReceiptFile::default() };
    let redeemed = ReceiptFile { redeemed_elsewhere: true, ..ReceiptFile::default() };
    till.state.receipts.extend([(key("earned"), earned), (key("redeemed"), redeemed)]);
    assert_eq!(till.refuses(shop(1), earn("earned", 1)), (Rejection::ReceiptAlreadyUsed, None));
    assert_eq!(till.refuses(shop(1), earn("redeemed", 1)), (Rejection::ReceiptOfAnotherMember, None));
    for number in ["earned", "redeemed"] {
        for command in [hold(1, 1, Some(number)), redeem(1, Some(number))] {
            assert_eq!(till.refuses(shop(1), command), (Rejection::ReceiptOfAnotherMember, None));
        }
    }
    assert_eq!(till.refuses(shop(1), capture(held, None)), (Rejection::ReceiptOfAnotherMember, None));
    till.does(shop(1), Command::Release { hold: held });
}

#[test]
fn nobody_spends_more_than_is_free() {
    let mut till = till();
    till.does(shop(1), hold(30, 10, None));
    for command in [redeem(71, None), hold(71, 1, None)] {
        assert_eq!(till.refuses(shop(2), command), (Rejection::InsufficientPoints, Some(70)));
        assert_eq!(till.last().amount, points(71));
    }
    till.does(shop(2), redeem(70, None));
}

#[test]
fn a_hold_is_known_to_its_merchant_only() {
    let mut till = till();
    let seq = till.does(shop(1), hold(30, 10, None));
    for (merchant, number) in [(shop(2), seq), (shop(1), 77)] {
        for command in [capture(number, None), Command::Release { hold: number }] {
            assert_eq!(till.refuses(merchant, command), (Rejection::HoldNotFound, None));
        }
    }
}

#[test]
fn a_hold_ends_once() {
    let mut till = till();
    let holds: Vec<i64> = (0..3).map(|_| till.does(shop(1), hold(30, 10, None))).collect();
    till.does(shop(1), capture(holds[0], None));
    till.does(shop(1), Command::Release { hold: holds[1] });
    till.clock(10);
    let ends = [Rejection::HoldCaptured, Rejection::HoldReleased, Rejection::HoldExpired];
    for (seq, end) in holds.into_iter().zip(ends) {
        for command in [capture(seq, None), Command::Release { hold: seq }] {
            assert_eq!(till.refuses(shop(1), command), (end, None));
        }
    }
}

#[test]
fn a_capture_takes_at_most_what_is_held() {
    let mut till = till();
    let seq = till.does(shop(1), hold(30, 10, None));
    assert_eq!(till.refuses(shop(1), capture(seq, Some(31))), (Rejection::CaptureExceedsHold, Some(30)));
    till.does(shop(1), capture(seq, Some(30)));
}

#[test]
fn a_refund_names_a_purchase_its_lines_and_no_more_than_is_left() {
    let mut till = till();
    let whole = |number| refund(number, RefundSpec::Whole, None);
    assert_eq!(till.refuses(shop(1), whole("R")), (Rejection::PurchaseNotFound, None));
    till.does(shop(1), redeem(10, Some("R")));
    assert_eq!(till.refuses(shop(1), whole("R")), (Rejection::PurchaseNotFound, None));
    let lines = vec![super::builders::line(1, 60, 3, None), super::builders::line(2, 40, 1, None)];
    let basket = super::builders::basket(100, lines);
    till.does(shop(1), Command::Earn(CommandEarn { basket, ..purchase("R", 1) }));
    assert_eq!(till.refuses(shop(2), whole("R")), (Rejection::PurchaseNotFound, None));

    let mut exceeds = |what, limit| {
        let refusal = till.refuses(shop(1), refund("R", what, None));
        assert_eq!(refusal, (Rejection::RefundExceedsPurchase, Some(limit)));
    };
    exceeds(RefundSpec::Amount(101), 100);
    exceeds(RefundSpec::Amount(0), 100);
    exceeds(RefundSpec::Amount(-1), 100);
    exceeds(RefundSpec::Lines(vec![(1, 4)]), 3);
    exceeds(RefundSpec::Lines(vec![(1, 2), (1, 2)]), 1);
    exceeds(RefundSpec::Lines(vec![(1, 0)]), 3);
    exceeds(RefundSpec::Lines(vec![(1, -1)]), 3);
    let unknown = refund("R", RefundSpec::Lines(vec![(1, 1), (3, 1)]), None);
    assert_eq!(till.refuses(shop(1), unknown), (Rejection::LineNotFound, Some(3)));
    till.does(shop(1), refund("R", RefundSpec::Amount(70), None));
    let second_line = refund("R", RefundSpec::Lines(vec![(2, 1)]), None);
    assert_eq!(till.refuses(shop(1), second_line), (Rejection::RefundExceedsPurchase, Some(30)));
    till.does(shop(1), whole("R"));
    assert_eq!(till.refuses(shop(1), whole("R")), (Rejection::RefundExceedsPurchase, Some(0)));
}

#[test]
fn refusals_of_the_ledgers_own_operations_are_not_recorded() {
    let mut till = till();
    let early = till.operation(shop(1), refund("R", RefundSpec::Whole, None));
    let early = Operation { tenant: Tenant::Internal, ..early };
    let before = till.state.clone();
    assert_eq!(till.run(&early), Outcome::Dismissed(Rejection::PurchaseNotFound));
    assert_eq!(till.state, before);
    till.does(shop(1), earn("R", 10));
    assert_eq!(till.run(&early), Outcome::Applied(3));
    assert_eq!(till.balances(), [100, 0, 0, 0]);
}
