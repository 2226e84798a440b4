//! The database under a lane: what it reads and how it writes.

use std::{collections::HashSet, time::Duration};

use amvaj_domain::{id::WalletId, time::Instant};
use sea_orm::{DatabaseConnection, DbBackend};
use sqlx::{Postgres, Sqlite};
use tokio::{sync::Mutex, time::Instant as Moment};

#[cfg(test)]
use super::simulation::store::{SimulatedLocks, SimulatedStore};
use super::{
    batch::WriteBatch,
    lane::WriteOutcome,
    own::Own,
    postgres,
    read::{ReadSet, read},
    request::Request,
    source::Source,
    sqlite,
};
use crate::db::{Database, StoreError};

/// The two databases, and the one of the simulation: one behaviour.
#[derive(Debug)]
pub(crate) enum LedgerStore {
    /// One statement per batch, on the lane's own connection. What is not answered within this time is given up: the way to
    /// the server, or to one of its connections, may have gone without a word, and nobody waits for an operation any more by
    /// then.
    Postgres(DatabaseConnection, Duration, Mutex<Own<Postgres>>),
    /// One immediate transaction per batch, on the single writing connection; a lane reads on one of its own.
    Sqlite(DatabaseConnection, Mutex<Own<Sqlite>>),
    /// Tables in memory that fail as a seed says.
    #[cfg(test)]
    Simulated(SimulatedStore),
}

/// Locks that a batch holds until it is written.
pub(crate) enum Locked {
    /// None: the guard alone.
    Nothing,
    /// The wallets' rows.
    Postgres(postgres::Locks),
    /// Wallets of the simulation.
    #[cfg(test)]
    Simulated(SimulatedLocks),
}

impl LedgerStore {
    /// A lane's store on an open database, which answers a statement within `patience` or is asked on another connection.
    pub(crate) fn new(database: &Database, patience: Duration) -> Self {
        let (reader, writer) = (database.reader(), database.writer().clone());
        if database.is_postgres() {
            let own = Own::like(writer.get_postgres_connection_pool(), DbBackend::Postgres);
            Self::Postgres(writer, patience, own.into())
        } else {
            let own = Own::like(reader.get_sqlite_connection_pool(), DbBackend::Sqlite);
            Self::Sqlite(writer, own.into())
        }
    }

    /// Ends the lane's connection.
    pub(crate) async fn close(&self) {
        match self {
            Self::Postgres(.., own) => own.lock().await.close().await,
            Self::Sqlite(_, own) => own.lock().await.close().await,
            #[cfg(test)]
            Self::Simulated(_) => {}
        }
    }

    /// Locks the wallets of a batch that lost its guard too often. SQLite needs none: it has one writer.
    pub(crate) async fn lock(&self, requests: &[&Request]) -> Result<Locked, StoreError> {
        let wallets: HashSet<WalletId> = requests.iter().filter_map(|request| request.wallet()).collect();
        match self {
            Self::Postgres(connection, patience, _) => {
                let wallets: Vec<WalletId> = wallets.into_iter().collect();
                let locks = postgres::lock(connection.get_postgres_connection_pool(), &wallets);
                Ok(Locked::Postgres(within(*patience, locks).await?))
            }
            Self::Sqlite(..) => Ok(Locked::Nothing),
            #[cfg(test)]
            Self::Simulated(store) => Ok(Locked::Simulated(store.lock(wallets).await)),
        }
    }

    /// Reads what the decisions of a batch need.
    pub(crate) async fn read(&self, requests: &[&Request], now: Instant) -> Result<ReadSet, StoreError> {
        match self {
            Self::Postgres(_, patience, own) => {
                let set = within(*patience, read(Source::Postgres(own), requests, now)).await;
                own.lock().await.checked(set)
            }
            Self::Sqlite(_, own) => {
                let set = read(Source::Sqlite(own), requests, now).await;
                own.lock().await.checked(set)
            }
            #[cfg(test)]
            Self::Simulated(store) => {
                store.noting_defects(read(Source::Simulated(store), requests, now).await)
            }
        }
    }

    /// Writes a batch, unless writing can only begin after `fresh_until`: what it decided carries a moment that is too long
    /// ago by then.
    pub(crate) async fn write(
        &self,
        batch: &WriteBatch,
        locked: Locked,
        fresh_until: Moment,
    ) -> WriteOutcome {
        if batch.is_empty() {
            return WriteOutcome::Committed(HashSet::new());
        }
        let written = match self {
            Self::Postgres(_, patience, own) => {
                let limits = (*patience, fresh_until);
                if let Locked::Postgres(locks) = locked {
                    postgres::write_locked(locks, batch, limits).await
                } else {
                    let mut own = own.lock().await;
                    let written = postgres::write(&mut own, batch, limits).await;
                    own.checked(written)
                }
            }
            Self::Sqlite(connection, _) => {
                sqlite::write(connection.get_sqlite_connection_pool(), batch, fresh_until).await
            }
            #[cfg(test)]
            Self::Simulated(store) => {
                let locks = if let Locked::Simulated(locks) = locked { Some(locks) } else { None };
                store.write(batch, locks).await
            }
        };
        let outcome = written.map_or_else(outcome, WriteOutcome::Committed);
        #[cfg(test)]
        if let (Self::Simulated(store), WriteOutcome::Poisoned(what)) = (self, &outcome) {
            store.defect(|| format!("the schema refuses what was decided: {what}"));
        }
        outcome
    }
}

/// A batch that would be sent too late is brought again, like one that another was in the way of.
pub(super) fn still_fresh(fresh_until: Moment) -> Result<(), StoreError> {
    if Moment::now() <= fresh_until {
        return Ok(());
    }
    metrics::counter!("amvaj_ledger_late_batches_total").increment(1);
    Err(StoreError::Contention("the batch was decided too long ago".to_owned()))
}

/// Waits so long for what PostgreSQL is asked for.
pub(super) async fn within<T>(
    patience: Duration,
    asked: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let silent = |_| StoreError::Unavailable(format!("no answer within {} ms", patience.as_millis()));
    tokio::time::timeout(patience, asked).await.map_err(silent)?
}

/// What a failed write means for its batch.
fn outcome(error: StoreError) -> WriteOutcome {
    match error {
        StoreError::Contention(_) => WriteOutcome::Taken,
        // A claim or receipt that another lane took since the read; anything else unique is a defect of ours.
        StoreError::Duplicate(what)
            if ["claim", "receipt_pkey", "receipt.", "refund_waiting"]
                .iter()
                .any(|word| what.contains(word)) =>
        {
            WriteOutcome::Taken
        }
        StoreError::Duplicate(what) | StoreError::Constraint(what) => WriteOutcome::Poisoned(what),
        // What is not known to be a row's fault is not blamed on the rows.
        StoreError::Unavailable(what) | StoreError::Failed(what) => WriteOutcome::Unknown(what),
        other @ (StoreError::CorruptRow { .. } | StoreError::Newer(_)) => {
            WriteOutcome::Poisoned(other.to_string())
        }
    }
}
