//! The language in which a member wants to be told things.

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
        dialect::run(manager, &["alter table member drop column language"]).await
    }
}

const STATEMENTS: [&str; 1] = [
    // Null: the member has not said, and is told things in the network's language.
    "alter table member add column language {text} check (language in ('fa', 'en'))",
];
