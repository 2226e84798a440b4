//! Files whose making is in trouble: pages that take longer than a lease lasts, files that cannot be made, operations whose
//! commit is late.

use std::sync::Arc;
use std::time::Duration;

use amvaj_api::config::Config;
use amvaj_api::export::ExportPen;
use amvaj_domain::access::Identity;
use amvaj_domain::export::ExportFormat;
use amvaj_domain::id::MerchantId;
use amvaj_domain::time::Span;
use amvaj_infra::export::{Held, Pen, ShownOperation};
use amvaj_infra::worker::acquire;
use sea_orm::{ConnectionTrait as _, Statement, TransactionTrait as _};
use serde_json::{Value, json};
use uuid::Uuid;

use super::scene::{
    SETTLED, ask, asked, copies, done, fetched, lines, merchant, pass, seen, worker, worker_with,
};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::till::Till;

/// How long a lease lasts where pages take longer.
const LEASE: Duration = Duration::from_secs(2);

fn wanted(key: &str) -> Value {
    json!({ "idempotencyKey": key, "format": "JSON_LINES" })
}

/// Who made files first, as a number of changes.
async fn epoch(app: &TestApp) -> Option<i64> {
    let connection = app.app.db.for_migrations();
    let backend = connection.get_database_backend();
    let statement = Statement::from_string(backend, "select epoch from lease where name = 'exports'");
    let row = connection.query_one_raw(statement).await.unwrap()?;
    Some(row.try_get("", "epoch").unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_page_that_takes_longer_than_a_lease_does_not_lose_it() {
    let [_, app] = TestApp::both().await;
    let till = Till::open(&app, "09121110001").await;
    till.earn("k1", "R-1", 100).await;
    let who = merchant(&till);
    let export = asked(&app, &who, "ExportOperations", wanted("k")).await;
    // Whoever counts or reads operations waits for this.
    let lock = app.app.db.for_migrations().begin().await.unwrap();
    lock.execute_unprepared("lock table op in access exclusive mode").await.unwrap();
    let node = app.second_node().await;
    let workers = [worker_with(&app, LEASE), worker_with(&node, LEASE)];
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        pass(&app, Span::from_micros(100_000));
    }
    assert_eq!(epoch(&app).await, Some(1), "it went from hand to hand");
    assert_eq!(seen(&app, &who, &export).await["status"], "QUEUED");
    lock.commit().await.unwrap();
    let export = done(&app, &who, &export).await;
    assert_eq!(lines(&fetched(&app, &export).await).len(), 1);
    for worker in workers {
        worker.stop().await;
    }
    node.stop().await.unwrap();
}

/// Lets minutes pass until a file is over.
async fn given_up(app: &TestApp, who: &Identity, id: &str) -> Value {
    for _ in 0..200 {
        let export = seen(app, who, id).await;
        if !["QUEUED", "RUNNING"].contains(&export["status"].as_str().unwrap()) {
            return export;
        }
        pass(app, Span::seconds(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the file is tried for ever");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_read_fails_its_own_file_only() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        let other = Till::open(&app, "09121110002").await;
        till.earn("k1", "R-1", 100).await;
        other.earn("k1", "R-1", 100).await;
        let spoil =
            format!("update op set kind = 99 where merchant_id = {}", literal(&app, till.merchant.uuid()));
        app.app.db.for_migrations().execute_unprepared(&spoil).await.unwrap();
        let bad = asked(&app, &merchant(&till), "ExportOperations", wanted("k")).await;
        let good = asked(&app, &merchant(&other), "ExportOperations", wanted("k")).await;
        let worker = worker(&app);
        assert_eq!(done(&app, &merchant(&other), &good).await["status"], "DONE");
        assert_eq!(seen(&app, &merchant(&till), &bad).await["status"], "QUEUED", "it is tried again");
        let failed = given_up(&app, &merchant(&till), &bad).await;
        assert_eq!((&failed["status"], &failed["failure"]), (&json!("FAILED"), &json!("UNREADABLE")));
        assert!(failed["url"].is_null());
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_cannot_be_read_keeps_no_other_from_its_file() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        let other = Till::open(&app, "09121110002").await;
        other.earn("k1", "R-1", 100).await;
        asked(&app, &merchant(&till), "ExportOperations", wanted("k")).await;
        let connection = app.app.db.for_migrations();
        connection.execute_unprepared("update export_job set branches = 'nowhere'").await.unwrap();
        let good = asked(&app, &merchant(&other), "ExportOperations", wanted("k")).await;
        let worker = worker(&app);
        assert_eq!(done(&app, &merchant(&other), &good).await["status"], "DONE");
        worker.stop().await;
        let sql = "select count(*) as n from export_job where status = 4 and failure = 1 and slot is null";
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(statement).await.unwrap().unwrap();
        assert_eq!(row.try_get::<i64>("", "n").unwrap(), 1, "it is given up");
    }
}

/// Cannot write down what a merchant did.
#[derive(Debug)]
struct Stumbling(MerchantId);

impl Pen for Stumbling {
    fn head(&self, format: ExportFormat, out: &mut String) {
        ExportPen.head(format, out);
    }

    fn operation(&self, format: ExportFormat, operation: &ShownOperation<'_>, out: &mut String) {
        assert_ne!(operation.operation.op.merchant, Some(self.0), "this pen stumbles");
        ExportPen.operation(format, operation, out);
    }

    fn held(&self, held: &Held, out: &mut String) {
        ExportPen.held(held, out);
    }

    fn held_operation(&self, operation: &ShownOperation<'_>, out: &mut String) {
        ExportPen.held_operation(operation, out);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_whose_making_panics_fails_its_own_file_only() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        let other = Till::open(&app, "09121110002").await;
        till.earn("k1", "R-1", 100).await;
        other.earn("k1", "R-1", 100).await;
        let bad = asked(&app, &merchant(&till), "ExportOperations", wanted("k")).await;
        let good = asked(&app, &merchant(&other), "ExportOperations", wanted("k")).await;
        let lease = acquire(&app.app.db, "exports", Uuid::from_u128(1), app.clock.now(), Span::minutes(60));
        let lease = lease.await.unwrap().unwrap();
        let mut maker = app.app.exports.maker(app.app.sessions.clone(), Arc::new(Stumbling(till.merchant)));
        let mut tries = 0;
        while seen(&app, &merchant(&till), &bad).await["status"] == "QUEUED" {
            maker.turn(&lease, app.clock.now(), app.clock.now()).await.unwrap();
            assert_eq!(seen(&app, &merchant(&other), &good).await["status"], "DONE");
            let tried = seen(&app, &merchant(&till), &bad).await;
            assert_eq!(tried["rowsTotal"], 1, "what was counted is kept, whatever becomes of the page");
            // At once it is not tried again.
            assert!(!maker.turn(&lease, app.clock.now(), app.clock.now()).await.unwrap());
            pass(&app, Span::seconds(90));
            tries += 1;
            assert!(tries <= 4, "it is tried for ever");
        }
        assert_eq!(tries, 4);
        let failed = seen(&app, &merchant(&till), &bad).await;
        assert_eq!((&failed["status"], &failed["failure"]), (&json!("FAILED"), &json!("BROKEN")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_operation_whose_commit_is_late_is_in_the_file_of_its_time() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        till.earn("k1", "R-1", 100).await;
        let who = merchant(&till);
        let asked_for = ask(&app, &who, "ExportOperations", wanted("k")).await;
        let id = asked_for["export"]["id"].as_str().unwrap().to_owned();
        // What was recorded before the request is written, and its commit does not come.
        let late = app.app.db.for_migrations().begin().await.unwrap();
        late.execute_unprepared(&copies(&app, 1)).await.unwrap();
        pass(&app, SETTLED);
        let worker = worker(&app);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let waits = seen(&app, &who, &id).await;
        assert_eq!((&waits["status"], &waits["rowsTotal"]), (&json!("QUEUED"), &Value::Null), "{waits:#}");
        late.commit().await.unwrap();
        let export = done(&app, &who, &id).await;
        assert_eq!(lines(&fetched(&app, &export).await).len(), 2);
        // The next file begins where this one ends, and has nothing of it.
        assert_eq!(export["until"], "2027-01-15T08:00:00.000001Z");
        let other = Till::open(&app, "09121110002").await;
        Till { merchant: till.merchant, ..other }.earn("k2", "R-2", 100).await;
        let mut next = wanted("next");
        next["from"] = export["until"].clone();
        let next = asked(&app, &who, "ExportOperations", next).await;
        let next = done(&app, &who, &next).await;
        worker.stop().await;
        let rows = lines(&fetched(&app, &next).await);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0]["receiptNumber"], "R-2");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_decided_long_ago_is_decided_anew_before_it_is_written() {
    // Where readings are waited for longer than what they led to may be sent.
    let patient = |config: &mut Config| config.http.request_timeout = Duration::from_secs(60);
    let app = TestApp::start_with(TestDb::postgres().await, patient).await;
    let till = Till::open(&app, "09121110001").await;
    till.earn("k1", "R-1", 100).await;
    let begun = app.clock.now();
    // Whoever wants to read the wallet waits for this, with the moment that its operation is to carry in its hand.
    let lock = app.app.db.for_migrations().begin().await.unwrap();
    lock.execute_unprepared("lock table wallet in access exclusive mode").await.unwrap();
    let slow = till.earn("k2", "R-2", 100);
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        pass(&app, Span::seconds(6));
        tokio::time::sleep(Duration::from_secs(16)).await;
        lock.commit().await.unwrap();
    };
    let (earned, ()) = futures_util::future::join(slow, meanwhile).await;
    assert_eq!(earned["operation"]["points"], "100", "{earned:#}");
    let connection = app.app.db.for_migrations();
    let sql = "select max(recorded_at) as at from op";
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    assert_eq!(row.try_get::<i64>("", "at").unwrap(), begun.plus(Span::seconds(6)).micros());
}

/// A UUID as the database writes it.
fn literal(app: &TestApp, id: Uuid) -> String {
    if app.app.db.is_postgres() { format!("'{id}'") } else { format!("x'{}'", id.simple()) }
}
