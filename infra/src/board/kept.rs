//! The boards themselves: made, closed, counted anew and listed.

use std::sync::Arc;

use amvaj_domain::{
    audit::Act,
    board::{Board, Cycle, Metric, Reach},
    calendar::{LocalDay, Zone},
    id::{BoardId, MerchantId, OUTBOX_BUCKETS, SHARDS},
    merchant::Names,
    text::Name,
    time::{Instant, Span},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect as _,
    Statement, sea_query::Expr,
};

use super::{Boards, Cell, count::BEGIN_PERIOD};
use crate::audit::{Audit, Unit};
use crate::db::entity::board::{ActiveModel, Column, Entity, Model};
use crate::db::entity::{board_period, merchant};
use crate::db::{Database, StoreError};

/// A board with how far its copies and its history are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The board.
    pub board: Board,
    /// How often it has been counted from the beginning.
    pub generation: i32,
    /// Whether some of its history is still to be counted.
    pub recounting: bool,
}

/// Why a board was not made or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BoardRefused {
    /// There is no such merchant.
    #[error("there is no such merchant")]
    MerchantNotFound,
    /// There are as many open boards as there may be.
    #[error("there are {} open boards", Boards::MOST_OPEN)]
    TooMany,
    /// There is no such board.
    #[error("there is no such board")]
    BoardNotFound,
}

/// All boards, in the order in which they were made.
pub(super) type Listed = Arc<Vec<Kept>>;

impl Boards {
    /// The most boards that are open at a time: every purchase is counted on each that it belongs to.
    pub const MOST_OPEN: u64 = 100;

    /// All boards in the order in which they were made, at most a second old.
    pub async fn all(&self) -> Result<Arc<Vec<Kept>>, StoreError> {
        let cell: Cell<Listed> = self.listed.get_with((), Cell::default);
        cell.get_or_try_init(|| async { list(&self.db).await.map(Arc::new) }).await.cloned()
    }

    /// A board, at most a second old; nothing when there is none.
    pub async fn find(&self, id: BoardId) -> Result<Option<Kept>, StoreError> {
        Ok(self.all().await?.iter().find(|kept| kept.board.id == id).cloned())
    }

    /// Writes a new board, which then counts the history of its first period.
    pub async fn make(&self, board: &Board, act: &Act) -> Result<Result<(), BoardRefused>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        if let Some(merchant) = board.reach.merchant()
            && merchant::Entity::find_by_id(merchant.uuid()).one(transaction).await?.is_none()
        {
            return Ok(Err(BoardRefused::MerchantNotFound));
        }
        let open = Entity::find().filter(Column::ClosedAt.is_null()).lock_shared().all(transaction).await?;
        if u64::try_from(open.len()).is_ok_and(|open| open >= Self::MOST_OPEN) {
            return Ok(Err(BoardRefused::TooMany));
        }
        let row = ActiveModel {
            board_id: Set(board.id.uuid()),
            name_fa: Set(board.names.fa.to_string()),
            name_en: Set(board.names.en.to_string()),
            metric: Set(board.metric.stored()),
            merchant_id: Set(board.reach.merchant().map(MerchantId::uuid)),
            cycle: Set(board.cycle.stored()),
            zone: Set(board.zone.name().to_owned()),
            grace: Set(board.grace.micros()),
            first_day: Set(board.first.days()),
            generation: Set(1),
            created_at: Set(board.created_at.micros()),
            closed_at: Set(None),
        };
        Entity::insert(row).exec_without_returning(transaction).await?;
        recount(transaction, board.id).await?;
        unit.commit().await?;
        self.listed.invalidate_all();
        Ok(Ok(()))
    }

    /// Closes a board: its open periods end now. Closing it again changes nothing and is not told of.
    pub async fn close(
        &self,
        id: BoardId,
        now: Instant,
        act: &Act,
    ) -> Result<Result<Kept, BoardRefused>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        let found = Entity::find_by_id(id.uuid()).lock_exclusive().one(transaction).await?;
        let Some(mut row) = found else { return Ok(Err(BoardRefused::BoardNotFound)) };
        if row.closed_at.is_none() {
            row.closed_at = Some(now.micros());
            Entity::update_many()
                .col_expr(Column::ClosedAt, Expr::value(now.micros()))
                .filter(Column::BoardId.eq(id.uuid()))
                .exec(transaction)
                .await?;
            board_period::Entity::update_many()
                .col_expr(board_period::Column::ClosesAt, Expr::value(now.micros()))
                .filter(board_period::Column::BoardId.eq(id.uuid()))
                .filter(board_period::Column::ClosesAt.gt(now.micros()))
                .exec(transaction)
                .await?;
            begin_periods(transaction, &board_from(&row)?).await?;
            unit.commit().await?;
            self.listed.invalidate_all();
            self.stages.invalidate_all();
        }
        Ok(Ok(Kept { board: board_from(&row)?, generation: row.generation, recounting: false }))
    }

    /// Has a board, or every open one, counted anew from the journal, as far as its periods are open. Answers how many
    /// boards those are.
    pub async fn rebuild(&self, id: Option<BoardId>, act: &Act) -> Result<u64, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        let mut which = Entity::find().order_by_asc(Column::BoardId).lock_exclusive();
        which = match id {
            Some(id) => which.filter(Column::BoardId.eq(id.uuid())),
            None => which.filter(Column::ClosedAt.is_null()),
        };
        let found = which.all(transaction).await?;
        for row in &found {
            Entity::update_many()
                .col_expr(Column::Generation, Expr::value(row.generation.saturating_add(1)))
                .filter(Column::BoardId.eq(row.board_id))
                .exec(transaction)
                .await?;
            recount(transaction, BoardId::new(row.board_id)).await?;
        }
        if !found.is_empty() {
            unit.commit().await?;
            self.listed.invalidate_all();
        }
        Ok(u64::try_from(found.len()).unwrap_or(u64::MAX))
    }
}

