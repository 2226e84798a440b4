//! Balances in Redis, one text entry for each wallet.

#[cfg(test)]
use super::simulated::SimulatedRedis;
use super::{
    balance::{Balance, Need},
    lifetime::Lifetime,
    measure::{Read, Write, count_writes},
    text,
};
use crate::link::{Limits, Link, LinkError};
use amvaj_domain::{
    id::WalletId,
    time::{Instant, Span},
};
use redis::{RedisError, Script, aio::MultiplexedConnection};
use std::time::Duration;

/// The most wallets in one call of the repair, so that Redis serves others in between.
const REPAIRED_AT_ONCE: usize = 512;

/// How the cache in Redis behaves.
#[derive(Debug, Clone, Copy)]
pub struct RedisSettings {
    /// The longest that a balance is kept, at most 60 seconds.
    pub time_to_live: Span,
    /// The most reads of the database that [`super::BalanceCache::read_through`] runs at once.
    pub concurrent_loads: usize,
    /// The longest that one call to Redis may take.
    pub call_timeout: Duration,
    /// The longest that connecting may take.
    pub connect_timeout: Duration,
    /// The number of failures in a row after which Redis is no longer asked.
    pub failures_to_open: u32,
    /// The rest between two attempts to reach a Redis that failed.
    pub cool_down: Duration,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            time_to_live: Span::seconds(60),
            concurrent_loads: 16,
            call_timeout: Duration::from_millis(20),
            connect_timeout: Duration::from_secs(1),
            failures_to_open: 5,
            cool_down: Duration::from_millis(500),
        }
    }
}

#[derive(Debug)]
pub(super) struct RedisCache {
    server: Server,
    epoch: String,
    lifetime: Lifetime,
}

/// Who answers.
#[derive(Debug)]
enum Server {
    /// Redis.
    Linked { link: Link, compare_and_set: Script, delete_older: Script },
    /// What a test has in its place.
    #[cfg(test)]
    Simulated(SimulatedRedis),
}

/// An entry to be kept if it ranks above what is kept already.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: String,
    /// How long it may live; nothing or less when its life is over.
    pub(super) milliseconds: i64,
}

impl RedisCache {
    pub(super) async fn connect(url: &str, epoch: &str, settings: &RedisSettings) -> Result<Self, LinkError> {
        let limits = Limits {
            call: settings.call_timeout,
            connect: settings.connect_timeout,
            failures: settings.failures_to_open,
            cool_down: settings.cool_down,
        };
        let server = Server::Linked {
            link: Link::open(url, limits, "balances").await?,
            compare_and_set: script(include_str!("compare_and_set.lua")),
            delete_older: script(include_str!("delete_older.lua")),
        };
        Ok(Self { server, epoch: epoch.to_owned(), lifetime: Lifetime::new(settings.time_to_live) })
    }

    #[cfg(test)]
    pub(super) fn simulated(server: SimulatedRedis, time_to_live: Span) -> Self {
        let server = Server::Simulated(server);
        Self { server, epoch: "simulation".to_owned(), lifetime: Lifetime::new(time_to_live) }
    }

    pub(super) async fn get(&self, wallet: WalletId, need: Need) -> Read {
        let line = match self.server.fetch(&self.key(wallet)).await {
            Ok(line) => line,
            Err(LinkError::Open) => return Read::Open,
            Err(LinkError::Url(_) | LinkError::TimedOut | LinkError::Failed(_)) => return Read::Error,
        };
        match line.and_then(|line| text::read(wallet, &line)) {
            None => Read::Miss,
            Some(balance) if need.is_met_by(&balance) && self.lifetime.covers(&balance, need.now) => {
                Read::Hit(balance)
            }
            Some(_) => Read::Stale,
        }
    }

    pub(super) async fn put(&self, balances: &[Balance], now: Instant) {
        // A state from before 1970 or of a negative version has no text; nobody misses it here.
        let entry = |balance: &Balance| {
            let milliseconds = self.lifetime.left(balance, now).micros() / 1_000;
            Some(Entry { key: self.key(balance.wallet), line: text::write(balance)?, milliseconds })
        };
        match self.server.compare_and_set(balances.iter().filter_map(entry).collect()).await {
            Ok(stored) => {
                count_writes(Write::Stored, stored);
                count_writes(Write::Outdated, balances.len().saturating_sub(stored));
            }
            Err(LinkError::Open) => count_writes(Write::Open, balances.len()),
            Err(LinkError::Url(_) | LinkError::TimedOut | LinkError::Failed(_)) => {
                count_writes(Write::Error, balances.len());
            }
        }
    }

    pub(super) async fn repair(&self, seen: &[(WalletId, i64)]) -> Result<(), LinkError> {
        for some in seen.chunks(REPAIRED_AT_ONCE) {
            // No version is below zero, so nothing is older than a negative one.
            let versions = some
                .iter()
                .filter_map(|(wallet, version)| Some((self.key(*wallet), text::padded(*version)?)));
            self.server.delete_older(versions.collect()).await?;
        }
        Ok(())
    }

    pub(super) async fn ping(&self) -> bool {
        self.server.ping().await.is_ok()
    }

    fn key(&self, wallet: WalletId) -> String {
        format!("amvaj:{}:balance:{wallet}", self.epoch)
    }
}

impl Server {
    /// What is kept under a key.
    async fn fetch(&self, key: &str) -> Result<Option<Vec<u8>>, LinkError> {
        match self {
            Self::Linked { link, .. } => link.call(async |connection| fetch(connection, key).await).await,
            #[cfg(test)]
            Self::Simulated(redis) => redis.fetch(key).await,
        }
    }

    /// Keeps the entries that rank above what is kept, and answers how many.
    async fn compare_and_set(&self, entries: Vec<Entry>) -> Result<usize, LinkError> {
        match self {
            Self::Linked { link, compare_and_set, .. } => {
                let mut call = compare_and_set.prepare_invoke();
                for Entry { key, line, milliseconds } in entries {
                    call.key(key).arg(line).arg(milliseconds);
                }
                link.call(async |connection| call.invoke_async::<usize>(connection).await).await
            }
            #[cfg(test)]
            Self::Simulated(redis) => redis.compare_and_set(entries).await,
        }
    }

    /// Deletes what is of a lower version than the one, with all its digits, beside its key.
    async fn delete_older(&self, versions: Vec<(String, String)>) -> Result<(), LinkError> {
        match self {
            Self::Linked { link, delete_older, .. } => {
                let mut call = delete_older.prepare_invoke();
                for (key, version) in versions {
                    call.key(key).arg(version);
                }
                link.call(async |connection| call.invoke_async::<()>(connection).await).await
            }
            #[cfg(test)]
            Self::Simulated(redis) => redis.delete_older(versions).await,
        }
    }

    async fn ping(&self) -> Result<(), LinkError> {
        match self {
            Self::Linked { link, .. } => {
                link.call(async |connection| redis::cmd("PING").exec_async(connection).await).await
            }
            #[cfg(test)]
            Self::Simulated(_) => Ok(()),
        }
    }
}

/// A script with the shape of a balance's text in front, which both scripts know.
fn script(body: &str) -> Script {
    Script::new(&format!("{}{body}", include_str!("shape.lua")))
}

/// What is kept under a key; a value of another kind than text is foreign, so it counts as nothing.
async fn fetch(connection: &mut MultiplexedConnection, key: &str) -> Result<Option<Vec<u8>>, RedisError> {
    match redis::cmd("GET").arg(key).query_async(connection).await {
        Err(error) if error.code() == Some("WRONGTYPE") => Ok(None),
        answer => answer,
    }
}
