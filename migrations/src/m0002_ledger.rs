//! The points ledger.
//!
//! Facts (`op`, `entry`, `lot_use`, `claim`, `receipt`) are only ever inserted. The rows that change are written
//! under the guard of `wallet.version`.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, &WALLET_SIDE).await?;
        dialect::run(manager, &LOOK_UPS).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "merchant_balance",
            "refund_waiting",
            "receipt",
            "claim",
            "cap_used",
            "receipt_redemption",
            "purchase_line",
            "purchase",
            "hold",
            "lot_use",
            "lot",
            "entry",
            "op",
            "wallet",
        ];
        dialect::drop_tables(manager, &tables).await
    }
}

/// Tables whose keys start with the wallet's shard.
const WALLET_SIDE: [&str; 16] = [
    "create table wallet (
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        posted {i64} not null,
        held {i64} not null,
        pending {i64} not null check (pending >= 0),
        debt {i64} not null check (debt >= 0),
        version {i64} not null check (version >= 0),
        next_lot {i64} not null check (next_lot > 0),
        status {i16} not null check (status in (1, 2)),
        last_recorded_at {i64} not null,
        next_due {i64} not null,
        primary key (shard_no, wallet_id),
        check (held >= 0 and posted >= held),
        check (debt = 0 or posted = held)
    ) {hot}",
    "create table op (
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        seq {i64} not null check (seq > 0),
        caller {bytes} not null,
        idem {uuid} not null,
        kind {i16} not null,
        amount {i64} not null check (amount >= 0),
        money {i64},
        merchant_id {uuid},
        branch_id {uuid},
        receipt_no {text},
        ref_seq {i64},
        body_hash {uuid} not null,
        reject_code {i16},
        reject_limit {i64},
        posted_after {i64} not null,
        held_after {i64} not null,
        pending_after {i64} not null,
        debt_after {i64} not null,
        batch_id {uuid} not null,
        occurred_at {i64} not null,
        recorded_at {i64} not null,
        primary key (shard_no, wallet_id, seq)
    ) {keyed}",
    // A merchant's own operations, newest first.
    "create index op_by_merchant on op (merchant_id, recorded_at, wallet_id, seq)",
    "create table entry (
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        seq {i64} not null,
        leg {i16} not null check (leg > 0),
        account_kind {i16} not null check (account_kind between 1 and 8),
        account_id {uuid} not null,
        amount {i64} not null,
        value {i64} not null,
        primary key (shard_no, wallet_id, seq, leg)
    ) {keyed}",
    "create table lot (
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        lot_no {i64} not null check (lot_no > 0),
        issuer_merchant {uuid} not null,
        price {i64} not null,
        original {i64} not null check (original > 0),
        remaining {i64} not null,
        reserved {i64} not null,
        state {i16} not null check (state in (1, 2)),
        active_from {i64} not null,
        expires_at {i64} not null,
        restriction {uuid},
        rule_version {i32} not null,
        changed_seq {i64} not null,
        primary key (shard_no, wallet_id, lot_no),
        check (reserved >= 0 and remaining >= reserved and remaining <= original)
    ) {keyed}",
    "create index lot_open on lot (shard_no, wallet_id, expires_at) where remaining > 0",
    "create index lot_expiring on lot (expires_at) where state = 2 and remaining > reserved",
    "create index lot_pending on lot (active_from) where state = 1 and remaining > 0",
    "create table lot_use (
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        seq {i64} not null,
        lot_no {i64} not null,
        qty {i64} not null check (qty > 0),
        kind {i16} not null check (kind between 1 and 9),
        primary key (shard_no, wallet_id, seq, lot_no, kind)
    ) {keyed}",
    "create table hold (
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        seq {i64} not null,
        merchant_id {uuid} not null,
        branch_id {uuid},
        receipt_no {text},
        amount {i64} not null check (amount > 0),
        captured {i64} not null,
        expires_at {i64} not null,
        state {i16} not null check (state between 1 and 4),
        primary key (shard_no, wallet_id, seq),
        check (captured >= 0 and captured <= amount)
    ) {keyed}",
    "create index hold_open on hold (shard_no, wallet_id) where state = 1",
    "create index hold_ending on hold (expires_at) where state = 1",
    // What a refund recomputes from: the terms of the sale and how much of it came back. A purchase that was reported by
    // its total has no lines until it comes back.
    "create table purchase (
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        seq {i64} not null,
        merchant_id {uuid} not null,
        receipt_no {text} not null,
        basket {i64} not null check (basket > 0),
        lines {i32} not null check (lines >= 0),
        refunded_amount {i64} not null,
        paid_value {i64} not null check (paid_value >= 0),
        kept {i64} not null check (kept >= 0),
        rule_version {i32} not null,
        rate_points {i64} not null,
        rate_per {i64} not null,
        minimum_basket {i64} not null,
        cap_left {i64},
        cap_day {i32},
        price {i64} not null,
        lot_no {i64},
        primary key (shard_no, wallet_id, seq),
        check (refunded_amount >= 0 and refunded_amount <= basket)
    ) {keyed}",
    "create table purchase_line (
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        seq {i64} not null,
        line_no {i32} not null,
        product {text},
        category {text},
        amount {i64} not null check (amount >= 0),
        quantity {i64} not null check (quantity > 0),
        refunded {i64} not null,
        eligible {i16} not null check (eligible in (0, 1)),
        primary key (shard_no, wallet_id, seq, line_no),
        check (refunded >= 0 and refunded <= quantity)
    ) {keyed}",
    "create table receipt_redemption (
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        seq {i64} not null,
        merchant_id {uuid} not null,
        receipt_no {text} not null,
        points {i64} not null check (points > 0),
        reversed {i64} not null,
        price {i64} not null,
        primary key (shard_no, wallet_id, seq),
        check (reversed >= 0 and reversed <= points)
    ) {keyed}",
    "create table cap_used (
        shard_no {i16} not null,
        wallet_id {uuid} not null,
        rule_id {uuid} not null,
        day {i32} not null,
        used {i64} not null check (used >= 0),
        primary key (shard_no, wallet_id, rule_id, day)
    ) {keyed}",
];

