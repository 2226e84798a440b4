//! Operators and agents: how they log in, and how they are invited.

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
        let tables = ["user_invitation", "user_recovery_code", "user_credential", "login_user"];
        dialect::drop_tables(manager, &tables).await
    }
}

const STATEMENTS: [&str; 4] = [
    // Scopes are null where the user may do all that the role may. Whoever has never finished an invitation has not
    // joined.
    "create table login_user (
        user_id {uuid} not null primary key,
        name {text} not null unique,
        display_name {text} not null,
        role {i16} not null check (role in (1, 2)),
        scopes {i64},
        disabled_at {i64},
        joined_at {i64},
        logged_in_at {i64},
        created_at {i64} not null
    ) {keyed}",
    // What a user proves itself with: a hash of the password, the secret of the one-time codes sealed with the server's
    // key, and the last step whose code was used. Null after a reset: nobody logs in until both are set again.
    "create table user_credential (
        user_id {uuid} not null primary key references login_user (user_id),
        password_hash {text},
        totp_secret {bytes},
        totp_step {i64} not null,
        wrong_codes {i32} not null check (wrong_codes >= 0)
    ) {keyed}",
    "create table user_recovery_code (
        user_id {uuid} not null references login_user (user_id),
        code_hash {bytes} not null,
        used_at {i64},
        primary key (user_id, code_hash)
    ) {keyed}",
    // One invitation at a time, with what it is to set (1: a password, 2: a secret of codes) and what was set already
    // and waits for the first code.
    "create table user_invitation (
        user_id {uuid} not null primary key references login_user (user_id),
        token_hash {bytes} not null unique,
        wants {i16} not null check (wants between 1 and 3),
        password_hash {text},
        totp_secret {bytes},
        created_at {i64} not null,
        expires_at {i64} not null
    ) {keyed}",
];
