//! The edge: GraphQL over HTTP, access tokens, request ids, errors, health, the stop.

mod hardening;
mod known_documents;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use amvaj_api::auth::{Authenticator, KeySet, ServerSecret, SigningKey, Tokens};
use amvaj_api::config::Config;
use amvaj_api::graphql::persisted::manifest::Trusted;
use amvaj_api::graphql::persisted::{Persisted, TrustedOnly};
use amvaj_api::graphql::schema;
use amvaj_api::graphql::served::ServedSchema;
use amvaj_api::http::health::Dependency;
use amvaj_api::http::language::Languages;
use amvaj_api::server::{self, Parts, Running};
use amvaj_api::throttle::Throttle;
use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::language::Language;
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::access::Revocations;
use amvaj_infra::clock::Clock;
use amvaj_infra::limit::Limiter;
use amvaj_infra::persisted::PersistedTexts;
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};
use async_graphql::{Pos, Response, ServerError};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

const NEWER: &str = "application/graphql-response+json";

/// A server with nothing behind it, whose operations misbehave when their name asks for it.
struct Edge {
    server: Running,
    tokens: Tokens,
    clock: Clock,
    client: Client,
}

impl Edge {
    fn start() -> Self {
        Self::start_with(Vec::new(), |_| {})
    }

    fn start_with(dependencies: Vec<Dependency>, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.http.shutdown = Duration::from_secs(5);
        change(&mut config);
        let tokens = Tokens::new(KeySet::new(SigningKey::generate().unwrap()), &config.auth);
        let clock = Clock::manual(Instant::from_micros(1_800_000_000_000_000));
        let parts = Parts {
            schema: ServedSchema::new(|| schema::served(&config.graphql).extension(Misbehaviour)),
            persisted: Persisted::new(PersistedTexts::memory(), Trusted::default(), TrustedOnly::Nobody),
            sdl: schema::sdl(None),
            authenticator: Authenticator::new(tokens.clone(), Revocations::default()),
            throttle: Throttle::new(
                Arc::new(Limiter::memory(1_000)),
                ServerSecret::generate().unwrap(),
                config.throttle,
            ),
            introspection: config.graphql.introspection,
            clock: clock.clone(),
            dependencies,
            prepare: Arc::new(|request, _| request),
            guide: None,
            languages: Languages::only(Language::English),
            live: config.live.clone(),
            downloads: None,
        };
        let listener = server::bind(config.http.listen).unwrap();
        let server = server::start(parts, &config.http, listener).unwrap();
        Self { server, tokens, clock, client: Client::new() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.server.address()))
    }

    /// A GET as no web page can send it to another site.
    fn get(&self, target: &str) -> RequestBuilder {
        self.request(Method::GET, target).header("apollo-require-preflight", "true")
    }

    fn post(&self, body: &Value) -> RequestBuilder {
        self.request(Method::POST, "/graphql").json(body)
    }

    fn query(&self, query: &str) -> RequestBuilder {
        self.post(&json!({ "query": query }))
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
    }
}

/// Panics, sleeps or fails before an operation of that name.
struct Misbehaviour;

impl ExtensionFactory for Misbehaviour {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Misbehaviour {
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let response = next.run(ctx, operation_name).await;
        // The library forgets the name of a single operation, so the tests send two and choose one.
        match operation_name {
            Some("Panic") => panic!("on purpose"),
            Some("Sleep") => {
                tokio::time::sleep(Duration::from_secs(2)).await;
                response
            }
            Some("Fail") => {
                let error = ServerError::new("the table is on fire", Some(Pos::default()));
                let path = vec![async_graphql::PathSegment::Field("fire".to_owned())];
                Response::from_errors(vec![error.with_path(path)])
            }
            _ => response,
        }
    }
}

fn misbehave(how: &str, kind: &str) -> Value {
    let query = format!("{kind} {how} {{ __typename }} query Other {{ __typename }}");
    json!({ "query": query, "operationName": how })
}

#[tokio::test]
async fn a_query_is_answered_over_post_and_over_get() {
    let edge = Edge::start();
    let posted = Answer::to(edge.query("{ __typename }")).await;
    assert_eq!(posted.status, StatusCode::OK);
    assert_eq!(posted.body["data"], json!({ "__typename": "Query" }));
    assert_eq!(posted.body["errors"], Value::Null);
    assert!(posted.header("content-type").starts_with("application/json"));

    let target =
        "/graphql?query=query($n:String!){__type(name:$n){name}}&variables=%7B%22n%22:%22Query%22%7D";
    let got = Answer::to(edge.get(target)).await;
    assert_eq!(got.body["data"], json!({ "__type": { "name": "Query" } }));
}

