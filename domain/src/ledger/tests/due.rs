//! What time alone does: activation, hold end and expiry, at their instants and in their order.

use super::builders::{Till, at, hold, purchase, redeem, refund, shop};
use crate::ledger::{Command, CommandEarn, OpKind, Outcome, RefundSpec, Rejection, lot::NEVER};

#[test]
fn the_last_valid_instant_is_inclusive() {
    let mut till = Till::new();
    till.earns(shop(1), 100, Some(10));
    assert_eq!(till.state.wallet.next_due, at(11));
    assert_eq!(till.settles(10), 0);
    till.does(shop(1), redeem(40, None));
    assert_eq!(till.settles(11), 1);
    assert_eq!(till.balances(), [0; 4]);
    assert_eq!((till.last().kind, till.last().occurred_at), (OpKind::Expiry, at(11)));
    assert_eq!(till.state.wallet.next_due, NEVER);
}

#[test]
fn a_late_sweep_lets_no_expired_point_be_spent() {
    let mut till = Till::new();
    till.earns(shop(1), 100, Some(10));
    till.clock(11);
    assert_eq!(till.refuses(shop(1), redeem(1, None)), (Rejection::InsufficientPoints, Some(0)));
}

#[test]
fn what_is_due_happens_in_order_and_before_what_is_asked() {
    let mut till = Till::new();
    till.earns(shop(1), 30, Some(4));
    till.does(shop(1), hold(10, 7, None));
    let (active_from, expires_at) = (at(5), Some(at(8)));
    till.does(shop(1), Command::Earn(CommandEarn { active_from, expires_at, ..purchase("R", 50) }));
    till.clock(20);
    assert_eq!(till.refuses(shop(1), redeem(1, None)).1, Some(0));
    let due: Vec<_> = till.state.journal.ops.iter().skip(3).map(|op| (op.kind, op.occurred_at)).collect();
    assert_eq!(
        due,
        [
            (OpKind::Activation, at(5)),
            (OpKind::Expiry, at(5)),
            (OpKind::HoldEnd, at(7)),
            (OpKind::Expiry, at(9)),
            (OpKind::Redeem, at(20)),
        ]
    );
}

#[test]
fn asking_only_for_what_is_due_records_nothing_of_its_own() {
    let mut till = Till::new();
    till.earns(shop(1), 100, Some(10));
    for (tick, ops) in [(10, 1), (11, 2), (12, 2)] {
        till.clock(tick);
        let operation = till.operation(shop(1), Command::Settle);
        assert_eq!(till.run(&operation), Outcome::Settled);
        assert_eq!(till.state.journal.ops.len(), ops);
    }
}

/// A wallet that owes 40 points.
fn indebted() -> Till {
    let mut till = Till::new();
    till.does(shop(1), Command::Earn(purchase("owed", 40)));
    till.does(shop(2), redeem(40, None));
    till.does(shop(1), refund("owed", RefundSpec::Whole, None));
    till
}

#[test]
fn points_that_were_active_for_a_while_repay_debt_however_late_the_sweep() {
    for sweeps in [vec![5, 20], vec![20]] {
        let mut till = indebted();
        let (active_from, expires_at) = (at(5), Some(at(8)));
        till.does(shop(1), Command::Earn(CommandEarn { active_from, expires_at, ..purchase("R", 100) }));
        for tick in sweeps {
            till.settles(tick);
        }
        assert_eq!(till.balances(), [0; 4]);
    }
}

#[test]
fn points_freed_before_they_expire_repay_debt_however_late_the_sweep() {
    for sweeps in [vec![5, 20], vec![20]] {
        let mut till = Till::new();
        till.earns(shop(2), 100, Some(8));
        till.does(shop(1), hold(100, 5, None));
        till.does(shop(1), Command::Earn(purchase("owed", 40)));
        till.does(shop(2), redeem(40, None));
        till.does(shop(1), refund("owed", RefundSpec::Whole, None));
        assert_eq!(till.balances(), [100, 100, 0, 40]);
        for tick in sweeps {
            till.settles(tick);
        }
        assert_eq!(till.balances(), [0; 4]);
        assert_eq!(till.last().kind, OpKind::Expiry);
        assert_eq!(till.last().amount.get(), 60);
    }
}

#[test]
fn points_whose_last_day_passed_while_they_were_pending_lapse_as_they_activate() {
    let mut till = indebted();
    let (active_from, expires_at) = (at(5), Some(at(3)));
    till.does(shop(1), Command::Earn(CommandEarn { active_from, expires_at, ..purchase("R", 100) }));
    assert_eq!(till.settles(4), 0);
    assert_eq!(till.settles(5), 1);
    assert_eq!(till.balances(), [0, 0, 0, 40]);
}

#[test]
fn the_clock_of_a_wallet_never_runs_back() {
    let mut till = Till::new();
    till.clock(10).earns(shop(1), 100, Some(12));
    till.clock(4).does(shop(1), hold(10, 5, None));
    assert_eq!((till.last().recorded_at, till.last().occurred_at), (at(10), at(4)));
    assert_eq!(till.state.holds.values().next().unwrap().expires_at, at(15));
}
