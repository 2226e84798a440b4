//! API keys: who makes them and what they give, how they are sent, exchanged, rotated and revoked, on one node and on
//! two.

mod made;

use std::time::Duration;

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Caller, Identity, Post, Scope, Scopes, StaffRole};
use amvaj_domain::id::{ApiKeyId, MerchantId, StaffId};
use amvaj_domain::merchant::MerchantStatus;
use amvaj_domain::network::NetworkMode;
use amvaj_domain::time::Span;
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{START, TestApp, act};
use crate::support::database::TestDb;
use crate::support::till::{Till, assert_sound, codes};

const KEYS: &str = include_str!("queries/keys.graphql");
const POINTS: &str = include_str!("queries/points.graphql");
const AUDIT: &str = include_str!("queries/audit.graphql");

/// Everything that a till needs.
const TILL: [&str; 3] = ["points:earn", "points:redeem", "members:read"];

fn global(id: MerchantId) -> Value {
    json!(GlobalId::Merchant(id).write().as_str())
}

fn only(answer: &Value) -> Value {
    assert!(answer["errors"].is_null(), "{answer:#}");
    answer["data"].as_object().unwrap().values().next().unwrap().clone()
}

/// Sends a mutation in somebody's name and answers its payload.
async fn ask(app: &TestApp, caller: Caller, name: &str, input: Value) -> Value {
    only(&app.send(Some(caller), KEYS, name, json!({ "input": input })).await)
}

/// Sends a mutation with a key or token and answers its payload.
async fn ask_with(app: &TestApp, credential: &str, name: &str, input: Value) -> Value {
    only(&app.send_with(Some(credential), KEYS, name, json!({ "input": input })).await)
}

