//! Connections: a pool for reading, one for writing, and on PostgreSQL a small one for look-ups by keys.
//!
//! SQLite has one writer at a time, so its writing pool is a single connection and nobody meets a locked database. On
//! PostgreSQL reads and look-ups have a time limit: the server ends those that take longer, because whoever gives one up here
//! would leave it running there. Writes have none. Writes and look-ups go by indexes alone. A read of SQLite ends with the
//! next row that nobody takes.

use std::time::Duration;

use futures_util::FutureExt as _;
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database as SeaOrm, DatabaseConnection, DatabaseTransaction,
    DbBackend, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait as _,
};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};

use super::StoreError;

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// `sqlite://PATH` (made when absent) or `postgres://…`.
    pub url: String,
    /// The most connections for reading; with PostgreSQL as many for writing, one more for each lane of the ledger, and up to
    /// four for look-ups by keys.
    pub max_connections: u32,
    /// How long PostgreSQL may work on one read; no limit for commands that read everything.
    pub read_timeout: Option<Duration>,
    /// How long to wait for a connection.
    pub acquire_timeout: Duration,
}

/// An open database.
#[derive(Debug, Clone)]
pub struct Database {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    look_ups: DatabaseConnection,
    read_timeout: Option<Duration>,
}

impl Database {
    /// Opens the database.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not answer.
    pub async fn open(settings: &DatabaseSettings) -> Result<Self, StoreError> {
        let mut reading = options(settings, settings.max_connections, READER_CACHE);
        // Nothing that is read here takes so long that compiling it would pay, however dear its plan looks.
        let limit = settings.read_timeout.unwrap_or_default().as_millis().to_string();
        reading.map_sqlx_postgres_opts(move |postgres| {
            postgres.options([("jit", "off"), ("statement_timeout", limit.as_str())])
        });
        let reader = SeaOrm::connect(reading).await?;
        let is_sqlite = reader.get_database_backend() == DbBackend::Sqlite;
        let mut writing =
            options(settings, if is_sqlite { 1 } else { settings.max_connections }, WRITER_CACHE);
        writing.map_sqlx_postgres_opts(|postgres| {
            postgres.options(BY_INDEX).statement_cache_capacity(STATEMENTS)
        });
        let writer = SeaOrm::connect(writing).await?;
        let look_ups = if is_sqlite { reader.clone() } else { SeaOrm::connect(looking_up(settings)).await? };
        Ok(Self { reader, writer, look_ups, read_timeout: settings.read_timeout })
    }

    /// Whether this is PostgreSQL, which several nodes can share.
    pub fn is_postgres(&self) -> bool {
        self.backend() == DbBackend::Postgres
    }

    /// The connections that migrations run on.
    pub fn for_migrations(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Whether the database answers now.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.reader.ping().await?)
    }

    /// Waits for what runs and closes all connections.
    pub async fn close(self) -> Result<(), StoreError> {
        self.writer.close_by_ref().await?;
        self.look_ups.close_by_ref().await?;
        Ok(self.reader.close().await?)
    }

    /// Lets the operating system choose when commits reach the disk, until [`Self::sync_now`]: for bulk work that can
    /// be done again. The end of this process loses nothing; a power cut may lose the latest commits. PostgreSQL is
    /// left as it is.
    pub async fn sync_later(&self) -> Result<(), StoreError> {
        if self.backend() == DbBackend::Sqlite {
            self.writer.execute_unprepared("pragma synchronous = normal").await?;
        }
        Ok(())
    }

    /// Brings every commit to the disk, and from now on each before it is acknowledged.
    pub async fn sync_now(&self) -> Result<(), StoreError> {
        if self.backend() == DbBackend::Sqlite {
            let pragmas = "pragma synchronous = full; pragma wal_checkpoint(truncate)";
            self.writer.execute_unprepared(pragmas).await?;
        }
        Ok(())
    }

    /// Copies a SQLite database, as it is at one moment, into a new file. Nothing on PostgreSQL.
    ///
    /// # Errors
    /// When the file cannot be written, or the database fails.
    pub async fn copy_to(&self, file: &str) -> Result<(), StoreError> {
        if self.backend() == DbBackend::Sqlite {
            let copy = Statement::from_sql_and_values(self.backend(), "vacuum into $1", [file.into()]);
            self.writer.execute_raw(copy).await?;
        }
        Ok(())
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.reader.get_database_backend()
    }

    /// For reading only.
    pub(crate) const fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// For look-ups by keys that others gather behind ([`super::gathered`]).
    pub(crate) const fn look_ups(&self) -> &DatabaseConnection {
        &self.look_ups
    }

    /// How long PostgreSQL may work on one read or look-up.
    pub(crate) const fn read_timeout(&self) -> Option<Duration> {
        self.read_timeout
    }

    /// For reading the outbox, over and over and without anybody who waits: on PostgreSQL where statements are planned
    /// once, and where no limit of time cuts a long page off.
    pub(crate) fn for_outbox(&self) -> &DatabaseConnection {
        if self.is_postgres() { &self.writer } else { &self.reader }
    }

    /// For single writing statements.
    pub(crate) const fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// A writing transaction. SQLite takes its lock at once: a lock taken later could not be waited for.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, StoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.writer.begin_with_options(options).await?)
    }
}

