//! The write path of the ledger under a simulation that follows from a seed.
//!
//! Real are the writer with its lanes, drivers and queues, READ with each of its statements as a question of its own,
//! the decisions, the rows, the balances' reader, the cache with its flights, texts and lifetimes, the order of the
//! relay and the repair. Simulated are what they stand on: the database ([`tables`] with the schema's keys and checks,
//! behind a network that fails, [`store`]), Redis ([`crate::cache::simulated`]), time (the runtime's, paused, and a
//! clock for each node that may jump back), the relay's reading and writing, the sweep's search, and the clients.
//!
//! A seed draws a network ([`plan`]), its weather ([`weather`]), and clients ([`client`]) that deliver operations
//! ([`asks`]) to two nodes: twice, at once, again after an unknown outcome, without patience, with a key that is taken.
//! After it everything is checked: every answer against what is stored ([`history`]), the journal played again in the
//! order of its commits ([`replay`]), the invariants of the design ([`audit`]), the outbox ([`relay`]), and while it runs
//! every balance against the versions that there were ([`balances`]).
//!
//! `cargo test -p amvaj-infra simulation` plays 5,000 seeds, the same each time. In the environment
//!
//! - `AMVAJ_SIMULATION_SEEDS=100000` plays so many;
//! - `AMVAJ_SIMULATION_SEED=17` plays the one and prints what happened, with `-- --nocapture`.

pub(crate) mod answers;
mod asks;
mod audit;
mod balances;
mod client;
mod found;
mod history;
mod node;
mod plan;
pub(crate) mod random;
mod relay;
mod replay;
pub(crate) mod schema;
mod state;
pub(crate) mod store;
pub(crate) mod tables;
mod trace;
mod weather;
mod world;

use std::{
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use self::{trace::Keep, world::Played};

/// How many seeds a run of the tests plays.
const SEEDS: u64 = 5_000;

/// Plays a seed.
fn play(seed: u64, keep: Keep) -> (Played, Vec<String>) {
    block_on(world::play(seed, keep))
}

/// Runs something on a runtime of its own, whose time goes on only when nothing else can.
fn block_on<R>(future: impl Future<Output = R>) -> R {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(future)
}

/// A number from the environment.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment which seeds to play")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Plays seeds from 0 on, on every processor. The first that fails ends the others, and says how it is played alone.
fn play_all(seeds: u64) -> Played {
    let (next, all) = (AtomicU64::new(0), Mutex::<Played>::default());
    let play_some = || {
        let mine = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds);
        while let Some(seed) = mine() {
            match catch_unwind(AssertUnwindSafe(|| play(seed, Keep::Nothing))) {
                Ok((played, _)) => *all.lock().unwrap() += played,
                Err(failure) => {
                    next.store(seeds, Ordering::Relaxed);
                    println!(
                        "seed {seed} fails; it plays alone, and says what happens, with\n\
                         AMVAJ_SIMULATION_SEED={seed} cargo test -p amvaj-infra simulation -- --nocapture"
                    );
                    resume_unwind(failure)
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            scope.spawn(play_some);
        }
    });
    all.into_inner().unwrap()
}

#[test]
fn every_seed_keeps_what_the_ledger_promises() {
    if let Some(seed) = number("AMVAJ_SIMULATION_SEED") {
        println!("{:?}", play(seed, Keep::Printed).0);
    } else {
        println!("{:?}", play_all(number("AMVAJ_SIMULATION_SEEDS").unwrap_or(SEEDS)));
    }
}

/// It is behind the usual seeds: a reader with a token waited for another one, who found an older version in the cache.
#[test]
fn a_seed_that_has_found_something_finds_it_no_more() {
    play(18_632, Keep::Nothing);
}

#[test]
fn a_seed_plays_the_same_each_time() {
    for seed in 0..40 {
        let (once, again) = (play(seed, Keep::Lines).1, play(seed, Keep::Lines).1);
        for (one, other) in once.iter().zip(&again) {
            assert_eq!(one, other, "seed {seed}");
        }
        assert_eq!(once.len(), again.len(), "seed {seed}");
    }
}
