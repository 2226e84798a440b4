//! Random and mutated input for whatever reads what others wrote, and for the ledger's decision: more than that nothing
//! panics, each target says what must hold of what is accepted and of what is refused.
//!
//! Every round has a seed, from 0 on, so that a run of the tests tries the same inputs everywhere. A failing round
//! is shrunk and names its seed. In the environment
//!
//! - `AMVAJ_FUZZ_SEED=17` plays the one round with this seed, as a replay;
//! - `AMVAJ_FUZZ_SECONDS=3600` goes on for so long in each target, from a seed of chance.
//!
//! `cargo test -p amvaj-tests fuzz` runs all targets, `fuzz::texts` those of one module.

mod corpus;
mod decision;
mod import;
mod numbers;
mod opaque;
mod rules;
mod texts;
mod twins;

use std::{
    env,
    hash::{BuildHasher as _, RandomState},
    time::{Duration, Instant},
};

use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestError, TestRng, TestRunner},
};

/// No single input of the sizes tried here takes longer, even on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(5);

/// Plays so many rounds of a target, or as many as the environment asks for.
fn fuzz<S: Strategy>(rounds: u64, input: S, check: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    if let Some(seed) = number("AMVAJ_FUZZ_SEED") {
        round(seed, &input, &check);
    } else if let Some(seconds) = number("AMVAJ_FUZZ_SECONDS") {
        let (began, first) = (Instant::now(), RandomState::new().hash_one(0));
        let seeds = (0..).map(|number| first.wrapping_add(number));
        for seed in seeds.take_while(|_| began.elapsed().as_secs() < seconds) {
            round(seed, &input, &check);
        }
    } else {
        (0..rounds).for_each(|seed| round(seed, &input, &check));
    }
}

fn round<S: Strategy>(seed: u64, input: &S, check: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let config = ProptestConfig {
        cases: 1,
        failure_persistence: None,
        max_shrink_iters: 10_000,
        ..Default::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let timed = |value| {
        let began = Instant::now();
        check(value)?;
        prop_assert!(began.elapsed() < PATIENCE, "it took {:?}", began.elapsed());
        Ok(())
    };
    match runner.run(input, timed) {
        Ok(()) => {}
        Err(TestError::Fail(why, smallest)) => {
            panic!("{why}\nwith {smallest:#?}\nAMVAJ_FUZZ_SEED={seed} plays this round alone")
        }
        Err(TestError::Abort(why)) => panic!("seed {seed}: {why}"),
    }
}
