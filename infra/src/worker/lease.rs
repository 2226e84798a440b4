//! Leases: which of several nodes does a piece of background work.
//!
//! A lease alone cannot stop a holder that slept through its end, so it has an epoch that rises whenever the holder
//! changes, and every transaction of leased work starts with [`Lease::fence`]: a former holder writes nothing.

use std::collections::HashSet;

use amvaj_domain::time::{Instant, Span};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};
use serde_json::json;
use uuid::Uuid;

use super::WorkError;
use crate::db::{Database, StoreError};

/// A lease that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    name: String,
    holder: Uuid,
    epoch: i64,
    expires_at: Instant,
}

/// Takes a lease that is free or over, or renews one's own, until `now` + `ttl`. None when another holder has it.
///
/// # Errors
/// When the database fails.
pub async fn acquire(
    database: &Database,
    name: &str,
    holder: Uuid,
    now: Instant,
    ttl: Span,
) -> Result<Option<Lease>, StoreError> {
    let expires_at = now.plus(ttl);
    let values = [name.into(), holder.into(), expires_at.micros().into(), now.micros().into()];
    let statement = Statement::from_sql_and_values(database.backend(), ACQUIRE, values);
    let Some(row) = database.writer().query_one_raw(statement).await? else { return Ok(None) };
    let epoch = row.try_get("", "epoch")?;
    Ok(Some(Lease { name: name.to_owned(), holder, epoch, expires_at }))
}

impl Lease {
    /// What it is of.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The number of changes of holder so far, 1 for the first holder.
    pub const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// When others may take it.
    pub const fn expires_at(&self) -> Instant {
        self.expires_at
    }

    /// Gives the lease up as of `now`, so that nobody has to wait for its end. The row stays: its epoch must never
    /// come again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release(&self, database: &Database, now: Instant) -> Result<(), StoreError> {
        let values = [self.name.as_str().into(), self.holder.into(), self.epoch.into(), now.micros().into()];
        let statement = Statement::from_sql_and_values(database.backend(), RELEASE, values);
        database.writer().execute_raw(statement).await?;
        Ok(())
    }

    /// Ends all leases, whoever holds them: for a moment when no worker runs. Their epochs stay, so that a holder which comes
    /// back is fenced off.
    pub(crate) async fn free_all<C: ConnectionTrait>(connection: &C) -> Result<(), StoreError> {
        connection.execute_unprepared("update lease set expires_at = 0").await?;
        Ok(())
    }

    /// Begins a transaction in which the lease cannot change hands. On PostgreSQL its row is locked until the end;
    /// on SQLite the transaction excludes every other.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] when the lease has another holder or epoch.
    pub(crate) async fn fence(&self, database: &Database) -> Result<DatabaseTransaction, WorkError> {
        Self::fence_all(&[self], database).await
    }

    /// The same for several leases at once.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] when one of them has another holder or epoch.
    pub(crate) async fn fence_all(
        leases: &[&Self],
        database: &Database,
    ) -> Result<DatabaseTransaction, WorkError> {
        let transaction = database.begin().await?;
        let held = transaction.query_all_raw(still_held(database.backend(), leases)).await?;
        let held: HashSet<String> =
            held.iter().map(|row| row.try_get("", "name")).collect::<Result<_, _>>()?;
        match leases.iter().find(|lease| !held.contains(&lease.name)) {
            None => Ok(transaction),
            Some(lost) => Err(WorkError::Fenced(lost.name.clone())),
        }
    }
}

/// Which of the leases are as they were taken.
fn still_held(backend: DbBackend, leases: &[&Lease]) -> Statement {
    if backend == DbBackend::Postgres {
        let names: Vec<String> = leases.iter().map(|lease| lease.name.clone()).collect();
        let holders: Vec<Uuid> = leases.iter().map(|lease| lease.holder).collect();
        let epochs: Vec<i64> = leases.iter().map(|lease| lease.epoch).collect();
        let values = [names.into(), holders.into(), epochs.into()];
        return Statement::from_sql_and_values(backend, STILL_HELD_LOCKED, values);
    }
    let rows = leases.iter().map(|lease| json!([lease.name, lease.holder.simple().to_string(), lease.epoch]));
    let rows = serde_json::Value::Array(rows.collect()).to_string();
    Statement::from_sql_and_values(backend, STILL_HELD, [rows.into()])
}

const ACQUIRE: &str = "insert into lease (name, holder, epoch, expires_at) values ($1, $2, 1, $3) \
     on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at, \
     epoch = lease.epoch + case when lease.holder = excluded.holder then 0 else 1 end \
     where lease.holder = excluded.holder or lease.expires_at <= $4 \
     returning epoch";
const RELEASE: &str =
    "update lease set expires_at = $4 where name = $1 and holder = $2 and epoch = $3 and expires_at > $4";
const STILL_HELD: &str = "select lease.name from json_each($1) as k \
     join lease on lease.name = k.value ->> 0 and lease.holder = unhex(k.value ->> 1) and lease.epoch = k.value ->> 2";
const STILL_HELD_LOCKED: &str = "select lease.name from unnest($1::text[], $2::uuid[], $3::bigint[]) as k(name, holder, epoch) \
     join lease on lease.name = k.name and lease.holder = k.holder and lease.epoch = k.epoch for share of lease";
