//! The ledger against the naive model: the same answers and the same balances, whatever happens.

use proptest::prelude::*;

use super::{
    builders::{at, new_wallet, numbers, operation},
    histories::{Step, steps},
    naive::Naive,
};
use crate::ledger::{Outcome, apply, settle};

proptest! {
    #[test]
    fn the_ledger_agrees_with_a_naive_model(steps in steps(50)) {
        let (mut state, mut naive, mut tick) = (new_wallet(), Naive::default(), 0);
        for (number, step) in (0..).zip(&steps) {
            if let Step::Wait(wait) = step {
                for passing in tick + 1..=tick + wait {
                    naive.tick(at(passing));
                }
                tick += wait;
            }
            settle(&mut state, at(tick)).unwrap();
            prop_assert_eq!(numbers(state.wallet.balances), naive.balances());
            let Some((merchant, command)) = step.command(&state, tick) else { continue };
            let operation = operation(number, merchant, command, at(tick));
            let outcome = apply(&mut state, &operation, at(tick)).unwrap();
            let answer = naive.ask(merchant, &operation.command, state.wallet.version, at(tick));
            let record = state.journal.ops.last().unwrap();
            prop_assert_eq!(record.rejection.map_or(Ok(()), Err), answer, "{:?} {:?}", operation, outcome);
            prop_assert!(matches!(outcome, Outcome::Applied(seq) | Outcome::Rejected(seq) if seq == record.seq));
            prop_assert_eq!(numbers(record.after), naive.balances(), "{:?}", operation);
        }
    }
}