/// Whoever writes looks rows up by lists of keys, as do those who gather. PostgreSQL plans such a statement once, perhaps while a table is small or
/// its statistics are old, and may find it cheaper to read the whole table into a hash, as it then goes on to do when the
/// table has grown. So nothing but indexes is offered to it, and no compiler for what looks dear because of that. Each such
/// statement has one index that is of use whatever its values, so it is also planned only once, and anew after an `analyze`.
const BY_INDEX: [(&str, &str); 5] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
    ("plan_cache_mode", "force_generic_plan"),
];

/// Prepared statements that a writing connection keeps. The ledger's have a part for each table that a batch has rows for, on
/// SQLite one for each of seven numbers of rows.
const STATEMENTS: usize = 512;

/// The pages that a connection of SQLite keeps in memory, as its setting counts them: 8 MiB for each that reads, which finds
/// others in the system's cache, and 64 MiB for the one that writes.
const READER_CACHE: &str = "-8192";
const WRITER_CACHE: &str = "-65536";

/// A connection that rested so long may have broken meanwhile, as all do when PostgreSQL is started again.
const RESTED: Duration = Duration::from_millis(100);

/// Connections for look-ups by keys. Each look-up takes along whoever asks for the like, so they need few.
const LOOK_UPS: u32 = 4;

/// For look-ups by keys in PostgreSQL.
fn looking_up(settings: &DatabaseSettings) -> ConnectOptions {
    let mut options = options(settings, settings.max_connections.min(LOOK_UPS), READER_CACHE);
    let limit = settings.read_timeout.unwrap_or_default().as_millis().to_string();
    options.connect_lazy(true);
    options.map_sqlx_postgres_opts(move |postgres| {
        postgres.options(BY_INDEX).options([("statement_timeout", limit.as_str())])
    });
    options
}

fn options(settings: &DatabaseSettings, max_connections: u32, cache: &'static str) -> ConnectOptions {
    let mut options = ConnectOptions::new(&settings.url);
    options
        .max_connections(max_connections)
        .acquire_timeout(settings.acquire_timeout)
        .connect_timeout(settings.acquire_timeout)
        .sqlx_logging(false)
        // What happened to a connection while it rested is found out before it is used, and not by whoever uses it; asking
        // before each use would double round trips.
        .test_before_acquire_if_idle_for(RESTED)
        // When a file cannot be written, as on a full disk, SQLite ends the transaction itself, and the rollback that
        // follows fails. The connection would take itself to be in that transaction for ever: the ledger could write no
        // more, and what others commit on it would be a part of nothing that is ever committed.
        .map_sqlx_sqlite_before_acquire(|connection, _| {
            std::future::ready(Ok(!connection.is_in_transaction())).boxed()
        })
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .create_if_missing(true)
                .foreign_keys(true)
                .journal_mode(SqliteJournalMode::Wal)
                // FULL: an acknowledged commit survives a power cut.
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(5))
                .pragma("cache_size", cache)
                // A batch changes some hundred pages, most of them of rows that the next ones change again: in a log of
                // 64 MiB they are written to the file once, where SQLite's own 4 MiB are full after a few batches.
                .pragma("wal_autocheckpoint", "16000")
                .statement_cache_capacity(STATEMENTS)
        });
    options
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

    use super::*;

    async fn rows(database: &Database) -> usize {
        let all = Statement::from_string(DbBackend::Sqlite, "select 1 from written");
        database.reader().query_all_raw(all).await.unwrap().len()
    }

    #[tokio::test]
    async fn a_transaction_that_sqlite_has_ended_leaves_no_connection_behind_that_commits_nothing() {
        let folder = std::env::temp_dir().join(format!("amvaj-connection-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let database = Database::open(&DatabaseSettings {
            url: format!("sqlite://{}", folder.join("amvaj.sqlite").display()),
            max_connections: 1,
            read_timeout: None,
            acquire_timeout: Duration::from_secs(5),
        })
        .await
        .unwrap();
        database.writer().execute_unprepared("create table written (number int)").await.unwrap();

        let ended = database.begin().await.unwrap();
        // What SQLite does when a file cannot be written.
        ended.execute_unprepared("rollback").await.unwrap();
        drop(ended);

        let dropped = database.begin().await.unwrap();
        dropped.execute_unprepared("insert into written values (1)").await.unwrap();
        drop(dropped);
        let committed = database.begin().await.unwrap();
        committed.execute_unprepared("insert into written values (2)").await.unwrap();
        committed.commit().await.unwrap();
        assert_eq!(rows(&database).await, 1);
        database.close().await.unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