/// A key of a merchant: its id and its secret.
async fn key(app: &TestApp, merchant: MerchantId, scopes: &[&str]) -> (String, String) {
    let made =
        ask(app, Caller::Merchant(merchant), "Create", json!({ "name": "Till", "scopes": scopes })).await;
    assert_eq!(made["userErrors"], json!([]), "{made:#}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["apiKey"]["id"]), text(&made["secret"]))
}

/// The scopes with which a credential calls, or the code and message of its refusal.
async fn viewer(app: &TestApp, credential: &str) -> Result<Vec<String>, (String, String)> {
    let answer = app.send_with(Some(credential), KEYS, "Viewer", json!({})).await;
    let error = &answer["errors"][0];
    if error.is_null() {
        let scopes = answer["data"]["viewer"]["scopes"].as_array().unwrap();
        return Ok(scopes.iter().map(|scope| scope.as_str().unwrap().to_owned()).collect());
    }
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Err((text(&error["extensions"]["code"]), text(&error["message"])))
}

async fn refusal(app: &TestApp, credential: &str) -> String {
    let (code, message) = viewer(app, credential).await.unwrap_err();
    assert_eq!(code, "UNAUTHENTICATED", "{message}");
    message
}

/// Waits until something holds on another node, which has to be within a second.
async fn within_a_second(mut holds: impl AsyncFnMut() -> bool) {
    let waited = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // Twice as long, because the machine that runs the tests does other things too.
    tokio::time::timeout(Duration::from_secs(2), waited).await.expect("it holds within a second");
}

#[tokio::test]
async fn a_merchant_makes_a_key_sees_its_secret_once_and_calls_with_it() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        let merchant = till.merchant;
        let input = json!({ "name": " Web shop ", "scopes": TILL, "expiresAt": "2027-03-21T00:00:00Z" });
        let made = ask(&app, Caller::Merchant(merchant), "Create", input).await;
        let (shown, secret) = (&made["apiKey"], made["secret"].as_str().unwrap());
        assert_eq!((&shown["name"], &shown["status"]), (&json!("Web shop"), &json!("ACTIVE")));
        assert_eq!(shown["scopes"], json!(["points:earn", "points:redeem", "members:read"]));
        assert_eq!(shown["madeBy"], json!({ "kind": "CONSOLE", "id": null }));
        assert_eq!(shown["expiresAt"], "2027-03-21T00:00:00Z");
        let prefix = shown["prefix"].as_str().unwrap();
        assert!(secret.starts_with(prefix) && prefix.starts_with("amvaj_live_"), "{prefix}");

        let listed = json!({ "merchant": global(merchant) });
        let listed = app.data(Caller::Operator, KEYS, "Keys", listed).await["merchant"]["apiKeys"].clone();
        assert_eq!((&listed["totalCount"], &listed["nodes"][0]), (&json!(1), shown));
        let found = app.data(Caller::Merchant(merchant), KEYS, "Node", json!({ "id": shown["id"] })).await;
        assert_eq!(&found["node"], shown);
        assert!(!serde_json::to_string(&[listed, found]).unwrap().contains(secret));

        assert_eq!(viewer(&app, secret).await.unwrap(), TILL);
        let input = json!({
            "idempotencyKey": "k1", "receiptNumber": "r1", "member": till.member_ref(),
            "amount": { "amount": "1000", "currency": "IRR" },
        });
        let variables = json!({ "input": input });
        let earned = only(&app.send_with(Some(secret), POINTS, "Earn", variables).await);
        assert_eq!(codes(&earned), [""; 0], "{earned:#}");
        let refused = app.send_with(
            Some(secret),
            POINTS,
            "Refund",
            json!({ "input": {
            "idempotencyKey": "k2", "receiptNumber": "r1", "what": { "whole": true } } }),
        );
        let refused = refused.await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused:#}");

        let act = json!({ "first": 9, "filter": { "act": "API_KEY_MADE" } });
        let told = app.data(Caller::Operator, AUDIT, "AuditLog", act).await["auditLog"]["nodes"][0].clone();
        assert_eq!((&told["targetId"], &told["role"]), (&shown["id"], &json!("MERCHANT")));
        assert!(!told.to_string().contains(secret), "{told:#}");
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn a_key_is_refused_in_words_that_say_what_is_wrong_with_it() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Garden").await;
        let (id, secret) = key(&app, merchant, &TILL).await;
        let mut mistyped = secret.clone();
        mistyped.pop();
        assert!(refusal(&app, &mistyped).await.starts_with("The API key is mistyped"));
        for wrong in ["amvaj_live_", "amvaj_live_x", "amvaj_live_ک"] {
            let request = app
                .request(None, KEYS, "Viewer", json!({}))
                .header("authorization", format!("Bearer {wrong}"));
            assert_eq!(request.send().await.unwrap().status(), 401, "{wrong}");
        }
        let other = TestApp::start(TestDb::sqlite().await).await;
        assert!(refusal(&other, &secret).await.starts_with("The API key was not made by this installation"));
        for (text, code) in [(mistyped.as_str(), "API_KEY_MISTYPED"), ("eyJ", "API_KEY_MISTYPED")] {
            let refused = ask_with(&app, &secret, "Exchange", json!({ "key": text })).await;
            assert_eq!(codes(&refused), [code], "{text}");
        }
        let refused = only(&other.send(None, KEYS, "Exchange", json!({ "input": { "key": secret } })).await);
        assert_eq!(codes(&refused), ["API_KEY_UNKNOWN"]);
        ask(&app, Caller::Merchant(merchant), "Revoke", json!({ "apiKeyId": id })).await;
        assert!(refusal(&app, &secret).await.starts_with("The API key has been revoked"));
        let refused = only(&app.send(None, KEYS, "Exchange", json!({ "input": { "key": secret } })).await);
        assert_eq!(codes(&refused), ["API_KEY_REVOKED"]);
    }
}

