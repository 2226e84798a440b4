//! Counting a board from the journal: of a new board, and of one that is to be rebuilt.
//!
//! One shard at a time, by whoever holds the lease of the shard's bucket, so that nobody counts its wallets meanwhile:
//! what was counted of them so far is read without a lock, and then written in place of what is there.

use amvaj_domain::{board::Board, id::BoardId, time::Instant};
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait as _, Statement};
use uuid::Uuid;

use super::{
    board_from,
    count::{BoardKeeper, Open, Tallies, open},
    journal::effects_of_shards,
};
use crate::{
    db::{StoreError, entity::board},
    outbox::Buckets,
    worker::WorkError,
};

impl BoardKeeper {
    /// The buckets with shards that are to be counted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting(&self) -> Result<Vec<i16>, StoreError> {
        let sql = "select distinct bucket from board_recount";
        let rows = self
            .database
            .reader()
            .query_all_raw(Statement::from_string(self.database.backend(), sql))
            .await?;
        rows.iter().map(|row| Ok(row.try_get("", "bucket")?)).collect()
    }

    /// Counts one shard of each bucket for every board that waits for it; false when none does.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] when a lease is lost; otherwise when the database fails. What was counted before stays.
    pub async fn recount(&self, buckets: &Buckets) -> Result<bool, WorkError> {
        let waiting = self.waiting().await?;
        let mut counted = false;
        for held in buckets.each() {
            for bucket in held.numbers().filter(|bucket| waiting.contains(bucket)) {
                counted |= self.recount_shard(&held, bucket).await?;
            }
        }
        Ok(counted)
    }

    /// Counts the next shard of one bucket.
    async fn recount_shard(&self, held: &Buckets, bucket: i16) -> Result<bool, WorkError> {
        let Some((shard, boards)) = self.next(bucket).await? else { return Ok(false) };
        let from = boards.iter().map(begins).min();
        let from = from.unwrap_or(Instant::from_micros(i64::MIN));
        let counted = effects_of_shards(self.database.reader(), (shard, shard), from).await?;
        let transaction = held.fence(&self.database).await?;
        let mut open = open(&transaction).await?;
        open.boards.retain(|board| boards.iter().any(|waiting| waiting.id == board.id));
        open.read_closed(&transaction, &counted).await?;
        let mut tallies = Tallies::default();
        tallies.add(&open, &counted);
        clear(&transaction, shard, &open).await?;
        tallies.write(&transaction).await?;
        for board in &boards {
            let values = [bucket.into(), shard.into(), board.id.uuid().into()];
            transaction
                .execute_raw(Statement::from_sql_and_values(self.database.backend(), DONE, values))
                .await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// The next shard of a bucket and the boards that wait for it.
    async fn next(&self, bucket: i16) -> Result<Option<(i16, Vec<Board>)>, StoreError> {
        let statement = Statement::from_sql_and_values(self.database.backend(), NEXT, [bucket.into()]);
        let rows = self.database.reader().query_all_raw(statement).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let shard = first.try_get("", "shard_no")?;
        let mut boards = Vec::with_capacity(rows.len());
        for row in &rows {
            let id: Uuid = row.try_get("", "board_id")?;
            let found = board::Entity::find_by_id(id).one(self.database.reader()).await?;
            if let Some(found) = found {
                boards.push(board_from(&found)?);
            }
        }
        Ok(Some((shard, boards)))
    }
}

/// When the first period of a board begins.
fn begins(board: &Board) -> Instant {
    board.cycle.period_of(board.first).starts_at(&board.zone)
}

/// Removes the totals of a shard in the periods that are still counted.
async fn clear(transaction: &DatabaseTransaction, shard: i16, open: &Open) -> Result<(), StoreError> {
    let backend = transaction.get_database_backend();
    for id in open.boards.iter().map(|board| board.id) {
        for table in ["board_total", "board_merchant"] {
            let sql = CLEAR.replace("{table}", table);
            let values = [shard.into(), BoardId::uuid(id).into()];
            transaction.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        }
    }
    Ok(())
}

const NEXT: &str = "select shard_no, board_id from board_recount where bucket = $1 \
     and shard_no = (select min(r.shard_no) from board_recount r where r.bucket = $1) order by board_id";
const DONE: &str = "delete from board_recount where bucket = $1 and shard_no = $2 and board_id = $3";
const CLEAR: &str = "delete from {table} where shard_no = $1 and board_id = $2 \
     and period not in (select p.period from board_period p where p.board_id = $2 and p.closed_at is not null)";
