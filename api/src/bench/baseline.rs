//! The plain ledger under the same number of clients: what a hand-written transaction for each request does.

use std::{
    io,
    time::{Duration, Instant as Stopwatch},
};

use amvaj_domain::time::Instant;
use amvaj_infra::{
    db::{DatabaseSettings, StoreError},
    plain::{PlainEarn, PlainLedger, Way},
};
use futures_util::future::join_all;

use super::{Effort, Measured, report::Tally};
use crate::demo::random::Random;

/// Where the plain ledger is and how large.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// The database.
    pub url: String,
    /// Wallets.
    pub wallets: u32,
    /// Merchants.
    pub merchants: u32,
    /// Part of every key, different in every run.
    pub run: u64,
    /// The time that purchases get.
    pub now: Instant,
}

/// The name of a way in reports.
pub const fn name(way: Way) -> &'static str {
    match way {
        Way::Statements => "plain-sql",
        Way::Function => "plain-call",
    }
}

impl Baseline {
    /// Measures it in a closed loop on a thread of its own, without HTTP.
    ///
    /// # Errors
    /// When the thread cannot be started, or the tables cannot be made. What goes wrong with purchases is counted.
    pub async fn measure(&self, way: Way, effort: Effort) -> io::Result<Measured> {
        let baseline = self.clone();
        tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(baseline.run(way, effort))
        })
        .await
        .map_err(io::Error::other)?
    }

    async fn run(self, way: Way, effort: Effort) -> io::Result<Measured> {
        let settings = DatabaseSettings {
            url: self.url.clone(),
            max_connections: effort.connections.get(),
            read_timeout: None,
            acquire_timeout: Duration::from_secs(30),
        };
        let ledger = PlainLedger::open(&settings, way).await.map_err(failed)?;
        ledger.prepare(self.wallets, self.merchants).await.map_err(failed)?;
        let from = Stopwatch::now() + effort.warm_up;
        let until = from + effort.measured;
        let clients = (0..effort.connections.get()).map(|client| self.client(&ledger, client, from, until));
        let tallies = join_all(clients).await;
        ledger.end().await.map_err(failed)?;
        let tally = tallies.into_iter().fold(Tally::default(), |mut sum, tally| {
            sum.add(tally);
            sum
        });
        Ok(tally.measured(name(way), effort.measured.as_secs_f64()))
    }

    async fn client(&self, ledger: &PlainLedger, client: u32, from: Stopwatch, until: Stopwatch) -> Tally {
        let mut random = Random::fork(self.run, u64::from(client));
        let mut tally = Tally::default();
        for number in 0_u64.. {
            let started = Stopwatch::now();
            if started >= until {
                break;
            }
            let key = format!("plain-{:x}-{client}-{number}", self.run);
            let earn = PlainEarn {
                key: &key,
                wallet: below(&mut random, self.wallets),
                merchant: below(&mut random, self.merchants),
                points: random.between(1, 5_000),
                at: self.now,
            };
            match ledger.earn(&earn).await {
                Ok(()) if started >= from && Stopwatch::now() <= until => tally.took(started.elapsed()),
                Ok(()) => {}
                Err(error) => tally.error(|| error.to_string()),
            }
        }
        tally
    }
}

fn below(random: &mut Random, count: u32) -> u32 {
    u32::try_from(random.between(0, i64::from(count) - 1)).unwrap_or_default()
}

fn failed(error: StoreError) -> io::Error {
    io::Error::other(error)
}
