//! The endpoint under attack: what is refused before it costs anything, what a request costs, and who has to wait.

use std::fmt::Write as _;
use std::time::Duration;

use amvaj_api::config::Config;
use amvaj_api::graphql::access::Introspection;
use amvaj_api::throttle::Rate;
use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::id::MerchantId;
use amvaj_domain::time::Span;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, StatusCode};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement, TransactionTrait as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

use super::{Answer, Edge, NEWER};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::till::Till;

const RATE_LIMIT: &str = "query RateLimit { rateLimit { capacity remaining restoresPerSecond fullAt cost } }";

fn edge(change: impl FnOnce(&mut Config)) -> Edge {
    Edge::start_with(Vec::new(), change)
}

fn merchant(number: u128) -> Identity {
    Identity::console(Caller::Merchant(MerchantId::new(Uuid::from_u128(number))))
}

impl Edge {
    fn token(&self, identity: &Identity) -> String {
        self.tokens.mint(identity, Duration::from_hours(1), self.clock.now()).unwrap()
    }

    async fn status(&self, token: Option<&str>) -> StatusCode {
        let request = self.query("{ __typename }");
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        Answer::to(request).await.status
    }

    /// Sends bytes as they are and answers with the status line, which is empty when the server just hangs up.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.server.address()).await.unwrap();
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
    }
}

/// Twenty levels of fragments, each spreading the next twice: a million fields in a kilobyte.
fn fragment_bomb() -> String {
    let mut bomb = "{ ...F0 }".to_owned();
    for level in 0..20 {
        let next = level + 1;
        write!(bomb, " fragment F{level} on Query {{ ...F{next} ...F{next} }}").unwrap();
    }
    bomb + " fragment F20 on Query { __typename }"
}

#[tokio::test]
async fn a_document_that_is_too_large_is_refused_and_says_by_how_much() {
    let edge = edge(|_| {});
    let aliases: String = (0..101).map(|number| format!("a{number}: __typename ")).collect();
    for (document, says) in [
        (fragment_bomb(), "500 selected fields"),
        (format!("{{ ...F }} fragment F on Query {{ {} }}", "__typename ".repeat(21)), "20 root fields"),
        (format!("{{ __schema {{ {aliases} }} }}"), "100 aliases"),
        (format!("{{ __typename {} }}", "@include(if: true) ".repeat(51)), "50 directives"),
        (format!("{{ a(b: {}", "[".repeat(100_000)), "64 brackets"),
        (format!("{{ {} }}", "a ".repeat(5_000)), "5,000 names and signs"),
        (format!("{{ {} }}", "a".repeat(1_000)), "128 letters in a name"),
    ] {
        let answer = Answer::to(edge.query(&document).header(ACCEPT, NEWER)).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "GRAPHQL_VALIDATION_FAILED"));
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(says), "{message}");
    }
}

#[tokio::test]
async fn a_fragment_that_spreads_itself_is_shown_its_place() {
    let edge = edge(|_| {});
    let answer = Answer::to(edge.query("{ ...A }\nfragment A on Query { ...A }")).await;
    assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(answer.body["errors"][0]["locations"], json!([{ "line": 2, "column": 23 }]));
}

#[tokio::test]
async fn variables_that_are_too_deep_or_too_long_are_refused() {
    let edge = edge(|_| {});
    let query = "query($ids: [ID!]!) { __typename }";
    let deep = format!("{{\"query\":\"{query}\",\"variables\":{{\"ids\":{}", "[".repeat(100_000));
    let request = edge.request(Method::POST, "/graphql").header(CONTENT_TYPE, "application/json").body(deep);
    assert_eq!(Answer::to(request).await.code(), "BAD_USER_INPUT");
    let many = json!({ "query": query, "variables": { "ids": vec!["x"; 501] } });
    assert_eq!(Answer::to(edge.post(&many)).await.code(), "GRAPHQL_VALIDATION_FAILED");
}

#[tokio::test]
async fn a_get_that_another_site_could_send_is_refused() {
    let edge = edge(|_| {});
    let target = "/graphql?query=%7B__typename%7D";
    let refused = Answer::to(edge.request(Method::GET, target)).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"));
    assert!(refused.body["errors"][0]["message"].as_str().unwrap().contains("apollo-require-preflight"));
    for header in ["apollo-require-preflight", "x-apollo-operation-name"] {
        let answer = Answer::to(edge.request(Method::GET, target).header(header, "x")).await;
        assert_eq!(answer.status, StatusCode::OK, "{header}");
    }
}

