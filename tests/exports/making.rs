//! What stands in files of operations, and that a killed maker's file goes on where it stopped.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use amvaj_api::export::ExportPen;
use amvaj_domain::time::Span;
use amvaj_infra::worker::{WorkError, acquire};
use serde_json::{Value, json};
use uuid::Uuid;

use super::scene::{
    asked, done, fetched, file, id, lines, many_operations, merchant, operator, pass, seen, worker,
};
use crate::support::app::TestApp;
use crate::support::till::{Till, codes};
use amvaj_api::graphql::global_id::GlobalId;

/// How long a maker that went silent is waited for.
const LEASE: Span = Span::seconds(15);

fn wanted(key: &str, format: &str) -> Value {
    json!({ "idempotencyKey": key, "format": format })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchant_gets_its_own_operations_in_both_formats() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        let other = Till::of_member(&app, till.member).await;
        assert_eq!(codes(&till.earn("k1", "=SUM(A1)", 100).await), Vec::<&str>::new());
        assert_eq!(codes(&till.earn("k2", "a,\"b\"", 50).await), Vec::<&str>::new());
        assert_eq!(codes(&till.redeem("k3", 9_000).await), ["INSUFFICIENT_POINTS"]);
        other.earn("k4", "OTHER", 7).await;
        let csv = file(&app, &merchant(&till), "ExportOperations", wanted("csv", "CSV")).await;
        let rows: Vec<&str> = csv.split_terminator("\r\n").collect();
        assert_eq!(rows.len(), 4, "{csv}");
        assert!(rows[0].starts_with("operationId,sequence,kind,status,rejection,points,amount,currency,"));
        assert!(rows[1].contains(",EARN,APPLIED,,100,1000,IRR,") && rows[1].contains(",'=SUM(A1),"));
        assert!(rows[1].contains(",2027-01-15T08:00:00Z,"), "{}", rows[1]);
        assert!(rows[2].contains(",\"a,\"\"b\"\"\","), "{}", rows[2]);
        assert!(rows[3].contains(",REDEEM,REJECTED,INSUFFICIENT_POINTS,9000,"), "{}", rows[3]);
        let json = file(&app, &merchant(&till), "ExportOperations", wanted("jsonl", "JSON_LINES")).await;
        let found = lines(&json);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0]["receiptNumber"], "=SUM(A1)");
        assert_eq!(found[0]["points"], 100);
        assert_eq!(found[0]["postedAfter"], 100);
        assert_eq!(found[0]["memberId"], id(GlobalId::Member(till.member)));
        assert_eq!(found[0]["operationId"], id(GlobalId::Operation(till.wallet, 1)));
        assert_eq!(found[1]["availableAfter"], 150);
        assert!(!json.contains("OTHER"));
        let all = file(&app, &operator(), "ExportOperations", wanted("all", "JSON_LINES")).await;
        assert_eq!(lines(&all).len(), 4);
        let mut one = wanted("one", "JSON_LINES");
        one["merchantId"] = id(GlobalId::Merchant(other.merchant));
        one["kinds"] = json!(["EARN"]);
        let of_one = lines(&file(&app, &operator(), "ExportOperations", one).await);
        assert_eq!(of_one.len(), 1);
        assert_eq!(of_one[0]["receiptNumber"], "OTHER");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_and_kinds_choose_and_what_comes_later_stays_out() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        till.earn("k1", "R-1", 100).await;
        pass(&app, Span::seconds(60));
        till.earn("k2", "R-2", 100).await;
        till.redeem("k3", 10).await;
        pass(&app, Span::seconds(60));
        till.earn("k4", "R-4", 100).await;
        let chosen = async |key: &str, more: Value| {
            let mut input = wanted(key, "JSON_LINES");
            for (name, value) in more.as_object().unwrap() {
                input[name] = value.clone();
            }
            let text = file(&app, &merchant(&till), "ExportOperations", input).await;
            let kind = |line: &Value| line["kind"].as_str().unwrap().to_owned();
            lines(&text).iter().map(kind).collect::<Vec<_>>()
        };
        let from = json!({ "from": "2027-01-15T08:01:00Z", "until": "2027-01-15T08:02:00Z" });
        assert_eq!(chosen("a", from).await, ["EARN", "REDEEM"]);
        assert_eq!(chosen("b", json!({ "kinds": ["REDEEM", "CAPTURE"] })).await, ["REDEEM"]);
        assert_eq!(chosen("c", json!({ "until": "2027-01-15T08:00:00Z" })).await, Vec::<String>::new());
        // What is recorded after the request stays out, however late the file is made.
        let export = asked(&app, &merchant(&till), "ExportOperations", wanted("d", "JSON_LINES")).await;
        till.earn("k5", "R-5", 100).await;
        let worker = worker(&app);
        let export = done(&app, &merchant(&till), &export).await;
        worker.stop().await;
        assert!(!fetched(&app, &export).await.contains("R-5"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_file_tells_how_far_it_is_and_has_every_row_once() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        till.earn("k1", "R-1", 100).await;
        many_operations(&till, 2_500).await;
        for (who, format) in [(merchant(&till), "CSV"), (operator(), "JSON_LINES")] {
            let export = asked(&app, &who, "ExportOperations", wanted(format, format)).await;
            let first = acquire(&app.app.db, "exports", Uuid::from_u128(1), app.clock.now(), LEASE).await;
            let lease = first.unwrap().unwrap();
            let mut maker = app.app.exports.maker(app.app.sessions.clone(), Arc::new(ExportPen));
            let mut told = Vec::new();
            while maker.turn(&lease, app.clock.now(), app.clock.now()).await.unwrap() {
                let now = seen(&app, &who, &export).await;
                told.push(now["rowsDone"].as_i64().unwrap());
                assert_eq!(now["rowsTotal"], 2_501);
                assert_eq!(now["url"].is_null(), now["status"] != "DONE");
            }
            assert_eq!(told, [500, 1_000, 1_500, 2_000, 2_500, 2_501]);
            let text = fetched(&app, &seen(&app, &who, &export).await).await;
            let rows: BTreeSet<&str> = text.lines().collect();
            assert_eq!(rows.len(), 2_501 + usize::from(format == "CSV"));
            assert_eq!(text.lines().count(), rows.len(), "none comes twice");
            lease.release(&app.app.db, app.clock.now()).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_makers_file_goes_on_where_it_stopped_and_the_killed_one_writes_nothing_more() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        till.earn("k1", "R-1", 100).await;
        many_operations(&till, 5_000).await;
        let (who, mut next) = (merchant(&till), 1);
        let export = asked(&app, &who, "ExportOperations", wanted("k", "CSV")).await;
        let mut slept = None;
        // Each maker is killed in the middle of what it does, and takes its connections with it.
        for patience in [0, 3, 9, 27, 40] {
            let node = app.second_node().await;
            let lease = acquire(&node.app.db, "exports", Uuid::from_u128(next), app.clock.now(), LEASE).await;
            let lease = lease.unwrap().unwrap();
            next += 1;
            let mut maker = node.app.exports.maker(node.app.sessions.clone(), Arc::new(ExportPen));
            maker.turn(&lease, app.clock.now(), app.clock.now()).await.unwrap();
            let turn = maker.turn(&lease, app.clock.now(), app.clock.now());
            let _ = tokio::time::timeout(Duration::from_millis(patience), turn).await;
            drop(maker);
            slept = Some(lease);
            pass(&app, LEASE);
            let connections = node.app.db.clone();
            node.stop().await.unwrap();
            connections.close().await.unwrap();
        }
        let half = seen(&app, &who, &export).await;
        assert_eq!(half["status"], "RUNNING", "{half:#}");
        assert!(half["rowsDone"].as_i64().unwrap() >= 2_500, "{half:#}");
        let worker = worker(&app);
        let made = done(&app, &who, &export).await;
        let text = fetched(&app, &made).await;
        let rows: BTreeSet<&str> = text.split_terminator("\r\n").collect();
        assert_eq!((rows.len(), text.split_terminator("\r\n").count()), (5_002, 5_002));
        // One that slept through its lease is fenced off.
        let export = asked(&app, &who, "ExportOperations", wanted("again", "CSV")).await;
        done(&app, &who, &export).await;
        worker.stop().await;
        asked(&app, &who, "ExportOperations", wanted("once-more", "CSV")).await;
        let mut maker = app.app.exports.maker(app.app.sessions.clone(), Arc::new(ExportPen));
        let refused = maker.turn(&slept.unwrap(), app.clock.now(), app.clock.now()).await;
        assert!(matches!(refused, Err(WorkError::Fenced(_))), "{refused:?}");
    }
}
