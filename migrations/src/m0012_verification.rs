//! The nights on which the whole ledger was audited.

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
        dialect::drop_tables(manager, &["verification"]).await
    }
}

const STATEMENTS: [&str; 1] = [
    // A day of the network's time zone, so that of several nodes one audits.
    "create table verification (
        day {i32} not null primary key,
        began_at {i64} not null,
        ended_at {i64} not null,
        violations {i64} not null check (violations >= 0)
    ) {keyed}",
];
