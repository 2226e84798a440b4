//! The end of a period: closed, copied to a snapshot in pages, frozen, and its totals removed.
//!
//! Each step is a short transaction of its own and can be repeated, so a period of a million wallets holds nobody up and
//! a crash costs a page. A period is closed only once every operation that counts for it was counted.

use amvaj_domain::{
    board::{Place, standings},
    calendar::LocalDay,
    id::{BoardId, SHARDS, WalletId},
    time::{Instant, Span},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait as _, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Statement,
};
use uuid::{Builder, Uuid};

use super::{BoardKeeper, BoardKey, Boards, stored::places_after};
use crate::{
    db::{
        entity::{board, board_period, board_snapshot},
        insert,
    },
    worker::{Lease, WorkError},
};

/// How long after a period's end its last operations may take to be committed, and after its freezing every node to know.
const SETTLE: Span = Span::minutes(1);
/// Places that one transaction copies.
const PAGE: u64 = 2_000;
/// Shards that one step clears.
const SHARDS_AT_ONCE: usize = 64;

impl Boards {
    /// Closes the periods whose time is over, and does the next steps of those that are closed. Answers whether there was
    /// something to do.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] when the lease is lost; otherwise when the database fails.
    pub async fn end_periods(&self, lease: &Lease, now: Instant) -> Result<bool, WorkError> {
        let settled = now.plus(Span::from_micros(SETTLE.micros().saturating_neg()));
        let unfinished = Condition::any()
            .add(board_period::Column::FrozenAt.is_null())
            .add(board_period::Column::Cleared.lt(SHARDS));
        let due = board_period::Entity::find()
            .filter(unfinished)
            .filter(board_period::Column::ClosesAt.lte(settled.micros()))
            .order_by_asc(board_period::Column::ClosesAt)
            .all(self.db.reader())
            .await?;
        let mut did = false;
        for row in due {
            did |= self.next_step(lease, &row, now).await?;
        }
        Ok(did)
    }

    async fn next_step(
        &self,
        lease: &Lease,
        row: &board_period::Model,
        now: Instant,
    ) -> Result<bool, WorkError> {
        let key = BoardKey {
            board: BoardId::new(row.board_id),
            period: LocalDay::from_days(row.period.into()),
            generation: 0,
        };
        match (row.closed_at, row.frozen_at) {
            (None, _) => self.close_period(lease, row, now).await,
            (Some(_), None) => {
                while self.copy_page(lease, key).await? {}
                self.freeze(lease, key, now).await?;
                Ok(true)
            }
            // Until then another node may show what it read before the period was frozen.
            (Some(_), Some(frozen)) if now < Instant::from_micros(frozen).plus(SETTLE) => Ok(false),
            (Some(_), Some(_)) => self.clear_shards(lease, row).await,
        }
    }

    /// Closes a period, unless something that counts for it is still on its way.
    async fn close_period(
        &self,
        lease: &Lease,
        row: &board_period::Model,
        now: Instant,
    ) -> Result<bool, WorkError> {
        let transaction = lease.fence(&self.db).await?;
        // Whoever counts holds the board, so nobody is counting now.
        let held = board::Entity::find_by_id(row.board_id).lock_exclusive().one(&transaction).await?;
        if held.is_none() {
            return Ok(false);
        }
        let values = [
            row.board_id.into(),
            BoardKeeper::NAME.into(),
            first_id_at(Instant::from_micros(row.closes_at)).into(),
        ];
        let waiting = Statement::from_sql_and_values(self.db.backend(), WAITING, values);
        if transaction.query_one_raw(waiting).await?.is_some() {
            return Ok(false);
        }
        let values = [row.board_id.into(), row.period.into(), now.micros().into()];
        transaction.execute_raw(Statement::from_sql_and_values(self.db.backend(), CLOSE, values)).await?;
        transaction.commit().await?;
        self.stages.invalidate(&(BoardId::new(row.board_id), LocalDay::from_days(row.period.into())));
        Ok(true)
    }

