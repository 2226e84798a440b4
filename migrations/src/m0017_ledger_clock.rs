//! How far a sandbox's ledger is ahead of the time, and who has let it pass.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, &STATEMENTS).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::drop_tables(manager, &["clock_advance", "ledger_clock"]).await
    }
}

const STATEMENTS: [&str; 3] = [
    // One row, which every installation has and only a sandbox changes.
    "create table ledger_clock (
        id {i16} not null primary key check (id = 1),
        ahead {i64} not null check (ahead >= 0)
    ) {keyed}",
    "insert into ledger_clock (id, ahead) values (1, 0)",
    // By tenant and idempotency key, so that a retry is answered what was answered before: what the ledger's time was then,
    // and how far ahead.
    "create table clock_advance (
        tenant {uuid} not null,
        idem_key {text} not null,
        asked {text} not null,
        ledger_time {i64} not null,
        ahead {i64} not null check (ahead > 0),
        primary key (tenant, idem_key)
    ) {keyed}",
];
