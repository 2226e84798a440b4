//! A wallet with a hundred thousand lots, all open: whoever earns a little every minute for months has one.

use std::time::Instant;

use amvaj_infra::db::Database;
use sea_orm::ConnectionTrait as _;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::till::{Till, assert_sound, codes};

const LOTS: i64 = 100_000;

/// Repeats the wallet's only operation, an earn, until there are so many, with all that hangs on it.
async fn repeat(database: &Database) {
    let connection = database.for_migrations();
    let id = if database.is_postgres() {
        "cast(lpad(to_hex(i), 32, '0') as uuid)"
    } else {
        "unhex(printf('%032x', i))"
    };
    let numbers = format!(
        "with recursive numbers(i) as (select 2 union all select i + 1 from numbers where i < {LOTS})"
    );
    let copies = [
        format!(
            "insert into op (shard_no, wallet_id, seq, caller, idem, kind, amount, money, merchant_id, receipt_no,
                body_hash, posted_after, held_after, pending_after, debt_after, batch_id, occurred_at, recorded_at)
            {numbers} select shard_no, wallet_id, i, caller, {id}, kind, amount, money, merchant_id, 'R' || i,
                body_hash, posted_after * i, 0, 0, 0, batch_id, occurred_at, recorded_at from op, numbers where seq = 1"
        ),
        "insert into claim (idem, wallet_id, seq, body_hash) select idem, wallet_id, seq, body_hash from op where seq > 1".to_owned(),
        format!(
            "insert into entry (shard_no, wallet_id, seq, leg, account_kind, account_id, amount, value)
            {numbers} select shard_no, wallet_id, i, leg, account_kind, account_id, amount, value
            from entry, numbers where seq = 1"
        ),
        format!(
            "insert into lot (shard_no, wallet_id, lot_no, issuer_merchant, price, original, remaining, reserved, state,
                active_from, expires_at, rule_version, changed_seq)
            {numbers} select shard_no, wallet_id, i, issuer_merchant, price, original, remaining, reserved, state,
                active_from, expires_at, rule_version, i from lot, numbers where lot_no = 1"
        ),
        format!(
            "insert into purchase (shard_no, wallet_id, seq, merchant_id, receipt_no, basket, lines, refunded_amount,
                paid_value, kept, rule_version, rate_points, rate_per, minimum_basket, price, lot_no)
            {numbers} select shard_no, wallet_id, i, merchant_id, 'R' || i, basket, lines, refunded_amount,
                paid_value, kept, rule_version, rate_points, rate_per, minimum_basket, price, i
            from purchase, numbers where seq = 1"
        ),
        "insert into receipt (merchant_id, receipt_no, wallet_id, seq)
            select merchant_id, receipt_no, wallet_id, seq from purchase where seq > 1"
            .to_owned(),
        format!("update merchant_balance set points = points * {LOTS}, value = value * {LOTS}, n = n * {LOTS}"),
        format!("update wallet set posted = posted * {LOTS}, version = {LOTS}, next_lot = {LOTS} + 1 where version = 1"),
        format!("update outbox set payload = replace(payload, ',1,1]', ',1,{LOTS}]')"),
    ];
    for sql in copies {
        connection.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_lots_are_spent_like_one() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09123456789").await;
        till.earn("k-1", "R1", 10).await;
        repeat(&app.app.db).await;
        let began = Instant::now();
        let earned = till.earn("k-2", "last", 10).await;
        assert_eq!(codes(&earned), [""; 0], "an earn reads no lots");
        let held = till.hold("k-3", 25, 600).await;
        let release = json!({ "idempotencyKey": "k-4", "holdId": held["hold"]["id"] });
        assert_eq!(codes(&till.ask("Release", release).await), [""; 0]);
        let spent = till.redeem("k-5", 12_345).await;
        assert_eq!(codes(&spent), [""; 0]);
        let too_much = till.redeem("k-6", 1_000_000).await;
        assert_eq!(codes(&too_much), ["INSUFFICIENT_POINTS"]);
        let refunded = till.refund("k-7", "R77777", json!({ "whole": true })).await;
        assert_eq!(codes(&refunded), [""; 0]);
        let wallet = till.wallet_now().await;
        assert_eq!(wallet["posted"], (LOTS * 10 + 10 - 12_345 - 10).to_string());
        println!("seven operations on {LOTS} lots took {:?}", began.elapsed());
        assert_sound(&app).await;
    }
}
