//! Rewards with their stock, and redemptions, each of which follows a hold of its wallet.

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
        dialect::run(manager, &["delete from consumer_cursor where consumer = 'rewards'"]).await?;
        let tables = ["redemption", "redemption_claim", "voucher", "reward_taken", "reward_stock", "reward"];
        dialect::drop_tables(manager, &tables).await
    }
}

const STATEMENTS: [&str; 14] = [
    // Status: 1 active, 2 closed. Kind: 1 item, 2 service, 3 charity. A stock that is null never runs out. The version rises
    // with what the merchant changes; the stock moves without it.
    "create table reward (
        reward_id {uuid} not null primary key,
        merchant_id {uuid} not null,
        kind {i16} not null check (kind between 1 and 3),
        status {i16} not null check (status in (1, 2)),
        title {text} not null,
        description {text},
        points {i64} not null check (points > 0),
        stock {i64} check (stock >= 0),
        limit_per_member {i32} check (limit_per_member > 0),
        valid_from {i64},
        valid_until {i64},
        reserve {i64} not null check (reserve > 0),
        version {i32} not null check (version > 0),
        idem {uuid} not null unique,
        body_hash {uuid} not null,
        created_at {i64} not null,
        check (valid_until > valid_from)
    ) {keyed}",
    "create index reward_by_merchant on reward (merchant_id, reward_id)",
    // What the merchant put into the stock and took out of it; the first row is what there was to begin with.
    "create table reward_stock (
        reward_id {uuid} not null,
        idem {uuid} not null,
        change {i64} not null,
        changed_at {i64} not null,
        primary key (reward_id, idem)
    ) {keyed}",
    // How many pieces are with a wallet: of its redemptions those that are pending, reserved or captured.
    "create table reward_taken (
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        reward_id {uuid} not null,
        taken {i32} not null check (taken >= 0),
        primary key (shard_no, wallet_id, reward_id)
    ) {hot}",
    // Which redemption an idempotency key has begun.
    "create table redemption_claim (
        idem {uuid} not null primary key,
        redemption_id {uuid} not null,
        body_hash {uuid} not null
    ) {keyed}",
    "create table voucher (
        merchant_id {uuid} not null,
        code {text} not null,
        redemption_id {uuid} not null,
        primary key (merchant_id, code)
    ) {keyed}",
    // State: 1 pending, 2 reserved, 3 captured, 4 released, 5 expired, 6 refused. The last byte of the id is the shard of
    // the wallet. The number is the hold's; of a refused one it is that of the operation which says why.
    "create table redemption (
        shard_no {i16} not null,
        redemption_id {uuid} not null,
        wallet_id {uuid} not null,
        reward_id {uuid} not null,
        merchant_id {uuid} not null,
        branch_id {uuid},
        caller {bytes} not null,
        points {i64} not null check (points > 0),
        voucher {text} not null,
        reserve {i64} not null check (reserve > 0),
        hold_idem {uuid} not null,
        state {i16} not null check (state between 1 and 6),
        hold_seq {i64},
        created_at {i64} not null,
        expires_at {i64},
        ended_at {i64},
        primary key (shard_no, redemption_id),
        check ((state = 1) = (hold_seq is null)),
        check ((state in (1, 2)) = (ended_at is null)),
        check (state in (1, 6) or expires_at is not null)
    ) {hot}",
    "create index redemption_by_wallet on redemption (shard_no, wallet_id, redemption_id)",
    "create index redemption_by_merchant on redemption (merchant_id, redemption_id)",
    "create index redemption_by_id on redemption (redemption_id)",
    "create index redemption_by_branch on redemption (merchant_id, branch_id, redemption_id) where branch_id is not null",
    "create index redemption_by_reward on redemption (reward_id, redemption_id)",
    "create index redemption_open on redemption (shard_no, wallet_id) where state in (1, 2)",
    "create index redemption_pending on redemption (created_at) where state = 1",
];
