//! Log-ins: codes that were sent, sessions that follow from them, and what was revoked before its time.

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
        dialect::drop_tables(manager, &["revocation", "session", "login_challenge", "login_number"]).await
    }
}

const STATEMENTS: [&str; 8] = [
    // One row per number that asked for a code, whether somebody has it or not. The number itself is not kept.
    "create table login_number (
        kind {i16} not null check (kind between 1 and 3),
        number_key {bytes} not null,
        last_sent_at {i64} not null,
        window_began_at {i64} not null,
        sent {i16} not null check (sent > 0),
        primary key (kind, number_key)
    ) {keyed}",
    // A code that was asked for. Without a subject nobody has the number: then no code is right.
    "create table login_challenge (
        challenge_id {uuid} not null primary key,
        kind {i16} not null check (kind between 1 and 3),
        subject {uuid},
        code_hash {bytes} not null,
        tries_left {i16} not null check (tries_left >= 0),
        expires_at {i64} not null,
        used_at {i64}
    ) {keyed}",
    "create index login_challenge_by_expiry on login_challenge (expires_at)",
    // The generation counts the refresh tokens: only the latest one is good.
    "create table session (
        session_id {uuid} not null primary key,
        kind {i16} not null check (kind between 1 and 3),
        subject {uuid} not null,
        generation {i32} not null check (generation >= 0),
        retry_key {bytes},
        user_agent {text} not null,
        created_at {i64} not null,
        used_at {i64} not null,
        expires_at {i64} not null,
        ended_at {i64},
        end_reason {i16} check (end_reason between 1 and 6)
    ) {keyed}",
    "create index session_by_subject on session (kind, subject, session_id)",
    "create index session_by_expiry on session (expires_at)",
    // What must not be accepted any more although its token would still be good; every node reads it all the time.
    "create table revocation (
        kind {i16} not null check (kind between 1 and 5),
        subject {uuid} not null,
        revoked_at {i64} not null,
        expires_at {i64} not null,
        primary key (kind, subject)
    ) {keyed}",
    "create index revocation_by_time on revocation (revoked_at)",
];
