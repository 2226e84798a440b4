//! The plain ledger on PostgreSQL.

use sea_orm::ConnectionTrait as _;
use sqlx::Row as _;

use super::PlainEarn;
use crate::db::{Database, StoreError};

pub(super) async fn prepare(database: &Database, wallets: u32, merchants: u32) -> Result<(), StoreError> {
    let writer = database.writer();
    for statement in TABLES {
        writer.execute_unprepared(statement).await?;
    }
    for (table, count) in [("plain_wallet", wallets), ("plain_merchant", merchants)] {
        let sql = format!("insert into {table} (id) select generate_series(0, {})", count.saturating_sub(1));
        writer.execute_unprepared(&sql).await?;
        writer.execute_unprepared(&format!("vacuum analyze {table}")).await?;
    }
    writer.execute_unprepared(FUNCTION).await?;
    Ok(())
}

pub(super) async fn earn(database: &Database, earn: &PlainEarn<'_>) -> Result<(), StoreError> {
    let mut transaction = database.writer().get_postgres_connection_pool().begin().await?;
    let (wallet, merchant, points) = (i64::from(earn.wallet), i64::from(earn.merchant), earn.points);
    let connection = &mut *transaction;
    let tx = sqlx::query(TX).bind(earn.key).bind(wallet).bind(merchant).bind(points);
    let tx: i64 = tx.fetch_one(&mut *connection).await?.try_get(0)?;
    let entries = sqlx::query(ENTRIES).bind(tx).bind(wallet).bind(merchant).bind(points);
    entries.execute(&mut *connection).await?;
    sqlx::query(LOT).bind(tx).bind(wallet).bind(points).execute(&mut *connection).await?;
    let event = sqlx::query(EVENT).bind(tx).bind(wallet).bind(merchant).bind(points);
    event.execute(&mut *connection).await?;
    sqlx::query(WALLET).bind(wallet).bind(points).execute(&mut *connection).await?;
    sqlx::query(MERCHANT).bind(merchant).bind(points).execute(&mut *connection).await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn earn_by_function(database: &Database, earn: &PlainEarn<'_>) -> Result<(), StoreError> {
    sqlx::query("select plain_earn($1, $2, $3, $4)")
        .bind(earn.key)
        .bind(i64::from(earn.wallet))
        .bind(i64::from(earn.merchant))
        .bind(earn.points)
        .execute(database.writer().get_postgres_connection_pool())
        .await?;
    Ok(())
}

const TABLES: [&str; 9] = [
    "drop table if exists plain_wallet, plain_merchant, plain_tx, plain_entry, plain_lot, plain_event",
    "create table plain_wallet (id bigint primary key, balance bigint not null default 0, \
     version bigint not null default 0) with (fillfactor = 80)",
    "create table plain_merchant (id bigint primary key, balance bigint not null default 0, \
     version bigint not null default 0) with (fillfactor = 10)",
    "create table plain_tx (id bigint generated always as identity primary key, key text not null unique, \
     wallet bigint not null, merchant bigint not null, points bigint not null, at timestamptz not null default now())",
    "create table plain_entry (id bigint generated always as identity primary key, tx bigint not null, \
     kind smallint not null, account bigint not null, points bigint not null)",
    "create index plain_entry_account on plain_entry (kind, account, id)",
    "create table plain_lot (id bigint generated always as identity primary key, tx bigint not null, \
     wallet bigint not null, points bigint not null, remaining bigint not null, expires_at timestamptz not null)",
    "create index plain_lot_wallet on plain_lot (wallet, expires_at)",
    "create table plain_event (id bigint generated always as identity primary key, body jsonb not null)",
];
const TX: &str = "insert into plain_tx (key, wallet, merchant, points) values ($1, $2, $3, $4) returning id";
const ENTRIES: &str =
    "insert into plain_entry (tx, kind, account, points) values ($1, 1, $2, $4), ($1, 2, $3, -$4)";
const LOT: &str = "insert into plain_lot (tx, wallet, points, remaining, expires_at) \
     values ($1, $2, $3, $3, now() + interval '365 days')";
const EVENT: &str = "insert into plain_event (body) \
     values (jsonb_build_object('tx', $1::bigint, 'wallet', $2::bigint, 'merchant', $3::bigint, 'points', $4::bigint))";
const WALLET: &str = "update plain_wallet set balance = balance + $2, version = version + 1 where id = $1";
const MERCHANT: &str =
    "update plain_merchant set balance = balance - $2, version = version + 1 where id = $1";
const FUNCTION: &str = "create or replace function plain_earn(k text, w bigint, m bigint, p bigint) returns bigint \
     language plpgsql as $$ declare t bigint; begin \
     insert into plain_tx (key, wallet, merchant, points) values (k, w, m, p) returning id into t; \
     insert into plain_entry (tx, kind, account, points) values (t, 1, w, p), (t, 2, m, -p); \
     insert into plain_lot (tx, wallet, points, remaining, expires_at) \
     values (t, w, p, p, now() + interval '365 days'); \
     insert into plain_event (body) \
     values (jsonb_build_object('tx', t, 'wallet', w, 'merchant', m, 'points', p)); \
     update plain_wallet set balance = balance + p, version = version + 1 where id = w; \
     update plain_merchant set balance = balance - p, version = version + 1 where id = m; \
     return t; end $$";
