//! A database that is there and does not do what it is asked: it only reads, every connection to it waits, or the
//! connections are lost without a word. Answers stay right or say that a retry helps, and when the cause is gone everything goes on by itself.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use amvaj_api::config::Secret;
use amvaj_domain::access::Caller;
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::database::{TestDb, open};
use crate::support::proxy::Proxy;
use crate::support::server::OwnPostgres;
use crate::support::till::{POINTS, Till, assert_sound, codes};

/// Within this time everything goes on by itself.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_only_reads_is_told_of_and_written_to_again_when_it_can_be() {
    let postgres = OwnPostgres::start("read-only").await;
    let app = TestApp::start_at(&postgres.url("postgres")).await;
    let till = Till::open(&app, "09124000011").await;
    till.earn("before", "R0", 100).await;

    only_reads(&postgres, true).await;
    let tries: Vec<Value> = (0..20).map(|number| earn_input(&till, number)).collect();
    let told = join_all(tries.iter().map(|input| send(&till, "Earn", input))).await;
    for answer in &told {
        assert_retryable(answer);
    }
    assert_eq!(till.wallet_now().await["posted"], "100", "reading goes on");

    only_reads(&postgres, false).await;
    let earned = join_all(tries.iter().map(|input| until_answered(&till, input))).await;
    assert!(earned.iter().all(|answer| codes(answer).is_empty()), "{earned:#?}");
    assert_eq!(till.wallet_now().await["posted"], "300");
    assert_sound(&app).await;
}

/// Lets every session of the server only read, or write again.
async fn only_reads(postgres: &OwnPostgres, only: bool) {
    let only = if only { "on" } else { "off" };
    postgres.execute("postgres", &format!("alter system set default_transaction_read_only = {only}")).await;
    postgres.execute("postgres", "select pg_reload_conf()").await;
    // Sessions take the setting over between two statements, each in its own time.
    tokio::time::sleep(Duration::from_millis(500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_all_wait_are_told_of_and_used_again_when_they_are_free() {
    let database = TestDb::postgres().await;
    let blocker = open(&database.url).await;
    let app = TestApp::start_with(database, |config| {
        config.database.max_connections = 2;
        config.http.request_timeout = Duration::from_secs(1);
    })
    .await;
    let till = Till::open(&app, "09124000012").await;
    till.earn("before", "R0", 100).await;
    let variables = json!({ "id": till.wallet_id(), "atLeast": "1000000" });

    let blocking = blocker.for_migrations();
    let lock = blocking.begin().await.unwrap();
    lock.execute_unprepared("lock table wallet in access exclusive mode").await.unwrap();
    let tries: Vec<Value> = (0..30).map(|number| earn_input(&till, number)).collect();
    let earns = join_all(tries.iter().map(|input| send(&till, "Earn", input)));
    let reads =
        join_all((0..30).map(|_| app.send(Some(Caller::Operator), POINTS, "Wallet", variables.clone())));
    let (earns, reads) = tokio::join!(earns, reads);
    for answer in earns.iter().chain(&reads) {
        assert_retryable(answer);
    }
    let told: BTreeSet<&str> = earns.iter().map(code).collect();
    assert!(
        told.contains("OUTCOME_UNKNOWN"),
        "what the ledger has taken in is not said to be undone: {told:?}"
    );

    lock.rollback().await.unwrap();
    let earned = join_all(tries.iter().map(|input| until_answered(&till, input))).await;
    assert!(earned.iter().all(|answer| codes(answer).is_empty()), "{earned:#?}");
    assert_eq!(till.wallet_now().await["posted"], "400");
    assert_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_lost_without_a_word_are_given_up_for_new_ones() {
    let database = TestDb::postgres().await;
    let proxy = Proxy::to(port_of(&database.url)).await;
    let through =
        database.url.replace(&format!(":{}/", port_of(&database.url)), &format!(":{}/", proxy.port()));
    let app = TestApp::start_with(database, move |config| {
        config.database.url = Secret::new(&*through);
        config.http.request_timeout = Duration::from_secs(1);
    })
    .await;
    let till = Till::open(&app, "09124000013").await;
    till.earn("before", "R0", 100).await;

    proxy.lose();
    let tries: Vec<Value> = (0..20).map(|number| earn_input(&till, number)).collect();
    let earned = join_all(tries.iter().map(|input| until_answered(&till, input))).await;
    assert!(earned.iter().all(|answer| codes(answer).is_empty()), "{earned:#?}");
    assert_eq!(till.wallet_now().await["posted"], "300");
    assert_sound(&app).await;
}

fn port_of(url: &str) -> u16 {
    let (_, place) = url.split_once('@').expect("a URL with a user");
    place.split([':', '/']).nth(1).and_then(|port| port.parse().ok()).expect("a URL with a port")
}

fn earn_input(till: &Till<'_>, number: usize) -> Value {
    json!({
        "idempotencyKey": format!("k{number}"), "receiptNumber": format!("K{number}"),
        "member": till.member_ref(), "amount": { "amount": 100, "currency": "IRR" },
    })
}

/// Sends an earn again until it is answered.
async fn until_answered(till: &Till<'_>, input: &Value) -> Value {
    let began = Instant::now();
    loop {
        let answer = send(till, "Earn", input).await;
        if answer["errors"].is_null() {
            return answer["data"]["earnPoints"].clone();
        }
        assert_retryable(&answer);
        assert!(began.elapsed() < PATIENCE, "the cause is gone: {answer:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn send(till: &Till<'_>, name: &str, input: &Value) -> Value {
    till.app.send(Some(till.caller()), POINTS, name, json!({ "input": input })).await
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer:#}"))
}

/// The answer is an error that says that the same request may succeed later.
fn assert_retryable(answer: &Value) {
    assert!(["OVERLOADED", "OUTCOME_UNKNOWN"].contains(&code(answer)), "{answer:#}");
    assert_eq!(answer["errors"][0]["extensions"]["retryable"], true, "{answer:#}");
}
