//! Webhooks: endpoints of merchants with their secrets, the queue of each, and what became of every event.

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
        dialect::run(manager, &["delete from consumer_cursor where consumer = 'webhooks'"]).await?;
        let tables = ["webhook_delivery", "webhook_queue", "webhook_secret", "webhook_endpoint"];
        dialect::drop_tables(manager, &tables).await
    }
}

const STATEMENTS: [&str; 10] = [
    // Status: 1 active, 2 disabled, 3 removed, whose rows retention takes away. The replay columns say which operations are
    // still to be put into the queue again: those after a place in the merchant's journal, recorded until then. While they
    // are set nothing is sent.
    "create table webhook_endpoint (
        endpoint_id {uuid} not null primary key,
        merchant_id {uuid} not null,
        url {text} not null,
        name {text} not null,
        event_types {i64} not null check (event_types > 0),
        status {i16} not null check (status between 1 and 3),
        disabled_reason {i16} check (disabled_reason between 1 and 3),
        failures {i32} not null check (failures >= 0),
        failing_since {i64},
        paused_until {i64},
        replay_at {i64},
        replay_wallet {uuid},
        replay_seq {i64},
        replay_until {i64},
        replay_delivered_from {i64},
        created_at {i64} not null,
        check ((status = 2) = (disabled_reason is not null)),
        check ((failures = 0) = (failing_since is null)),
        check ((replay_at is null) = (replay_until is null)),
        check ((replay_at is null) = (replay_wallet is null)),
        check ((replay_at is null) = (replay_seq is null))
    ) {keyed}",
    "create index webhook_endpoint_by_merchant on webhook_endpoint (merchant_id, endpoint_id)",
    // Sealed by the server's secret, which the database does not have. The newest has no end.
    "create table webhook_secret (
        endpoint_id {uuid} not null,
        secret_no {i32} not null check (secret_no > 0),
        sealed {bytes} not null,
        created_at {i64} not null,
        expires_at {i64},
        primary key (endpoint_id, secret_no)
    ) {keyed}",
    // A row while something waits for an endpoint in a wallet: of each wallet one event at a time is on its way. The
    // version rises whenever something is added, so that nobody takes the row away meanwhile.
    "create table webhook_queue (
        endpoint_id {uuid} not null,
        wallet_id {uuid} not null,
        next_try_at {i64} not null,
        version {i64} not null,
        primary key (endpoint_id, wallet_id)
    ) {keyed}",
    "create index webhook_queue_due on webhook_queue (endpoint_id, next_try_at)",
    // What is to be sent is not here: it is read from the journal when it is sent. Status: 1 waiting, 2 delivered, 3 dead.
    "create table webhook_delivery (
        delivery_id {uuid} not null primary key,
        endpoint_id {uuid} not null,
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        seq {i64} not null check (seq > 0),
        event_type {i16} not null,
        status {i16} not null check (status between 1 and 3),
        tries {i32} not null check (tries >= 0),
        recorded_at {i64} not null,
        next_try_at {i64},
        tried_at {i64},
        took {i64},
        response_status {i16},
        failure {i16} check (failure between 1 and 7),
        delivered_at {i64},
        queued_at {i64} not null,
        check (status = 1 or next_try_at is null),
        check (status <> 2 or delivered_at is not null)
    ) {keyed}",
    "create unique index webhook_delivery_by_event on webhook_delivery (endpoint_id, wallet_id, seq)",
    "create index webhook_delivery_by_endpoint on webhook_delivery (endpoint_id, delivery_id)",
    "create index webhook_delivery_waiting on webhook_delivery (endpoint_id, wallet_id, seq) where status = 1",
    "create index webhook_delivery_dead on webhook_delivery (endpoint_id, delivery_id) where status = 3",
];
