//! The outbox's way to the cache: rows are numbered in the order that the real relay gives them, and delivered to the
//! real repair more than once and out of order.

use std::collections::{BTreeMap, BTreeSet};

use amvaj_domain::{
    id::{BatchId, WalletId},
    time::Instant,
};
use uuid::Uuid;

use super::{random::Random, tables::Tables, world::World};
use crate::{
    db::entity::outbox,
    ledger::touched::touched_from,
    outbox::{
        Relayed,
        cache_repair::newest,
        order::{OpKey, Precedence, Unnumbered},
    },
};

/// The relay and the repair with their cursors.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    /// The last number of each bucket.
    last: BTreeMap<i16, i64>,
    /// The last number of each bucket that the repair has passed.
    passed: BTreeMap<i16, i64>,
}

impl Relay {
    /// Numbers up to a page of rows, then has some node's cache repaired.
    pub(crate) async fn work(&mut self, world: &World, page: usize, random: &mut Random) {
        let now = world.nodes[0].now();
        self.number(&mut world.store.inner().tables, page, now);
        let mut rows = self.unread(&world.store.inner().tables, random);
        if random.per_mille(300) {
            rows.reverse();
        }
        if rows.is_empty() {
            return;
        }
        let node = usize::try_from(random.below(2)).unwrap();
        if world.nodes[node].balances().repair(&newest(&rows)).await.is_ok() {
            for row in rows {
                let passed = self.passed.entry(row.bucket).or_default();
                *passed = row.relay_no.max(*passed);
            }
        }
    }

    /// A relay that goes on where another stopped numbering, and delivers everything again.
    pub(crate) fn after(tables: &Tables) -> Self {
        let mut relay = Self::default();
        for row in tables.outbox.rows().filter_map(relayed) {
            let last = relay.last.entry(row.bucket).or_default();
            *last = row.relay_no.max(*last);
        }
        relay
    }

    /// Whether every row has its number and was delivered.
    pub(crate) fn is_done(&self, tables: &Tables) -> bool {
        tables.outbox.rows().all(|row| row.relay_no.is_some()) && self.last == self.passed
    }

    fn number(&mut self, tables: &mut Tables, page: usize, now: Instant) {
        let all: Vec<Unnumbered> = unnumbered(tables);
        let mut limit = page;
        while limit < 2 * all.len() + page {
            let rows = &all[..limit.min(all.len())];
            let precedence = Precedence::of(rows);
            let held_back = still_unnumbered(tables, &precedence.outside());
            let order = precedence.order(&held_back);
            for row in order.iter().map(|at| &rows[*at]) {
                let number = self.last.entry(row.bucket).or_default();
                *number += 1;
                tables.number((row.bucket, row.batch), *number, now.micros());
            }
            if !order.is_empty() {
                return;
            }
            limit *= 2;
        }
    }

    /// The rows behind the cursors, now and then with some before them.
    fn unread(&self, tables: &Tables, random: &mut Random) -> Vec<Relayed> {
        let again = if random.per_mille(300) { random.within(1, 5) } else { 0 };
        let from = |bucket: i16| self.passed.get(&bucket).copied().unwrap_or_default() - again;
        let unread = tables.outbox.rows().filter(|row| row.relay_no > Some(from(row.bucket)));
        let mut rows: Vec<Relayed> = unread.filter_map(relayed).collect();
        rows.sort_by_key(|row| (row.bucket, row.relay_no));
        rows
    }
}

/// The rows without a number, in the order of their batches' ids.
fn unnumbered(tables: &Tables) -> Vec<Unnumbered> {
    let rows = tables.outbox.rows().filter(|row| row.relay_no.is_none());
    let mut rows: Vec<Unnumbered> = rows
        .map(|row| Unnumbered {
            bucket: row.bucket,
            batch: row.batch_id,
            touched: touched_from(&row.payload).expect("a payload"),
        })
        .collect();
    rows.sort_by_key(|row| row.batch);
    rows
}

fn still_unnumbered(tables: &Tables, ops: &[OpKey]) -> BTreeSet<OpKey> {
    let batch_of = |(wallet, seq): &OpKey| -> Option<Uuid> {
        Some(tables.ops.get(&(wallet.shard_no(), wallet.uuid(), *seq))?.batch_id)
    };
    let waits = |key: &&OpKey| {
        let row = batch_of(key).and_then(|batch| tables.outbox.get(&(key.0.bucket(), batch)));
        row.is_some_and(|row| row.relay_no.is_none())
    };
    ops.iter().filter(waits).copied().collect()
}

fn relayed(row: &outbox::Model) -> Option<Relayed> {
    Some(Relayed {
        bucket: row.bucket,
        relay_no: row.relay_no?,
        relayed_at: Instant::from_micros(row.relayed_at?),
        batch: BatchId::new(row.batch_id),
        touched: touched_from(&row.payload)?,
    })
}

/// The numbers of a bucket have no gap, and per wallet the operations follow each other in them.
pub(crate) fn check(tables: &Tables) {
    let mut rows: Vec<Relayed> = tables.outbox.rows().filter_map(relayed).collect();
    rows.sort_by_key(|row| (row.bucket, row.relay_no));
    let mut last: BTreeMap<i16, i64> = BTreeMap::new();
    let mut versions: BTreeMap<WalletId, i64> = BTreeMap::new();
    for row in &rows {
        let number = last.entry(row.bucket).or_default();
        *number += 1;
        assert_eq!(row.relay_no, *number, "a gap in bucket {}", row.bucket);
        for wallet in &row.touched {
            let version = versions.entry(wallet.wallet()).or_default();
            assert_eq!(wallet.first(), *version + 1, "{} is relayed out of order", wallet.wallet());
            *version = wallet.last();
        }
    }
    for row in tables.wallets.rows() {
        let relayed = versions.get(&WalletId::new(row.wallet_id)).copied().unwrap_or_default();
        assert_eq!(relayed, row.version, "the outbox does not tell of all of {}", row.wallet_id);
    }
}
