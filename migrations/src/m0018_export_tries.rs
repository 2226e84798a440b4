//! Tries of exports: a file that cannot be made is given up after some, and tells why.

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
        let columns = ["failure", "try_at", "tries"];
        let drops = columns.map(|column| format!("alter table export_job drop column {column}"));
        dialect::run(manager, &drops.each_ref().map(String::as_str)).await
    }
}

const STATEMENTS: [&str; 3] = [
    // Tries of the next page that failed, one after the other.
    "alter table export_job add column tries {i16} not null default 0 check (tries >= 0)",
    // Not before this moment is it tried again.
    "alter table export_job add column try_at {i64}",
    // 1 unreadable, 2 broken; of what failed before it is not known.
    "alter table export_job add column failure {i16} check (failure between 1 and 2)",
];