/// Tables keyed by their own value, and the additive totals of merchants.
const LOOK_UPS: [&str; 6] = [
    "create index receipt_redemption_by_receipt on receipt_redemption (merchant_id, receipt_no)",
    // What a key was used for. A claim without a wallet belongs to a refund that waits for its purchase.
    "create table claim (
        idem {uuid} not null primary key,
        wallet_id {uuid},
        seq {i64},
        body_hash {uuid} not null,
        check ((wallet_id is null) = (seq is null))
    ) {keyed}",
    // Whose a receipt is. Without a number only points have paid for it so far; with one that earn has it.
    "create table receipt (
        merchant_id {uuid} not null,
        receipt_no {text} not null,
        wallet_id {uuid} not null,
        seq {i64},
        primary key (merchant_id, receipt_no)
    ) {keyed}",
    "create table refund_waiting (
        merchant_id {uuid} not null,
        receipt_no {text} not null,
        idem {uuid} not null unique,
        caller {bytes} not null,
        body_hash {uuid} not null,
        body {text} not null,
        state {i16} not null check (state between 1 and 3),
        reject_code {i16},
        wallet_id {uuid},
        seq {i64},
        created_at {i64} not null,
        primary key (merchant_id, receipt_no, idem)
    ) {keyed}",
    "create index refund_still_waiting on refund_waiting (created_at) where state = 1",
    // Additive: a merchant's total is the sum of its buckets, so no writer waits for another.
    "create table merchant_balance (
        bucket {i16} not null,
        merchant_id {uuid} not null,
        kind {i16} not null,
        points {i64} not null,
        value {i64} not null,
        n {i64} not null,
        primary key (bucket, merchant_id, kind)
    ) {hot}",
];
