//! Links: parts of a file, its head, forged and old links, and files whose time is over.

use amvaj_domain::access::Identity;
use amvaj_domain::time::Span;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::scene::{asked, done, fetched, get, many_operations, merchant, pass, request, seen, worker};
use crate::support::app::TestApp;
use crate::support::till::Till;

/// A file of several chunks.
async fn long_file(till: &Till<'_>, who: &Identity) -> Value {
    till.earn("k1", "R-1", 100).await;
    many_operations(till, 1_200).await;
    let input = json!({ "idempotencyKey": "k", "format": "CSV" });
    let export = asked(till.app, who, "ExportOperations", input).await;
    let worker = worker(till.app);
    let export = done(till.app, who, &export).await;
    worker.stop().await;
    export
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_fetched_whole_or_from_any_place() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        let export = long_file(&till, &merchant(&till)).await;
        let text = fetched(&app, &export).await;
        let (url, size) = (export["url"].as_str().unwrap(), text.len());
        assert!(size > 300_000, "several chunks: {size}");
        let head = request(&app, Method::HEAD, url).send().await.unwrap();
        let header = |name: &str| head.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(head.status(), 200);
        assert_eq!(header("content-length"), size.to_string());
        assert_eq!(header("content-type"), "text/csv; charset=utf-8; header=present");
        assert_eq!(header("content-disposition"), "attachment; filename=\"amvaj-operations-2027-01-15.csv\"");
        assert_eq!(header("accept-ranges"), "bytes");
        assert_eq!(header("etag"), format!("\"{}\"", export["sha256"].as_str().unwrap()));
        assert_eq!(header("x-content-type-options"), "nosniff");
        let tag = header("etag");
        assert!(head.text().await.unwrap().is_empty());
        let part = async |range: String, more: &[(&str, &str)]| {
            let mut asked = request(&app, Method::GET, url).header("range", range);
            for (name, value) in more {
                asked = asked.header(*name, *value);
            }
            let answer = asked.send().await.unwrap();
            let place = answer.headers().get("content-range").map(|place| place.to_str().unwrap().to_owned());
            (answer.status(), place, answer.text().await.unwrap())
        };
        let last = size - 1;
        for (range, from, until) in [
            ("bytes=0-99".to_owned(), 0, 100),
            (format!("bytes={}-", size / 2), size / 2, size),
            ("bytes=-10".to_owned(), size - 10, size),
            ("bytes=150000-250000".to_owned(), 150_000, 250_001),
            (format!("bytes={last}-{}", size + 5), last, size),
        ] {
            let (status, place, found) = part(range.clone(), &[]).await;
            assert_eq!(status, StatusCode::PARTIAL_CONTENT, "{range}");
            assert_eq!(place, Some(format!("bytes {from}-{}/{size}", until - 1)));
            assert_eq!(found, text[from..until], "{range}");
        }
        let (status, place, _) = part(format!("bytes={size}-"), &[]).await;
        assert_eq!((status, place), (StatusCode::RANGE_NOT_SATISFIABLE, Some(format!("bytes */{size}"))));
        for (range, more) in [
            ("bytes=0-1,5-6".to_owned(), &[][..]),
            ("lines=1-2".to_owned(), &[]),
            ("bytes=0-9".to_owned(), &[("if-range", "\"another\"")]),
        ] {
            let (status, _, found) = part(range.clone(), more).await;
            assert_eq!((status, found.len()), (StatusCode::OK, size), "{range}");
        }
        let (status, _, found) = part("bytes=0-9".to_owned(), &[("if-range", &tag)]).await;
        assert_eq!((status, found.len()), (StatusCode::PARTIAL_CONTENT, 10));
        let known = request(&app, Method::GET, url).header("if-none-match", &tag).send().await.unwrap();
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        let posted = request(&app, Method::POST, url).send().await.unwrap();
        assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_good_for_its_file_and_its_time() {
    for app in TestApp::both().await {
        let (till, other) = (Till::open(&app, "09121110001").await, Till::open(&app, "09121110002").await);
        let (who, stranger) = (merchant(&till), merchant(&other));
        let export = long_file(&till, &who).await;
        let input = json!({ "idempotencyKey": "k", "format": "CSV" });
        let foreign = asked(&app, &stranger, "ExportOperations", input.clone()).await;
        let url = export["url"].as_str().unwrap().to_owned();
        let (path, query) = url.split_once('?').unwrap();
        let code = async |url: String| {
            let answer = get(&app, &url).await;
            let status = answer.status();
            let body: Value = answer.json().await.unwrap();
            (status.as_u16(), body["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned())
        };
        let forbidden = (403, "FORBIDDEN".to_owned());
        assert_eq!(code(path.to_owned()).await, forbidden);
        assert_eq!(code(format!("/exports/{foreign}?{query}")).await, forbidden, "of another file");
        assert_eq!(code(url.replace("until=1", "until=2")).await, forbidden, "for longer");
        assert_eq!(code(format!("{url}A")).await, forbidden);
        assert_eq!(code("/exports/x?until=1&signature=x".to_owned()).await, forbidden);
        assert_eq!(code(format!("{path}?until=x&signature=x")).await, forbidden);
        pass(&app, Span::minutes(16));
        assert_eq!(code(url.clone()).await, (410, "NOT_FOUND".to_owned()), "the link is over");
        let fresh = seen(&app, &who, export["id"].as_str().unwrap()).await;
        assert_eq!(get(&app, fresh["url"].as_str().unwrap()).await.status(), 200);
        // Another server with the same secret answers for it too.
        let node = app.second_node().await;
        assert_eq!(get(&node, fresh["url"].as_str().unwrap()).await.status(), 200);
        node.stop().await.unwrap();
        assert!(seen(&app, &stranger, export["id"].as_str().unwrap()).await.is_null());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_goes_after_a_day_and_is_remembered_for_a_month() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        let who = merchant(&till);
        let export = long_file(&till, &who).await;
        let id = export["id"].as_str().unwrap();
        pass(&app, Span::minutes(24 * 60 - 5));
        let fresh = seen(&app, &who, id).await;
        assert_eq!(get(&app, fresh["url"].as_str().unwrap()).await.status(), 200);
        pass(&app, Span::minutes(5));
        assert_eq!(
            get(&app, fresh["url"].as_str().unwrap()).await.status(),
            410,
            "no link outlives its file"
        );
        let gone = seen(&app, &who, id).await;
        assert_eq!((&gone["status"], &gone["url"]), (&json!("EXPIRED"), &Value::Null));
        assert_eq!(app.app.exports.purge(app.clock.now()).await.unwrap(), 0, "clocks differ a little");
        pass(&app, Span::minutes(1));
        assert!(app.app.exports.purge(app.clock.now()).await.unwrap() >= 3);
        assert_eq!(app.app.exports.purge(app.clock.now()).await.unwrap(), 0);
        assert_eq!(seen(&app, &who, id).await["status"], "EXPIRED");
        pass(&app, Span::days(31));
        app.app.exports.purge(app.clock.now()).await.unwrap();
        assert!(seen(&app, &who, id).await.is_null());
    }
}
