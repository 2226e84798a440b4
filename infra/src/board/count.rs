//! The consumer of the outbox that keeps the totals.
//!
//! A row of the outbox is only a hint that a wallet has something new. What that is comes from the journal, from where
//! the wallet was counted last (`board_wallet`): so rows that come twice, in another order or not at all change nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use amvaj_domain::{
    board::{Board, Metric, Period, Tally},
    calendar::LocalDay,
    id::{BoardId, MerchantId, WalletId},
    time::Instant,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait as _, DatabaseTransaction, EntityTrait, FromQueryResult as _,
    QueryFilter, QueryOrder, QuerySelect, Statement, sea_query::LockType, sea_query::Query,
};

use super::{Counted, board_from, journal::new_effects};
use crate::{
    db::{
        Database, StoreError,
        entity::{board, board_merchant, board_period, board_total},
        insert,
    },
    ledger::keys::Keys,
    outbox::{Backlog, Buckets, Consumer, Relayed},
    worker::WorkError,
};

/// Wallets of one transaction. A row of the outbox may bring more, and then is one alone.
const MOST_WALLETS: usize = 2_000;

/// The consumer that keeps the totals of boards.
#[derive(Debug, Clone)]
pub struct BoardKeeper {
    pub(super) database: Database,
    consumer: Consumer,
}

/// A total by its key: wallet, board and first day of the period.
pub(super) type Key = (WalletId, BoardId, LocalDay);

/// What transactions on totals have to know of the boards, none of which can close a period meanwhile.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) boards: Vec<Board>,
    closed: HashSet<(BoardId, LocalDay)>,
}

/// Totals in the making.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    totals: BTreeMap<Key, (Metric, Tally)>,
    /// The periods that they belong to, with the instant at which each closes.
    periods: BTreeMap<(BoardId, LocalDay), Instant>,
}

impl BoardKeeper {
    /// The name of the consumer, under which its cursors are.
    pub(super) const NAME: &'static str = "boards";

    /// A keeper of the totals in a database.
    pub fn new(database: Database) -> Self {
        Self { consumer: Consumer::new(database.clone(), Self::NAME), database }
    }

    /// Makes its cursors.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn register(&self) -> Result<(), StoreError> {
        self.consumer.register().await
    }

    /// What waits for the relay, and then for the keeper.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        self.consumer.backlog().await
    }

    /// Counts what up to `limit` rows of each bucket tell of, together with the cursors, and answers how many rows it has
    /// passed.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] when a lease is lost; otherwise when the database fails. Nothing is written then.
    pub async fn keep(&self, buckets: &Buckets, limit: u32) -> Result<usize, WorkError> {
        let rows = self.consumer.read_after(buckets, limit).await?;
        let rows = Relayed::few(&rows, MOST_WALLETS);
        if rows.is_empty() {
            return Ok(0);
        }
        let mut wallets: BTreeMap<WalletId, i64> = BTreeMap::new();
        for touched in rows.iter().flat_map(|row| &row.touched) {
            let seq = wallets.entry(touched.wallet()).or_default();
            *seq = touched.last().max(*seq);
        }
        let transaction = buckets.fence(&self.database).await?;
        let mut open = open(&transaction).await?;
        if !open.boards.is_empty() {
            let hints: Vec<(WalletId, i64)> = wallets.iter().map(|(wallet, seq)| (*wallet, *seq)).collect();
            let counted = new_effects(&transaction, &hints).await?;
            for one in &counted {
                let seq = wallets.entry(one.wallet).or_default();
                *seq = one.effect.seq.max(*seq);
            }
            open.read_closed(&transaction, &counted).await?;
            add(&transaction, &open, &counted).await?;
        }
        move_wallets(&transaction, &wallets).await?;
        self.consumer.advance_in(&transaction, rows).await?;
        transaction.commit().await?;
        Ok(rows.len())
    }
}

