//! The cache of wallet balances: Redis where several nodes share it, the process's own memory otherwise.
//!
//! The cache is never the authority. It may be emptied, cut off or filled with foreign data at any time, and the
//! service only becomes slower; an answer that carries a version token is never older than the token.
//!
//! | call | round trips to Redis | to the database |
//! |---|---|---|
//! | `get`, `ping` | 1, none while the breaker is open | 0 |
//! | `put` of a batch | 1 (3 when Redis forgot the script) | 0 |
//! | `repair` | 1 for each 512 wallets | 0 |
//! | `read_through`, found | 1 | 0 |
//! | `read_through`, not found | 3: look, look again as the leader, write | 1 for all callers together |
//! | `read_all_through` | 1 for each wallet, all at once; 1 to write what was not found | 1 for what was not found |
//!
//! What belongs here is how balances are kept and found again. What they mean, and who may see them, does not.

mod balance;
mod flight;
mod lifetime;
mod measure;
mod memory;
mod redis;
#[cfg(test)]
pub(crate) mod simulated;
mod text;

pub use balance::Balance;
pub(crate) use lifetime::LONGEST_LIFE;
pub use memory::MemorySettings;
pub use redis::RedisSettings;

use crate::link::LinkError;
#[cfg(test)]
use amvaj_domain::time::Span;
use amvaj_domain::{id::WalletId, time::Instant};
use balance::Need;
use flight::{Brought, Flights, Landing, Seat};
use futures_util::future::join_all;
use measure::Read;
use memory::MemoryCache;
use redis::RedisCache;

/// Balances of wallets by id, with reads that fill it.
#[derive(Debug)]
pub struct BalanceCache {
    store: Store,
    flights: Flights,
}

/// Where the balances are kept.
#[derive(Debug)]
enum Store {
    Memory(MemoryCache),
    Redis(RedisCache),
}

impl BalanceCache {
    /// A cache in this process's memory.
    pub fn memory(settings: &MemorySettings) -> Self {
        Self {
            store: Store::Memory(MemoryCache::new(settings)),
            flights: Flights::new(settings.concurrent_loads),
        }
    }

    /// A cache in Redis, under keys of one database epoch: a database restored from a backup takes another epoch and
    /// so never meets the balances of its lost future.
    ///
    /// Starts with the breaker open when Redis is down and connects by itself later. Must be called within the
    /// runtime that outlives the cache, because its connection is driven there.
    ///
    /// # Errors
    /// [`LinkError::Url`] when the URL is malformed, and nothing else.
    pub async fn redis(url: &str, epoch: &str, settings: &RedisSettings) -> Result<Self, LinkError> {
        Ok(Self {
            store: Store::Redis(RedisCache::connect(url, epoch, settings).await?),
            flights: Flights::new(settings.concurrent_loads),
        })
    }

    /// A cache in a simulated Redis, whose balances live so long at most.
    #[cfg(test)]
    pub(crate) fn simulated(server: simulated::SimulatedRedis, time_to_live: Span) -> Self {
        let store = Store::Redis(RedisCache::simulated(server, time_to_live));
        Self { store, flights: Flights::new(MemorySettings::default().concurrent_loads) }
    }

    /// The balance of a wallet, if one is kept that may be served now: not below the version `at_least`, not past its
    /// `valid_until`, not older than the cache keeps things. A failure of the cache is a miss.
    pub async fn get(&self, wallet: WalletId, at_least: Option<i64>, now: Instant) -> Option<Balance> {
        let read = self.look_up(wallet, Need { at_least, now }).await;
        measure::count_read(&read);
        read.found()
    }

    /// Keeps the balances that are newer than what is kept already, by version, then `valid_until`, then `as_of`.
    /// Never fails the caller: what was not written is read from the database.
    pub async fn put(&self, balances: &[Balance], now: Instant) {
        if balances.is_empty() {
            return;
        }
        match &self.store {
            Store::Memory(memory) => memory.put(balances, now),
            Store::Redis(redis) => redis.put(balances, now).await,
        }
    }

    /// Deletes the balances that are older than the versions seen, and writes none: so a write that was lost heals.
    ///
    /// # Errors
    /// When Redis did not do all of it. The caller keeps its cursor and comes again; repeating is harmless.
    pub async fn repair(&self, seen: &[(WalletId, i64)]) -> Result<(), LinkError> {
        match &self.store {
            Store::Memory(memory) => {
                memory.repair(seen);
                Ok(())
            }
            Store::Redis(redis) => redis.repair(seen).await,
        }
    }

