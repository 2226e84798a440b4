//! Parts of boards from the database: right at any time, and slow far from the top of a large board.

use amvaj_domain::{board::Place, id::WalletId, time::Instant};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};
use uuid::Uuid;

use super::{
    BoardKey,
    live::Scored,
    read::{Slice, Window},
};
use crate::{
    db::{
        Database, StoreError,
        entity::{board_snapshot, board_total},
    },
    ledger::keys::Keys,
};

/// A part of a period that is still counted.
pub(super) async fn of_totals(db: &Database, key: BoardKey, window: Window) -> Result<Slice, StoreError> {
    let size = count(db, key, "", Vec::new()).await?;
    let (start, end) = match window {
        Window::Around { wallet, distance } => {
            let Some(own) = place_of(db, key, wallet).await? else {
                return Ok(Slice { size, ..Slice::default() });
            };
            let behind = "and (total > $3 or (total = $3 and (reached_at, wallet_id) < ($4, $5)))";
            let values = vec![own.total.into(), own.reached_at.micros().into(), own.wallet.uuid().into()];
            let position = count(db, key, behind, values).await?;
            let end = position.saturating_add(distance).saturating_add(1).min(size);
            (position.saturating_sub(distance), end)
        }
        Window::First { .. } | Window::Last { .. } => window.bounds(size),
    };
    let sql = format!(
        "select wallet_id, total, reached_at from board_total where {COUNTED} \
         order by total desc, reached_at, wallet_id limit $3 offset $4"
    );
    let places = places(db, key, &sql, vec![number(end.saturating_sub(start)), number(start)]).await?;
    let above = match places.first() {
        Some(first) if start > 0 => count(db, key, "and total > $3", vec![first.total.into()]).await?,
        Some(_) | None => 0,
    };
    Ok(Slice { size, before: start, above, places })
}

/// A part of a snapshot on which so many stand.
pub(super) async fn of_snapshot(
    db: &Database,
    key: BoardKey,
    size: u64,
    window: Window,
) -> Result<Slice, StoreError> {
    let (start, end) = match window {
        Window::Around { wallet, distance } => {
            let sql =
                "select position from board_snapshot where board_id = $1 and period = $2 and wallet_id = $3";
            let statement = statement(db, key, sql, vec![wallet.uuid().into()]);
            let Some(row) = db.reader().query_one_raw(statement).await? else {
                return Ok(Slice { size, ..Slice::default() });
            };
            let position: i64 = row.try_get("", "position")?;
            let position = u64::try_from(position).unwrap_or_default();
            (position.saturating_sub(distance.saturating_add(1)), position.saturating_add(distance).min(size))
        }
        Window::First { .. } | Window::Last { .. } => window.bounds(size),
    };
    let sql = "select * from board_snapshot where board_id = $1 and period = $2 and position > $3 and position <= $4 \
         order by position";
    let statement = statement(db, key, sql, vec![number(start), number(end)]);
    let rows = board_snapshot::Model::find_by_statement(statement).all(db.reader()).await?;
    let above = rows.first().and_then(|row| u64::try_from(row.rank).ok()).unwrap_or(1).saturating_sub(1);
    let place = |row: &board_snapshot::Model| Place {
        total: row.total,
        reached_at: Instant::from_micros(row.reached_at),
        wallet: WalletId::new(row.wallet_id),
    };
    Ok(Slice { size, before: start, above, places: rows.iter().map(place).collect() })
}

/// The places of a period behind one, in order; from the beginning without one.
pub(super) async fn places_after(
    db: &Database,
    key: BoardKey,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<Scored>, StoreError> {
    // Of rows that are all in one order two conditions serve the index better than one comparison of three columns,
    // of which the first runs the other way.
    let behind = if after.is_some() {
        "and total <= $3 and (total < $3 or (reached_at, wallet_id) > ($4, $5))"
    } else {
        ""
    };
    let values = after.map_or_else(Vec::new, |after| {
        vec![after.total.into(), after.reached_at.micros().into(), after.wallet.uuid().into()]
    });
    let sql = format!(
        "select * from board_total where {COUNTED} {behind} order by total desc, reached_at, wallet_id limit {limit}"
    );
    let rows =
        board_total::Model::find_by_statement(statement(db, key, &sql, values)).all(db.reader()).await?;
    Ok(rows.iter().map(Scored::of).collect())
}

/// What wallets have reached in a period; those without a row are left out.
pub(super) async fn scores_of(
    db: &Database,
    key: BoardKey,
    wallets: &[WalletId],
) -> Result<Vec<Scored>, StoreError> {
    let sql = "select t.* from {k} join board_total t on t.shard_no = k.shard_no and t.wallet_id = k.wallet_id \
         where t.board_id = {board} and t.period = {period}";
    let keys = Keys::wallets(db.backend(), wallets);
    // The keys are one parameter or two; the next ones follow them.
    let first = if db.is_postgres() { 3 } else { 2 };
    let sql = sql.replace("{board}", &format!("${first}")).replace("{period}", &format!("${}", first + 1));
    let statement = keys.with(key.board.uuid()).with(key.period.days()).statement(&sql);
    let rows = board_total::Model::find_by_statement(statement).all(db.reader()).await?;
    Ok(rows.iter().map(Scored::of).collect())
}

async fn place_of(db: &Database, key: BoardKey, wallet: WalletId) -> Result<Option<Place>, StoreError> {
    let found = scores_of(db, key, &[wallet]).await?;
    Ok(found.first().and_then(Scored::place))
}

async fn count(db: &Database, key: BoardKey, condition: &str, values: Vec<Value>) -> Result<u64, StoreError> {
    let sql = format!("select count(*) as n from board_total where {COUNTED} {condition}");
    let row = db.reader().query_one_raw(statement(db, key, &sql, values)).await?;
    let n: i64 = row.map_or(Ok(0), |row| row.try_get("", "n"))?;
    Ok(u64::try_from(n).unwrap_or_default())
}

async fn places(
    db: &Database,
    key: BoardKey,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<Place>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        wallet_id: Uuid,
        total: i64,
        reached_at: i64,
    }
    let rows = Row::find_by_statement(statement(db, key, sql, values)).all(db.reader()).await?;
    let place = |row: Row| Place {
        total: row.total,
        reached_at: Instant::from_micros(row.reached_at),
        wallet: WalletId::new(row.wallet_id),
    };
    Ok(rows.into_iter().map(place).collect())
}

/// A statement whose first parameters are the board and the period.
fn statement(db: &Database, key: BoardKey, sql: &str, values: Vec<Value>) -> Statement {
    let mut all = vec![key.board.uuid().into(), key.period.days().into()];
    all.extend(values);
    Statement::from_sql_and_values(db.backend(), sql, all)
}

fn number(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

/// Who has nothing does not stand on the board.
const COUNTED: &str = "board_id = $1 and period = $2 and total > 0";
