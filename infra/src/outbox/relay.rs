//! The relay: gives the committed rows of a bucket the numbers that consumers follow.
//!
//! Batches commit out of the order of their ids, so ids cannot be followed: whoever read past an id would miss a
//! batch that commits later with a smaller one. The numbers are given after the commit, without gaps, and per
//! wallet in the order of its operations.

use std::collections::{BTreeMap, BTreeSet};

use amvaj_domain::{
    id::{OUTBOX_BUCKETS, WalletId},
    time::Instant,
};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, FromQueryResult, Statement};
use uuid::Uuid;

use super::buckets::Buckets;
use super::chain;
use super::order::{OpKey, Precedence, Unnumbered};
use crate::{
    db::{Database, StoreError},
    ledger::{keys::Keys, touched::touched_from},
    worker::WorkError,
};

/// What one call of the relay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered {
    /// Rows that got a number.
    pub rows: usize,
    /// Rows that wait for a row which was not in the page.
    pub held_back: usize,
    /// Whether there may be more to number.
    pub more: bool,
}

/// Numbers up to `page` rows of each bucket in one transaction, which writes nothing if a lease is lost.
///
/// # Errors
/// [`WorkError::Fenced`] when a lease is lost; otherwise when the database fails. Nothing is written then.
pub async fn relay(
    database: &Database,
    buckets: &Buckets,
    now: Instant,
    page: u32,
) -> Result<Numbered, WorkError> {
    let transaction = buckets.fence(database).await?;
    let mut limit = i64::from(page.max(1));
    loop {
        let is_full = |count: &i64| *count >= limit;
        let rows = unnumbered(&transaction, buckets, limit).await?;
        let precedence = Precedence::of(&rows);
        let found = per_bucket(&rows);
        let may_have_more = |(wallet, _): &OpKey| found.get(&wallet.bucket()).is_some_and(is_full);
        // A page that is not full has all of its bucket that is not numbered: whoever sees a row sees what its wallet's guard
        // waited for, too, and all pages are of one moment, after the leases were taken.
        let mut outside = precedence.outside();
        outside.retain(may_have_more);
        let held_back = still_unnumbered(&transaction, &outside).await?;
        let order = precedence.order(&held_back);
        let ordered: Vec<&Unnumbered> = order.iter().filter_map(|at| rows.get(*at)).collect();
        let numbered = per_bucket(ordered.iter().copied());
        let stuck = found.iter().any(|(bucket, count)| is_full(count) && !numbered.contains_key(bucket));
        if stuck {
            // Everything in a page waits for rows behind it, whose writer's clock ran ahead: look further.
            limit = limit.saturating_mul(2);
            continue;
        }
        if !ordered.is_empty() {
            number(&transaction, &ordered, now).await?;
            transaction.commit().await?;
        }
        return Ok(Numbered {
            rows: ordered.len(),
            held_back: rows.len().saturating_sub(ordered.len()),
            more: found.values().any(is_full),
        });
    }
}

/// How many of the rows each bucket has.
fn per_bucket<'a>(rows: impl IntoIterator<Item = &'a Unnumbered>) -> BTreeMap<i16, i64> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(row.bucket).or_insert(0) += 1;
    }
    counts
}

/// The rows of each bucket that have no number, in the order of their batches' ids.
async fn unnumbered(
    transaction: &DatabaseTransaction,
    buckets: &Buckets,
    limit: i64,
) -> Result<Vec<Unnumbered>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        bucket: i16,
        batch_id: Uuid,
        payload: String,
    }
    let backend = transaction.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, buckets.pages(UNNUMBERED), [limit.into()]);
    let rows = Row::find_by_statement(statement).all(transaction).await?;
    rows.into_iter()
        .map(|Row { bucket, batch_id: batch, payload }| {
            let touched = touched_from(&payload).ok_or_else(|| StoreError::CorruptRow {
                table: "outbox",
                id: format!("{bucket}/{batch}"),
                what: "payload",
            })?;
            Ok(Unnumbered { bucket, batch, touched })
        })
        .collect()
}

/// Which of the operations belong to a batch whose row has no number yet. A row that is missing had one: it was
/// committed together with its operations and only retention removes rows.
async fn still_unnumbered(
    transaction: &DatabaseTransaction,
    operations: &[OpKey],
) -> Result<BTreeSet<OpKey>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        wallet_id: Uuid,
        seq: i64,
    }
    if operations.is_empty() {
        return Ok(BTreeSet::new());
    }
    let keys = Keys::numbered(transaction.get_database_backend(), operations);
    let sql = STILL_UNNUMBERED.replace("{buckets}", &OUTBOX_BUCKETS.to_string());
    let rows = Row::find_by_statement(keys.statement(&sql)).all(transaction).await?;
    Ok(rows.into_iter().map(|row| (WalletId::new(row.wallet_id), row.seq)).collect())
}

/// Gives the rows the next numbers of their buckets, in their order, moves the buckets' last numbers, and makes a link of
/// each.
async fn number(
    transaction: &DatabaseTransaction,
    rows: &[&Unnumbered],
    now: Instant,
) -> Result<(), StoreError> {
    let backend = transaction.get_database_backend();
    let ends = chain::ends(transaction).await?;
    let mut last: BTreeMap<i16, i64> = ends.iter().map(|(bucket, end)| (*bucket, end.relay_no)).collect();
    let mut moved = BTreeMap::new();
    let numbered: Vec<chain::Numbered<'_>> = rows
        .iter()
        .map(|row| {
            let number = last.entry(row.bucket).or_insert(0);
            *number += 1;
            moved.insert(row.bucket, *number);
            (*row, *number)
        })
        .collect();
    let numbers: Vec<(i16, Uuid, i64)> =
        numbered.iter().map(|(row, number)| (row.bucket, row.batch, *number)).collect();
    let numbering = Keys::batches(backend, &numbers).with(now.micros());
    transaction.execute_raw(numbering.statement(NUMBER)).await?;
    let moved: Vec<(i16, i64)> = moved.into_iter().collect();
    transaction.execute_raw(Keys::buckets(backend, &moved).statement(MOVE_LAST)).await?;
    chain::seal(transaction, ends, &numbered).await
}

const UNNUMBERED: &str = "select bucket, batch_id, payload from outbox where bucket = {bucket} and relay_no is null \
     order by batch_id limit $1";
const STILL_UNNUMBERED: &str = "select k.wallet_id, k.n as seq from {k} \
     join op on op.shard_no = k.shard_no and op.wallet_id = k.wallet_id and op.seq = k.n \
     join outbox o on o.bucket = op.shard_no % {buckets} and o.batch_id = op.batch_id and o.relay_no is null";
const NUMBER: &str = "update outbox set relay_no = k.n, relayed_at = {v1} from {k} \
     where outbox.bucket = k.bucket and outbox.batch_id = k.batch_id and outbox.relay_no is null";
const MOVE_LAST: &str = "insert into relay (bucket, relay_no) select k.bucket, k.n from {k} where true \
     on conflict (bucket) do update set relay_no = excluded.relay_no";