/// Writes the periods of a board just closed in which something may still be on its way to be counted, so that the board
/// counts until they are closed.
async fn begin_periods<C: ConnectionTrait>(connection: &C, board: &Board) -> Result<(), StoreError> {
    let Some(closed) = board.closed_at else { return Ok(()) };
    let mut period = board.period_at(closed.plus(Span::from_micros(-1)));
    loop {
        let values =
            [board.id.uuid().into(), period.first.days().into(), board.closes_at(period).micros().into()];
        let backend = connection.get_database_backend();
        connection.execute_raw(Statement::from_sql_and_values(backend, BEGIN_PERIOD, values)).await?;
        let before =
            board.cycle.period_of(LocalDay::from_days(i64::from(period.first.days()).saturating_sub(1)));
        // All of an earlier period was closed before the board was.
        if before == period || before.first < board.first || board.closes_at(before) < closed {
            return Ok(());
        }
        period = before;
    }
}

/// Notes that every shard of a board is to be counted.
async fn recount<C: ConnectionTrait>(connection: &C, board: BoardId) -> Result<(), StoreError> {
    let shards: Vec<String> =
        (0..SHARDS).map(|shard| format!("({}, {shard})", shard.rem_euclid(OUTBOX_BUCKETS))).collect();
    let sql = format!(
        "insert into board_recount (bucket, shard_no, board_id) \
         select column1, column2, $1 from (values {}) as shards where true on conflict do nothing",
        shards.join(", ")
    );
    let values = [board.uuid().into()];
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    connection.execute_raw(statement).await?;
    Ok(())
}

/// All boards as they are now.
pub(super) async fn list(db: &Database) -> Result<Vec<Kept>, StoreError> {
    let rows = Entity::find().order_by_asc(Column::BoardId).all(db.reader()).await?;
    let sql = "select distinct board_id from board_recount";
    let waiting = db.reader().query_all_raw(Statement::from_string(db.backend(), sql)).await?;
    let waiting: Vec<uuid::Uuid> =
        waiting.iter().map(|row| row.try_get("", "board_id")).collect::<Result<_, _>>()?;
    let kept = |row: &Model| {
        Ok(Kept {
            board: board_from(row)?,
            generation: row.generation,
            recounting: waiting.contains(&row.board_id),
        })
    };
    rows.iter().map(kept).collect()
}

/// A board from its row.
pub(crate) fn board_from(row: &Model) -> Result<Board, StoreError> {
    let corrupt = |what| StoreError::CorruptRow { table: "board", id: row.board_id.to_string(), what };
    let name = |text: &str| Name::parse(text).map_err(|_| corrupt("a name"));
    Ok(Board {
        id: BoardId::new(row.board_id),
        names: Names { fa: name(&row.name_fa)?, en: name(&row.name_en)? },
        metric: Metric::from_stored(row.metric).ok_or_else(|| corrupt("its metric"))?,
        reach: row.merchant_id.map_or(Reach::Network, |id| Reach::Merchant(MerchantId::new(id))),
        cycle: Cycle::from_stored(row.cycle).ok_or_else(|| corrupt("its cycle"))?,
        zone: Zone::parse(&row.zone).map_err(|_| corrupt("its zone"))?,
        grace: Span::from_micros(row.grace),
        first: LocalDay::from_days(row.first_day.into()),
        created_at: Instant::from_micros(row.created_at),
        closed_at: row.closed_at.map(Instant::from_micros),
    })
}
