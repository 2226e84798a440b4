//! The transactional outbox with its relay, and the leases of the worker.

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
        dialect::drop_tables(manager, &["lease", "consumer_cursor", "chain", "relay", "outbox"]).await
    }
}

const STATEMENTS: [&str; 7] = [
    // One row per batch and bucket that it touched, in the batch's own commit. The relay numbers it later.
    "create table outbox (
        bucket {i16} not null check (bucket between 0 and 15),
        batch_id {uuid} not null,
        relay_no {i64},
        relayed_at {i64},
        payload {text} not null,
        primary key (bucket, batch_id)
    ) {keyed}",
    "create unique index outbox_relayed on outbox (bucket, relay_no) where relay_no is not null",
    "create index outbox_unrelayed on outbox (bucket, batch_id) where relay_no is null",
    "create table relay (
        bucket {i16} not null primary key check (bucket between 0 and 15),
        relay_no {i64} not null
    ) {keyed}",
    // What the relay numbered, sealed: a link of its bucket's chain for each batch. Links outlive the outbox.
    "create table chain (
        bucket {i16} not null check (bucket between 0 and 15),
        relay_no {i64} not null check (relay_no > 0),
        batch_id {uuid} not null,
        n {i64} not null check (n >= 0),
        digest {bytes} not null,
        hash {bytes} not null,
        primary key (bucket, relay_no)
    ) {keyed}",
    "create table consumer_cursor (
        consumer {text} not null,
        bucket {i16} not null,
        relay_no {i64} not null,
        primary key (consumer, bucket)
    ) {keyed}",
    // A lease with an epoch that rises at every change of holder: a holder that slept is fenced off by it.
    "create table lease (
        name {text} not null primary key,
        holder {uuid} not null,
        epoch {i64} not null,
        expires_at {i64} not null
    ) {keyed}",
];
