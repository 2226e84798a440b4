//! Receivers that hang, lie, flood and never come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use amvaj_api::auth::Credentials;
use amvaj_api::config::Config;
use amvaj_domain::time::Span;
use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
use serde_json::{Value, json};

use super::scene::{Hook, ask, both, of, pass, receipts, sandbox, taking, with_status, worker};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::server::free_port;
use crate::support::till::{Till, assert_sound, codes};
use crate::support::web::{FakeWeb, Reply};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_an_endpoint_answers_the_log_says_what_was_wrong() {
    for app in both().await {
        let till = Till::open(&app, "09121110001").await;
        let elsewhere = taking().await;
        let moved = Reply::With(302, format!("location: {}\r\n", elsewhere.url("/")), String::new());
        let flood = Reply::Endless("x".repeat(1_000));
        let refused = format!("http://127.0.0.1:{}/", free_port());
        let mut hooks = Vec::new();
        let mut webs = Vec::new();
        for (reply, failure, status) in [
            (Reply::Answer(500, String::new()), "STATUS", json!(500)),
            (Reply::Answer(404, "x".repeat(1_000_000)), "STATUS", json!(404)),
            (moved, "REDIRECT", json!(302)),
            (Reply::Silence, "TIMED_OUT", Value::Null),
            (Reply::Break, "BROKEN", Value::Null),
        ] {
            let web = FakeWeb::in_turn([reply]).await;
            hooks.push((Hook::at(&app, till.merchant, &web.url("/"), Value::Null).await, failure, status));
            webs.push(web);
        }
        hooks.push((
            Hook::at(&app, till.merchant, &refused, Value::Null).await,
            "NO_CONNECTION",
            Value::Null,
        ));
        let flooding = FakeWeb::in_turn([flood]).await;
        let endless = Hook::at(&app, till.merchant, &flooding.url("/"), Value::Null).await;
        let worker = worker(&app);
        till.earn("k1", "R-1", 100).await;
        for (hook, failure, status) in &hooks {
            // The endpoint is read before its deliveries, perhaps from before they were written.
            let is_told =
                |log: &Value| log["deliveries"]["nodes"][0]["tries"] == 1 && log["failingSince"].is_string();
            let log = hook.until(failure, is_told).await;
            let delivery = &log["deliveries"]["nodes"][0];
            assert_eq!((&delivery["failure"], &delivery["responseStatus"]), (&json!(failure), status));
            assert_eq!(delivery["status"], "WAITING");
            assert!(log["pausedUntil"].is_null(), "{log:#}");
        }
        // The status says that it was taken; of the flood nobody reads more than a little.
        endless.delivered(1).await;
        assert_eq!(elsewhere.asked().len(), 0, "a redirect was followed");
        worker.stop().await;
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_never_taken_becomes_a_dead_letter_and_can_be_sent_again() {
    for app in both().await {
        let till = Till::open(&app, "09121110001").await;
        let another = app.member("علی", "09121110002").await;
        let wallet = app.app.directory.wallet_of(another).await.unwrap().unwrap();
        let beside = Till { app: &app, merchant: till.merchant, member: another, wallet };
        let cured = Arc::new(AtomicBool::new(false));
        let is_cured = Arc::clone(&cured);
        let web = FakeWeb::start(move |asked| {
            let poison = asked.body.contains("\"POISON\"") && !is_cured.load(Ordering::SeqCst);
            Reply::Answer(if poison { 400 } else { 200 }, String::new())
        })
        .await;
        let hook = Hook::at(&app, till.merchant, &web.url("/"), Value::Null).await;
        let worker = worker(&app);
        till.earn("k1", "POISON", 10).await;
        till.earn("k2", "BEHIND", 10).await;
        for number in 1..=16 {
            hook.until("tried", |log| of(log, "POISON")["tries"] == number).await;
            // Others are taken all the while, so that nobody thinks the endpoint is gone.
            let receipt = format!("B-{number}");
            beside.earn(&receipt, &receipt, 10).await;
            hook.until("beside", |log| with_status(log, "DELIVERED").len() >= number).await;
            pass(&app, Span::minutes(11 * 60));
        }
        let log = hook.delivered(17).await;
        let dead = hook.log(Some("DEAD")).await["deliveries"]["nodes"][0].clone();
        assert_eq!((&dead["tries"], &dead["operation"]["receiptNumber"]), (&json!(16), &json!("POISON")));
        assert!(dead["nextTryAt"].is_null());
        assert_eq!((&log["status"], log["deliveries"]["totalCount"].clone()), (&json!("ACTIVE"), json!(18)));
        let came = receipts(&web.asked());
        let place = |receipt: &str| came.iter().rposition(|other| other == receipt);
        assert!(place("BEHIND") > place("POISON"), "what was behind goes on: {came:?}");

        let again = json!({ "webhookDeliveryId": dead["id"] });
        cured.store(true, Ordering::SeqCst);
        let sent = ask(&app, till.merchant, "Redeliver", again).await;
        assert_eq!(
            (&sent["webhookDelivery"]["status"], &sent["webhookDelivery"]["tries"]),
            (&json!("WAITING"), &json!(0))
        );
        hook.until("again", |log| {
            with_status(log, "DEAD").is_empty() && with_status(log, "WAITING").is_empty()
        })
        .await;
        assert!(of(&hook.log(None).await, "POISON")["deliveredAt"].is_string());
        worker.stop().await;
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_takes_nothing_is_left_alone_and_disabled_in_the_end() {
    for app in both().await {
        let till = Till::open(&app, "09121110001").await;
        let healthy = Arc::new(AtomicBool::new(false));
        let is_healthy = Arc::clone(&healthy);
        let web = FakeWeb::start(move |_| {
            Reply::Answer(if is_healthy.load(Ordering::SeqCst) { 200 } else { 503 }, String::new())
        })
        .await;
        let hook = Hook::at(&app, till.merchant, &web.url("/"), Value::Null).await;
        for number in 0..20 {
            let member = app.member("x", &format!("091233300{number:02}")).await;
            let wallet = app.app.directory.wallet_of(member).await.unwrap().unwrap();
            let till = Till { app: &app, merchant: till.merchant, member, wallet };
            till.earn(&format!("k{number}"), &format!("R-{number}"), 10).await;
        }
        let worker = worker(&app);
        let paused = hook.until("the breaker opens", |log| log["pausedUntil"].is_string()).await;
        assert_eq!(paused["status"], "ACTIVE");
        tokio::time::sleep(Duration::from_millis(300)).await;
        let few = web.asked().len();
        assert!((5..=8).contains(&few), "{few} tries before the breaker opened");
        pass(&app, Span::seconds(10));
        hook.until("one try", |log| log["pausedUntil"].as_str() > paused["pausedUntil"].as_str()).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(web.asked().len(), few + 1, "one at a time");

        healthy.store(true, Ordering::SeqCst);
        hook.ask("Ping", json!({})).await;
        let log = hook.delivered(21).await;
        assert!(log["pausedUntil"].is_null() && log["failingSince"].is_null(), "{log:#}");

        healthy.store(false, Ordering::SeqCst);
        till.earn("again", "R-AGAIN", 10).await;
        hook.until("it fails", |log| log["failingSince"].is_string()).await;
        for _ in 0..14 {
            let tries = web.asked().len();
            pass(&app, Span::minutes(10 * 60));
            let began = Instant::now();
            while web.asked().len() == tries && began.elapsed() < Duration::from_secs(5) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        let log = hook.until("it is disabled", |log| log["status"] == "DISABLED").await;
        assert_eq!(log["disabledReason"], "FAILING");
        assert_eq!(codes(&hook.ask("Ping", json!({})).await), ["ENDPOINT_DISABLED"]);
        till.earn("missed", "R-MISSED", 10).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(hook.log(None).await["deliveries"]["totalCount"], 22, "nothing is queued for it");

        healthy.store(true, Ordering::SeqCst);
        let enabled = hook.ask("Update", json!({ "enabled": true })).await;
        assert_eq!(enabled["webhookEndpoint"]["status"], "ACTIVE");
        let since = json!({ "since": "2027-01-15T08:00:00Z" });
        assert_eq!(codes(&hook.ask("Replay", since).await), Vec::<&str>::new());
        hook.delivered(23).await;
        assert!(receipts(&web.asked()).contains(&"R-MISSED".to_owned()));
        worker.stop().await;
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_says_that_it_is_gone_is_asked_no_more() {
    for app in both().await {
        let till = Till::open(&app, "09121110001").await;
        let web = FakeWeb::in_turn([Reply::Answer(410, String::new())]).await;
        let hook = Hook::at(&app, till.merchant, &web.url("/"), Value::Null).await;
        let worker = worker(&app);
        till.earn("k1", "R-1", 100).await;
        let log = hook.until("disabled", |log| log["status"] == "DISABLED").await;
        assert_eq!(log["disabledReason"], "GONE");
        pass(&app, Span::days(1));
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(web.asked().len(), 1);
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_cannot_sign_counts_against_nobody() {
    for app in both().await {
        let till = Till::open(&app, "09121110001").await;
        let web = taking().await;
        let hook = Hook::at(&app, till.merchant, &web.url("/"), Value::Null).await;
        // As after a restore without the server's secret.
        let stranger = app.second_node_as(Credentials::generate(&Config::default().auth).unwrap()).await;
        let unable = worker(&stranger);
        till.earn("k1", "R-1", 100).await;
        // The next event would fare no better.
        let is_left_alone =
            |log: &Value| of(log, "R-1")["failure"] == "UNSIGNED" && log["pausedUntil"].is_string();
        let log = hook.until("left alone", is_left_alone).await;
        assert_eq!(of(&log, "R-1")["tries"], 0);
        assert_eq!(of(&log, "R-1")["status"], "WAITING");
        assert_eq!(log["failingSince"], Value::Null);
        unable.stop().await;
        assert!(web.asked().is_empty());
        let able = worker(&app);
        pass(&app, Span::seconds(61));
        let log = hook.delivered(1).await;
        assert_eq!(of(&log, "R-1")["tries"], 1);
        able.stop().await;
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_that_hang_slow_neither_the_ledger_nor_other_receivers() {
    const PURCHASES: usize = 40;
    for app in both().await {
        let tills = [Till::open(&app, "09121110001").await, Till::open(&app, "09121110002").await];
        let hanging = FakeWeb::in_turn([Reply::Silence]).await;
        let flooding = FakeWeb::in_turn([Reply::Endless("x".repeat(10_000))]).await;
        let good = taking().await;
        for number in 0..8 {
            let web = if number % 2 == 0 { &hanging } else { &flooding };
            Hook::at(&app, tills[0].merchant, &web.url(&format!("/{number}")), Value::Null).await;
        }
        let hook = Hook::at(&app, tills[1].merchant, &good.url("/"), Value::Null).await;
        let worker = worker(&app);
        let slowest = AtomicUsize::new(0);
        for number in 0..PURCHASES {
            for till in &tills {
                let began = Instant::now();
                let earned = till.earn(&format!("k{number}"), &format!("R-{number}"), 10).await;
                assert_eq!(codes(&earned), Vec::<&str>::new());
                let took = usize::try_from(began.elapsed().as_millis()).unwrap();
                slowest.fetch_max(took, Ordering::SeqCst);
            }
        }
        let last = Instant::now();
        hook.delivered(PURCHASES).await;
        assert!(last.elapsed() < Duration::from_secs(4), "{:?} behind", last.elapsed());
        let slowest = slowest.into_inner();
        assert!(slowest < 1_500, "an earn took {slowest} ms");
        assert_eq!(receipts(&good.asked()).len(), PURCHASES);
        worker.stop().await;
        assert_sound(&app).await;
    }
}

/// PostgreSQL plans a statement once, here as in any new network while its tables are empty: what waits at one endpoint must
/// not be read for the events of others even so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_at_an_endpoint_that_hangs_is_not_read_for_the_events_of_others() {
    const WAITING: usize = 250;
    const SENT: usize = 60;
    let database = TestDb::postgres().await;
    let (url, connections) = (database.url.clone(), database.database.clone());
    let app = TestApp::start_with(database, sandbox).await;
    let tills = [Till::open(&app, "09121110001").await, Till::open(&app, "09121110002").await];
    let (hanging, good) = (FakeWeb::in_turn([Reply::Silence]).await, taking().await);
    let waits = Hook::at(&app, tills[0].merchant, &hanging.url("/"), Value::Null).await;
    let hook = Hook::at(&app, tills[1].merchant, &good.url("/"), Value::Null).await;
    let worker = worker(&app);
    for number in 0..WAITING {
        tills[0].earn(&format!("k{number}"), &format!("R-{number}"), 10).await;
    }
    waits.until("failing", |log| !log["failingSince"].is_null()).await;
    for number in 1..=SENT {
        tills[1].earn(&format!("k{number}"), &format!("R-{number}"), 10).await;
        hook.until("delivered", |_| good.asked().len() == number).await;
    }
    worker.stop().await;
    // A connection tells what it has read when it ends.
    connections.close().await.unwrap();
    let mut reads = 0;
    while reads < SENT {
        tokio::time::sleep(Duration::from_millis(200)).await;
        reads = reads_of_what_waits(&url).await;
    }
    // Whatever is still on its way to the statistics.
    tokio::time::sleep(Duration::from_millis(500)).await;
    reads = reads_of_what_waits(&url).await;
    assert!(reads < 30 * (WAITING + SENT), "{reads} rows were read");
}

/// How many rows were read by the index of what waits.
async fn reads_of_what_waits(url: &str) -> usize {
    let statistics =
        "select idx_tup_read from pg_stat_user_indexes where indexrelname = 'webhook_delivery_waiting'";
    let connection = Database::connect(url).await.unwrap();
    let statement = Statement::from_string(DbBackend::Postgres, statistics);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    connection.close().await.unwrap();
    usize::try_from(row.try_get::<i64>("", "idx_tup_read").unwrap()).unwrap()
}