#[tokio::test]
async fn the_schema_is_shown_to_whom_the_policy_allows() {
    let schema = "{ __schema { queryType { name } } }";
    for (policy, strangers, known) in [
        (Introspection::Everyone, true, true),
        (Introspection::SignedIn, false, true),
        (Introspection::Nobody, false, false),
    ] {
        let edge = edge(|config| config.graphql.introspection = policy);
        let token = edge.token(&merchant(1));
        let code = |shown: bool| if shown { "" } else { "FORBIDDEN" };
        assert_eq!(Answer::to(edge.query(schema)).await.code(), code(strangers), "{policy}");
        let within = "{ ...F } fragment F on Query { __type(name: \"Query\") { name } }";
        assert_eq!(Answer::to(edge.query(within)).await.code(), code(strangers), "{policy}");
        let service = "{ ...F } fragment F on Query { hidden: _service { sdl } }";
        assert_eq!(Answer::to(edge.query(service)).await.code(), code(strangers), "{policy}");
        let answer = Answer::to(edge.query(schema).bearer_auth(token)).await;
        assert_eq!(answer.code(), code(known), "{policy}");
        let file = Answer::to(edge.request(Method::GET, "/schema.graphql")).await;
        assert_eq!(file.status == StatusCode::OK, strangers, "{policy}");
        assert_eq!(Answer::to(edge.query("{ __typename }")).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn names_are_suggested_in_development_only() {
    for (suggestions, suggests) in [(false, false), (true, true)] {
        let edge = edge(|config| config.graphql.suggestions = suggestions);
        let answer = Answer::to(edge.query("{ netwrk { nameEn } }")).await;
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert_eq!(message.contains("Did you mean"), suggests, "{message}");
    }
}

#[tokio::test]
async fn an_error_repeats_neither_the_document_nor_much_of_what_it_names() {
    let edge = edge(|_| {});
    let name = "x".repeat(100_000);
    let answer =
        Answer::to(edge.post(&json!({ "query": "query A { __typename }", "operationName": name }))).await;
    assert!(answer.body.to_string().len() < 2_000);
    let answer = Answer::to(edge.query("{ a(password: \"hunter2\" }")).await;
    assert_eq!(answer.code(), "GRAPHQL_PARSE_FAILED");
    assert!(!answer.body.to_string().contains("hunter2"));
    let text = "x".repeat(100_000);
    let answer =
        Answer::to(edge.query(&format!("{{ __type(name: {text:?}, other: {text:?}) {{ name }} }}"))).await;
    assert!(answer.body.to_string().len() < 2_000);
}

#[tokio::test]
async fn every_response_has_the_headers_that_protect_a_browser() {
    let edge = edge(|_| {});
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/graphiql"),
        (Method::GET, "/schema.graphql"),
        (Method::GET, "/health/live"),
        (Method::GET, "/nowhere"),
        (Method::GET, "/graphql"),
        (Method::POST, "/graphql"),
        (Method::DELETE, "/graphql"),
    ] {
        let answer = Answer::to(edge.request(method, path)).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert!(answer.headers.get("access-control-allow-origin").is_none(), "{path}");
    }
}

#[tokio::test]
async fn whoever_asks_too_often_waits_and_nobody_else_does() {
    let edge = edge(|config| {
        config.throttle.merchant = Rate { capacity: 3, per_second: 1 };
        config.throttle.address = Rate { capacity: 2, per_second: 1 };
    });
    let (one, other) = (edge.token(&merchant(1)), edge.token(&merchant(2)));
    for _ in 0..3 {
        assert_eq!(edge.status(Some(&one)).await, StatusCode::OK);
    }
    let refused = Answer::to(edge.query("{ __typename }").bearer_auth(&one)).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::TOO_MANY_REQUESTS, "THROTTLED"));
    assert_eq!(refused.header("retry-after"), "1");
    let error = &refused.body["errors"][0]["extensions"];
    assert_eq!((&error["retryAfter"], &error["retryable"]), (&json!(1), &json!(true)));
    let status = json!({ "capacity": 3, "remaining": 0, "restoresPerSecond": 1 });
    let cost = json!({ "requested": 1, "actual": null, "throttleStatus": status });
    assert_eq!(refused.body["extensions"]["cost"], cost);

    assert_eq!(edge.status(Some(&other)).await, StatusCode::OK, "another merchant has its own");
    assert_eq!(edge.status(None).await, StatusCode::OK, "and so has an address");
    edge.clock.advance_to(edge.clock.now().plus(Span::seconds(1)));
    assert_eq!(edge.status(Some(&one)).await, StatusCode::OK, "waiting helps");
    assert_eq!(edge.status(Some(&one)).await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn whoever_tries_tokens_waits_like_any_stranger() {
    let edge = edge(|config| config.throttle.address = Rate { capacity: 2, per_second: 1 });
    assert_eq!(edge.status(Some("x.y.z")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(edge.status(Some("x.y.z")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(edge.status(Some("x.y.z")).await, StatusCode::TOO_MANY_REQUESTS);
    let good = edge.token(&merchant(1));
    assert_eq!(edge.status(Some(&good)).await, StatusCode::OK, "a good token is no stranger");
}

#[tokio::test]
async fn what_cannot_be_parsed_costs_as_well() {
    let edge = edge(|config| config.throttle.address = Rate { capacity: 2, per_second: 1 });
    for code in ["GRAPHQL_PARSE_FAILED", "GRAPHQL_PARSE_FAILED", "THROTTLED"] {
        assert_eq!(Answer::to(edge.query("{")).await.code(), code);
    }
}

#[tokio::test]
async fn more_than_can_ever_be_asked_for_at_once_is_no_matter_of_waiting() {
    let edge = edge(|config| config.throttle.address = Rate { capacity: 150, per_second: 100 });
    let answer = Answer::to(edge.query("{ __schema { queryType { name } } }")).await;
    assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED");
    assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains("costs 200"));
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let edge = edge(|config| config.http.request_timeout = Duration::from_millis(100));
    let head = "POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    assert_eq!(edge.raw(head.as_bytes()).await, "HTTP/1.1 408 Request Timeout");
}

#[tokio::test]
async fn headers_of_a_megabyte_and_a_thousand_headers_are_refused() {
    let edge = edge(|_| {});
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(1 << 20));
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x-a: b\r\n".repeat(1_000));
    let token = format!("GET / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", "x".repeat(1 << 20));
    for bytes in [long, many, token] {
        let status = edge.raw(bytes.as_bytes()).await;
        assert!(status.is_empty() || status.starts_with("HTTP/1.1 4"), "{status}");
    }
    assert_eq!(edge.status(None).await, StatusCode::OK, "others are served");
}

#[tokio::test]
async fn an_answer_says_what_it_cost_and_gives_back_what_it_did_not_need() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09123456789").await;
        let earned = app
            .send(
                Some(till.caller()),
                crate::support::till::POINTS,
                "Earn",
                json!({ "input": {
                    "idempotencyKey": "k-1", "receiptNumber": "1", "member": till.member_ref(),
                    "amount": { "amount": "1000", "currency": "IRR" },
                } }),
            )
            .await;
        let cost = &earned["extensions"]["cost"];
        let (requested, actual) = (cost["requested"].as_u64().unwrap(), cost["actual"].as_u64().unwrap());
        assert!(actual > 10 && actual <= requested, "{cost}");
        let status = json!({ "capacity": 50_000, "remaining": 50_000 - actual, "restoresPerSecond": 10_000 });
        assert_eq!(cost["throttleStatus"], status);

        let asked = app.data(till.caller(), RATE_LIMIT, "RateLimit", Value::Null).await;
        let limit = &asked["rateLimit"];
        assert_eq!(limit["capacity"], 50_000);
        assert_eq!(limit["restoresPerSecond"], 10_000);
        assert_eq!((&limit["cost"], &limit["remaining"]), (&json!(1), &json!(50_000 - actual - 1)));
        assert!(limit["fullAt"].as_str().unwrap().starts_with("2027-01-15T08:00:00.00"), "{limit}");
    }
}

#[tokio::test]
async fn a_page_is_charged_by_its_length_before_and_by_its_items_afterwards() {
    for app in TestApp::both().await {
        for number in 0..3 {
            app.member("مینا", &format!("0912345678{number}")).await;
        }
        let document = "query Page { members(first: 50) { nodes { id wallet { posted } } } }";
        let answer = app.send(Some(Caller::Operator), document, "Page", Value::Null).await;
        let cost = &answer["extensions"]["cost"];
        assert_eq!((&cost["requested"], &cost["actual"]), (&json!(101), &json!(7)), "{answer:#}");
    }
}

#[tokio::test]
async fn nodes_on_one_redis_share_the_buckets() {
    let narrow = |config: &mut Config| config.throttle.merchant = Rate { capacity: 20, per_second: 1 };
    let [_, postgres] = TestDb::both().await;
    let first = TestApp::start_with(postgres, narrow).await;
    let second = first.second_node().await;
    let merchant = Some(Caller::Merchant(first.merchant("Garden").await));
    let mut granted = 0;
    for number in 0..30 {
        let node = if number % 2 == 0 { &first } else { &second };
        let answer = node.send(merchant, "query Q { __typename }", "Q", Value::Null).await;
        granted += usize::from(answer["errors"].is_null());
    }
    assert_eq!(granted, 20);
}

#[tokio::test]
async fn a_read_that_takes_too_long_ends_in_the_database_too() {
    let [_, postgres] = TestDb::both().await;
    let impatient = |config: &mut Config| config.http.request_timeout = Duration::from_millis(300);
    let app = TestApp::start_with(postgres, impatient).await;
    let other = sea_orm::Database::connect(app.url()).await.unwrap();
    let lock = other.begin().await.unwrap();
    lock.execute_unprepared("lock table member in access exclusive mode").await.unwrap();
    let document = "query Q { members(first: 1) { nodes { id } } }";
    assert_eq!(app.code(Some(Caller::Operator), document, "Q", Value::Null).await, "OVERLOADED");
    let waiting = "select count(*) from pg_stat_activity \
        where datname = current_database() and wait_event_type = 'Lock'";
    let mut left = 1;
    for _ in 0..100 {
        let statement = Statement::from_string(DbBackend::Postgres, waiting);
        left = lock.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index::<i64>(0).unwrap();
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(left, 0, "nobody waits for the lock any more, although it is still held");
    lock.rollback().await.unwrap();
    other.close().await.unwrap();
    let answer = app.data(Caller::Operator, document, "Q", Value::Null).await;
    assert_eq!(answer["members"]["nodes"], json!([]));
}
