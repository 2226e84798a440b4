//! Merchants' people, and where they work as what.

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
        dialect::drop_tables(manager, &["staff_post", "staff"]).await
    }
}

const STATEMENTS: [&str; 4] = [
    // Whoever is removed stays, so that the audit log can say who it was.
    "create table staff (
        staff_id {uuid} not null primary key,
        merchant_id {uuid} not null references merchant (merchant_id),
        name {text} not null,
        mobile {text} not null,
        added_at {i64} not null,
        removed_at {i64}
    ) {keyed}",
    "create unique index staff_by_mobile on staff (merchant_id, mobile) where removed_at is null",
    "create index staff_by_merchant on staff (merchant_id, staff_id)",
    // Without a branch a post is for all of them and for business at none; owners have no other.
    "create table staff_post (
        staff_id {uuid} not null references staff (staff_id),
        post_no {i16} not null check (post_no >= 0),
        branch_id {uuid} references branch (branch_id),
        role {i16} not null check (role between 1 and 3),
        primary key (staff_id, post_no),
        check (role <> 1 or branch_id is null)
    ) {keyed}",
];
