//! Real servers that crash under load: two nodes with PostgreSQL and Redis, or one node on a SQLite file, are killed,
//! stopped and cut off, and disks fill up, while clients retry with their keys. Afterwards everything that was
//! acknowledged is there, nothing is there twice, and the sums are exact.
//!
//! Every round has a seed, from 0 on, which decides its faults and its operations; what meets what is up to the machine. In
//! the environment
//!
//! - `AMVAJ_CRASH_SEED=17` plays the one plan with this seed;
//! - `AMVAJ_CRASH_ROUNDS=200` plays so many rounds; with both set they begin at that seed, so that several runs can
//!   share the work.

mod check;
mod clients;
mod full_disk;
mod operation;
mod plan;
mod scene;
mod stage;
mod tally;

use std::env;
use std::io::Write as _;
use std::time::Instant;

use futures_util::future::join_all;

use clients::{load, settle};
use plan::Plan;
use scene::Scene;
use stage::Stage;
use tally::Tally;

/// Rounds of an ordinary run of the tests.
const ROUNDS: u64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_or_done_twice_whatever_crashes() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let (seed, rounds) = (number("AMVAJ_CRASH_SEED"), number("AMVAJ_CRASH_ROUNDS"));
    let first = seed.unwrap_or(0);
    let rounds = rounds.unwrap_or(if seed.is_some() { 1 } else { ROUNDS });
    let mut tally = Tally::default();
    for seed in first..first + rounds {
        round(&Plan::of(seed), &mut tally).await;
    }
    // Said past the test runner, which keeps to itself what a passing test prints.
    let _ = write!(std::io::stderr(), "\n{tally}");
}

async fn round(plan: &Plan, tally: &mut Tally) {
    println!("AMVAJ_CRASH_SEED={} plays this plan again: {:?}", plan.seed, plan.servers);
    for blow in &plan.blows {
        println!("  at {:?} for {:?}: {}", blow.at, blow.lasts, blow.fault);
    }
    let began = Instant::now();
    let stage = Stage::set(plan.servers).await;
    let scene = Scene::open(&stage).await;
    let faults = join_all(plan.blows.iter().map(|blow| stage.strike(*blow)));
    let (mut book, _) = tokio::join!(load(&scene, plan.seed, plan.load()), faults);
    settle(&scene, &mut book).await;
    check::check(&stage, &scene, &book).await;
    tally.add(plan, &book, began.elapsed());
}