    /// Copies the next places of a closed period; false when there are none.
    async fn copy_page(&self, lease: &Lease, key: BoardKey) -> Result<bool, WorkError> {
        let last = board_snapshot::Entity::find()
            .filter(board_snapshot::Column::BoardId.eq(key.board.uuid()))
            .filter(board_snapshot::Column::Period.eq(key.period.days()))
            .order_by_desc(board_snapshot::Column::Position)
            .one(self.db.reader())
            .await?;
        let after = last.as_ref().map(|row| Place {
            total: row.total,
            reached_at: Instant::from_micros(row.reached_at),
            wallet: WalletId::new(row.wallet_id),
        });
        let places = places_after(&self.db, key, after, PAGE).await?;
        let places: Vec<Place> = places.iter().filter_map(super::live::Scored::place).collect();
        let Some(first) = places.first() else { return Ok(false) };
        let number = |number: i64| u64::try_from(number).unwrap_or_default();
        let before = last.as_ref().map_or(0, |row| number(row.position));
        let above = match &last {
            // Whoever has the same score shares its rank, across pages too.
            Some(row) if row.total == first.total => number(row.rank).saturating_sub(1),
            Some(_) | None => before,
        };
        let rows: Vec<board_snapshot::Model> = standings(places, before, above)
            .into_iter()
            .map(|standing| board_snapshot::Model {
                board_id: key.board.uuid(),
                period: key.period.days(),
                position: i64::try_from(standing.position).unwrap_or(i64::MAX),
                rank: i64::try_from(standing.rank).unwrap_or(i64::MAX),
                wallet_id: standing.place.wallet.uuid(),
                total: standing.place.total,
                reached_at: standing.place.reached_at.micros(),
            })
            .collect();
        let transaction = lease.fence(&self.db).await?;
        insert(&transaction, &rows, "").await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Says that a snapshot is whole, and what it sums to.
    async fn freeze(&self, lease: &Lease, key: BoardKey, now: Instant) -> Result<(), WorkError> {
        let transaction = lease.fence(&self.db).await?;
        let values = [key.board.uuid().into(), key.period.days().into(), now.micros().into()];
        transaction.execute_raw(Statement::from_sql_and_values(self.db.backend(), FREEZE, values)).await?;
        transaction.commit().await?;
        self.stages.invalidate(&(key.board, key.period));
        tracing::info!(board = %key.board, period = %key.period, "a board's period was frozen");
        Ok(())
    }

    /// Removes the totals of the next shards of a frozen period, each in a transaction.
    async fn clear_shards(&self, lease: &Lease, row: &board_period::Model) -> Result<bool, WorkError> {
        for shard in (row.cleared..SHARDS).take(SHARDS_AT_ONCE) {
            let transaction = lease.fence(&self.db).await?;
            for sql in CLEAR {
                let values = [shard.into(), row.board_id.into(), row.period.into()];
                transaction
                    .execute_raw(Statement::from_sql_and_values(self.db.backend(), sql, values))
                    .await?;
            }
            transaction.commit().await?;
        }
        Ok(true)
    }
}

/// The lowest id of a batch that was made at an instant: ids begin with the milliseconds of their making.
fn first_id_at(instant: Instant) -> Uuid {
    let millis = u64::try_from(instant.micros().div_euclid(1_000)).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

/// Whether a shard of the board is still to be counted, or a batch that was made before the period closed is not counted
/// yet.
const WAITING: &str = "select 1 as found where exists (select 1 from board_recount where board_id = $1) \
     or exists (select 1 from outbox o where o.relay_no is null and o.batch_id < $3) \
     or exists (select 1 from consumer_cursor c join outbox o on o.bucket = c.bucket and o.relay_no > c.relay_no \
         where c.consumer = $2 and o.batch_id < $3)";
const CLOSE: &str =
    "update board_period set closed_at = $3 where board_id = $1 and period = $2 and closed_at is null";
const FREEZE: &str = "update board_period set frozen_at = $3, \
     entries = (select count(*) from board_snapshot s where s.board_id = $1 and s.period = $2), \
     score_sum = (select cast(coalesce(sum(s.total), 0) as bigint) from board_snapshot s \
         where s.board_id = $1 and s.period = $2) \
     where board_id = $1 and period = $2 and frozen_at is null";
const CLEAR: [&str; 3] = [
    "delete from board_total where shard_no = $1 and board_id = $2 and period = $3",
    "delete from board_merchant where shard_no = $1 and board_id = $2 and period = $3",
    "update board_period set cleared = cleared + 1 where board_id = $2 and period = $3 and cleared = $1",
];
