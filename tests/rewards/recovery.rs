//! Whatever a crash leaves between two steps is carried to its end by a worker, once.

use std::time::Duration;

use amvaj_api::config::Config;
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_api::{compose, random};
use amvaj_domain::access::Caller;
use amvaj_domain::id::RedemptionId;
use amvaj_domain::ledger::{Digest, Idem, Tenant};
use amvaj_domain::reward::VoucherCode;
use amvaj_domain::text::IdempotencyKey;
use amvaj_domain::time::Span;
use amvaj_infra::reward::{Begin, Begun};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::scene::{REWARD, capture, later, offer, redeem, release, shown, stock};
use crate::support::app::TestApp;
use crate::support::till::{Till, assert_sound, codes};

async fn execute(app: &TestApp, sql: &str) {
    let done = app.app.db.for_migrations().execute_unprepared(sql).await.unwrap();
    assert!(done.rows_affected() > 0, "{sql}");
}

/// What a crash leaves that comes after the ledger has answered and before that was noted.
const NOT_NOTED: &str =
    "update redemption set state = 1, hold_seq = null, expires_at = null, ended_at = null";

/// What a crash leaves that comes before the ledger was asked.
async fn begun_only(till: &Till<'_>, reward: &str, number: u128) -> RedemptionId {
    let (app, tenant) = (&till.app.app, Tenant::Member(till.member));
    let key = IdempotencyKey::parse(&format!("crashed-{number}")).unwrap();
    let begin = Begin {
        id: RedemptionId::in_wallet(random::uuid(app.now()), till.wallet),
        key: (Idem::of(tenant, &key), Digest::of([b"crashed".as_slice()]).into()),
        tenant,
        reward: GlobalId::reward(&reward.into()).unwrap(),
        wallet: till.wallet,
        branch: None,
        price: None,
        vouchers: vec![VoucherCode::from_random(Uuid::from_u128(number))],
        now: app.now(),
    };
    let begun = app.rewards.begin(&begin).await.unwrap();
    assert!(matches!(begun, Begun::Pending(_)), "{begun:?}");
    begin.id
}

/// Lets a worker do a few rounds.
async fn work(app: &TestApp) {
    let nothing_is_pending = async || {
        let connection = app.app.db.for_migrations();
        let pending = "select count(*) from redemption where state = 1";
        let statement = Statement::from_string(connection.get_database_backend(), pending);
        let row = connection.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap() == 0
    };
    work_until(app, nothing_is_pending).await;
}

/// Lets a worker do rounds until something is done.
async fn work_until(app: &TestApp, is_done: impl AsyncFn() -> bool) {
    app.clock.advance_to(app.clock.now().plus(Span::seconds(10)));
    let mut config = Config::default();
    config.worker.interval = Duration::from_millis(10);
    config.worker.verify_touched = 0;
    let worker = compose::start_worker(&app.app, &config);
    let mut done = false;
    for _ in 0..500 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        done = is_done().await;
        if done {
            break;
        }
    }
    worker.stop().await;
    assert!(done, "the worker did not do it");
}