#[tokio::test]
async fn a_key_ends_with_its_time_and_its_token_with_it() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Garden").await;
        let input = json!({ "name": "Short", "scopes": TILL, "expiresAt": "2027-01-15T08:05:00Z" });
        let made = ask(&app, Caller::Merchant(merchant), "Create", input).await;
        let secret = made["secret"].as_str().unwrap();
        let exchanged = only(&app.send(None, KEYS, "Exchange", json!({ "input": { "key": secret } })).await);
        assert_eq!(exchanged["expiresAt"], "2027-01-15T08:05:00Z", "the token ends with the key");
        app.clock.advance_to(START.plus(Span::seconds(299)));
        assert!(viewer(&app, secret).await.is_ok());
        app.clock.advance_to(START.plus(Span::seconds(300)));
        assert!(refusal(&app, secret).await.starts_with("The API key has expired"));
        let refused = only(&app.send(None, KEYS, "Exchange", json!({ "input": { "key": secret } })).await);
        assert_eq!(codes(&refused), ["API_KEY_EXPIRED"]);
        let listed = json!({ "merchant": global(merchant), "activeOnly": true });
        let listed = app.data(Caller::Merchant(merchant), KEYS, "Keys", listed).await;
        assert_eq!(listed["merchant"]["apiKeys"]["totalCount"], 0);
    }
}

#[tokio::test]
async fn a_key_is_exchanged_for_a_token_with_its_scopes_or_fewer() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Garden").await;
        let (_, secret) = key(&app, merchant, &TILL).await;
        let exchange =
            async |input: Value| only(&app.send(None, KEYS, "Exchange", json!({ "input": input })).await);
        let all = exchange(json!({ "key": format!(" {secret}\n") })).await;
        assert_eq!((&all["scopes"], &all["expiresAt"]), (&json!(TILL), &json!("2027-01-15T08:10:00Z")));
        let fewer = exchange(json!({ "key": secret, "scopes": ["points:earn"] })).await;
        let token = fewer["accessToken"].as_str().unwrap();
        assert_eq!(viewer(&app, token).await.unwrap(), ["points:earn"]);
        for (scopes, code) in [
            (json!(["points:refund"]), "SCOPE_NOT_YOURS"),
            (json!(["points:mint"]), "INVALID_SCOPES"),
            (json!(["audit:read"]), "INVALID_SCOPES"),
            (json!([]), "INVALID_SCOPES"),
        ] {
            let refused = exchange(json!({ "key": secret, "scopes": scopes })).await;
            assert_eq!((codes(&refused), &refused["accessToken"]), (vec![code], &Value::Null));
        }
        let again = exchange(json!({ "key": token })).await;
        assert_eq!(codes(&again), ["API_KEY_MISTYPED"], "a token gets no other token");
    }
}

