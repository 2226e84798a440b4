//! LOAD: a long past in a short time. The operations of wallets that have none yet are decided by `apply`, one after the
//! other, and what they leave is streamed into PostgreSQL (`COPY`), each row once and in its last state.

use std::collections::HashMap;

use amvaj_domain::{
    id::{BatchId, WalletId},
    ledger::{Fault, Operation, Outcome, WalletState, apply},
    time::Instant,
};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::{
    batch::{Before, WriteBatch},
    rows,
    source::{Source, WALLETS},
    sqlite::{ADD_TO_TOTALS, merchant_rows, outbox_rows},
};
use crate::db::{
    Database, StoreError,
    columns::Columns,
    entity::{claim, merchant_balance, wallet},
};

/// The bucket of merchants' totals that is added to: that of the first lane, which does not run meanwhile.
const BUCKET: i16 = 0;

/// What a wallet has done, in order, each operation with the time at which it is decided.
#[derive(Debug, Clone)]
pub struct Past {
    /// The wallet.
    pub wallet: WalletId,
    /// Its operations.
    pub operations: Vec<(Instant, Operation)>,
}

/// Why a past cannot be loaded. Nothing of it was written then.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Only PostgreSQL takes streams of rows.
    #[error("a past can be loaded into PostgreSQL only")]
    NotPostgres,
    /// The wallet is not there, or has operations already.
    #[error("wallet {0} is not there or has operations already")]
    NotNew(WalletId),
    /// An operation cannot be decided on what came before it.
    #[error("an operation of wallet {0} cannot be decided: {1}")]
    Undecidable(WalletId, Fault),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which of these wallets are there and have no operation yet.
///
/// # Errors
/// When the database fails.
pub async fn new_wallets(database: &Database, wallets: &[WalletId]) -> Result<Vec<WalletId>, StoreError> {
    let heads = Source::Sql(database.writer()).find(&WALLETS, wallets).await?;
    Ok(heads.iter().filter(|head| head.version == 0).map(|head| WalletId::new(head.wallet_id)).collect())
}

/// Loads pasts as one batch, in one transaction. No server may work on these wallets meanwhile.
///
/// # Errors
/// See [`LoadError`].
pub async fn load(database: &Database, batch: BatchId, pasts: &[Past]) -> Result<(), LoadError> {
    if !database.is_postgres() {
        return Err(LoadError::NotPostgres);
    }
    let rows = decided(database, batch, pasts).await?;
    let pool = database.writer().get_postgres_connection_pool();
    let mut transaction = pool.begin().await.map_err(StoreError::from)?;
    write(&mut transaction, &rows).await?;
    if let Some(wallet) = first_not_moved(&mut transaction, &rows).await? {
        return Err(LoadError::NotNew(wallet));
    }
    Ok(transaction.commit().await.map_err(StoreError::from)?)
}

/// Everything that the pasts leave.
async fn decided(database: &Database, batch: BatchId, pasts: &[Past]) -> Result<WriteBatch, LoadError> {
    let ids: Vec<WalletId> = pasts.iter().map(|past| past.wallet).collect();
    let heads = Source::Sql(database.writer()).find(&WALLETS, &ids).await?;
    let mut heads: HashMap<Uuid, wallet::Model> =
        heads.into_iter().map(|head| (head.wallet_id, head)).collect();
    let mut rows = WriteBatch::new(batch, BUCKET);
    for past in pasts {
        let head = heads.remove(&past.wallet.uuid()).filter(|head| head.version == 0);
        let head = head.ok_or(LoadError::NotNew(past.wallet))?;
        // A wallet without operations has neither lots nor holds, so its head is all of it.
        let mut state = WalletState { detail_read: true, ..WalletState::head(rows::wallet_from(&head)?) };
        let before = Before::of(&state.wallet);
        for (now, operation) in &past.operations {
            let outcome = apply(&mut state, operation, *now)
                .map_err(|fault| LoadError::Undecidable(past.wallet, fault))?;
            if let Outcome::Applied(seq) | Outcome::Rejected(seq) = outcome {
                rows.claims.push(claim::Model {
                    idem: operation.idem.uuid(),
                    wallet_id: Some(past.wallet.uuid()),
                    seq: Some(seq),
                    body_hash: operation.body.kept().uuid(),
                });
            }
        }
        rows.add_wallet(&state, before);
    }
    Ok(rows)
}

