//! Boards: what they count, what was reached on them, and what stays of a period that is over.

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
        dialect::run(manager, &["delete from consumer_cursor where consumer = 'boards'"]).await?;
        dialect::drop_tables(
            manager,
            &[
                "board_hidden",
                "board_snapshot",
                "board_recount",
                "board_merchant",
                "board_total",
                "board_wallet",
                "board_period",
                "board",
            ],
        )
        .await
    }
}

const STATEMENTS: [&str; 11] = [
    // Metric: 1 points earned, 2 visits, 3 merchants visited. Cycle: 1 day, 2 week, 3 Gregorian month, 4 Jalali month,
    // 5 season, 6 all time. The generation rises when everything is counted anew, so that no copy of before is taken
    // for the present.
    "create table board (
        board_id {uuid} not null primary key,
        name_fa {text} not null,
        name_en {text} not null,
        metric {i16} not null check (metric between 1 and 3),
        merchant_id {uuid} references merchant (merchant_id),
        cycle {i16} not null check (cycle between 1 and 6),
        zone {text} not null,
        grace {i64} not null check (grace >= 0),
        first_day {i32} not null,
        generation {i32} not null check (generation > 0),
        created_at {i64} not null,
        closed_at {i64},
        check (metric <> 3 or merchant_id is null)
    ) {keyed}",
    // A period is named by its first day. Once it is closed nothing is counted any more; once it is frozen its snapshot is
    // whole, and the totals of its shards are removed one after the other.
    "create table board_period (
        board_id {uuid} not null references board (board_id),
        period {i32} not null,
        closes_at {i64} not null,
        closed_at {i64},
        frozen_at {i64},
        entries {i64},
        score_sum {i64},
        cleared {i16} not null check (cleared between 0 and 256),
        primary key (board_id, period),
        check (frozen_at is null or closed_at is not null),
        check ((frozen_at is null) = (entries is null)),
        check ((frozen_at is null) = (score_sum is null))
    ) {keyed}",
    "create index board_period_unfinished on board_period (closes_at) where frozen_at is null or cleared < 256",
    // Up to which of its operations a wallet is counted on every board.
    "create table board_wallet (
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        seq {i64} not null check (seq >= 0),
        primary key (shard_no, wallet_id)
    ) {hot}",
    "create table board_total (
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        board_id {uuid} not null,
        period {i32} not null,
        total {i64} not null,
        reached_at {i64} not null,
        seq {i64} not null check (seq > 0),
        primary key (shard_no, wallet_id, board_id, period)
    ) {keyed}",
    "create index board_total_by_place on board_total (board_id, period, total desc, reached_at, wallet_id)",
    // Purchases kept at each merchant, where a board counts merchants.
    "create table board_merchant (
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        board_id {uuid} not null,
        period {i32} not null,
        merchant_id {uuid} not null,
        visits {i64} not null,
        primary key (shard_no, wallet_id, board_id, period, merchant_id)
    ) {keyed}",
    // Shards of which a board has yet to count the journal.
    "create table board_recount (
        bucket {i16} not null check (bucket between 0 and 15),
        shard_no {i16} not null check (shard_no between 0 and 255),
        board_id {uuid} not null references board (board_id),
        primary key (bucket, shard_no, board_id)
    ) {keyed}",
    "create table board_snapshot (
        board_id {uuid} not null,
        period {i32} not null,
        position {i64} not null check (position > 0),
        rank {i64} not null check (rank > 0),
        wallet_id {uuid} not null,
        total {i64} not null,
        reached_at {i64} not null,
        primary key (board_id, period, position),
        unique (board_id, period, wallet_id)
    ) {keyed}",
    "create table board_hidden (
        member_id {uuid} not null primary key references member (member_id),
        hidden_at {i64} not null
    ) {keyed}",
    // What was recorded before there were boards is counted by those that are made later. Whatever is written while this
    // runs is in the outbox, which the consumer reads from its beginning.
    "insert into board_wallet (shard_no, wallet_id, seq) select shard_no, wallet_id, version from wallet where version > 0",
];
