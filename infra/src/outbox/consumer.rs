//! Consumers: readers of the numbered rows, each with a cursor per bucket.

use std::collections::BTreeMap;

use amvaj_domain::{id::BatchId, time::Instant};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, Statement};
use uuid::Uuid;

use super::buckets::{Buckets, every_bucket};
use crate::{
    db::{Database, StoreError},
    ledger::{Touched, keys::Keys, touched::touched_from},
    worker::WorkError,
};

/// A numbered row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relayed {
    /// Its bucket.
    pub bucket: i16,
    /// Its number in its bucket, from 1 and without gaps.
    pub relay_no: i64,
    /// When it was numbered.
    pub relayed_at: Instant,
    /// The batch that it tells of.
    pub batch: BatchId,
    /// The wallets of this bucket that the batch touched. Per wallet the sequence numbers rise from row to row;
    /// a consumer that may see rows again drops those up to the last it has seen.
    pub touched: Vec<Touched>,
}

impl Relayed {
    /// The first rows that together touch no more than `most` wallets, and at least one row if there is any.
    pub(crate) fn few(rows: &[Self], most: usize) -> &[Self] {
        let mut wallets = 0_usize;
        let fitting = rows.iter().take_while(|row| {
            wallets = wallets.saturating_add(row.touched.len());
            wallets <= most
        });
        let count = fitting.count().max(1);
        rows.get(..count).unwrap_or(rows)
    }
}

/// How much of a bucket waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// The bucket.
    pub bucket: i16,
    /// Rows without a number, counted up to 1000.
    pub unnumbered: i64,
    /// Numbered rows that the consumer has not passed.
    pub unread: i64,
}

/// A reader of the outbox by its name. Its cursors rise once it has done what a row asks for, so that every row
/// is delivered at least once.
#[derive(Debug, Clone)]
pub struct Consumer {
    database: Database,
    name: &'static str,
}

impl Consumer {
    /// The consumer of a name.
    pub const fn new(database: Database, name: &'static str) -> Self {
        Self { database, name }
    }

    /// Makes the cursors that are missing, before the first row. From then on retention waits for this consumer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn register(&self) -> Result<(), StoreError> {
        let sql = format!(
            "insert into consumer_cursor (consumer, bucket, relay_no) select $1, b.column1, 0 from {} \
             where true on conflict (consumer, bucket) do nothing",
            every_bucket()
        );
        self.database.writer().execute_raw(self.statement(&sql, [self.name.into()])).await?;
        Ok(())
    }

    /// Up to `limit` rows of each bucket behind its cursor, bucket by bucket in the order of their numbers.
    ///
    /// # Errors
    /// When the database fails, or a row cannot be read.
    pub async fn read_after(&self, buckets: &Buckets, limit: u32) -> Result<Vec<Relayed>, StoreError> {
        #[derive(FromQueryResult)]
        struct Row {
            bucket: i16,
            relay_no: i64,
            relayed_at: i64,
            batch_id: Uuid,
            payload: String,
        }
        let values = [self.name.into(), i64::from(limit).into()];
        let statement = self.statement(&buckets.pages(READ_AFTER), values);
        let rows = Row::find_by_statement(statement).all(self.database.for_outbox()).await?;
        rows.into_iter()
            .map(|row| {
                Ok(Relayed {
                    bucket: row.bucket,
                    relay_no: row.relay_no,
                    relayed_at: Instant::from_micros(row.relayed_at),
                    batch: BatchId::new(row.batch_id),
                    touched: touched_from(&row.payload).ok_or_else(|| StoreError::CorruptRow {
                        table: "outbox",
                        id: format!("{}/{}", row.bucket, row.batch_id),
                        what: "payload",
                    })?,
                })
            })
            .collect()
    }

    /// Moves the cursors behind these rows; they never go back.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] when a lease is lost; otherwise when the database fails. The cursors stay then.
    pub async fn advance<'a>(
        &self,
        buckets: &Buckets,
        passed: impl IntoIterator<Item = &'a Relayed>,
    ) -> Result<(), WorkError> {
        let transaction = buckets.fence(&self.database).await?;
        self.advance_in(&transaction, passed).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Moves the cursors together with what a consumer writes. The transaction has to be one of [`Buckets::fence`].
    pub(crate) async fn advance_in<'a>(
        &self,
        transaction: &DatabaseTransaction,
        passed: impl IntoIterator<Item = &'a Relayed>,
    ) -> Result<(), StoreError> {
        let mut last: BTreeMap<i16, i64> = BTreeMap::new();
        for row in passed {
            let number = last.entry(row.bucket).or_insert(row.relay_no);
            *number = row.relay_no.max(*number);
        }
        let last: Vec<(i16, i64)> = last.into_iter().collect();
        let keys = Keys::buckets(self.database.backend(), &last).with(self.name);
        transaction.execute_raw(keys.statement(ADVANCE)).await?;
        Ok(())
    }

    /// What waits in each bucket, for the relay and then for this consumer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        let sql = format!("{BACKLOG} from {}", every_bucket());
        let rows = self.database.for_outbox().query_all_raw(self.statement(&sql, [self.name.into()])).await?;
        rows.iter()
            .map(|row| {
                let bucket: i32 = row.try_get("", "bucket")?;
                Ok(Backlog {
                    bucket: i16::try_from(bucket).unwrap_or_default(),
                    unnumbered: row.try_get("", "unnumbered")?,
                    unread: row.try_get("", "unread")?,
                })
            })
            .collect()
    }

    fn statement(&self, sql: &str, values: impl IntoIterator<Item = sea_orm::Value>) -> Statement {
        Statement::from_sql_and_values(self.database.backend(), sql, values)
    }
}

const READ_AFTER: &str = "select bucket, relay_no, relayed_at, batch_id, payload from outbox where bucket = {bucket} \
     and relay_no > (select relay_no from consumer_cursor where consumer = $1 and bucket = {bucket}) \
     order by relay_no limit $2";
const ADVANCE: &str = "update consumer_cursor set relay_no = k.n from {k} \
     where consumer_cursor.consumer = {v1} and consumer_cursor.bucket = k.bucket and consumer_cursor.relay_no < k.n";
const BACKLOG: &str = "select b.column1 as bucket, \
     (select count(*) from (select 1 from outbox o where o.bucket = b.column1 and o.relay_no is null limit 1000) as t) \
     as unnumbered, \
     coalesce((select r.relay_no from relay r where r.bucket = b.column1), 0) \
     - coalesce((select c.relay_no from consumer_cursor c where c.consumer = $1 and c.bucket = b.column1), 0) as unread";
