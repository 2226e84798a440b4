//! The audit log: who did what with a privilege, chained by hashes.

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
        dialect::drop_tables(manager, &["audit_head", "audit_entry"]).await
    }
}

const STATEMENTS: [&str; 7] = [
    // Rows are only ever added. A hash covers all columns of its row and the hash of the row before it.
    "create table audit_entry (
        seq {i64} not null primary key check (seq > 0),
        recorded_at {i64} not null,
        actor_kind {i16} not null,
        actor_id {uuid},
        caller_role {i16} not null,
        caller_id {uuid},
        act {i16} not null,
        target_kind {i16} not null,
        target_id {uuid},
        detail {text} not null,
        request_id {text} not null,
        previous_hash {bytes} not null,
        hash {bytes} not null
    ) {keyed}",
    "create index audit_entry_by_actor on audit_entry (actor_id, seq)",
    "create index audit_entry_by_target on audit_entry (target_id, seq)",
    "create index audit_entry_by_act on audit_entry (act, seq)",
    "create index audit_entry_by_time on audit_entry (recorded_at, seq)",
    // One row: the end of the chain. Whoever adds an entry holds it, so that entries are added one after the other.
    "create table audit_head (
        id {i16} not null primary key check (id = 1),
        seq {i64} not null,
        hash {bytes} not null
    ) {keyed}",
    "insert into audit_head (id, seq, hash) values (1, 0, cast('' as {bytes}))",
];