#[tokio::test]
async fn a_mutation_over_get_is_refused() {
    let edge = Edge::start();
    let answer = Answer::to(edge.get("/graphql?query=mutation%7B__typename%7D")).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), "POST");
    assert_eq!(answer.code(), "BAD_USER_INPUT");
    let put = Answer::to(edge.request(Method::PUT, "/graphql")).await;
    assert_eq!(put.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn what_cannot_be_executed_says_so_by_the_media_type_that_is_asked_for() {
    let edge = Edge::start();
    let cases = [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ noSuchField }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($id: ID!) { node: __type(name: $id) { name } }", "BAD_USER_INPUT"),
        ("query A { __typename } query B { __typename }", "BAD_USER_INPUT"),
    ];
    for (query, code) in cases {
        let older = Answer::to(edge.query(query)).await;
        assert_eq!((older.status, older.code()), (StatusCode::OK, code), "{query}");
        let newer = Answer::to(edge.query(query).header(ACCEPT, NEWER)).await;
        assert_eq!((newer.status, newer.code()), (StatusCode::BAD_REQUEST, code), "{query}");
        assert!(newer.header("content-type").starts_with(NEWER));
        assert!(newer.body.get("data").is_none(), "{query}");
    }
}

#[tokio::test]
async fn refusals_of_a_request_as_a_whole_are_told_in_the_language_it_asks_for() {
    let edge = Edge::start();
    let in_persian = |request: RequestBuilder| request.header("accept-language", "fa").send();
    let unreadable =
        edge.request(Method::POST, "/graphql").header(CONTENT_TYPE, "application/json").body("{");
    let no_token = edge.post(&json!({ "query": "{ __typename }" })).bearer_auth("nonsense");
    for (request, start) in [
        (unreadable, "بدنهٔ درخواست JSON معتبری نیست: \u{2068}EOF while"),
        (no_token, "توکن دسترسی بدشکل است"),
        (edge.request(Method::PUT, "/graphql"), "از POST استفاده کنید"),
        (edge.request(Method::GET, "/nowhere"), "اینجا چیزی نیست"),
        (edge.post(&json!({ "query": "{ a b" })), "سند ارسالی GraphQL معتبری نیست: \u{2068}Syntax error"),
        (edge.post(&json!({ "query": "{ a }" })), "سند ارسالی با طرح‌واره (schema) سازگار نیست"),
    ] {
        let response = in_persian(request).await.unwrap();
        assert_eq!(response.headers()["content-language"], "fa", "{start}");
        assert!(response.headers().get_all("vary").iter().any(|value| value == "accept-language"));
        let body: Value = response.json().await.unwrap();
        let message = body["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with(start), "{message}");
    }
}

#[tokio::test]
async fn a_syntax_error_has_a_short_message_and_its_place() {
    let edge = Edge::start();
    let answer = Answer::to(edge.query("{ a(b: }")).await;
    let error = &answer.body["errors"][0];
    assert!(error["message"].as_str().unwrap().starts_with("Syntax error: expected"), "{error}");
    assert_eq!(error["locations"], json!([{ "line": 1, "column": 8 }]));
}

#[tokio::test]
async fn parameters_of_the_wrong_type_are_refused() {
    let edge = Edge::start();
    for body in [
        json!({}),
        json!([]),
        json!({ "query": 1 }),
        json!({ "query": "{ __typename }", "operationName": 1 }),
        json!({ "query": "{ __typename }", "variables": [] }),
        json!({ "query": "{ __typename }", "extensions": "x" }),
    ] {
        let answer = Answer::to(edge.post(&body)).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"), "{body}");
    }
}

#[tokio::test]
async fn another_content_type_and_a_long_body_are_refused() {
    let edge = Edge::start();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let request = edge.request(Method::POST, "/graphql").header(CONTENT_TYPE, content_type);
        let answer = Answer::to(request.body("{\"query\":\"{ __typename }\"}")).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    let padding = " ".repeat(256 * 1024);
    let answer = Answer::to(edge.query(&format!("{{ __typename }}{padding}"))).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::PAYLOAD_TOO_LARGE, "BAD_USER_INPUT"));
}

