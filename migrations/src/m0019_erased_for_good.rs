//! What was left of members that were erased before every writer looked whether its member was still there.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, &STATEMENTS).await
    }

    /// What is gone stays gone: a program from before works with it.
    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}

const STATEMENTS: [&str; 7] = [
    // Every token of theirs is revoked for ever, not only those that were made before.
    "insert into revocation (kind, subject, revoked_at, expires_at)
        select 2, member_id, erased_at, 9223372036854775807 from member where erased_at is not null
        on conflict (kind, subject) do update set expires_at = excluded.expires_at",
    "insert into board_hidden (member_id, hidden_at)
        select member_id, erased_at from member where erased_at is not null
        on conflict (member_id) do nothing",
    "delete from login_challenge where kind = 1
        and subject in (select member_id from member where erased_at is not null)",
    "delete from session where kind = 1
        and subject in (select member_id from member where erased_at is not null)",
    "delete from export_chunk where export_id in (select export_id from export_job
        where member_id in (select member_id from member where erased_at is not null))",
    "delete from export_job where member_id in (select member_id from member where erased_at is not null)",
    // Relations that operations began after the erasure. Merchants see no more than an id for them.
    "update relation set consent = 1,
        consented_at = (select erased_at from member where member.member_id = relation.member_id)
        where member_id in (select member_id from member where erased_at is not null)
            and (consent is null or consent <> 1)",
];
