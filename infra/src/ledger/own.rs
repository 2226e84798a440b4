//! The connection that a lane keeps for itself.
//!
//! A pool asks each connection that comes back whether it is still there, which is one more round trip, and lends the one that
//! has rested longest, in whose process everything is cold. A lane reads and writes all the time, so it has one beside the pool.

use std::sync::Arc;

use sea_orm::{DbBackend, FromQueryResult, QueryResult};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Connection, Database, Executor, IntoArguments, Pool};

use super::source::Question;
use crate::db::StoreError;

type Options<DB> = <<DB as Database>::Connection as Connection>::Options;

/// A connection, made when it is first needed.
#[derive(Debug)]
pub(crate) struct Own<DB: Database> {
    backend: DbBackend,
    options: Arc<Options<DB>>,
    kept: Option<DB::Connection>,
}

impl<DB: Database> Own<DB> {
    /// None yet; it will be one like those of a pool.
    pub(super) fn like(pool: &Pool<DB>, backend: DbBackend) -> Self {
        Self { backend, options: pool.connect_options(), kept: None }
    }

    /// The connection.
    pub(super) async fn connection(&mut self) -> Result<&mut DB::Connection, StoreError> {
        let kept = match self.kept.take() {
            Some(kept) => kept,
            None => DB::Connection::connect_with(&self.options).await?,
        };
        Ok(self.kept.insert(kept))
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

    /// What came of using the connection. After a failure that may have been its own it is given up: the next is another.
    pub(super) fn checked<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(outcome, Err(StoreError::Unavailable(_) | StoreError::Failed(_))) {
            self.kept = None;
        }
        outcome
    }
}
