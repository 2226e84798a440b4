//! The connection that a lane keeps for itself.
//!
//! A pool asks each connection that comes back whether it is still there, which is one more round trip, and lends the one that
//! has rested longest, in whose process everything is cold. A lane reads and writes all the time, so it has one beside the pool.

use std::sync::Arc;

use std::time::Duration;

use sea_orm::{DbBackend, FromQueryResult, QueryResult};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Connection, Database, Executor, IntoArguments, Pool};
use tokio::time::{Instant, sleep};

use super::source::Question;
use crate::db::StoreError;

/// The way to a server forgets, without a word, connections on which nothing is said for long.
const LONGEST_REST: Duration = Duration::from_mins(5);
/// What a server keeps for a connection grows with time.
const LONGEST_LIFE: Duration = Duration::from_mins(30);
/// Pause between two tries to reach a server that does not take connections.
const PAUSE: Duration = Duration::from_millis(50);

type Options<DB> = <<DB as Database>::Connection as Connection>::Options;

/// A connection, made when it is first needed.
#[derive(Debug)]
pub(crate) struct Own<DB: Database> {
    backend: DbBackend,
    options: Arc<Options<DB>>,
    kept: Option<Kept<DB::Connection>>,
}

/// A connection and its times.
#[derive(Debug)]
struct Kept<C> {
    connection: C,
    made_at: Instant,
    used_at: Instant,
}

impl<DB: Database> Own<DB> {
    /// None yet; it will be one like those of a pool.
    pub(super) fn like(pool: &Pool<DB>, backend: DbBackend) -> Self {
        Self { backend, options: pool.connect_options(), kept: None }
    }

    /// The connection; a new one instead of one that has rested long or is old. Goes on trying while PostgreSQL takes none, so
    /// whoever calls has to bound that.
    pub(super) async fn connection(&mut self) -> Result<&mut DB::Connection, StoreError> {
        let now = Instant::now();
        let is_good = |kept: &Kept<_>| now - kept.used_at < LONGEST_REST && now - kept.made_at < LONGEST_LIFE;
        let kept = match self.kept.take().filter(is_good) {
            Some(kept) => Kept { used_at: now, ..kept },
            None => Kept { connection: self.connect().await?, made_at: now, used_at: now },
        };
        Ok(&mut self.kept.insert(kept).connection)
    }

    async fn connect(&self) -> Result<DB::Connection, StoreError> {
        loop {
            match Box::pin(DB::Connection::connect_with(&self.options)).await.map_err(StoreError::from) {
                Err(StoreError::Unavailable(_)) if self.backend == DbBackend::Postgres => sleep(PAUSE).await,
                connected => return connected,
            }
        }
    }

    /// Takes leave of the server.
    pub(super) async fn close(&mut self) {
        if let Some(kept) = self.kept.take()
            && let Err(error) = kept.connection.close().await
        {
            tracing::debug!(%error, "a lane's connection was not closed in order");
        }
    }

    /// Asks a question.
    pub(super) async fn find<M: FromQueryResult, K>(
        &mut self,
        question: &Question<M, K>,
        keys: &[K],
    ) -> Result<Vec<M>, StoreError>
    where
        SqlxValues: IntoArguments<DB>,
        QueryResult: From<DB::Row>,
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    {
        let statement = (question.keys)(self.backend, keys).statement(question.sql);
        let values = SqlxValues(statement.values.unwrap_or_else(|| sea_orm::Values(Vec::new())));
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        let rows = query.fetch_all(self.connection().await?).await?;
        rows.into_iter().map(|row| Ok(M::from_query_result(&QueryResult::from(row), "")?)).collect()
    }

    /// What came of using the connection. After a failure that may have been its own it is given up and the next one is
    /// another: one that broke, and one whose prepared statements are of a table that has changed since.
    pub(super) fn checked<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        let may_be_its_own = |error: &StoreError| {
            matches!(error, StoreError::Unavailable(_) | StoreError::Failed(_) | StoreError::Contention(_))
        };
        if outcome.as_ref().is_err_and(may_be_its_own) {
            self.kept = None;
        }
        outcome
    }
}
