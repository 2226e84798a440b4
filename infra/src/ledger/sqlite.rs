//! WRITE on SQLite: one immediate transaction, one statement per table, the rows as one JSON text.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    sync::LazyLock,
};

use amvaj_domain::id::{OUTBOX_BUCKETS, WalletId};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection, SqlitePool};
use uuid::Uuid;

use super::{
    batch::{GuardedWallet, Replaces, WriteBatch},
    touched::outbox_payload,
};
use crate::db::{
    StoreError,
    columns::Columns,
    entity::{entry, lot_use, merchant_balance, op, outbox, refund_waiting, wallet},
};

/// Writes a batch and answers the wallets whose guard held.
pub(super) async fn write(pool: &SqlitePool, batch: &WriteBatch) -> Result<HashSet<WalletId>, StoreError> {
    let mut transaction = pool.begin_with("begin immediate").await?;
    let survivors = update_wallets(&mut transaction, &batch.wallets).await?;
    let connection = &mut *transaction;
    let alive = |wallet: Uuid| survivors.contains(&wallet);
    let free_or_alive = |wallet: Option<Uuid>| wallet.is_none_or(alive);

    insert(connection, &kept(&batch.claims, |row| free_or_alive(row.wallet_id)), "").await?;
    insert(connection, &kept(&batch.receipts, |row| alive(row.wallet_id)), "").await?;
    let ops = kept(&batch.ops, |row| alive(row.wallet_id));
    let entries = kept(&batch.entries, |row| alive(row.wallet_id));
    insert::<op::Model>(connection, &ops, "").await?;
    insert::<entry::Model>(connection, &entries, "").await?;
    insert::<lot_use::Model>(connection, &kept(&batch.lot_uses, |row| alive(row.wallet_id)), "").await?;
    replace(connection, &kept(&batch.lots, |row| alive(row.wallet_id))).await?;
    replace(connection, &kept(&batch.holds, |row| alive(row.wallet_id))).await?;
    replace(connection, &kept(&batch.purchases, |row| alive(row.wallet_id))).await?;
    replace(connection, &kept(&batch.purchase_lines, |row| alive(row.wallet_id))).await?;
    replace(connection, &kept(&batch.redemptions, |row| alive(row.wallet_id))).await?;
    replace(connection, &kept(&batch.earned_receipts, |row| alive(row.wallet_id))).await?;
    replace(connection, &kept(&batch.caps, |row| alive(row.wallet_id))).await?;
    replace::<refund_waiting::Model>(connection, &kept(&batch.refunds, |row| free_or_alive(row.wallet_id)))
        .await?;
    insert(connection, &merchant_rows(batch.bucket, &entries), ADD_TO_TOTALS).await?;
    insert(connection, &outbox_rows(batch.batch.uuid(), &ops), "").await?;
    transaction.commit().await?;
    Ok(survivors.into_iter().map(WalletId::new).collect())
}

/// Moves the heads whose version is the expected one.
async fn update_wallets(
    connection: &mut SqliteConnection,
    wallets: &[GuardedWallet],
) -> Result<HashSet<Uuid>, StoreError> {
    if wallets.is_empty() {
        return Ok(HashSet::new());
    }
    let mut rows = String::from("[");
    for (at, wallet) in wallets.iter().enumerate() {
        if at > 0 {
            rows.push(',');
        }
        wallet.row.json(&mut rows);
        // The expected version goes behind the row's own columns.
        rows.pop();
        // Writing to a String cannot fail.
        let _ = write!(rows, ",{}]", wallet.expected);
    }
    rows.push(']');
    let moved = sqlx::query(AssertSqlSafe(UPDATE_WALLETS.as_str())).bind(rows).fetch_all(connection).await?;
    moved.iter().map(|row| Ok(row.try_get::<Uuid, _>(0)?)).collect()
}

static UPDATE_WALLETS: LazyLock<String> = LazyLock::new(|| {
    let expected = wallet::Model::columns().len();
    let changing = wallet::Model::columns().into_iter().map(|(name, ..)| name);
    let set: Vec<String> = changing
        .filter(|name| !["shard_no", "wallet_id"].contains(name))
        .map(|name| format!("{name} = new.{name}"))
        .collect();
    let select = wallet::Model::select_json().replacen(
        " from ",
        &format!(", value ->> {expected} as expected from "),
        1,
    );
    format!(
        "update wallet set {} from ({select}) as new \
         where wallet.shard_no = new.shard_no and wallet.wallet_id = new.wallet_id and wallet.version = new.expected \
         returning wallet.wallet_id",
        set.join(", ")
    )
});

/// Totals only grow by what a batch adds.
const ADD_TO_TOTALS: &str = "on conflict (bucket, merchant_id, kind) do update set \
     points = points + excluded.points, value = value + excluded.value, n = n + excluded.n";

async fn insert<M: Columns>(
    connection: &mut SqliteConnection,
    rows: &[M],
    on_conflict: &str,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    // `where true` keeps SQLite from reading `on conflict` as a join condition.
    let sql =
        format!("insert into {} ({}) {} where true {on_conflict}", M::TABLE, M::names(), M::select_json());
    sqlx::query(AssertSqlSafe(sql)).bind(M::json_rows(rows)).execute(connection).await?;
    Ok(())
}

async fn replace<M: Replaces>(connection: &mut SqliteConnection, rows: &[M]) -> Result<(), StoreError> {
    insert(connection, rows, &M::on_conflict()).await
}

fn kept<M: Clone>(rows: &[M], keep: impl Fn(&M) -> bool) -> Vec<M> {
    rows.iter().filter(|row| keep(row)).cloned().collect()
}

/// What the entries of the surviving operations add to merchants' totals.
pub(super) fn merchant_rows(bucket: i16, entries: &[entry::Model]) -> Vec<merchant_balance::Model> {
    let mut totals: BTreeMap<(Uuid, i16), (i64, i64, i64)> = BTreeMap::new();
    for leg in entries.iter().filter(|leg| super::touched::MERCHANT_ACCOUNTS.contains(&leg.account_kind)) {
        let (points, value, n) = totals.entry((leg.account_id, leg.account_kind)).or_default();
        *points += leg.amount;
        *value += leg.value;
        *n += 1;
    }
    totals
        .into_iter()
        .map(|((merchant_id, kind), (points, value, n))| merchant_balance::Model {
            bucket,
            merchant_id,
            kind,
            points,
            value,
            n,
        })
        .collect()
}

/// One outbox row per bucket that the surviving operations touched.
pub(super) fn outbox_rows(batch_id: Uuid, ops: &[op::Model]) -> Vec<outbox::Model> {
    let mut buckets: BTreeMap<i16, BTreeMap<Uuid, (i64, i64)>> = BTreeMap::new();
    for row in ops {
        let wallets = buckets.entry(row.shard_no % OUTBOX_BUCKETS).or_default();
        let (first, last) = wallets.entry(row.wallet_id).or_insert((row.seq, row.seq));
        *first = row.seq.min(*first);
        *last = row.seq.max(*last);
    }
    buckets
        .into_iter()
        .map(|(bucket, wallets)| outbox::Model {
            bucket,
            batch_id,
            relay_no: None,
            relayed_at: None,
            payload: outbox_payload(&wallets),
        })
        .collect()
}