async fn redemptions(till: &Till<'_>) -> Vec<Value> {
    let listed = till.app.data(till.caller(), REWARD, "Redemptions", json!({})).await;
    listed["redemptions"]["nodes"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_and_never_asked_of_the_ledger_is_reserved_or_refused() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126400001").await;
        till.earn("e", "R", 70).await;
        let reward = offer(&till, "k", json!({ "stock": 5, "limitPerMember": 2 })).await;
        let ids = [begun_only(&till, &reward, 1).await, begun_only(&till, &reward, 2).await];
        let ids = ids.map(|id| json!(GlobalId::Redemption(id).write().as_str()));
        assert_eq!(shown(&app, &ids[0]).await["status"], "PENDING");
        assert_eq!(stock(&app, &reward).await, 3);
        assert_eq!(codes(&redeem(&till, "r", &reward).await), ["REWARD_LIMIT_REACHED"]);
        work(&app).await;
        // There are points for one of them; the other has given its piece back.
        assert_eq!(stock(&app, &reward).await, 4);
        assert_eq!(till.wallet_now().await["held"], "50");
        let left = redemptions(&till).await;
        assert_eq!((left.len(), &left[0]["status"]), (1, &json!("RESERVED")));
        let refused: Vec<&Value> = ids.iter().filter(|id| **id != left[0]["id"]).collect();
        assert_eq!(shown(&app, refused[0]).await, Value::Null);
        assert_eq!(codes(&release(&app, till.caller(), "x", refused[0]).await), ["REDEMPTION_NOT_FOUND"]);
        assert_eq!(codes(&redeem(&till, "r2", &reward).await), ["INSUFFICIENT_POINTS"]);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ledger_has_answered_and_nobody_noted_is_noted_by_whoever_comes_first() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126400002").await;
        till.earn("e", "R", 1_000).await;
        let reward = offer(&till, "k", json!({ "stock": 5 })).await;
        let redeemed = redeem(&till, "r", &reward).await;
        let redemption = &redeemed["redemption"];
        execute(&app, NOT_NOTED).await;
        assert_eq!(shown(&app, &redemption["id"]).await["status"], "PENDING");
        // The client, with its key.
        let again = redeem(&till, "r", &reward).await;
        assert_eq!((&again["redemption"], &again["replayed"]), (redemption, &json!(true)));
        execute(&app, NOT_NOTED).await;
        // A worker.
        work(&app).await;
        assert_eq!(shown(&app, &redemption["id"]).await["hold"], redemption["hold"]);
        execute(&app, NOT_NOTED).await;
        // The till, with the voucher.
        let captured = capture(&till, "c", &redemption["voucherCode"]).await;
        assert_eq!((codes(&captured), &captured["redemption"]["status"]), (Vec::new(), &json!("CAPTURED")));
        assert_eq!(till.wallet_now().await["posted"], "950");
        assert_eq!(stock(&app, &reward).await, 4);
        // The member, who calls another one off.
        let other = redeem(&till, "r2", &reward).await;
        execute(&app, &format!("{NOT_NOTED} where state = 2")).await;
        let member = Caller::Member(till.member);
        assert_eq!(codes(&release(&app, member, "x", &other["redemption"]["id"]).await), Vec::<&str>::new());
        assert_eq!(stock(&app, &reward).await, 4);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_before_anybody_noted_that_it_began_gives_its_piece_back_once() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126400003").await;
        till.earn("e", "R", 1_000).await;
        let reward = offer(&till, "k", json!({ "stock": 5, "reserveSeconds": 5 })).await;
        // By the outbox.
        let one = redeem(&till, "r1", &reward).await;
        execute(&app, NOT_NOTED).await;
        later(&app, Span::seconds(6)).await;
        assert_eq!(shown(&app, &one["redemption"]["id"]).await["status"], "EXPIRED");
        assert_eq!(stock(&app, &reward).await, 5);
        // By a worker that asks the ledger anew.
        let two = redeem(&till, "r2", &reward).await;
        later(&app, Span::seconds(6)).await;
        let newest = "created_at = (select max(created_at) from redemption)";
        execute(&app, &format!("{NOT_NOTED} where {newest}")).await;
        execute(&app, "update reward set stock = stock - 1").await;
        execute(&app, "update reward_taken set taken = taken + 1").await;
        work(&app).await;
        assert_eq!(shown(&app, &two["redemption"]["id"]).await["status"], "EXPIRED");
        assert_eq!(stock(&app, &reward).await, 5);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_finds_ended_has_ended_when_it_was_ended() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126400004").await;
        till.earn("e", "R", 1_000).await;
        let reward = offer(&till, "k", json!({ "stock": 5 })).await;
        let (one, two) = (redeem(&till, "r1", &reward).await, redeem(&till, "r2", &reward).await);
        let (one, two) = (&one["redemption"], &two["redemption"]);
        app.clock.advance_to(app.clock.now().plus(Span::seconds(10)));
        assert_eq!(codes(&capture(&till, "c", &one["voucherCode"]).await), Vec::<&str>::new());
        app.clock.advance_to(app.clock.now().plus(Span::seconds(10)));
        let member = Caller::Member(till.member);
        assert_eq!(codes(&release(&app, member, "x", &two["id"]).await), Vec::<&str>::new());
        execute(&app, &format!("{NOT_NOTED} where state in (3, 4)")).await;
        // What the release gave back is taken again, as if nobody had noted it.
        execute(&app, "update reward set stock = stock - 1").await;
        execute(&app, "update reward_taken set taken = taken + 1").await;
        app.clock.advance_to(app.clock.now().plus(Span::minutes(60)));
        work(&app).await;
        for (of, status, at) in [(one, "CAPTURED", "10"), (two, "RELEASED", "20")] {
            let shown = shown(&app, &of["id"]).await;
            let ended = json!(format!("2027-01-15T08:00:{at}Z"));
            assert_eq!((&shown["status"], &shown["endedAt"]), (&json!(status), &ended));
        }
        assert_eq!(stock(&app, &reward).await, 4);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_that_cannot_be_finished_do_not_keep_the_next_one_waiting() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126400005").await;
        till.earn("e", "R", 1_000).await;
        let reward = offer(&till, "k", json!({ "stock": 500 })).await;
        for number in 0..105 {
            begun_only(&till, &reward, 1_000 + number).await;
        }
        execute(&app, "update redemption set voucher = 'spoilt ' || voucher").await;
        app.clock.advance_to(app.clock.now().plus(Span::seconds(10)));
        let left = begun_only(&till, &reward, 7).await;
        let left = json!(GlobalId::Redemption(left).write().as_str());
        let is_reserved = async || shown(&app, &left).await["status"] == "RESERVED";
        assert!(!is_reserved().await);
        work_until(&app, is_reserved).await;
        // What is mended is finished too, though it was put off.
        execute(&app, "update redemption set voucher = substr(voucher, 8) where state = 1").await;
        app.clock.advance_to(app.clock.now().plus(Span::minutes(60)));
        work_until(&app, async || stock(&app, &reward).await == 500 - 20).await;
        assert_eq!(till.wallet_now().await["held"], "1000");
        assert_sound(&app).await;
    }
}