    /// Whether the cache answers now.
    pub async fn ping(&self) -> bool {
        match &self.store {
            Store::Memory(_) => true,
            Store::Redis(redis) => redis.ping().await,
        }
    }

    /// The balance of a wallet from the cache, else by `load` from the database, whose result is kept.
    ///
    /// Callers who miss the same wallet at the same time share one load, as far as its result meets their need; all
    /// wallets together run at most `concurrent_loads`. What the caller's own load says is final, even below
    /// `at_least`: the database is the authority.
    ///
    /// # Errors
    /// What `load` returned. Callers who waited for a load that failed try once for themselves.
    pub async fn read_through<F, Fut, E>(
        &self,
        wallet: WalletId,
        at_least: Option<i64>,
        now: Instant,
        load: F,
    ) -> Result<Balance, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Balance, E>>,
    {
        if let Some(balance) = self.get(wallet, at_least, now).await {
            return Ok(balance);
        }
        let need = Need { at_least, now };
        // A flight that began after this caller asked, and went to the database, has read it as late as the caller could
        // itself, so its result is taken as it is. One that found enough for its leader in the cache tells nothing, so the
        // caller goes by itself. This bounds the waiting to two flights, whatever token the caller holds.
        let mut began_after_asking = false;
        loop {
            let landing = match self.flights.board(wallet) {
                Seat::Leader(flight) => return flight.fly(self.lead(wallet, need, load)).await,
                Seat::Follower(landing) => landing,
            };
            match landing.wait().await {
                Landing::Loaded(brought) if need.is_met_by(&brought.balance()) => {
                    return Ok(brought.balance());
                }
                Landing::Loaded(Brought::FromDatabase(balance)) if began_after_asking => return Ok(balance),
                Landing::Loaded(Brought::FromCache(_)) if began_after_asking => {
                    return self.load(load, now).await;
                }
                // The leader was cancelled, or loaded before the version that this caller knows of.
                Landing::Loaded(_) | Landing::Lost => began_after_asking = true,
                Landing::Failed => return self.load(load, now).await,
            }
        }
    }

    /// The balances of many wallets that no version is known of, from the cache, else together by `load` from the database,
    /// whose result is kept. What `load` does not find is left out.
    ///
    /// # Errors
    /// What `load` returned.
    pub async fn read_all_through<F, Fut, E>(
        &self,
        wallets: &[WalletId],
        now: Instant,
        load: F,
    ) -> Result<Vec<Balance>, E>
    where
        F: FnOnce(Vec<WalletId>) -> Fut,
        Fut: Future<Output = Result<Vec<Balance>, E>>,
    {
        let kept = join_all(wallets.iter().map(|wallet| self.get(*wallet, None, now))).await;
        let missing = wallets.iter().zip(&kept).filter(|(_, kept)| kept.is_none());
        let missing: Vec<WalletId> = missing.map(|(wallet, _)| *wallet).collect();
        let mut balances: Vec<Balance> = kept.into_iter().flatten().collect();
        if !missing.is_empty() {
            let loaded = {
                let _permit = self.flights.permit().await;
                load(missing).await?
            };
            self.put(&loaded, now).await;
            balances.extend(loaded);
        }
        Ok(balances)
    }

    /// The leader's part: looks once more, because a flight may have landed since its caller looked, then loads.
    async fn lead<F, Fut, E>(&self, wallet: WalletId, need: Need, load: F) -> Result<Brought, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Balance, E>>,
    {
        match self.look_up(wallet, need).await {
            Read::Hit(balance) => Ok(Brought::FromCache(balance)),
            Read::Miss | Read::Stale | Read::Error | Read::Open => {
                self.load(load, need.now).await.map(Brought::FromDatabase)
            }
        }
    }

    /// Loads within the limit of loads and keeps the result.
    async fn load<F, Fut, E>(&self, load: F, now: Instant) -> Result<Balance, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Balance, E>>,
    {
        let balance = {
            let _permit = self.flights.permit().await;
            load().await?
        };
        self.put(&[balance], now).await;
        Ok(balance)
    }

    async fn look_up(&self, wallet: WalletId, need: Need) -> Read {
        match &self.store {
            Store::Memory(memory) => memory.get(wallet, need),
            Store::Redis(redis) => redis.get(wallet, need).await,
        }
    }
}

#[cfg(test)]
mod tests;
