//! The plain ledger on SQLite, whose one writing connection does one transaction after the other.

use sea_orm::ConnectionTrait as _;

use super::PlainEarn;
use crate::db::{Database, StoreError};

pub(super) async fn prepare(database: &Database, wallets: u32, merchants: u32) -> Result<(), StoreError> {
    let writer = database.writer();
    for statement in TABLES {
        writer.execute_unprepared(statement).await?;
    }
    for (table, count) in [("plain_wallet", wallets), ("plain_merchant", merchants)] {
        let sql = format!(
            "insert into {table} (id) with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < {count}) \
             select i from n"
        );
        writer.execute_unprepared(&sql).await?;
    }
    Ok(())
}

pub(super) async fn earn(database: &Database, earn: &PlainEarn<'_>) -> Result<(), StoreError> {
    let pool = database.writer().get_sqlite_connection_pool();
    let mut transaction = pool.begin_with("begin immediate").await?;
    let (wallet, merchant, points) = (i64::from(earn.wallet), i64::from(earn.merchant), earn.points);
    let connection = &mut *transaction;
    let tx = sqlx::query(TX).bind(earn.key).bind(wallet).bind(merchant).bind(points).bind(earn.at.micros());
    let tx = tx.execute(&mut *connection).await?.last_insert_rowid();
    let entries = sqlx::query(ENTRIES).bind(tx).bind(wallet).bind(merchant).bind(points);
    entries.execute(&mut *connection).await?;
    let lot = sqlx::query(LOT).bind(tx).bind(wallet).bind(points).bind(earn.at.micros());
    lot.execute(&mut *connection).await?;
    let event = sqlx::query(EVENT).bind(tx).bind(wallet).bind(merchant).bind(points);
    event.execute(&mut *connection).await?;
    sqlx::query(WALLET).bind(wallet).bind(points).execute(&mut *connection).await?;
    sqlx::query(MERCHANT).bind(merchant).bind(points).execute(&mut *connection).await?;
    Ok(transaction.commit().await?)
}

const TABLES: [&str; 14] = [
    "drop table if exists plain_wallet",
    "drop table if exists plain_merchant",
    "drop table if exists plain_tx",
    "drop table if exists plain_entry",
    "drop table if exists plain_lot",
    "drop table if exists plain_event",
    "create table plain_wallet (id integer primary key, balance integer not null default 0, \
     version integer not null default 0)",
    "create table plain_merchant (id integer primary key, balance integer not null default 0, \
     version integer not null default 0)",
    "create table plain_tx (id integer primary key, key text not null unique, wallet integer not null, \
     merchant integer not null, points integer not null, at integer not null)",
    "create table plain_entry (id integer primary key, tx integer not null, kind integer not null, \
     account integer not null, points integer not null)",
    "create index plain_entry_account on plain_entry (kind, account, id)",
    "create table plain_lot (id integer primary key, tx integer not null, wallet integer not null, \
     points integer not null, remaining integer not null, expires_at integer not null)",
    "create index plain_lot_wallet on plain_lot (wallet, expires_at)",
    "create table plain_event (id integer primary key, body text not null)",
];
const TX: &str = "insert into plain_tx (key, wallet, merchant, points, at) values (?1, ?2, ?3, ?4, ?5)";
const ENTRIES: &str =
    "insert into plain_entry (tx, kind, account, points) values (?1, 1, ?2, ?4), (?1, 2, ?3, -?4)";
const LOT: &str = "insert into plain_lot (tx, wallet, points, remaining, expires_at) \
     values (?1, ?2, ?3, ?3, ?4 + 31536000000000)";
const EVENT: &str = "insert into plain_event (body) values (json_object('tx', ?1, 'wallet', ?2, 'merchant', ?3, 'points', ?4))";
const WALLET: &str = "update plain_wallet set balance = balance + ?2, version = version + 1 where id = ?1";
const MERCHANT: &str =
    "update plain_merchant set balance = balance - ?2, version = version + 1 where id = ?1";
