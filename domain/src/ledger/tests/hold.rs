//! Hold, capture and release: points reserved, taken and given back.

use super::builders::{Till, at, capture, hold, points, purchase, redeem, refund, shop};
use crate::ledger::{Command, HoldState, LotUseKind, OpKind, RefundSpec, Rejection};

#[test]
fn a_hold_reserves_without_moving() {
    let mut till = Till::new();
    till.earns(shop(1), 100, None);
    let entries = till.state.journal.entries.len();
    let seq = till.does(shop(2), hold(30, 10, None));
    assert_eq!(till.balances(), [100, 30, 0, 0]);
    assert_eq!(till.state.journal.entries.len(), entries);
    assert_eq!(till.state.holds[&seq].expires_at, at(10));
    till.does(shop(2), Command::Release { hold: seq });
    assert_eq!(till.balances(), [100, 0, 0, 0]);
    assert_eq!(till.state.journal.entries.len(), entries);
    assert_eq!(till.last().ref_seq, Some(seq));
}

#[test]
fn a_capture_takes_what_was_held() {
    let mut till = Till::new();
    till.earns(shop(1), 100, None);
    let seq = till.does(shop(2), hold(30, 10, None));
    till.does(shop(2), capture(seq, None));
    assert_eq!(till.balances(), [70, 0, 0, 0]);
    assert_eq!((till.last().amount, till.last().ref_seq), (points(30), Some(seq)));
}

#[test]
fn a_partial_capture_frees_the_rest() {
    let mut till = Till::new();
    let first = till.earns(shop(1), 20, Some(50));
    let second = till.earns(shop(1), 80, None);
    let seq = till.does(shop(2), hold(50, 10, None));
    till.does(shop(2), capture(seq, Some(30)));
    assert_eq!(till.balances(), [70, 0, 0, 0]);
    assert_eq!((till.remaining(first), till.remaining(second)), (0, 70));
    let held = &till.state.holds[&seq];
    assert_eq!((held.state, held.captured), (HoldState::Captured, points(30)));
    let uses: Vec<_> = till.state.journal.lot_uses.iter().filter(|used| used.seq == seq + 1).collect();
    let uses: Vec<_> = uses.iter().map(|used| (used.kind, used.lot_no, used.quantity.get())).collect();
    let (release, spend) = (LotUseKind::Release, LotUseKind::Spend);
    assert_eq!(uses, [(release, first, 20), (spend, first, 20), (release, second, 30), (spend, second, 10)]);
}

#[test]
fn a_hold_is_over_at_its_end() {
    for (tick, captured) in [(9, true), (10, false), (11, false)] {
        let mut till = Till::new();
        till.earns(shop(1), 100, None);
        let seq = till.does(shop(2), hold(30, 10, None));
        till.clock(tick);
        if captured {
            till.does(shop(2), capture(seq, None));
        } else {
            assert_eq!(till.refuses(shop(2), capture(seq, None)).0, Rejection::HoldExpired);
            let end = till.state.journal.ops.iter().find(|op| op.kind == OpKind::HoldEnd).unwrap();
            assert_eq!((end.ref_seq, end.occurred_at, end.recorded_at), (Some(seq), at(10), at(tick)));
            till.does(shop(1), redeem(100, None));
        }
    }
}

#[test]
fn a_hold_honours_a_lot_that_expires_meanwhile() {
    let mut till = Till::new();
    till.earns(shop(1), 100, Some(5));
    let seq = till.does(shop(2), hold(30, 20, None));
    assert_eq!(till.settles(6), 1);
    assert_eq!(till.balances(), [30, 30, 0, 0]);
    assert_eq!(till.refuses(shop(1), redeem(1, None)), (Rejection::InsufficientPoints, Some(0)));
    till.clock(19).does(shop(2), capture(seq, Some(20)));
    assert_eq!(till.balances(), [0; 4]);
    let expired = till.state.journal.lot_uses.last().unwrap();
    assert_eq!(
        (expired.seq, expired.kind, expired.quantity),
        (till.last().seq, LotUseKind::Expire, points(10))
    );
}

#[test]
fn what_a_release_or_an_end_frees_in_an_expired_lot_expires_in_the_same_operation() {
    for released in [true, false] {
        let mut till = Till::new();
        till.earns(shop(1), 100, Some(5));
        let seq = till.does(shop(2), hold(30, 20, None));
        if released {
            till.settles(10);
            till.does(shop(2), Command::Release { hold: seq });
        } else {
            till.settles(20);
        }
        assert_eq!(till.balances(), [0; 4]);
        let kind = if released { OpKind::Release } else { OpKind::HoldEnd };
        assert_eq!((till.last().kind, till.last().seq), (kind, 4), "one expiry, one end");
    }
}

#[test]
fn held_points_are_never_clawed_back_and_repay_once_they_are_free() {
    for captured in [0, 10, 40] {
        let mut till = Till::new();
        till.does(shop(1), Command::Earn(purchase("R", 100)));
        let seq = till.does(shop(2), hold(40, 20, None));
        till.does(shop(1), refund("R", RefundSpec::Whole, None));
        assert_eq!(till.balances(), [40, 40, 0, 40]);
        if captured == 0 {
            till.does(shop(2), Command::Release { hold: seq });
        } else {
            till.does(shop(2), capture(seq, Some(captured)));
        }
        assert_eq!(till.balances(), [0, 0, 0, captured]);
    }
}

#[test]
fn the_end_of_a_hold_repays_debt() {
    let mut till = Till::new();
    till.does(shop(1), Command::Earn(purchase("R", 100)));
    till.does(shop(2), hold(40, 20, None));
    till.does(shop(1), refund("R", RefundSpec::Whole, None));
    till.settles(20);
    assert_eq!(till.balances(), [0; 4]);
}

#[test]
fn a_capture_pays_for_the_receipt_of_its_hold() {
    let mut till = Till::new();
    till.earns(shop(2), 100, None);
    let seq = till.does(shop(1), hold(20, 20, Some("R")));
    till.does(shop(1), Command::Earn(purchase("R", 100)));
    assert_eq!(till.balances(), [200, 20, 0, 0]);
    till.does(shop(1), capture(seq, None));
    // Twenty points worth two each paid 40 of 100: the purchase keeps 60 points.
    assert_eq!(till.balances(), [140, 0, 0, 0]);
    assert_eq!(till.last().receipt.as_ref().map(ToString::to_string), Some("R".to_owned()));
    till.does(shop(1), refund("R", RefundSpec::Whole, None));
    assert_eq!(till.balances(), [100, 0, 0, 0]);
}

#[test]
fn two_checkouts_cannot_hold_the_same_points() {
    let mut till = Till::new();
    till.earns(shop(1), 100, None);
    till.does(shop(2), hold(60, 10, None));
    let second = till.refuses(shop(3), hold(60, 10, None));
    assert_eq!(second, (Rejection::InsufficientPoints, Some(40)));
}
