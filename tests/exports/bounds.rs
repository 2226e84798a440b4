//! Downloads have bounds: what one caller or address asks for, and how many are sent a file at a time.

use std::time::Duration;

use amvaj_api::throttle::Rate;
use amvaj_domain::time::Span;
use reqwest::Method;
use sea_orm::ConnectionTrait as _;

use super::scene::{asked, done, get, merchant, operator, pass, request, seen, worker};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::till::Till;

/// More than any socket holds back.
const LONG: i64 = 64 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetching_is_charged_to_whom_the_link_was_made_for_and_guessing_to_its_address() {
    for database in TestDb::both().await {
        let app = TestApp::start_with(database, |config| {
            config.throttle.merchant = Rate { capacity: 300, per_second: 1 };
            config.throttle.address = Rate { capacity: 5, per_second: 1 };
        })
        .await;
        let till = Till::open(&app, "09121110001").await;
        till.earn("k1", "R-1", 100).await;
        let input = serde_json::json!({ "idempotencyKey": "k", "format": "CSV" });
        let export = asked(&app, &operator(), "ExportOperations", input.clone()).await;
        pass(&app, Span::minutes(5));
        let own = asked(&app, &merchant(&till), "ExportOperations", input).await;
        let worker = worker(&app);
        let export = done(&app, &operator(), &export).await;
        pass(&app, Span::minutes(5));
        let own = done(&app, &merchant(&till), &own).await;
        worker.stop().await;
        let link = own["url"].as_str().unwrap();
        let mut fetched = 0;
        let refused = loop {
            let answer = request(&app, Method::HEAD, link).send().await.unwrap();
            if answer.status() != 200 {
                break answer;
            }
            fetched += 1;
            assert!(fetched <= 300, "the bucket has a bottom");
        };
        assert!(fetched > 20, "{fetched}");
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers()["retry-after"], "1");
        // Others are not the worse for it.
        assert_eq!(get(&app, export["url"].as_str().unwrap()).await.status(), 200);
        let statuses = async |count: usize| {
            let mut statuses = Vec::new();
            for _ in 0..count {
                statuses.push(get(&app, &format!("{link}A")).await.status().as_u16());
            }
            statuses
        };
        assert_eq!(statuses(6).await, [403, 403, 403, 403, 403, 429]);
        pass(&app, Span::seconds(1));
        assert_eq!(get(&app, link).await.status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_are_sent_a_file_at_a_time_and_others_are_asked_to_wait() {
    for database in TestDb::both().await {
        let app = TestApp::start_with(database, |config| config.http.downloads = 1).await;
        let till = Till::open(&app, "09121110001").await;
        till.earn("k1", "R-1", 100).await;
        let who = merchant(&till);
        let input = serde_json::json!({ "idempotencyKey": "k", "format": "CSV" });
        let export = asked(&app, &who, "ExportOperations", input).await;
        let worker = worker(&app);
        done(&app, &who, &export).await;
        worker.stop().await;
        lengthen(&app).await;
        let link = seen(&app, &who, &export).await["url"].as_str().unwrap().to_owned();
        let slow = get(&app, &link).await;
        assert_eq!(slow.status(), 200);
        let refused = get(&app, &link).await;
        assert_eq!(refused.status(), 503);
        assert_eq!(refused.headers()["retry-after"], "5");
        // To be told of a file takes no place.
        assert_eq!(request(&app, Method::HEAD, &link).send().await.unwrap().status(), 200);
        drop(slow);
        let part = async || {
            let one = request(&app, Method::GET, &link).header("range", "bytes=0-0");
            one.send().await.unwrap().status().as_u16()
        };
        let began = tokio::time::Instant::now();
        while part().await != 206 {
            assert!(began.elapsed() < Duration::from_secs(20), "a client that has gone keeps its place");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(part().await, 206, "what was sent is over");
    }
}

/// Makes the only file long.
async fn lengthen(app: &TestApp) {
    let bytes = if app.app.db.is_postgres() {
        format!("decode(repeat('00', {LONG}), 'hex')")
    } else {
        format!("zeroblob({LONG})")
    };
    let connection = app.app.db.for_migrations();
    let chunk = format!("insert into export_chunk select export_id, size, {bytes} from export_job");
    connection.execute_unprepared(&chunk).await.unwrap();
    let size = format!("update export_job set size = size + {LONG}");
    connection.execute_unprepared(&size).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_few_bytes_of_a_file_are_cut_by_the_database() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        till.earn("k1", "R-1", 100).await;
        let who = merchant(&till);
        let input = serde_json::json!({ "idempotencyKey": "k", "format": "CSV" });
        let export = asked(&app, &who, "ExportOperations", input).await;
        let worker = worker(&app);
        let export = done(&app, &who, &export).await;
        worker.stop().await;
        let id = amvaj_api::graphql::global_id::GlobalId::read(&async_graphql::ID(
            export["id"].as_str().unwrap().to_owned(),
        ));
        let Some(amvaj_api::graphql::global_id::GlobalId::Export(id)) = id else { panic!("{id:?}") };
        let size: i64 = export["size"].as_str().unwrap().parse().unwrap();
        let part = async |from, most| app.app.exports.part(id, from, most).await.unwrap().map(|it| it.len());
        assert_eq!(part(0, 1).await, Some(1));
        assert_eq!(part(size - 1, 100).await, Some(1));
        assert_eq!(part(size, 100).await, None);
        lengthen(&app).await;
        assert_eq!(part(size, i64::MAX).await, Some(262_144), "a chunk comes in parts, however long it is");
    }
}
