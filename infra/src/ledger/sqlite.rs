//! WRITE on SQLite: one immediate transaction, a few statements per table, each value bound by itself.

use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};

use amvaj_domain::id::{OUTBOX_BUCKETS, WalletId};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection, SqlitePool};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    batch::{GuardedWallet, Replaces, WriteBatch},
    store::still_fresh,
    touched::outbox_payload,
};
use crate::db::{
    StoreError,
    columns::Columns,
    entity::{entry, lot_use, merchant_balance, op, outbox, refund_waiting, wallet},
};

/// Writes a batch and answers the wallets whose guard held.
pub(super) async fn write(
    pool: &SqlitePool,
    batch: &WriteBatch,
    fresh_until: Instant,
) -> Result<HashSet<WalletId>, StoreError> {
    let mut transaction = pool.begin_with("begin immediate").await?;
    still_fresh(fresh_until)?;
    let survivors = update_wallets(&mut transaction, &batch.wallets).await?;
    let connection = &mut *transaction;
    let alive = |wallet: Uuid| survivors.contains(&wallet);
    let free_or_alive = |wallet: Option<Uuid>| wallet.is_none_or(alive);

    insert(connection, &kept(&batch.claims, |row| free_or_alive(row.wallet_id)), "").await?;
    insert(connection, &kept(&batch.receipts.new, |row| alive(row.wallet_id)), "").await?;
    let ops = kept(&batch.ops, |row| alive(row.wallet_id));
    let entries = kept(&batch.entries, |row| alive(row.wallet_id));
    insert::<op::Model>(connection, &ops, "").await?;
    insert::<entry::Model>(connection, &entries, "").await?;
    insert::<lot_use::Model>(connection, &kept(&batch.lot_uses, |row| alive(row.wallet_id)), "").await?;
    insert(connection, &kept(&batch.lots.new, |row| alive(row.wallet_id)), "").await?;
    insert(connection, &kept(&batch.holds.new, |row| alive(row.wallet_id)), "").await?;
    insert(connection, &kept(&batch.purchases.new, |row| alive(row.wallet_id)), "").await?;
    insert(connection, &kept(&batch.redemptions.new, |row| alive(row.wallet_id)), "").await?;
    replace(connection, &kept(&batch.receipts.changed, |row| alive(row.wallet_id))).await?;
    replace(connection, &kept(&batch.lots.changed, |row| alive(row.wallet_id))).await?;
    replace(connection, &kept(&batch.holds.changed, |row| alive(row.wallet_id))).await?;
    replace(connection, &kept(&batch.purchases.changed, |row| alive(row.wallet_id))).await?;
    replace(connection, &kept(&batch.redemptions.changed, |row| alive(row.wallet_id))).await?;
    replace(connection, &kept(&batch.purchase_lines, |row| alive(row.wallet_id))).await?;
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
    let mut moved = HashSet::new();
    for part in parts(wallets) {
        // The expected version comes behind the row's own columns.
        let values = values(wallet::Model::columns().len() + 1, part.len());
        let sql = format!(
            "with new({}, expected) as ({values}) {}",
            wallet::Model::names(),
            UPDATE_WALLETS.as_str()
        );
        let bound = part.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, wallet| {
            wallet.row.bind_values(query).bind(wallet.expected)
        });
        for row in bound.fetch_all(&mut *connection).await? {
            moved.insert(row.try_get::<Uuid, _>(0)?);
        }
    }
    Ok(moved)
}

static UPDATE_WALLETS: LazyLock<String> = LazyLock::new(|| {
    let changing = wallet::Model::columns().into_iter().map(|(name, ..)| name);
    let set: Vec<String> = changing
        .filter(|name| !["shard_no", "wallet_id"].contains(name))
        .map(|name| format!("{name} = new.{name}"))
        .collect();
    format!(
        "update wallet set {} from new \
         where wallet.shard_no = new.shard_no and wallet.wallet_id = new.wallet_id and wallet.version = new.expected \
         returning wallet.wallet_id",
        set.join(", ")
    )
});

/// Totals only grow by what a batch adds.
pub(super) const ADD_TO_TOTALS: &str = "on conflict (bucket, merchant_id, kind) do update set \
     points = points + excluded.points, value = value + excluded.value, n = n + excluded.n";

async fn insert<M: Columns>(
    connection: &mut SqliteConnection,
    rows: &[M],
    on_conflict: &str,
) -> Result<(), StoreError> {
    for part in parts(rows) {
        let values = values(M::columns().len(), part.len());
        let sql = format!("insert into {} ({}) {values} {on_conflict}", M::TABLE, M::names());
        let bound = part.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, row| row.bind_values(query));
        bound.execute(&mut *connection).await?;
    }
    Ok(())
}

/// The most rows of one statement.
const MOST_ROWS: usize = 64;

/// Cuts rows into parts whose sizes are powers of two: so there are few statements for each table, and all stay prepared.
fn parts<M>(rows: &[M]) -> impl Iterator<Item = &[M]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let most = rest.len().min(MOST_ROWS);
        let size = 1_usize.checked_shl(most.checked_ilog2()?)?;
        let (part, behind) = rest.split_at_checked(size)?;
        rest = behind;
        Some(part)
    })
}

/// `values (?,?),(?,?)`: so many rows of so many columns.
fn values(columns: usize, rows: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    format!("values {}", vec![row; rows].join(","))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_all_rows_in_their_order_and_are_few() {
        for count in 0..300_usize {
            let rows: Vec<usize> = (0..count).collect();
            let sizes: Vec<usize> = parts(&rows).map(<[usize]>::len).collect();
            assert!(parts(&rows).flatten().eq(&rows), "{count}");
            assert!(sizes.iter().all(|size| size.is_power_of_two() && *size <= MOST_ROWS), "{sizes:?}");
            assert!(sizes.len() <= count / MOST_ROWS + 6, "{sizes:?}");
        }
    }
}
