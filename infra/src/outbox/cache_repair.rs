//! The repair of the cache: after a commit whose write to the cache was lost, the old balance must go.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use amvaj_domain::{
    id::WalletId,
    time::{Instant, Span},
};

use super::{Backlog, Buckets, Consumer, Relayed};
use crate::{
    cache::{BalanceCache, LONGEST_LIFE},
    db::{Database, StoreError},
    worker::WorkError,
};

/// The consumer that deletes outdated balances from the cache.
#[derive(Debug, Clone)]
pub struct CacheRepair {
    consumer: Consumer,
    balances: Arc<BalanceCache>,
}

impl CacheRepair {
    /// A repair of the given cache.
    pub const fn new(database: Database, balances: Arc<BalanceCache>) -> Self {
        Self { consumer: Consumer::new(database, "cache_repair"), balances }
    }

    /// Makes its cursors.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn register(&self) -> Result<(), StoreError> {
        self.consumer.register().await
    }

    /// What waits for the relay, and then for the repair.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        self.consumer.backlog().await
    }

    /// Repairs what up to `limit` rows of each bucket tell, and answers how many rows it has passed.
    ///
    /// # Errors
    /// [`WorkError::Cache`] when Redis did not do it: the cursors stay, except that they pass rows so old that no
    /// entry can have outlived them, so that a dead Redis does not hold back retention. [`WorkError::Fenced`] when
    /// a lease is lost; otherwise when the database fails.
    pub async fn repair(&self, buckets: &Buckets, now: Instant, limit: u32) -> Result<usize, WorkError> {
        let rows = self.consumer.read_after(buckets, limit).await?;
        let repaired = self.balances.repair(&newest(&rows)).await;
        let passed: Vec<&Relayed> = match repaired {
            Ok(()) => rows.iter().collect(),
            Err(_) => outlived(&rows, now),
        };
        if !passed.is_empty() {
            self.consumer.advance(buckets, passed.iter().copied()).await?;
        }
        repaired?;
        Ok(passed.len())
    }
}

/// The newest version of each wallet.
pub(crate) fn newest(rows: &[Relayed]) -> Vec<(WalletId, i64)> {
    let mut seen = BTreeMap::new();
    for wallet in rows.iter().flat_map(|row| &row.touched) {
        let version = seen.entry(wallet.wallet()).or_insert(wallet.last());
        *version = wallet.last().max(*version);
    }
    seen.into_iter().collect()
}

/// The first rows of each bucket that are older than twice the longest life of an entry. An entry that they make outdated
/// was read before their commit, so it has ended; the double leaves room for clocks that differ.
fn outlived(rows: &[Relayed], now: Instant) -> Vec<&Relayed> {
    let life = Span::from_micros(LONGEST_LIFE.micros() * 2);
    let mut with_young = BTreeSet::new();
    let mut is_passed = |row: &&Relayed| {
        if row.relayed_at.plus(life) >= now {
            with_young.insert(row.bucket);
        }
        !with_young.contains(&row.bucket)
    };
    rows.iter().filter(|row| is_passed(row)).collect()
}
