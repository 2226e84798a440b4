//! The ledger against the naive model: the same answers, and after each of them the same wallets down to the lot,
//! whatever happens. 64 long histories and 1,024 short ones are played; `PROPTEST_CASES` in the environment (256 when
//! it is absent) raises both in proportion.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use super::world::{Move, World, moves};
use crate::ledger::{LotUseKind, OpKind, Rejection, WalletState};

/// A failing history is made shorter until only the moves are left that matter; hundreds of moves need their time.
fn histories(per_hundred: u32) -> ProptestConfig {
    let cases = ProptestConfig::default().cases * per_hundred / 100;
    ProptestConfig { cases, max_shrink_iters: 50_000, max_shrink_time: 120_000, ..ProptestConfig::default() }
}

fn play(moves: &[Move]) -> Result<World, TestCaseError> {
    let mut world = World::new();
    moves.iter().try_for_each(|next| world.play(next))?;
    world.end()?;
    Ok(world)
}

proptest! {
    #![proptest_config(histories(400))]

    #[test]
    fn the_ledger_agrees_with_a_naive_model(moves in moves(1..60)) {
        play(&moves)?;
    }
}

proptest! {
    #![proptest_config(histories(25))]

    #[test]
    fn the_ledger_agrees_with_a_naive_model_in_the_long_run(moves in moves(200..500)) {
        play(&moves)?;
    }
}

/// What is asked and refused and done in these histories, so that agreement is not the agreement of little.
#[test]
fn the_histories_meet_every_command_refusal_and_use_of_a_lot() {
    let mut runner = TestRunner::deterministic();
    let (mut answers, mut uses) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..40 {
        let moves = moves(200..500).new_tree(&mut runner).unwrap().current();
        for WalletState { journal, .. } in play(&moves).unwrap().ledger() {
            answers.extend(journal.ops.iter().map(|op| (op.kind, op.rejection)));
            let kinds: BTreeMap<_, _> = journal.ops.iter().map(|op| (op.seq, op.kind)).collect();
            uses.extend(journal.lot_uses.iter().map(|lot_use| (kinds[&lot_use.seq], lot_use.kind)));
        }
    }
    for kind in (1..=11).map(|number| OpKind::from_stored(number).unwrap()) {
        assert!(answers.contains(&(kind, None)), "{kind:?} is never applied");
    }
    let met: BTreeSet<_> = answers.iter().filter_map(|(_, rejection)| *rejection).collect();
    // The first is found at submission like those beside it, the other needs amounts that no heap of points can show.
    let beyond = [Rejection::BranchNotFound, Rejection::AmountTooLarge];
    let missing: Vec<_> = Rejection::all().filter(|it| !met.contains(it) && !beyond.contains(it)).collect();
    assert!(missing.is_empty(), "never refused: {missing:?}");
    let expected = uses_of_lots();
    assert_eq!(expected.difference(&uses).collect::<Vec<_>>(), Vec::<&_>::new(), "never done");
    assert_eq!(uses.difference(&expected).collect::<Vec<_>>(), Vec::<&_>::new(), "never to be done");
}

/// Everything that operations do to lots.
fn uses_of_lots() -> BTreeSet<(OpKind, LotUseKind)> {
    use LotUseKind::{Cancel, Clawback, Expire, Release, Repay, Reserve, Restore, Spend, Transfer};
    let uses = [
        (OpKind::Earn, &[Expire, Repay][..]),
        (OpKind::Hold, &[Reserve]),
        (OpKind::Capture, &[Release, Spend, Expire, Clawback, Cancel, Repay]),
        (OpKind::Release, &[Release, Expire, Repay]),
        (OpKind::Redeem, &[Spend, Clawback, Cancel]),
        (OpKind::Refund, &[Restore, Transfer, Expire, Clawback, Cancel, Repay]),
        (OpKind::Activation, &[Expire, Repay]),
        (OpKind::HoldEnd, &[Release, Expire, Repay]),
        (OpKind::Expiry, &[Expire]),
    ];
    uses.into_iter().flat_map(|(kind, uses)| uses.iter().map(move |used| (kind, *used))).collect()
}