impl Tallies {
    /// Adds effects, each to every board that counts it.
    pub(super) fn add(&mut self, open: &Open, counted: &[Counted]) {
        for one in counted {
            for board in &open.boards {
                if let Some(period) = board.period_of(&one.effect)
                    && !open.closed.contains(&(board.id, period.first))
                {
                    self.add_one(board, period, one);
                }
            }
        }
    }

    fn add_one(&mut self, board: &Board, period: Period, one: &Counted) {
        let key = (one.wallet, board.id, period.first);
        let (_, tally) = self.totals.entry(key).or_insert((board.metric, Tally::EMPTY));
        tally.add(board.metric, &one.effect);
        self.periods.entry((board.id, period.first)).or_insert_with(|| board.closes_at(period));
    }

    /// Writes the totals in place of what is there.
    pub(super) async fn write(&self, transaction: &DatabaseTransaction) -> Result<(), StoreError> {
        let mut totals = Vec::with_capacity(self.totals.len());
        let mut merchants = Vec::new();
        for ((wallet, board, period), (_, tally)) in &self.totals {
            let (shard_no, wallet_id, board_id, period) =
                (wallet.shard_no(), wallet.uuid(), board.uuid(), period.days());
            let (total, reached_at, seq) = (tally.total, tally.reached_at.micros(), tally.seq);
            totals.push(board_total::Model { shard_no, wallet_id, board_id, period, total, reached_at, seq });
            merchants.extend(tally.visits.iter().map(|(merchant, visits)| board_merchant::Model {
                shard_no,
                wallet_id,
                board_id,
                period,
                merchant_id: merchant.uuid(),
                visits: *visits,
            }));
        }
        for ((board, period), closes_at) in &self.periods {
            let values = [board.uuid().into(), period.days().into(), closes_at.micros().into()];
            let backend = transaction.get_database_backend();
            transaction.execute_raw(Statement::from_sql_and_values(backend, BEGIN_PERIOD, values)).await?;
        }
        insert(transaction, &totals, REPLACE_TOTAL).await?;
        insert(transaction, &merchants, REPLACE_MERCHANT).await
    }
}

/// Adds effects to the totals that are there.
async fn add(transaction: &DatabaseTransaction, open: &Open, counted: &[Counted]) -> Result<(), StoreError> {
    let wallets: BTreeSet<WalletId> = counted.iter().map(|one| one.wallet).collect();
    let wallets: Vec<WalletId> = wallets.into_iter().collect();
    if wallets.is_empty() {
        return Ok(());
    }
    let mut tallies = stored(transaction, open, &wallets).await?;
    let before = tallies.totals.clone();
    tallies.add(open, counted);
    tallies.totals.retain(|key, tally| before.get(key) != Some(tally));
    tallies.write(transaction).await
}

/// The boards that count, kept from closing a period until the transaction ends.
pub(super) async fn open(transaction: &DatabaseTransaction) -> Result<Open, StoreError> {
    let unfinished = Query::select()
        .column(board_period::Column::BoardId)
        .from(board_period::Entity)
        .and_where(board_period::Column::ClosedAt.is_null())
        .to_owned();
    let which = Condition::any()
        .add(board::Column::ClosedAt.is_null())
        .add(board::Column::BoardId.in_subquery(unfinished));
    let list = board::Entity::find().filter(which).order_by_asc(board::Column::BoardId);
    let rows = list.lock(LockType::Share).all(transaction).await?;
    let boards = rows.iter().map(board_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Open { boards, closed: HashSet::new() })
}

