//! Merchants' API keys, tokens that are good once, and whether the installation is live or a sandbox.

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
        dialect::drop_tables(manager, &["used_token", "api_key"]).await?;
        dialect::run(manager, &["alter table network drop column mode"]).await
    }
}

const STATEMENTS: [&str; 6] = [
    // 1 live, 2 sandbox; what was there before is live.
    "alter table network add column mode {i16} not null default 1 check (mode in (1, 2))",
    // Of the secret only its hash and its visible beginning are kept. Rows stay when a key is over.
    "create table api_key (
        api_key_id {uuid} not null primary key,
        merchant_id {uuid} not null,
        name {text} not null,
        prefix {text} not null,
        secret_hash {bytes} not null,
        scopes {i64} not null check (scopes > 0),
        made_by_kind {i16} not null,
        made_by_id {uuid},
        replaces {uuid},
        replaced_by {uuid},
        created_at {i64} not null,
        expires_at {i64},
        revoked_at {i64},
        last_used_at {i64}
    ) {keyed}",
    "create unique index api_key_by_prefix on api_key (prefix)",
    "create index api_key_by_merchant on api_key (merchant_id, api_key_id)",
    // Tokens of outside issuers that are good for one request, by a hash of issuer and `jti`.
    "create table used_token (
        token_key {bytes} not null primary key,
        expires_at {i64} not null
    ) {keyed}",
    "create index used_token_by_expiry on used_token (expires_at)",
];
