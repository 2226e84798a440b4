//! Documents that a request names instead of sending them, over every transport; what is kept of those that clients
//! introduce; and trusted documents.

mod budgets;
mod command;
mod kept;
mod renewal;
mod status;
mod trusted;

use amvaj_api::app::relay_outbox::relay_outbox;
use amvaj_domain::access::{Caller, Identity};
use amvaj_infra::persisted::TextHash;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use crate::live::client::Socket;
use crate::support::app::TestApp;
use crate::support::till::Till;

/// How a request comes to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Post,
    Get,
    Events,
    Socket,
}

const TRANSPORTS: [Transport; 4] = [Transport::Post, Transport::Get, Transport::Events, Transport::Socket];

/// A document that nobody has sent before.
fn document(name: impl std::fmt::Display) -> String {
    format!("query Q {{ version }} # {name}")
}

fn apq(text: &str) -> Value {
    json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": TextHash::of(text).to_string() } } })
}

fn id(text: &str) -> Value {
    json!({ "documentId": format!("sha256:{}", TextHash::of(text)) })
}

fn text(text: &str) -> Value {
    json!({ "query": text })
}

/// A text with its hash.
fn introduction(text: &str) -> Value {
    let mut parameters = apq(text);
    parameters["query"] = json!(text);
    parameters
}

fn token(app: &TestApp, caller: Caller) -> String {
    app.token(&Identity::console(caller))
}

async fn send(
    app: &TestApp,
    transport: Transport,
    token: Option<&str>,
    parameters: &Value,
) -> (StatusCode, Value) {
    let url = format!("{}graphql", app.home());
    let (client, is_get) = (Client::new(), transport == Transport::Get);
    let request = if is_get {
        let pairs = parameters.as_object().unwrap().iter().map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), text)
        });
        let mut url = reqwest::Url::parse(&url).unwrap();
        url.query_pairs_mut().extend_pairs(pairs);
        client.get(url).header("apollo-require-preflight", "true")
    } else {
        client.post(url).json(parameters)
    };
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let accept = if transport == Transport::Events { "text/event-stream" } else { "application/json" };
    let response: Response = request.header("accept", accept).send().await.unwrap();
    let (status, body) = (response.status(), response.text().await.unwrap());
    let json = match transport {
        Transport::Events => body.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or(&body),
        _ => &body,
    };
    (status, serde_json::from_str(json).unwrap_or_else(|_| panic!("{body}")))
}

/// What the server answers over a transport.
async fn ask(app: &TestApp, transport: Transport, token: Option<&str>, parameters: &Value) -> Value {
    if transport != Transport::Socket {
        return send(app, transport, token, parameters).await.1;
    }
    let mut socket = Socket::open(app, &[]).await.unwrap();
    let payload = token.map_or_else(|| json!({}), |token| json!({ "token": token }));
    socket.send(json!({ "type": "connection_init", "payload": payload })).await;
    assert_eq!(socket.message().await.unwrap()["type"], "connection_ack");
    socket.send(json!({ "type": "subscribe", "id": "1", "payload": parameters })).await;
    let message = socket.message().await.unwrap();
    match message["type"].as_str() {
        Some("error") => json!({ "errors": message["payload"] }),
        _ => message["payload"].clone(),
    }
}