/// Writes all rows except the heads. They are new, each of them, because their wallets are.
async fn write(connection: &mut PgConnection, rows: &WriteBatch) -> Result<(), StoreError> {
    copy(connection, &rows.claims).await?;
    copy(connection, &rows.receipts.new).await?;
    copy(connection, &rows.ops).await?;
    copy(connection, &rows.entries).await?;
    copy(connection, &rows.lot_uses).await?;
    copy(connection, &rows.lots.new).await?;
    copy(connection, &rows.holds.new).await?;
    copy(connection, &rows.purchases.new).await?;
    copy(connection, &rows.purchase_lines).await?;
    copy(connection, &rows.redemptions.new).await?;
    copy(connection, &rows.caps).await?;
    copy(connection, &outbox_rows(rows.batch.uuid(), &rows.ops)).await?;
    add_to_totals(connection, &merchant_rows(rows.bucket, &rows.entries)).await
}

async fn copy<M: Columns>(connection: &mut PgConnection, rows: &[M]) -> Result<(), StoreError> {
    copy_into(connection, M::TABLE, rows).await
}

async fn copy_into<M: Columns>(
    connection: &mut PgConnection,
    table: &str,
    rows: &[M],
) -> Result<(), StoreError> {
    let mut lines = String::new();
    for row in rows {
        row.copied(&mut lines);
    }
    let mut stream = connection.copy_in_raw(&format!("copy {table} ({}) from stdin", M::names())).await?;
    stream.send(lines.into_bytes()).await?;
    stream.finish().await?;
    Ok(())
}

async fn add_to_totals(
    connection: &mut PgConnection,
    rows: &[merchant_balance::Model],
) -> Result<(), StoreError> {
    let sql = format!(
        "insert into merchant_balance as t ({names}) select {names} from {rows} {add}",
        names = merchant_balance::Model::names(),
        rows = merchant_balance::Model::unnest("n", &mut 1),
        add = ADD_TO_TOTALS.replace("= ", "= t."),
    );
    merchant_balance::Model::bind(rows, sqlx::query(AssertSqlSafe(sql))).execute(connection).await?;
    Ok(())
}

/// Moves the heads, and answers a wallet that somebody else has moved before.
async fn first_not_moved(
    connection: &mut PgConnection,
    rows: &WriteBatch,
) -> Result<Option<WalletId>, StoreError> {
    let heads: Vec<wallet::Model> = rows.wallets.iter().map(|wallet| wallet.row.clone()).collect();
    sqlx::raw_sql("create temporary table loaded (like wallet) on commit drop")
        .execute(&mut *connection)
        .await?;
    copy_into(connection, "loaded", &heads).await?;
    let set: Vec<String> = wallet::Model::columns()
        .into_iter()
        .map(|(name, ..)| name)
        .filter(|name| !["shard_no", "wallet_id"].contains(name))
        .map(|name| format!("{name} = n.{name}"))
        .collect();
    let sql = format!(
        "update wallet w set {} from loaded n \
         where w.shard_no = n.shard_no and w.wallet_id = n.wallet_id and w.version = 0 returning w.wallet_id",
        set.join(", ")
    );
    let moved: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(connection).await?;
    let moved: std::collections::HashSet<Uuid> = moved.into_iter().collect();
    Ok(heads.iter().map(|head| head.wallet_id).find(|id| !moved.contains(id)).map(WalletId::new))
}
