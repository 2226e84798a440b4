//! Documents that a server knows are neither parsed nor validated again. Whatever it then answers has to be what a server
//! answers that sees the document for the first time.

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::Caller;
use amvaj_domain::id::{BoardId, MemberId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::TestApp;
use crate::support::database::TestDb;

/// A document, variables with which it is executed, and variables that may be refused.
struct Case {
    document: &'static str,
    operation: &'static str,
    good: Value,
    other: Vec<Value>,
}

const QUOTE: &str =
    "query Quote($input: QuoteEarnInput!) { quoteEarn(input: $input) { userErrors { code } } }";
const LIST: &str = "query List($first: Int, $filter: OperationsFilter, $ids: [ID!]!) \
    { operations(first: $first, filter: $filter) { nodes { id } } nodes(ids: $ids) { id } }";
const END: &str =
    "mutation End($input: EndSessionInput!) { endSession(input: $input) { userErrors { code } } }";
const PARTS: &str = "query Parts($value: MinorUnits!, $currency: CurrencyCode!) \
    { quoteEarn(input: { amount: { amount: $value, currency: $currency } }) { userErrors { code } } }";
const OR_ELSE: &str = "query OrElse($id: ID!, $member: ID!, $distance: Int = 3) \
    { leaderboardAround(id: $id, member: $member, distance: $distance) { rank } }";
const TWO: &str = "query One($first: Int) { operations(first: $first) { nodes { id } } } \
    query Two($id: ID!) { node(id: $id) { id } }";
const ENTITIES: &str = "query Entities($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Merchant { nameEn } } }";
const SWITCH: &str =
    "query Switch($show: Boolean!) { version @include(if: $show) viewer @skip(if: $show) { role } }";

fn quote(amount: &Value) -> Value {
    json!({ "input": { "amount": amount } })
}

/// Nobody's place on no leaderboard, with more variables.
fn around(more: &Value) -> Value {
    let mut variables = more.clone();
    variables["id"] = json!(GlobalId::Leaderboard(BoardId::new(Uuid::nil())).write().as_str());
    variables["member"] = json!(GlobalId::Member(MemberId::new(Uuid::nil())).write().as_str());
    variables
}

fn cases() -> Vec<Case> {
    let money = json!({ "amount": "1000", "currency": "IRR" });
    vec![
        Case {
            document: QUOTE,
            operation: "Quote",
            good: quote(&money),
            other: vec![
                quote(&json!({ "amount": "70000", "currency": "IRR" })),
                quote(&json!({ "amount": 1000, "currency": "IRR" })),
                quote(&json!({ "amount": "1000", "currency": "NONE" })),
                quote(&json!({ "amount": "1000", "currency": 7 })),
                quote(&json!({ "amount": "1000" })),
                quote(&json!({ "amount": "1000", "currency": "IRR", "rest": 1 })),
                quote(&json!("1000")),
                quote(&json!([money])),
                quote(&Value::Null),
                json!({ "input": "all of it" }),
                json!({ "input": Value::Null }),
                json!({}),
                json!({ "input": { "amount": money, "occurredAt": "yesterday" } }),
                json!({ "input": { "amount": money, "lines": [{ "amount": money }, null] } }),
                json!({ "input": { "amount": money, "lines": [] } }),
                json!({ "input": { "amount": money }, "more": 1 }),
            ],
        },
        Case {
            document: LIST,
            operation: "List",
            good: json!({ "first": 1, "ids": [] }),
            other: vec![
                json!({ "first": 2, "ids": [] }),
                json!({ "ids": [] }),
                json!({ "first": null, "ids": [] }),
                json!({ "first": "1", "ids": [] }),
                json!({ "first": 1.5, "ids": [] }),
                json!({ "first": 4_000_000_000_u64, "ids": [] }),
                json!({ "first": [1], "ids": [] }),
                json!({ "first": 1, "ids": ["x", null] }),
                json!({ "first": 1, "ids": "x" }),
                json!({ "first": 1, "ids": 7 }),
                json!({ "first": 1, "ids": [[7]] }),
                json!({ "first": 1, "ids": null }),
                json!({ "first": 1, "ids": [], "filter": {} }),
                json!({ "first": 1, "ids": [], "filter": [] }),
                json!({ "first": 1, "ids": [], "filter": { "kinds": ["NO_KIND"] } }),
                json!({ "first": 1, "ids": [], "filter": { "status": "APPLIED" } }),
                json!({ "first": 1, "ids": [], "filter": { "unknown": null } }),
            ],
        },
        Case {
            document: END,
            operation: "End",
            good: json!({ "input": { "sessionId": "nobody's" } }),
            other: vec![
                json!({ "input": {} }),
                json!({ "input": { "which": null } }),
                json!({ "input": { "which": "SOME" } }),
                json!({ "input": { "which": "OTHERS", "sessionId": "x" } }),
                json!({ "input": { "sessionId": null } }),
                json!({ "input": { "sessionId": { "id": "x" } } }),
            ],
        },
        Case {
            document: OR_ELSE,
            operation: "OrElse",
            good: around(&json!({ "distance": 2 })),
            other: vec![
                around(&json!({})),
                around(&json!({ "distance": null })),
                around(&json!({ "distance": "two" })),
            ],
        },
        Case {
            document: PARTS,
            operation: "Parts",
            good: json!({ "value": "1000", "currency": "IRR" }),
            other: vec![
                json!({ "value": "70000", "currency": "IRR" }),
                json!({ "value": "1000", "currency": "NONE" }),
                json!({ "value": true, "currency": "IRR" }),
                json!({ "value": "1000" }),
            ],
        },
        Case {
            document: TWO,
            operation: "Two",
            good: json!({ "id": "x" }),
            other: vec![json!({ "id": 1 }), json!({ "id": {} }), json!({ "first": "all" })],
        },
        Case {
            document: ENTITIES,
            operation: "Entities",
            good: json!({ "r": [{ "__typename": "Merchant", "id": "nobody's" }] }),
            other: vec![
                json!({ "r": [] }),
                json!({ "r": { "__typename": "Merchant", "id": "nobody's" } }),
                json!({ "r": [{ "__typename": "Nothing", "id": ["x"] }, 7, "x", [[]], {}] }),
                json!({ "r": [null] }),
                json!({ "r": null }),
                json!({}),
            ],
        },
        Case {
            document: SWITCH,
            operation: "Switch",
            good: json!({ "show": true }),
            other: vec![json!({ "show": false }), json!({ "show": "yes" }), json!({ "show": 1 })],
        },
    ]
}

/// The answer without what tells one request from another.
async fn answer(app: &TestApp, caller: Caller, document: &str, operation: &str, variables: &Value) -> Value {
    let sent = app.request(Some(caller), document, operation, variables.clone()).send().await.unwrap();
    let status = sent.status().as_u16();
    let mut body: Value = sent.json().await.unwrap();
    for error in body["errors"].as_array_mut().into_iter().flatten() {
        error["extensions"].as_object_mut().unwrap().remove("requestId");
    }
    body["extensions"] = Value::Null;
    json!([status, body])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_document_is_answered_like_a_new_one() {
    let app = TestApp::start(TestDb::sqlite().await).await;
    let merchant = Caller::Merchant(app.merchant("Shop").await);
    for Case { document, operation, good, other } in cases() {
        let first = answer(&app, merchant, document, operation, &good).await;
        assert!(first[1]["errors"].is_null() && first[0] == 200, "{operation}: {first}");
        assert_eq!(answer(&app, merchant, document, operation, &good).await, first, "{operation} again");
        for (number, variables) in other.iter().enumerate() {
            // A comment makes it a document that nobody has sent before.
            let new = format!("{document}\n# {number}");
            assert_eq!(
                answer(&app, merchant, document, operation, variables).await,
                answer(&app, merchant, &new, operation, variables).await,
                "{operation} with {variables}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_valid_is_not_known() {
    let app = TestApp::start(TestDb::sqlite().await).await;
    let merchant = Caller::Merchant(app.merchant("Shop").await);
    for document in
        ["query Q { version nothing }", "query Q($x: Int) { version }", "query Q { version(x: 1) }"]
    {
        let first = answer(&app, merchant, document, "Q", &json!({})).await;
        assert_eq!(first[1]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{first}");
        assert_eq!(answer(&app, merchant, document, "Q", &json!({})).await, first);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_of_a_known_document_is_there() {
    let app = TestApp::start(TestDb::sqlite().await).await;
    let merchant = Caller::Merchant(app.merchant("Shop").await);
    answer(&app, merchant, TWO, "Two", &json!({ "id": "x" })).await;
    let one = answer(&app, merchant, TWO, "One", &json!({ "first": 1 })).await;
    assert_eq!(one[1]["data"], json!({ "operations": { "nodes": [] } }), "{one}");
    let none = answer(&app, merchant, TWO, "Three", &json!({})).await;
    assert_eq!(none[1]["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{none}");
}
