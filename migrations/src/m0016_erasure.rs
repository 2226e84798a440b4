//! Erasure: members whose identity is gone for good.

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
        dialect::run(manager, &["drop index member_erased", "alter table member drop column erased_at"]).await
    }
}

const STATEMENTS: [&str; 2] = [
    // From then on the row holds a pseudonym, and nothing that is a person's.
    "alter table member add column erased_at {i64}",
    "create index member_erased on member (erased_at, member_id) where erased_at is not null",
];
