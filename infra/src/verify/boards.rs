//! Boards: totals are what the journal comes to, snapshots are what they were: parts of invariants 17 and 18.

use std::collections::{BTreeMap, HashSet};

use amvaj_domain::{
    board::{Board, Tally},
    calendar::LocalDay,
    id::{BoardId, MerchantId, SHARDS, WalletId},
    time::Instant,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement};
use uuid::Uuid;

use super::{CheckResult, check::Check};
use crate::{
    board::{board_from, effects_of_shards},
    db::{
        StoreError,
        entity::{board, board_merchant, board_period, board_total},
    },
};

/// What the progress bar says meanwhile.
pub(super) const NAME: &str = "Boards: shard by shard against the journal";

/// The check that SQL cannot say, because SQL does not know the periods of two calendars.
pub(super) const CHECKS: [(u8, &str); 1] =
    [(17, "What is reached on a board is what the journal comes to in its period")];

pub(super) const QUERIES: &[Check] = &[
    Check {
        number: 17,
        name: "A frozen period has the places and the sum of when it was frozen",
        sql: "select 'board ' || {uuid board_id} || ' period ' || period || ': ' || sum(entries) || ' places and a sum of '
                || sum(score_sum) || ' too few' as what
            from (
                select board_id, period, entries, score_sum from board_period where frozen_at is not null
                union all
                select board_id, period, -1, -total from board_snapshot
                where (board_id, period) in (select board_id, period from board_period where frozen_at is not null)
            ) as both_sides
            group by board_id, period having sum(entries) <> 0 or sum(score_sum) <> 0",
    },
    Check {
        number: 17,
        name: "On a snapshot everybody stands where the scores put them",
        sql: "select 'board ' || {uuid board_id} || ' period ' || period || ' position ' || position || ': it is '
                || right_position || ' with the rank ' || right_rank as what
            from (
                select board_id, period, position, rank,
                    row_number() over (partition by board_id, period order by total desc, reached_at, wallet_id)
                        as right_position,
                    rank() over (partition by board_id, period order by total desc) as right_rank
                from board_snapshot
            ) as numbered
            where position <> right_position or rank <> right_rank",
    },
    Check {
        number: 17,
        name: "Only a closed period has a snapshot, and a cleared one has no totals",
        sql: "select 'board ' || {uuid s.board_id} || ' period ' || s.period || ': a snapshot of a period that is not closed'
                as what
            from (select distinct board_id, period from board_snapshot) as s
            left join board_period p on p.board_id = s.board_id and p.period = s.period and p.closed_at is not null
            where p.board_id is null
            union all
            select 'board ' || {uuid t.board_id} || ' period ' || t.period || ' wallet ' || {uuid t.wallet_id}
                || ': a total in a period that is cleared'
            from board_total t
            join board_period p on p.board_id = t.board_id and p.period = t.period and t.shard_no < p.cleared
            union all
            select 'board ' || {uuid board_id} || ' period ' || period || ': closed at ' || closed_at || ', before '
                || closes_at
            from board_period where closed_at < closes_at",
    },
    Check {
        number: 18,
        name: "Operations are counted on the boards in time, and no wallet beyond its history",
        sql: "select 'wallet ' || {uuid wallet.wallet_id} || ': counted up to seq ' || coalesce(board_wallet.seq, 0)
                || ', its version is ' || wallet.version as what
            from wallet left join board_wallet on board_wallet.shard_no = wallet.shard_no
                and board_wallet.wallet_id = wallet.wallet_id
            where coalesce(board_wallet.seq, 0) > wallet.version
                or (exists (select 1 from consumer_cursor where consumer = 'boards') and exists (
                    select 1 from op where op.shard_no = wallet.shard_no and op.wallet_id = wallet.wallet_id
                        and op.seq > coalesce(board_wallet.seq, 0) and op.recorded_at < {stale}))",
    },
];

/// Operations beyond which not all of them are looked at at once.
const MANY_OPERATIONS: i64 = 500_000;

/// A total by its key.
type Key = (WalletId, BoardId, LocalDay);

/// Counts every shard from the journal and compares.
pub(super) async fn run<C: ConnectionTrait>(
    connection: &C,
    limit: u32,
) -> Result<Vec<CheckResult>, StoreError> {
    let [(number, name)] = CHECKS;
    let mut result = CheckResult { number, name, violations: 0, rows: Vec::new() };
    let boards = counted(connection).await?;
    let closed = closed(connection).await?;
    // A small network is looked at as a whole, a large one shard by shard.
    let step = if operations(connection).await? < MANY_OPERATIONS { SHARDS } else { 1 };
    for first in (0..SHARDS).step_by(usize::try_from(step).unwrap_or(1)) {
        let shards = (first, first.saturating_add(step).saturating_sub(1));
        let mut right = right(connection, &boards, &closed, shards).await?;
        for ((wallet, board, period), stored) in stored(connection, shards).await? {
            if closed.contains(&(board, period)) || boards.recounting.contains(&board) {
                continue;
            }
            let key = (wallet, board, period);
            let right = right.remove(&key).unwrap_or(Tally::EMPTY);
            if !agree(&stored, &right) {
                note(&mut result, limit, key, &stored, &right);
            }
        }
        for (key, right) in right.iter().filter(|(_, right)| right.total != 0) {
            note(&mut result, limit, *key, &Tally::EMPTY, right);
        }
    }
    Ok(vec![result])
}

