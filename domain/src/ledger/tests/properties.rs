//! Properties of random histories. Every operation of every history is followed by all invariants.

use proptest::prelude::*;

use super::{
    builders::{PRICES, at, new_wallet, operation},
    histories::{Step, steps},
};
use crate::{
    id::MerchantId,
    ledger::{
        Command, Lot, LotUse, LotUseKind, OpKind, Operation, Outcome, Tenant, WalletState, apply, invariants,
        needs_detail, settle,
    },
    time::Instant,
};

/// Runs a history; shows each operation with the settled wallet before it and the wallet after it.
fn play(steps: &[Step], mut shown: impl FnMut(&WalletState, &Operation, Outcome, &WalletState, Instant)) {
    let (mut state, mut tick) = (new_wallet(), 0);
    for (number, step) in (0..).zip(steps) {
        if let Step::Wait(wait) = step {
            tick += wait;
        }
        let Some((merchant, command)) = step.command(&state, tick) else { continue };
        let operation = operation(number, merchant, command, at(tick));
        settle(&mut state, at(tick)).unwrap();
        let before = state.clone();
        let outcome = apply(&mut state, &operation, at(tick)).unwrap();
        shown(&before, &operation, outcome, &state, at(tick));
    }
}

/// Lots of the last operation by use.
fn used(state: &WalletState, kind: LotUseKind) -> Vec<&LotUse> {
    let version = state.wallet.version;
    state.journal.lot_uses.iter().filter(|used| used.seq == version && used.kind == kind).collect()
}

/// Panics unless lots were used in spending order: each lot before the last one used gave all that it could.
fn check_order(before: &WalletState, uses: &[&LotUse], merchant: Option<MerchantId>, now: Instant) {
    let able = |lot: &Lot| lot.spendable_at(merchant.or(lot.restriction), now).get();
    let mut order: Vec<&Lot> = before.lots.values().filter(|lot| able(lot) > 0).collect();
    order.sort_by_key(|lot| (lot.expires_at, lot.lot_no));
    let mut left: i64 = uses.iter().map(|used| used.quantity.get()).sum();
    for lot in order {
        let taken: i64 = uses.iter().filter(|used| used.lot_no == lot.lot_no).map(|u| u.quantity.get()).sum();
        assert_eq!(taken, left.min(able(lot)), "spending order: {uses:?}");
        left -= taken;
    }
    assert_eq!(left, 0, "used what could not be used: {uses:?}");
}

