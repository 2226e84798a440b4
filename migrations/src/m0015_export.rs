//! Exports: what was asked for, how far it has come, and the finished bytes in chunks.

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
        dialect::drop_tables(manager, &["export_chunk", "export_job"]).await
    }
}

const STATEMENTS: [&str; 6] = [
    // Kind: 1 operations, 2 a member. Format: 1 CSV, 2 JSON lines. Status: 1 queued, 2 running, 3 done, 4 failed. An owner has
    // a few slots, and whatever is under way takes one: so how many there may be is decided by the index. The place is of
    // the operation that was written last.
    "create table export_job (
        export_id {uuid} not null primary key,
        owner {bytes} not null,
        idem {uuid} not null,
        body_hash {uuid} not null,
        actor_kind {i16} not null,
        actor_id {uuid},
        kind {i16} not null check (kind between 1 and 2),
        format {i16} not null check (format between 1 and 2),
        merchant_id {uuid},
        branches {text},
        member_id {uuid},
        wallet_id {uuid},
        kinds {i64} not null check (kinds >= 0),
        from_at {i64},
        until_at {i64} not null,
        status {i16} not null check (status between 1 and 4),
        slot {i16},
        place_at {i64},
        place_wallet {uuid},
        place_seq {i64},
        rows_done {i64} not null check (rows_done >= 0),
        rows_total {i64} check (rows_total >= 0),
        size {i64} not null check (size >= 0),
        sha256 {bytes},
        created_at {i64} not null,
        finished_at {i64},
        expires_at {i64},
        check ((kind = 2) = (member_id is not null)),
        check ((kind = 2) = (wallet_id is not null)),
        check ((status <= 2) = (slot is not null)),
        check ((status <= 2) = (finished_at is null)),
        check ((status = 3) = (sha256 is not null)),
        check ((place_at is null) = (place_wallet is null)),
        check ((place_at is null) = (place_seq is null))
    ) {keyed}",
    "create unique index export_job_by_key on export_job (idem)",
    "create unique index export_job_under_way on export_job (owner, slot) where slot is not null",
    "create index export_job_by_owner on export_job (owner, export_id)",
    "create index export_job_of_member on export_job (member_id) where member_id is not null",
    // A chunk begins at its place in the file, so that a part of the file is found by the key.
    "create table export_chunk (
        export_id {uuid} not null,
        starts_at {i64} not null check (starts_at >= 0),
        bytes {bytes} not null,
        primary key (export_id, starts_at)
    ) {large}",
];