#[tokio::test]
async fn a_token_has_to_be_good_when_it_is_there() {
    let edge = Edge::start();
    let token = edge
        .tokens
        .mint(&Identity::console(Caller::Operator), Duration::from_hours(1), edge.clock.now())
        .unwrap();
    let good = Answer::to(edge.query("{ __typename }").bearer_auth(&token)).await;
    assert_eq!(good.status, StatusCode::OK);

    edge.clock.advance_to(edge.clock.now().plus(Span::seconds(4_000)));
    let expired = Answer::to(edge.query("{ __typename }").bearer_auth(&token)).await;
    assert_eq!((expired.status, expired.code()), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"));
    assert!(expired.header("www-authenticate").starts_with("Bearer "));
    assert!(expired.body.get("data").is_none());

    for value in ["Basic YTpi", "Bearer", "Bearer x.y.z"] {
        let answer = Answer::to(edge.query("{ __typename }").header("authorization", value)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{value}");
    }
}

#[tokio::test]
async fn every_response_carries_the_request_id_and_stays_private() {
    let edge = Edge::start();
    let taken = Answer::to(edge.query("{").header("x-request-id", "till-4.receipt_77")).await;
    assert_eq!(taken.header("x-request-id"), "till-4.receipt_77");
    assert_eq!(taken.body["errors"][0]["extensions"]["requestId"], "till-4.receipt_77");
    for insane in ["", "a b", "<script>", &"x".repeat(65)] {
        let made = Answer::to(edge.query("{ __typename }").header("x-request-id", insane)).await;
        assert_eq!(made.header("x-request-id").len(), 36, "{insane:?}");
    }
    let lost = Answer::to(edge.request(Method::GET, "/nowhere")).await;
    assert_eq!((lost.status, lost.code()), (StatusCode::NOT_FOUND, "NOT_FOUND"));
    assert_eq!(lost.header("x-content-type-options"), "nosniff");
    assert_eq!(lost.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_server_goes_on() {
    let edge = Edge::start();
    let answer = Answer::to(edge.post(&misbehave("Panic", "query"))).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"));
    assert!(!answer.body.to_string().contains("on purpose"));
    assert_eq!(Answer::to(edge.query("{ __typename }")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_unforeseen_error_is_masked_and_keeps_its_path() {
    let edge = Edge::start();
    let answer = Answer::to(edge.post(&misbehave("Fail", "query"))).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::OK, "INTERNAL"));
    assert_eq!(answer.body["errors"][0]["path"], json!(["fire"]));
    assert!(!answer.body.to_string().contains("table"));
}

#[tokio::test]
async fn a_slow_query_is_overload_and_a_slow_mutation_has_an_unknown_outcome() {
    let edge =
        Edge::start_with(Vec::new(), |config| config.http.request_timeout = Duration::from_millis(100));
    let query = Answer::to(edge.post(&misbehave("Sleep", "query"))).await;
    assert_eq!((query.status, query.code()), (StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED"));
    let mutation = Answer::to(edge.post(&misbehave("Sleep", "mutation"))).await;
    assert_eq!((mutation.status, mutation.code()), (StatusCode::GATEWAY_TIMEOUT, "OUTCOME_UNKNOWN"));
    assert_eq!(mutation.body["errors"][0]["extensions"]["retryable"], true);
}

#[tokio::test]
async fn whoever_finds_no_place_is_refused_at_once_and_served_when_there_is_one() {
    let edge = Edge::start_with(Vec::new(), |config| config.http.operations = 2);
    let slow = || async { Answer::to(edge.post(&misbehave("Sleep", "query"))).await };
    let more = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let began = Stopwatch::now();
        let refused = Answer::to(edge.query("{ __typename }")).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED"));
        assert_eq!(refused.body["errors"][0]["extensions"]["retryable"], true);
        began.elapsed()
    };
    let (_, _, took) = tokio::join!(slow(), slow(), more);
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert_eq!(Answer::to(edge.query("{ __typename }")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn readiness_names_each_dependency_and_only_the_required_ones_close_the_door() {
    let there = || Dependency::required("database", || async { Ok(()) });
    let slower = Edge::start_with(
        vec![there(), Dependency::optional("cache", || async { Err("gone".to_owned()) })],
        |_| {},
    );
    let answer = Answer::to(slower.request(Method::GET, "/health/ready")).await;
    assert_eq!((answer.status, &answer.body["status"]), (StatusCode::OK, &json!("degraded")));
    assert_eq!(answer.body["dependencies"][1], json!({ "name": "cache", "required": false, "ready": false }));

    let closed =
        Edge::start_with(vec![Dependency::required("database", || async { Err("gone".to_owned()) })], |_| {});
    let answer = Answer::to(closed.request(Method::GET, "/health/ready")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(Answer::to(closed.request(Method::GET, "/health/live")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn metrics_count_operations_by_kind_and_code() {
    let edge = Edge::start();
    Answer::to(edge.query("{ noSuchField }")).await;
    let answer = Answer::to(edge.request(Method::GET, "/metrics")).await;
    let text = answer.body.as_str().unwrap();
    let series = "amvaj_operations_total{kind=\"query\",code=\"GRAPHQL_VALIDATION_FAILED\"}";
    assert!(text.contains(series), "{text}");
    assert!(text.contains("amvaj_operation_seconds_bucket"), "{text}");
}

#[tokio::test]
async fn a_stop_finishes_what_was_accepted() {
    let edge = Edge::start();
    let slow = tokio::spawn(Answer::to(edge.post(&misbehave("Sleep", "query"))));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let address = edge.server.address();
    edge.server.stop().await.unwrap();
    assert_eq!(slow.await.unwrap().status, StatusCode::OK);
    let late = Client::new().get(format!("http://{address}/health/live")).send().await;
    assert!(late.is_err());
}

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let edge = Edge::start();
    let error = server::bind(edge.server.address()).err().unwrap().to_string();
    let port = edge.server.address().port();
    assert!(error.contains(&format!("port {port}")) && error.contains("--listen"), "{error}");
}
