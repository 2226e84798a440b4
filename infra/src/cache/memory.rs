//! Balances in the memory of this process.

use super::{
    balance::{Balance, Need},
    lifetime::Lifetime,
    measure::{Read, Write, count_writes},
};
use amvaj_domain::{
    id::WalletId,
    time::{Instant, Span},
};
use moka::ops::compute::{CompResult, Op};

/// How old an entry may be for a reader without a version token, where other processes write the same database and
/// this one does not hear of it.
const UNHEARD: Span = Span::seconds(1);

/// How the cache in memory behaves.
#[derive(Debug, Clone, Copy)]
pub struct MemorySettings {
    /// Whether other processes may write the same database. If so, only reads with a version token that is reached,
    /// and those that find an entry younger than a second, are served.
    pub shared_database: bool,
    /// The most balances to keep.
    pub capacity: u64,
    /// The longest that a balance is kept, at most 60 seconds.
    pub time_to_live: Span,
    /// The most reads of the database that [`super::BalanceCache::read_through`] runs at once.
    pub concurrent_loads: usize,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self {
            shared_database: false,
            capacity: 100_000,
            time_to_live: Span::seconds(60),
            concurrent_loads: 16,
        }
    }
}

#[derive(Debug)]
pub(super) struct MemoryCache {
    entries: moka::sync::Cache<WalletId, Balance>,
    lifetime: Lifetime,
    shared_database: bool,
}

impl MemoryCache {
    pub(super) fn new(settings: &MemorySettings) -> Self {
        Self {
            entries: moka::sync::Cache::new(settings.capacity),
            lifetime: Lifetime::new(settings.time_to_live),
            shared_database: settings.shared_database,
        }
    }

    pub(super) fn get(&self, wallet: WalletId, need: Need) -> Read {
        match self.entries.get(&wallet) {
            None => Read::Miss,
            Some(balance) if self.serves(&balance, need) => Read::Hit(balance),
            Some(_) => Read::Stale,
        }
    }

    fn serves(&self, balance: &Balance, need: Need) -> bool {
        let heard_of = !self.shared_database
            || need.at_least.is_some()
            || need.now.since(balance.as_of).micros() < UNHEARD.micros();
        heard_of && need.is_met_by(balance) && self.lifetime.covers(balance, need.now)
    }

    pub(super) fn put(&self, balances: &[Balance], now: Instant) {
        let stored = balances.iter().filter(|balance| self.put_one(balance, now)).count();
        count_writes(Write::Stored, stored);
        count_writes(Write::Outdated, balances.len() - stored);
    }

    /// Whether the balance is kept now. One whose life is already over is not, but still ends an older one.
    fn put_one(&self, balance: &Balance, now: Instant) -> bool {
        let alive = self.lifetime.left(balance, now).micros() > 0;
        let result = self.entries.entry(balance.wallet).and_compute_with(|kept| match kept {
            Some(kept) if kept.value().rank() >= balance.rank() => Op::Nop,
            Some(_) | None if alive => Op::Put(*balance),
            Some(_) | None => Op::Remove,
        });
        match result {
            CompResult::Inserted(_) | CompResult::ReplacedWith(_) => true,
            CompResult::Removed(_) | CompResult::Unchanged(_) | CompResult::StillNone(_) => false,
        }
    }

    pub(super) fn repair(&self, seen: &[(WalletId, i64)]) {
        for (wallet, version) in seen {
            self.entries.entry(*wallet).and_compute_with(|kept| match kept {
                Some(kept) if kept.value().version < *version => Op::Remove,
                Some(_) | None => Op::Nop,
            });
        }
    }
}
