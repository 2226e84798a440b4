//! The relay: gives the committed rows of a bucket the numbers that consumers follow.
//!
//! Batches commit out of the order of their ids, so ids cannot be followed: whoever read past an id would miss a
//! batch that commits later with a smaller one. The numbers are given after the commit, without gaps, and per
//! wallet in the order of its operations.

use std::collections::BTreeSet;

use amvaj_domain::{
    id::{OUTBOX_BUCKETS, WalletId},
    time::Instant,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult, Statement};
use serde_json::json;
use uuid::Uuid;

use super::order::{OpKey, Precedence, Unnumbered};
use crate::{
    db::{Database, StoreError},
    ledger::{keys::Keys, touched::touched_from},
    worker::{Lease, WorkError},
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

/// Numbers up to `page` rows of a bucket in one transaction, which writes nothing if the lease is lost.
///
/// # Errors
/// [`WorkError::Fenced`] when the lease is lost; otherwise when the database fails. Nothing is written then.
pub async fn relay(
    database: &Database,
    lease: &Lease,
    bucket: i16,
    now: Instant,
    page: u32,
) -> Result<Numbered, WorkError> {
    let transaction = lease.fence(database).await?;
    let mut limit = i64::from(page.max(1));
    loop {
        let rows = unnumbered(&transaction, bucket, limit).await?;
        let full = i64::try_from(rows.len()).is_ok_and(|count| count >= limit);
        let precedence = Precedence::of(&rows);
        let held_back = still_unnumbered(&transaction, &precedence.outside()).await?;
        let order = precedence.order(&held_back);
        if order.is_empty() && full {
            // Everything in the page waits for rows behind it, whose writer's clock ran ahead: look further.
            limit = limit.saturating_mul(2);
            continue;
        }
        let batches: Vec<Uuid> = order.iter().filter_map(|at| rows.get(*at)).map(|row| row.batch).collect();
        if !batches.is_empty() {
            number(&transaction, bucket, &batches, now).await?;
            transaction.commit().await?;
        }
        let held_back = rows.len().saturating_sub(batches.len());
        return Ok(Numbered { rows: batches.len(), held_back, more: full && !batches.is_empty() });
    }
}

/// The rows of a bucket that have no number, in the order of their batches' ids.
async fn unnumbered(
    transaction: &DatabaseTransaction,
    bucket: i16,
    limit: i64,
) -> Result<Vec<Unnumbered>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        batch_id: Uuid,
        payload: String,
    }
    let values = [bucket.into(), limit.into()];
    let statement = Statement::from_sql_and_values(transaction.get_database_backend(), UNNUMBERED, values);
    let rows = Row::find_by_statement(statement).all(transaction).await?;
    rows.into_iter()
        .map(|row| {
            let touched = touched_from(&row.payload).ok_or_else(|| StoreError::CorruptRow {
                table: "outbox",
                id: format!("{bucket}/{}", row.batch_id),
                what: "payload",
            })?;
            Ok(Unnumbered { batch: row.batch_id, touched })
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

/// Gives the batches the next numbers, in their order, and moves the bucket's last number.
async fn number(
    transaction: &DatabaseTransaction,
    bucket: i16,
    batches: &[Uuid],
    now: Instant,
) -> Result<(), StoreError> {
    let backend = transaction.get_database_backend();
    let last = Statement::from_sql_and_values(backend, LAST, [bucket.into()]);
    let last: i64 = match transaction.query_one_raw(last).await? {
        Some(row) => row.try_get("", "relay_no")?,
        None => 0,
    };
    let numbers: Vec<i64> = (last + 1..).take(batches.len()).collect();
    let moved = numbers.last().copied().unwrap_or(last);
    transaction.execute_raw(numbering(backend, bucket, batches, &numbers, now)).await?;
    let values = [bucket.into(), moved.into()];
    transaction.execute_raw(Statement::from_sql_and_values(backend, MOVE_LAST, values)).await?;
    Ok(())
}

fn numbering(backend: DbBackend, bucket: i16, batches: &[Uuid], numbers: &[i64], now: Instant) -> Statement {
    let (sql, table) = if backend == DbBackend::Postgres {
        let rows = "unnest($3::uuid[], $4::bigint[]) as k(batch_id, n)";
        (rows, vec![batches.to_vec().into(), numbers.to_vec().into()])
    } else {
        let rows = "(select unhex(value ->> 0) as batch_id, value ->> 1 as n from json_each($3)) as k";
        let pairs = batches.iter().zip(numbers).map(|(batch, n)| json!([batch.simple().to_string(), n]));
        (rows, vec![serde_json::Value::Array(pairs.collect()).to_string().into()])
    };
    let mut values = vec![bucket.into(), now.micros().into()];
    values.extend(table);
    Statement::from_sql_and_values(backend, NUMBER.replace("{k}", sql), values)
}

const UNNUMBERED: &str = "select batch_id, payload from outbox where bucket = $1 and relay_no is null \
     order by batch_id limit $2";
const STILL_UNNUMBERED: &str = "select k.wallet_id, k.n as seq from {k} \
     join op on op.shard_no = k.shard_no and op.wallet_id = k.wallet_id and op.seq = k.n \
     join outbox o on o.bucket = op.shard_no % {buckets} and o.batch_id = op.batch_id and o.relay_no is null";
const LAST: &str = "select relay_no from relay where bucket = $1";
const NUMBER: &str = "update outbox set relay_no = k.n, relayed_at = $2 from {k} \
     where outbox.bucket = $1 and outbox.batch_id = k.batch_id and outbox.relay_no is null";
const MOVE_LAST: &str = "insert into relay (bucket, relay_no) values ($1, $2) \
     on conflict (bucket) do update set relay_no = excluded.relay_no";