/// The code of the first error; empty when the document was executed.
async fn code(app: &TestApp, transport: Transport, token: Option<&str>, parameters: &Value) -> String {
    let answer = ask(app, transport, token, parameters).await;
    match answer["errors"][0]["extensions"]["code"].as_str() {
        Some(code) => code.to_owned(),
        None => {
            assert!(answer["data"].is_object(), "{answer:#}");
            String::new()
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_introduced_over_one_transport_and_named_over_all() {
    for app in TestApp::both().await {
        for introduced_by in TRANSPORTS {
            let text = document(format!("{introduced_by:?}"));
            let answer = ask(&app, introduced_by, None, &apq(&text)).await;
            let error = &answer["errors"][0];
            assert_eq!(error["message"], "PersistedQueryNotFound", "{answer:#}");
            assert_eq!(error["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
            assert_eq!(error["extensions"]["retryable"], true);
            assert_eq!(code(&app, introduced_by, None, &id(&text)).await, "PERSISTED_QUERY_NOT_FOUND");

            let first = ask(&app, introduced_by, None, &introduction(&text)).await;
            for transport in TRANSPORTS {
                for named in [apq(&text), id(&text), introduction(&text)] {
                    let again = ask(&app, transport, None, &named).await;
                    assert_eq!(again["data"], first["data"], "{transport:?} {named}: {again:#}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_document_has_variables_and_several_operations_like_any_other() {
    for app in TestApp::both().await {
        let two = "query One($show: Boolean!) { version @include(if: $show) } query Two { __typename }";
        let mut request = introduction(two);
        request["operationName"] = json!("Two");
        assert_eq!(code(&app, Transport::Post, None, &request).await, "");
        for transport in TRANSPORTS {
            let mut named = id(two);
            named["operationName"] = json!("One");
            assert_eq!(code(&app, transport, None, &named).await, "BAD_USER_INPUT");
            for show in [true, false] {
                named["variables"] = json!({ "show": show });
                let answer = ask(&app, transport, None, &named).await;
                assert_eq!(answer["data"]["version"].is_string(), show, "{answer:#}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_means_nothing_is_refused_with_what_to_do() {
    for app in TestApp::both().await {
        let known = document("known");
        let hash = TextHash::of(&known).to_string();
        assert_eq!(code(&app, Transport::Post, None, &introduction(&known)).await, "");
        let other = document("another text than the hash says");
        let mut mismatched = introduction(&known);
        mismatched["query"] = json!(other);
        let persisted = |query: Value| json!({ "extensions": { "persistedQuery": query } });
        let both = |mut parameters: Value| {
            parameters["documentId"] = json!(format!("sha256:{hash}"));
            parameters
        };
        let wrong = [
            mismatched,
            persisted(json!(7)),
            persisted(json!({})),
            persisted(json!({ "version": 1 })),
            persisted(json!({ "version": 2, "sha256Hash": hash })),
            persisted(json!({ "sha256Hash": hash })),
            persisted(json!({ "version": 1, "sha256Hash": hash.to_uppercase() })),
            persisted(json!({ "version": 1, "sha256Hash": &hash[1..] })),
            persisted(json!({ "version": 1, "sha256Hash": [hash] })),
            json!({ "documentId": hash }),
            json!({ "documentId": format!("md5:{hash}") }),
            json!({ "documentId": "" }),
            both(text(&known)),
            both(apq(&known)),
            both(introduction(&known)),
            json!({ "extensions": {} }),
            json!({}),
        ];
        for parameters in wrong {
            for transport in TRANSPORTS {
                let code = code(&app, transport, None, &parameters).await;
                assert_eq!(code, "BAD_USER_INPUT", "{transport:?} {parameters}");
            }
        }
        // What was said of the other text was not believed.
        assert_eq!(code(&app, Transport::Post, None, &apq(&other)).await, "PERSISTED_QUERY_NOT_FOUND");
        assert_eq!(code(&app, Transport::Post, None, &apq(&known)).await, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_refused_is_not_kept() {
    for app in TestApp::both().await {
        let aliases: String = (0..10_000).map(|number| format!(" a{number}: version")).collect();
        for (wrong, expected) in [
            ("query Q { nothing }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
            ("query Q {".to_owned(), "GRAPHQL_PARSE_FAILED"),
            (format!("query Q {{{aliases} }}"), "GRAPHQL_VALIDATION_FAILED"),
            ("query Q($x: Int!) { operations(first: $x) { nodes { id } } }".to_owned(), "BAD_USER_INPUT"),
            ("subscription S { operationRecorded { nothing } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ] {
            for transport in [Transport::Post, Transport::Events, Transport::Socket] {
                let found = code(&app, transport, None, &introduction(&wrong)).await;
                let no_subscription = wrong.starts_with("sub") && transport == Transport::Post;
                let expected = if no_subscription { "BAD_USER_INPUT" } else { expected };
                assert_eq!(found, expected, "{transport:?} {wrong:.60}");
                let named = code(&app, transport, None, &apq(&wrong)).await;
                assert_eq!(named, "PERSISTED_QUERY_NOT_FOUND", "{transport:?} {wrong:.60}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_opens_no_way_around_what_a_text_may_not() {
    for app in TestApp::both().await {
        let mutation =
            "mutation M { endSession(input: { sessionId: \"nobody's\" }) { userErrors { code } } }";
        let merchant = token(&app, Caller::Merchant(app.merchant("Shop").await));
        assert_eq!(code(&app, Transport::Post, Some(&merchant), &introduction(mutation)).await, "");
        for named in [apq(mutation), id(mutation), introduction(mutation)] {
            let (status, answer) = send(&app, Transport::Get, Some(&merchant), &named).await;
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{answer:#}");
            assert_eq!(code(&app, Transport::Post, Some(&merchant), &named).await, "");
        }
        let batch = json!([apq(mutation), apq(mutation)]);
        let (status, answer) = send(&app, Transport::Post, Some(&merchant), &batch).await;
        assert_eq!((status, &answer["data"]), (StatusCode::BAD_REQUEST, &Value::Null), "{answer:#}");

        // What a page costs is told by its variable, whoever keeps the text.
        let list = "query L($first: Int!) { operations(first: $first) { nodes { id } } }";
        let with = |mut parameters: Value, first: i64| {
            parameters["variables"] = json!({ "first": first });
            parameters
        };
        assert_eq!(code(&app, Transport::Post, Some(&merchant), &with(introduction(list), 1)).await, "");
        let long = code(&app, Transport::Post, Some(&merchant), &with(apq(list), 101)).await;
        assert_eq!(long, "BAD_USER_INPUT");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_introduced_before_its_first_event() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126600001").await;
        let merchant = token(&app, till.caller());
        let listen = "subscription Listen { operationRecorded { operation { receiptNumber } } }";
        let mut socket = Socket::of(&app, &merchant).await;
        socket.send(json!({ "type": "subscribe", "id": "1", "payload": introduction(listen) })).await;
        assert!(socket.is_silent().await);
        let mut again = Socket::of(&app, &merchant).await;
        again.send(json!({ "type": "subscribe", "id": "1", "payload": id(listen) })).await;
        assert!(again.is_silent().await);
        till.earn("k1", "R1", 1).await;
        relay_outbox(&app.app, app.clock.now()).await.unwrap();
        for socket in [&mut socket, &mut again] {
            assert_eq!(socket.event().await["operation"]["receiptNumber"], "R1");
        }
    }
}
