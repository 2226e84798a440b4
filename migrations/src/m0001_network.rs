//! The network and who takes part: merchants with branches and earn rules, members with their look-ups.

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
        dialect::drop_tables(
            manager,
            &["customer_ref", "member", "earn_rule", "branch", "merchant", "network"],
        )
        .await
    }
}

const STATEMENTS: [&str; 9] = [
    // One row: what the installation is. A restore gives it a new epoch, which empties every cache.
    "create table network (
        id {i16} not null primary key check (id = 1),
        epoch {uuid} not null,
        created_at {i64} not null
    ) {keyed}",
    "create table merchant (
        merchant_id {uuid} not null primary key,
        name_fa {text} not null,
        name_en {text} not null,
        search_key {text} not null,
        status {i16} not null check (status in (1, 2)),
        currency {text} not null,
        issue_price {i64} not null check (issue_price between 0 and 1000000),
        redeem_price {i64} not null check (redeem_price between 0 and 1000000),
        created_at {i64} not null
    ) {keyed}",
    "create table branch (
        branch_id {uuid} not null primary key,
        merchant_id {uuid} not null references merchant (merchant_id),
        name_fa {text} not null,
        name_en {text} not null,
        status {i16} not null check (status in (1, 2)),
        created_at {i64} not null
    ) {keyed}",
    "create index branch_by_merchant on branch (merchant_id, branch_id)",
    // A version is never changed: a later one replaces it from its date on.
    "create table earn_rule (
        merchant_id {uuid} not null references merchant (merchant_id),
        version {i32} not null check (version > 0),
        effective_from {i64} not null,
        rate_points {i64} not null check (rate_points > 0),
        rate_per {i64} not null check (rate_per > 0),
        minimum_basket {i64} not null check (minimum_basket >= 0),
        cap_per_purchase {i64} check (cap_per_purchase >= 0),
        cap_per_day {i64} check (cap_per_day >= 0),
        excluded_categories {text} not null,
        pending_days {i16} not null check (pending_days >= 0),
        expiry {text} not null,
        spend_only_at_issuer {i16} not null check (spend_only_at_issuer in (0, 1)),
        created_at {i64} not null,
        primary key (merchant_id, version)
    ) {keyed}",
    "create table member (
        member_id {uuid} not null primary key,
        wallet_id {uuid} not null unique,
        mobile {text} not null unique,
        card_number {text} unique,
        name {text} not null,
        search_key {text} not null,
        status {i16} not null check (status in (1, 2)),
        enrolled_at {i64} not null
    ) {keyed}",
    "create table customer_ref (
        merchant_id {uuid} not null references merchant (merchant_id),
        customer_ref {text} not null,
        member_id {uuid} not null references member (member_id),
        created_at {i64} not null,
        primary key (merchant_id, customer_ref)
    ) {keyed}",
    "create unique index customer_ref_by_member on customer_ref (member_id, merchant_id)",
    "create index member_by_search_key on member (search_key, member_id)",
];