/// The boards, without those that are being counted anew.
struct Boards {
    all: Vec<Board>,
    recounting: HashSet<BoardId>,
}

async fn counted<C: ConnectionTrait>(connection: &C) -> Result<Boards, StoreError> {
    let sql = "select distinct board_id from board_recount";
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let mut recounting = HashSet::new();
    for row in connection.query_all_raw(statement).await? {
        let id: Uuid = row.try_get("", "board_id")?;
        recounting.insert(BoardId::new(id));
    }
    let mut all =
        board::Entity::find().all(connection).await?.iter().map(board_from).collect::<Result<Vec<_>, _>>()?;
    all.retain(|board| !recounting.contains(&board.id));
    Ok(Boards { all, recounting })
}

async fn closed<C: ConnectionTrait>(connection: &C) -> Result<HashSet<(BoardId, LocalDay)>, StoreError> {
    let rows = board_period::Entity::find()
        .filter(board_period::Column::ClosedAt.is_not_null())
        .all(connection)
        .await?;
    let key =
        |row: &board_period::Model| (BoardId::new(row.board_id), LocalDay::from_days(row.period.into()));
    Ok(rows.iter().map(key).collect())
}

async fn operations<C: ConnectionTrait>(connection: &C) -> Result<i64, StoreError> {
    let sql = "select cast(coalesce(sum(version), 0) as bigint) from wallet";
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await?;
    Ok(row.map_or(Ok(0), |row| row.try_get_by_index(0))?)
}

/// What the journal of some shards comes to.
async fn right<C: ConnectionTrait>(
    connection: &C,
    boards: &Boards,
    closed: &HashSet<(BoardId, LocalDay)>,
    shards: (i16, i16),
) -> Result<BTreeMap<Key, Tally>, StoreError> {
    let begin =
        boards.all.iter().map(|board| board.cycle.period_of(board.first).starts_at(&board.zone)).min();
    let Some(begin) = begin else { return Ok(BTreeMap::new()) };
    let mut tallies: BTreeMap<Key, Tally> = BTreeMap::new();
    for one in effects_of_shards(connection, shards, begin).await? {
        for board in &boards.all {
            if let Some(period) = board.period_of(&one.effect)
                && !closed.contains(&(board.id, period.first))
            {
                let key = (one.wallet, board.id, period.first);
                tallies.entry(key).or_insert(Tally::EMPTY).add(board.metric, &one.effect);
            }
        }
    }
    Ok(tallies)
}

/// What is stored of some shards.
async fn stored<C: ConnectionTrait>(
    connection: &C,
    (first, last): (i16, i16),
) -> Result<BTreeMap<Key, Tally>, StoreError> {
    let key = |wallet, board, period: i32| {
        (WalletId::new(wallet), BoardId::new(board), LocalDay::from_days(period.into()))
    };
    let totals = board_total::Entity::find().filter(board_total::Column::ShardNo.between(first, last));
    let mut tallies: BTreeMap<Key, Tally> = BTreeMap::new();
    for row in totals.all(connection).await? {
        let reached_at = Instant::from_micros(row.reached_at);
        let tally = Tally { total: row.total, reached_at, seq: row.seq, ..Tally::EMPTY };
        tallies.insert(key(row.wallet_id, row.board_id, row.period), tally);
    }
    let merchants =
        board_merchant::Entity::find().filter(board_merchant::Column::ShardNo.between(first, last));
    for row in merchants.all(connection).await? {
        let tally = tallies.entry(key(row.wallet_id, row.board_id, row.period)).or_insert(Tally::EMPTY);
        tally.visits.insert(MerchantId::new(row.merchant_id), row.visits);
    }
    Ok(tallies)
}

/// Whether they say the same; when somebody reached nothing does not matter.
fn agree(stored: &Tally, right: &Tally) -> bool {
    let visits = |tally: &Tally| -> BTreeMap<MerchantId, i64> {
        tally.visits.iter().filter(|(_, visits)| **visits != 0).map(|(id, visits)| (*id, *visits)).collect()
    };
    stored.total == right.total
        && (right.total == 0 || stored.reached_at == right.reached_at)
        && stored.seq >= right.seq
        && visits(stored) == visits(right)
}

fn note(result: &mut CheckResult, limit: u32, (wallet, board, period): Key, stored: &Tally, right: &Tally) {
    result.violations = result.violations.saturating_add(1);
    if u32::try_from(result.rows.len()).is_ok_and(|named| named < limit) {
        let says = |tally: &Tally| {
            format!("{} since {} by seq {}", tally.total, tally.reached_at.micros(), tally.seq)
        };
        result.rows.push(format!(
            "board {board} period {period} wallet {wallet}: {} at {} merchants, the journal comes to {} at {}",
            says(stored),
            stored.visits.len(),
            says(right),
            right.visits.len()
        ));
    }
}