#[tokio::test]
async fn nobody_gives_a_key_more_than_it_has_and_every_mistake_is_named() {
    for app in TestApp::both().await {
        let (merchant, other) = (app.merchant("Garden").await, app.merchant("Other").await);
        let own = Caller::Merchant(merchant);
        let create = async |caller, input: Value| codes_of(&ask(&app, caller, "Create", input).await);
        assert_eq!(
            create(own, json!({ "name": "", "scopes": [] })).await,
            ["INVALID_NAME", "INVALID_SCOPES"]
        );
        let good = json!({ "name": "x", "scopes": TILL });
        let with = |field: &str, value: Value| {
            let mut input = good.clone();
            input[field] = value;
            input
        };
        assert_eq!(create(own, with("scopes", json!(["network:manage"]))).await, ["INVALID_SCOPES"]);
        assert_eq!(create(own, with("merchantId", global(other))).await, ["MERCHANT_NOT_FOUND"]);
        assert_eq!(create(Caller::Operator, good.clone()).await, ["MERCHANT_NOT_FOUND"], "it names none");
        let nobody = global(MerchantId::new(Uuid::from_u128(1)));
        assert_eq!(create(Caller::Operator, with("merchantId", nobody)).await, ["MERCHANT_NOT_FOUND"]);
        for end in ["2027-01-15T08:00:00Z", "2037-01-20T00:00:00Z"] {
            assert_eq!(create(own, with("expiresAt", json!(end))).await, ["INVALID_EXPIRY"], "{end}");
        }
        assert_eq!(create(Caller::Operator, with("merchantId", global(merchant))).await, [""; 0]);

        // A key that may make keys gives what it has, and no more time than it has.
        let input = json!({ "name": "Maker", "scopes": ["keys:manage", "points:earn"],
            "expiresAt": "2027-02-01T00:00:00Z" });
        let made = ask(&app, own, "Create", input).await;
        let (maker_id, maker) = (made["apiKey"]["id"].clone(), made["secret"].as_str().unwrap().to_owned());
        let by_key = async |input: Value| ask_with(&app, &maker, "Create", input).await;
        let made = by_key(json!({ "name": "a", "scopes": ["points:redeem"] })).await;
        assert_eq!(codes(&made), ["SCOPE_NOT_YOURS"]);
        let earn = json!({ "name": "a", "scopes": ["points:earn"] });
        assert_eq!(codes(&by_key(earn.clone()).await), ["INVALID_EXPIRY"], "it would never end");
        let mut ends = earn.clone();
        ends["expiresAt"] = json!("2027-02-01T00:00:00Z");
        let child = by_key(ends.clone()).await;
        assert_eq!(child["apiKey"]["madeBy"], json!({ "kind": "API_KEY", "id": maker_id }));
        ends["expiresAt"] = json!("2027-02-01T00:00:01Z");
        assert_eq!(codes(&by_key(ends).await), ["INVALID_EXPIRY"]);
        let (strong, _) = key(&app, merchant, &TILL).await;
        let rotated = ask_with(&app, &maker, "Rotate", json!({ "apiKeyId": strong })).await;
        assert_eq!(codes(&rotated), ["SCOPE_NOT_YOURS"], "or it would learn a stronger secret");

        let cannot = key(&app, merchant, &TILL).await.1;
        let answer = app.send_with(Some(&cannot), KEYS, "Create", json!({ "input": good })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
        assert_sound(&app).await;
    }
}

fn codes_of(payload: &Value) -> Vec<String> {
    codes(payload).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn staff_make_keys_only_with_a_post_for_the_whole_merchant() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Garden").await;
        let branch = app.branch(merchant, "Vanak").await;
        let staff = |posts| app.token(&Identity::staff(merchant, StaffId::new(Uuid::from_u128(5)), posts));
        let input = json!({ "name": "x", "scopes": ["points:earn"] });
        let owner = staff(vec![Post { branch: None, role: StaffRole::Owner }]);
        let made = ask_with(&app, &owner, "Create", input.clone()).await;
        assert_eq!(made["apiKey"]["madeBy"]["kind"], "STAFF");
        let of_branch = staff(vec![Post { branch: Some(branch), role: StaffRole::Owner }]);
        let refused = ask_with(&app, &of_branch, "Create", input.clone()).await;
        assert_eq!(codes(&refused), ["MERCHANT_NOT_FOUND"]);
        let answer =
            app.send_with(Some(&of_branch), KEYS, "Keys", json!({ "merchant": global(merchant) })).await;
        assert_eq!(answer["data"]["merchant"]["apiKeys"], Value::Null);
        let cashier = staff(vec![Post { branch: None, role: StaffRole::Cashier }]);
        let answer = app.send_with(Some(&cashier), KEYS, "Create", json!({ "input": input })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
}

#[tokio::test]
async fn another_merchant_neither_sees_nor_changes_a_key() {
    for app in TestApp::both().await {
        let (merchant, other) = (app.merchant("Garden").await, app.merchant("Other").await);
        let (id, secret) = key(&app, merchant, &TILL).await;
        let member = app.member("مینا", "09121110002").await;
        for stranger in [Caller::Merchant(other), Caller::Agent, Caller::Member(member)] {
            let node = app.data(stranger, KEYS, "Node", json!({ "id": id })).await;
            assert_eq!(node["node"], Value::Null, "{stranger:?}");
            let listed = app.data(stranger, KEYS, "Keys", json!({ "merchant": global(merchant) })).await;
            assert_eq!(listed["merchant"]["apiKeys"], Value::Null, "{stranger:?}");
        }
        for name in ["Rotate", "Revoke"] {
            for wrong in [id.clone(), global(merchant).as_str().unwrap().to_owned(), "x".to_owned()] {
                let refused = ask(&app, Caller::Merchant(other), name, json!({ "apiKeyId": wrong })).await;
                assert_eq!(codes(&refused), ["KEY_NOT_FOUND"], "{name}");
            }
            let unknown = GlobalId::ApiKey(ApiKeyId::new(Uuid::from_u128(9))).write();
            let refused = ask(&app, Caller::Operator, name, json!({ "apiKeyId": unknown.as_str() })).await;
            assert_eq!(codes(&refused), ["KEY_NOT_FOUND"], "{name}");
            for caller in [Caller::Agent, Caller::Member(member)] {
                let variables = json!({ "input": { "apiKeyId": id } });
                assert_eq!(app.code(Some(caller), KEYS, name, variables).await, "FORBIDDEN");
            }
        }
        assert!(viewer(&app, &secret).await.is_ok());
    }
}

#[tokio::test]
async fn a_rotated_key_goes_on_for_its_overlap_and_ends_at_once_without_one() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Garden").await;
        let own = Caller::Merchant(merchant);
        let input = json!({ "name": "Till", "scopes": TILL, "expiresAt": "2027-01-25T08:00:00Z" });
        let first = ask(&app, own, "Create", input).await;
        app.clock.advance_to(START.plus(Span::days(1)));
        let rotate = async |key: &Value, overlap: i32| {
            let id = &key["apiKey"]["id"];
            ask(&app, own, "Rotate", json!({ "apiKeyId": id, "overlapHours": overlap })).await
        };
        assert_eq!(codes(&rotate(&first, 169).await), ["INVALID_OVERLAP"]);
        assert_eq!(codes(&rotate(&first, -1).await), ["INVALID_OVERLAP"]);
        let late = json!({ "apiKeyId": first["apiKey"]["id"], "expiresAt": "2027-01-01T00:00:00Z" });
        assert_eq!(codes(&ask(&app, own, "Rotate", late).await), ["INVALID_EXPIRY"]);
        let second = rotate(&first, 2).await;
        assert_eq!(second["apiKey"]["expiresAt"], "2027-01-26T08:00:00Z", "ten days, as the first");
        assert_eq!(second["apiKey"]["replaces"]["id"], first["apiKey"]["id"]);
        assert_eq!((&second["apiKey"]["name"], &second["apiKey"]["scopes"]), (&json!("Till"), &json!(TILL)));
        let old = app.data(own, KEYS, "Node", json!({ "id": first["apiKey"]["id"] })).await;
        assert_eq!(old["node"]["expiresAt"], "2027-01-16T10:00:00Z");
        assert_eq!(old["node"]["replacedBy"]["id"], second["apiKey"]["id"]);
        assert_eq!(codes(&rotate(&first, 2).await), ["KEY_ALREADY_ROTATED"]);
        let secret = |key: &Value| key["secret"].as_str().unwrap().to_owned();
        assert!(viewer(&app, &secret(&first)).await.is_ok() && viewer(&app, &secret(&second)).await.is_ok());
        app.clock.advance_to(START.plus(Span::days(1)).plus(Span::minutes(120)));
        assert!(refusal(&app, &secret(&first)).await.contains("expired"));
        let third = rotate(&second, 0).await;
        assert!(refusal(&app, &secret(&second)).await.contains("revoked"));
        assert!(viewer(&app, &secret(&third)).await.is_ok());
        ask(&app, own, "Revoke", json!({ "apiKeyId": third["apiKey"]["id"] })).await;
        assert_eq!(codes(&rotate(&third, 1).await), ["KEY_NOT_ACTIVE"]);
        let told = json!({ "first": 9, "filter": { "act": "API_KEY_ROTATED" } });
        let told = app.data(Caller::Operator, AUDIT, "AuditLog", told).await;
        assert_eq!(told["auditLog"]["totalCount"], 2);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_refused_while_a_key_is_rotated_under_load() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Garden").await;
        let (mut id, mut secret) = key(&app, merchant, &TILL).await;
        for _ in 0..5 {
            let calls = (0..20).map(|_| viewer(&app, &secret));
            let rotation = ask(&app, Caller::Merchant(merchant), "Rotate", json!({ "apiKeyId": id }));
            let (answers, rotated) = tokio::join!(join_all(calls), rotation);
            for answer in answers {
                answer.unwrap();
            }
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (id, secret) = (text(&rotated["apiKey"]["id"]), text(&rotated["secret"]));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_rotate_a_key_at_once_one_does() {
    for app in TestApp::both().await {
        let node = app.second_node().await;
        let merchant = app.merchant("Garden").await;
        let (id, _) = key(&app, merchant, &TILL).await;
        let rotating = [&app, &node, &app, &node].map(|app| {
            let input = json!({ "apiKeyId": id });
            ask(app, Caller::Merchant(merchant), "Rotate", input)
        });
        let answers = join_all(rotating).await;
        let rotated = answers.iter().filter(|answer| codes(answer).is_empty()).count();
        assert_eq!(rotated, 1, "{answers:#?}");
        for answer in answers.iter().filter(|answer| !codes(answer).is_empty()) {
            assert_eq!(codes(answer), ["KEY_ALREADY_ROTATED"]);
        }
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_ends_at_once_here_and_within_a_second_on_the_other_node_with_its_tokens() {
    for app in TestApp::both().await {
        let node = app.second_node().await;
        let merchant = app.merchant("Garden").await;
        let (id, secret) = key(&app, merchant, &TILL).await;
        let exchanged = only(&app.send(None, KEYS, "Exchange", json!({ "input": { "key": secret } })).await);
        let token = exchanged["accessToken"].as_str().unwrap();
        for app in [&app, &node] {
            assert!(viewer(app, &secret).await.is_ok() && viewer(app, token).await.is_ok());
        }
        let revoked = ask(&app, Caller::Merchant(merchant), "Revoke", json!({ "apiKeyId": id })).await;
        assert_eq!(revoked["apiKey"]["status"], "REVOKED");
        assert!(refusal(&app, &secret).await.contains("revoked"));
        assert!(refusal(&app, token).await.contains("revoked"));
        within_a_second(async || viewer(&node, &secret).await.is_err()).await;
        assert!(refusal(&node, token).await.contains("revoked"));
        // Again changes nothing and is not told again.
        let again = ask(&node, Caller::Operator, "Revoke", json!({ "apiKeyId": id })).await;
        assert_eq!(again["apiKey"]["revokedAt"], revoked["apiKey"]["revokedAt"]);
        let told = json!({ "first": 9, "filter": { "act": "API_KEY_REVOKED" } });
        let told = app.data(Caller::Operator, AUDIT, "AuditLog", told).await;
        assert_eq!(told["auditLog"]["totalCount"], 1);
        // A node that starts now has never heard of the key's good days.
        let third = app.second_node().await;
        assert!(refusal(&third, &secret).await.contains("revoked"));
        assert!(refusal(&third, token).await.contains("revoked"));
    }
}

#[tokio::test]
async fn when_a_key_was_last_used_is_written_beside_the_requests_and_at_most_once_a_minute() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Garden").await;
        let (id, secret) = key(&app, merchant, &TILL).await;
        let used = async || -> Value {
            app.app.api_keys.close().await;
            app.data(Caller::Operator, KEYS, "Node", json!({ "id": id })).await["node"]["lastUsedAt"].clone()
        };
        assert_eq!(used().await, Value::Null);
        assert!(viewer(&app, &secret).await.is_ok());
        assert_eq!(used().await, "2027-01-15T08:00:00Z");
        app.clock.advance_to(START.plus(Span::seconds(59)));
        assert!(viewer(&app, &secret).await.is_ok());
        assert_eq!(used().await, "2027-01-15T08:00:00Z", "it is spared a write");
        app.clock.advance_to(START.plus(Span::seconds(60)));
        assert!(viewer(&app, &secret).await.is_ok());
        assert_eq!(used().await, "2027-01-15T08:01:00Z");
    }
}

#[tokio::test]
async fn a_key_is_read_from_the_database_once_and_an_invented_one_never() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Garden").await;
        let (_, secret) = key(&app, merchant, &TILL).await;
        let strangers = TestApp::start(TestDb::sqlite().await).await;
        let elsewhere = strangers.merchant("Elsewhere").await;
        let (_, invented) = key(&strangers, elsewhere, &TILL).await;
        assert!(viewer(&app, &secret).await.is_ok());
        // Whoever asks the database from here on is refused as busy.
        use sea_orm::ConnectionTrait as _;
        app.app.db.for_migrations().execute_unprepared("alter table api_key rename to hidden").await.unwrap();
        assert!(viewer(&app, &secret).await.is_ok(), "it is remembered");
        assert!(refusal(&app, &invented).await.contains("not made by this installation"));
        app.clock.advance_to(START.plus(Span::seconds(30)));
        assert_eq!(
            viewer(&app, &secret).await.unwrap_err().0,
            "OVERLOADED",
            "that is for the database to say"
        );
        let refused = app.request(None, KEYS, "Viewer", json!({})).bearer_auth(&secret).send().await.unwrap();
        assert_eq!(refused.status(), 503);
        app.app.db.for_migrations().execute_unprepared("alter table hidden rename to api_key").await.unwrap();
        assert!(viewer(&app, &secret).await.is_ok());
    }
}

#[tokio::test]
async fn keys_of_a_blocked_merchant_end_what_was_begun_and_no_new_key_is_made() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110003").await;
        let (id, secret) = key(&app, till.merchant, &["points:redeem", "members:read"]).await;
        till.earn("e1", "r1", 100).await;
        let held = till.hold("h1", 10, 600).await;
        let (blocked, act) = (MerchantStatus::Blocked, act());
        app.app.directory.set_merchant_status(till.merchant, blocked, &act).await.unwrap();
        let hold = json!({ "input": { "holdId": held["hold"]["id"], "idempotencyKey": "c1" } });
        let released = only(&app.send_with(Some(&secret), POINTS, "Release", hold).await);
        assert_eq!(codes(&released), [""; 0], "{released:#}");
        let redeem = json!({ "input": { "idempotencyKey": "x", "member": till.member_ref(), "points": 1 } });
        let refused = only(&app.send_with(Some(&secret), POINTS, "Redeem", redeem).await);
        assert_eq!(codes(&refused), ["MERCHANT_BLOCKED"]);
        let own = Caller::Merchant(till.merchant);
        let refused = ask(&app, own, "Create", json!({ "name": "x", "scopes": TILL })).await;
        assert_eq!(codes(&refused), ["MERCHANT_BLOCKED"]);
        assert_eq!(codes(&ask(&app, own, "Rotate", json!({ "apiKeyId": id })).await), [""; 0]);
    }
}