impl Open {
    /// Reads which periods are closed, among those that these effects belong to and later ones.
    pub(super) async fn read_closed(
        &mut self,
        transaction: &DatabaseTransaction,
        counted: &[Counted],
    ) -> Result<(), StoreError> {
        let periods = counted
            .iter()
            .flat_map(|one| self.boards.iter().filter_map(|board| board.period_of(&one.effect)))
            .map(|period| period.first.days());
        // The period of all time began before every other.
        let ever = LocalDay::MIN.days();
        let earliest = periods.filter(|first| *first > ever).min().unwrap_or(i32::MAX);
        let reached = Condition::any()
            .add(board_period::Column::Period.gte(earliest))
            .add(board_period::Column::Period.eq(ever));
        let closed = board_period::Entity::find()
            .filter(board_period::Column::ClosedAt.is_not_null())
            .filter(board_period::Column::BoardId.is_in(self.boards.iter().map(|board| board.id.uuid())))
            .filter(reached)
            .all(transaction)
            .await?;
        let key =
            |row: &board_period::Model| (BoardId::new(row.board_id), LocalDay::from_days(row.period.into()));
        self.closed = closed.iter().map(key).collect();
        Ok(())
    }
}

/// The totals of wallets as they are, in the periods that are still counted.
async fn stored(
    transaction: &DatabaseTransaction,
    open: &Open,
    wallets: &[WalletId],
) -> Result<Tallies, StoreError> {
    let backend = transaction.get_database_backend();
    let statement = Keys::wallets(backend, wallets).statement(TOTALS);
    let mut tallies = Tallies::default();
    for row in board_total::Model::find_by_statement(statement).all(transaction).await? {
        let key = (
            WalletId::new(row.wallet_id),
            BoardId::new(row.board_id),
            LocalDay::from_days(row.period.into()),
        );
        let metric = open.boards.iter().find(|board| board.id == key.1).map(|board| board.metric);
        let Some(metric) = metric.filter(|_| !open.closed.contains(&(key.1, key.2))) else { continue };
        let reached_at = Instant::from_micros(row.reached_at);
        let tally = Tally { total: row.total, reached_at, seq: row.seq, ..Tally::EMPTY };
        tallies.totals.insert(key, (metric, tally));
    }
    if open.boards.iter().any(|board| board.metric == Metric::MerchantsVisited) {
        let statement = Keys::wallets(backend, wallets).statement(MERCHANTS);
        for row in board_merchant::Model::find_by_statement(statement).all(transaction).await? {
            let key = (
                WalletId::new(row.wallet_id),
                BoardId::new(row.board_id),
                LocalDay::from_days(row.period.into()),
            );
            if let Some((_, tally)) = tallies.totals.get_mut(&key) {
                tally.visits.insert(MerchantId::new(row.merchant_id), row.visits);
            }
        }
    }
    Ok(tallies)
}

/// Notes up to which operation wallets are counted.
async fn move_wallets(
    transaction: &DatabaseTransaction,
    wallets: &BTreeMap<WalletId, i64>,
) -> Result<(), StoreError> {
    let wallets: Vec<(WalletId, i64)> = wallets.iter().map(|(wallet, seq)| (*wallet, *seq)).collect();
    let keys = Keys::numbered(transaction.get_database_backend(), &wallets);
    transaction.execute_raw(keys.statement(MOVE_WALLETS)).await?;
    Ok(())
}

const TOTALS: &str =
    "select t.* from {k} join board_total t on t.shard_no = k.shard_no and t.wallet_id = k.wallet_id";
const MERCHANTS: &str =
    "select m.* from {k} join board_merchant m on m.shard_no = k.shard_no and m.wallet_id = k.wallet_id";
const MOVE_WALLETS: &str = "insert into board_wallet (shard_no, wallet_id, seq) \
     select k.shard_no, k.wallet_id, k.n from {k} where true \
     on conflict (shard_no, wallet_id) do update set seq = excluded.seq where board_wallet.seq < excluded.seq";
pub(super) const BEGIN_PERIOD: &str = "insert into board_period (board_id, period, closes_at, cleared) values ($1, $2, $3, 0) \
     on conflict (board_id, period) do nothing";
const REPLACE_TOTAL: &str = "on conflict (shard_no, wallet_id, board_id, period) \
     do update set total = excluded.total, reached_at = excluded.reached_at, seq = excluded.seq";
const REPLACE_MERCHANT: &str = "on conflict (shard_no, wallet_id, board_id, period, merchant_id) \
     do update set visits = excluded.visits";