proptest! {
    #[test]
    fn every_operation_keeps_every_invariant(steps in steps(40)) {
        play(&steps, |_, _, _, after, _| invariants::check(after, PRICES));
    }

    #[test]
    fn a_refused_operation_moves_nothing(steps in steps(40)) {
        play(&steps, |before, _, outcome, after, _| {
            let Outcome::Rejected(seq) = outcome else { return };
            assert_eq!(seq, before.wallet.version + 1);
            let mut undone = after.clone();
            undone.journal = before.journal.clone();
            undone.wallet.version = before.wallet.version;
            undone.wallet.last_recorded_at = before.wallet.last_recorded_at;
            assert_eq!(&undone, before);
        });
    }

    #[test]
    fn the_ledgers_own_operation_leaves_no_trace_when_refused(steps in steps(40)) {
        play(&steps, |before, operation, outcome, _, now| {
            if let Outcome::Rejected(_) = outcome {
                let internal = Operation { tenant: Tenant::Internal, ..operation.clone() };
                let mut state = before.clone();
                assert!(matches!(apply(&mut state, &internal, now), Ok(Outcome::Dismissed(_))));
                assert_eq!(&state, before);
            }
        });
    }

    #[test]
    fn points_are_spent_and_reserved_in_spending_order(steps in steps(40)) {
        play(&steps, |before, operation, outcome, after, now| {
            if let (Outcome::Applied(_), Command::Redeem(_) | Command::Hold(_)) = (outcome, &operation.command) {
                let (spent, reserved) = (used(after, LotUseKind::Spend), used(after, LotUseKind::Reserve));
                check_order(before, &[spent, reserved].concat(), operation.merchant, now);
            }
        });
    }

    #[test]
    fn settling_twice_changes_nothing(steps in steps(40), ahead in 0..30_i64) {
        play(&steps, |_, _, _, after, now| {
            let later = Instant::from_micros(now.micros() + ahead);
            let mut once = after.clone();
            settle(&mut once, later).unwrap();
            let mut twice = once.clone();
            settle(&mut twice, later).unwrap();
            assert_eq!(once, twice);
            invariants::check(&once, PRICES);
        });
    }

    #[test]
    fn answers_do_not_depend_on_when_a_sweep_ran(steps in steps(40), end in 0..40_i64) {
        let (mut lazy, mut swept, mut tick) = (new_wallet(), new_wallet(), 0);
        for (number, step) in (0..).zip(steps.iter().chain([&Step::Wait(end)])) {
            if let Step::Wait(wait) = step {
                for passing in tick..tick + wait {
                    settle(&mut swept, at(passing)).unwrap();
                }
                tick += wait;
            }
            if let Some((merchant, command)) = step.command(&lazy, tick) {
                let operation = operation(number, merchant, command, at(tick));
                let outcome = apply(&mut lazy, &operation, at(tick)).unwrap();
                assert_eq!(apply(&mut swept, &operation, at(tick)).unwrap(), outcome);
            } else {
                settle(&mut lazy, at(tick)).unwrap();
                settle(&mut swept, at(tick)).unwrap();
            }
            assert_eq!(without_times_of_recording(&lazy), without_times_of_recording(&swept));
        }
    }

    #[test]
    fn a_clock_that_steps_back_harms_nothing(steps in steps(40), slips in proptest::collection::vec(0..9_i64, 40)) {
        let (mut state, mut tick) = (new_wallet(), 0);
        for (number, (step, slip)) in (0..).zip(steps.iter().zip(slips)) {
            if let Step::Wait(wait) = step {
                tick += wait;
            }
            if let Some((merchant, command)) = step.command(&state, tick) {
                let now = at(tick - slip);
                let operation = operation(number, merchant, command, now);
                if !needs_detail(&state.wallet, &operation.command, now) {
                    assert!(apply(&mut without_detail(&state), &operation, now).is_ok());
                }
                apply(&mut state, &operation, now).unwrap();
                invariants::check(&state, PRICES);
            }
        }
    }

    #[test]
    fn what_needs_no_detail_is_decided_alike_without_it(steps in steps(40)) {
        play(&steps, |before, operation, outcome, after, now| {
            if needs_detail(&before.wallet, &operation.command, now) {
                return;
            }
            let mut bare = without_detail(before);
            assert_eq!(apply(&mut bare, operation, now), Ok(outcome));
            assert_eq!(bare.wallet, after.wallet);
            assert_eq!((&bare.receipts, &bare.caps), (&after.receipts, &after.caps));
            assert_eq!(bare.journal.ops[..], after.journal.ops[before.journal.ops.len()..]);
            assert_eq!(bare.journal.entries[..], after.journal.entries[before.journal.entries.len()..]);
            assert_eq!(bare.journal.lot_uses[..], after.journal.lot_uses[before.journal.lot_uses.len()..]);
            assert!(bare.lots.iter().all(|(lot_no, lot)| after.lots.get(lot_no) == Some(lot)));
        });
    }

    #[test]
    fn what_needs_detail_says_so_and_changes_nothing(steps in steps(40)) {
        play(&steps, |before, operation, _, _, now| {
            if needs_detail(&before.wallet, &operation.command, now) {
                let mut bare = without_detail(before);
                assert_eq!(apply(&mut bare, operation, now), Err(crate::ledger::Fault::DetailNotRead));
                assert_eq!(bare, without_detail(before));
            }
        });
    }
}

/// The wallet as a reader finds it that took its head, the receipts and the caps only.
fn without_detail(state: &WalletState) -> WalletState {
    WalletState {
        receipts: state.receipts.clone(),
        caps: state.caps.clone(),
        ..WalletState::head(state.wallet.clone())
    }
}

/// All that a history decided, without when the ledger's own operations were recorded.
fn without_times_of_recording(state: &WalletState) -> WalletState {
    let mut state = state.clone();
    for op in &mut state.journal.ops {
        if matches!(op.kind, OpKind::Activation | OpKind::HoldEnd | OpKind::Expiry) {
            op.recorded_at = op.occurred_at;
        }
    }
    state.wallet.last_recorded_at = at(0);
    state
}