#[tokio::test]
async fn a_merchant_has_at_most_a_hundred_keys_that_are_good() {
    let app = TestApp::start(TestDb::sqlite().await).await;
    let merchant = app.merchant("Garden").await;
    let (first, _) = key(&app, merchant, &TILL).await;
    for _ in 1..100 {
        key(&app, merchant, &TILL).await;
    }
    let own = Caller::Merchant(merchant);
    let refused = ask(&app, own, "Create", json!({ "name": "x", "scopes": TILL })).await;
    assert_eq!(codes(&refused), ["TOO_MANY_KEYS"]);
    ask(&app, own, "Revoke", json!({ "apiKeyId": first })).await;
    key(&app, merchant, &TILL).await;
}

#[tokio::test]
async fn live_and_sandbox_refuse_each_others_credentials_and_say_where_to_go() {
    let live = TestApp::start_with(TestDb::sqlite().await, |config| {
        config.network.twin_url = Some("https://sandbox.club.example".to_owned());
    });
    let sandbox = TestApp::start_with(TestDb::sqlite().await, |config| {
        config.network.mode = Some(NetworkMode::Sandbox);
    });
    let (live, sandbox) = (live.await, sandbox.await);
    let network = live.send(None, KEYS, "Network", json!({})).await["data"]["network"].clone();
    assert_eq!(network, json!({ "mode": "LIVE", "twinUrl": "https://sandbox.club.example" }));
    let network = sandbox.send(None, KEYS, "Network", json!({})).await["data"]["network"].clone();
    assert_eq!(network, json!({ "mode": "SANDBOX", "twinUrl": null }));
    let merchant = sandbox.merchant("Garden").await;
    let (_, secret) = key(&sandbox, merchant, &TILL).await;
    assert!(secret.starts_with("amvaj_sandbox_"));
    assert!(viewer(&sandbox, &secret).await.is_ok());
    let where_to = "This is a key or token of the sandbox at `https://sandbox.club.example`";
    assert!(refusal(&live, &secret).await.starts_with(where_to));
    let refused = only(&live.send(None, KEYS, "Exchange", json!({ "input": { "key": secret } })).await);
    assert_eq!(codes(&refused), ["API_KEY_OF_OTHER_MODE"]);
    assert!(refused["userErrors"][0]["message"].as_str().unwrap().starts_with(where_to), "{refused:#}");
    let token = sandbox.token(&Identity::console(Caller::Operator));
    assert!(refusal(&live, &token).await.starts_with(where_to));
    let token = live.token(&Identity::console(Caller::Operator));
    assert!(refusal(&sandbox, &token).await.starts_with("This is a key or token of the live network, and"));
    // Even with the same signing key.
    let shared = live.app.credentials.tokens.clone().in_mode(NetworkMode::Sandbox);
    let identity = Identity::console(Caller::Operator).limited_to(Scopes::of(&[Scope::AuditRead]));
    let token = shared.mint(&identity, Duration::from_hours(1), START).unwrap();
    assert!(refusal(&live, &token).await.starts_with(where_to));
}

#[tokio::test]
async fn a_database_stays_what_it_was_first_used_as() {
    for db in TestDb::both().await {
        let mut network = amvaj_api::config::Config::default().network;
        let mode = async |network: &amvaj_api::config::NetworkConfig| {
            amvaj_api::database::installation(&db.database, network, START).await.map(|found| found.mode)
        };
        network.mode = Some(NetworkMode::Sandbox);
        assert_eq!(mode(&network).await.unwrap(), NetworkMode::Sandbox);
        network.mode = None;
        assert_eq!(mode(&network).await.unwrap(), NetworkMode::Sandbox);
        network.mode = Some(NetworkMode::Live);
        let refused = mode(&network).await.unwrap_err().to_string();
        assert!(
            refused.contains("that of the sandbox") && refused.contains("AMVAJ_NETWORK_MODE=live"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_key_survives_a_restart() {
    let db = TestDb::sqlite().await;
    let url = db.url.clone();
    let app = TestApp::start(db).await;
    let merchant = app.merchant("Garden").await;
    let (_, secret) = key(&app, merchant, &TILL).await;
    let again = app.second_node().await;
    assert_eq!(url, again.url());
    assert_eq!(viewer(&again, &secret).await.unwrap(), TILL);
}
