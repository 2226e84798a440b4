//! A worker beside a server, files that are asked for, and what was fetched.

use std::time::Duration;

use amvaj_api::compose::start_worker;
use amvaj_api::config::Config;
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::time::Span;
use amvaj_infra::worker::Worker;
use aws_lc_rs::digest::{SHA256, digest};
use reqwest::{Client, Method, RequestBuilder, Response};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::till::{Till, codes};

pub(super) const EXPORT: &str = include_str!("../queries/export.graphql");
/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long what the ledger recorded takes to settle.
pub(super) const SETTLED: Span = Span::seconds(21);

/// Moves the clock.
pub(super) fn pass(app: &TestApp, span: Span) {
    app.clock.advance_to(app.clock.now().plus(span));
}

/// A worker beside a server.
pub(super) fn worker(app: &TestApp) -> Worker {
    worker_with(app, Config::default().worker.lease)
}

/// A worker whose leases last so long.
pub(super) fn worker_with(app: &TestApp, lease: Duration) -> Worker {
    let mut config = Config::default();
    config.worker.lease = lease;
    config.worker.interval = Duration::from_millis(20);
    config.worker.verify_touched = 0;
    config.worker.verify_at = None;
    start_worker(&app.app, &config)
}

/// Asks as somebody, and answers the payload.
pub(super) async fn ask(app: &TestApp, who: &Identity, name: &str, input: Value) -> Value {
    let answer = app.send_with(Some(&app.token(who)), EXPORT, name, json!({ "input": input })).await;
    assert!(answer["errors"].is_null(), "{name}: {answer:#}");
    answer["data"].as_object().unwrap().values().next().unwrap().clone()
}

/// Asks for a file that has to be made, lets what the ledger recorded settle, and answers the export's id.
pub(super) async fn asked(app: &TestApp, who: &Identity, name: &str, input: Value) -> String {
    let payload = ask(app, who, name, input).await;
    assert_eq!(codes(&payload), Vec::<&str>::new(), "{payload:#}");
    assert_eq!(payload["export"]["status"], "QUEUED");
    pass(app, SETTLED);
    payload["export"]["id"].as_str().unwrap().to_owned()
}

/// The export as somebody sees it.
pub(super) async fn seen(app: &TestApp, who: &Identity, id: &str) -> Value {
    let answer = app.send_with(Some(&app.token(who)), EXPORT, "One", json!({ "id": id })).await;
    answer["data"]["export"].clone()
}

/// Waits until the export is over, and answers it.
pub(super) async fn done(app: &TestApp, who: &Identity, id: &str) -> Value {
    let began = tokio::time::Instant::now();
    loop {
        let export = seen(app, who, id).await;
        if !["QUEUED", "RUNNING"].contains(&export["status"].as_str().unwrap_or("none")) {
            return export;
        }
        assert!(began.elapsed() < PATIENCE, "{export:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A request for what is behind a link.
pub(super) fn request(app: &TestApp, method: Method, url: &str) -> RequestBuilder {
    let address = format!("{}{}", app.home().trim_end_matches('/'), url);
    Client::new().request(method, address)
}

pub(super) async fn get(app: &TestApp, url: &str) -> Response {
    request(app, Method::GET, url).send().await.unwrap()
}

/// The text of a finished file, which is what the export says of it.
pub(super) async fn fetched(app: &TestApp, export: &Value) -> String {
    assert_eq!(export["status"], "DONE", "{export:#}");
    let answer = get(app, export["url"].as_str().unwrap()).await;
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    assert_eq!(export["size"], json!(text.len().to_string()));
    let sum = amvaj_domain::sealed::hex(digest(&SHA256, text.as_bytes()).as_ref());
    assert_eq!(export["sha256"], json!(sum));
    text
}

/// Asks for a file, has it made by a worker, and answers its text.
pub(super) async fn file(app: &TestApp, who: &Identity, name: &str, input: Value) -> String {
    let id = asked(app, who, name, input).await;
    let worker = worker(app);
    let export = done(app, who, &id).await;
    worker.stop().await;
    fetched(app, &export).await
}

/// The lines of a file of JSON lines.
pub(super) fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A merchant itself.
pub(super) fn merchant(till: &Till<'_>) -> Identity {
    Identity::console(till.caller())
}

pub(super) fn operator() -> Identity {
    Identity::console(Caller::Operator)
}

pub(super) fn id(id: GlobalId) -> Value {
    json!(id.write().as_str())
}

/// Writes the operations of a till's wallet into the journal again and again, until there are `count` more. Nothing else of
/// the ledger fits to them, so nothing but reading them makes sense afterwards.
pub(super) async fn many_operations(till: &Till<'_>, count: i64) {
    let connection = till.app.app.db.for_migrations();
    let sql = copies(till.app, count);
    connection.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The statement that writes so many copies of each wallet's first operation.
pub(super) fn copies(app: &TestApp, count: i64) -> String {
    let fresh = if app.app.db.is_postgres() { "gen_random_uuid()" } else { "randomblob(16)" };
    let columns = "kind, amount, money, merchant_id, branch_id, receipt_no, ref_seq, body_hash, reject_code, reject_limit, \
         posted_after, held_after, pending_after, debt_after, batch_id, occurred_at, recorded_at";
    format!(
        "with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < {count}) \
         insert into op (shard_no, wallet_id, seq, caller, idem, {columns}) \
         select o.shard_no, o.wallet_id, o.seq + numbers.n, o.caller, {fresh}, {columns} from numbers, op o \
         where o.seq = 1 and o.merchant_id is not null"
    )
}
