//! What a merchant sees of a member: by relation, by the member's consent, at once here and within a second elsewhere.

use std::time::{Duration, Instant as Stopwatch};

use amvaj_api::app::relay_outbox::relay_outbox;
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_api::random;
use amvaj_domain::access::Caller;
use amvaj_domain::id::{MemberId, MerchantId};
use amvaj_domain::time::Span;
use amvaj_migrations::{Migrator, MigratorTrait as _, SchemaManager};
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use crate::support::app::{START, TestApp};
use crate::support::till::{POINTS, Till, assert_sound, codes};

const RELATION: &str = include_str!("../queries/relation.graphql");
const MEMBER: &str = include_str!("../queries/member.graphql");

fn merchant_id(id: MerchantId) -> Value {
    json!(GlobalId::Merchant(id).write().as_str())
}

fn member_id(id: MemberId) -> Value {
    json!(GlobalId::Member(id).write().as_str())
}

/// What a caller sees of the member that a reference names.
async fn seen(app: &TestApp, caller: Caller, reference: Value) -> Value {
    app.data(caller, RELATION, "Seen", json!({ "ref": reference })).await["member"].clone()
}

/// How much a merchant sees of a member by its id; nothing when it does not find it.
async fn disclosure(app: &TestApp, merchant: MerchantId, member: MemberId) -> Value {
    seen(app, Caller::Merchant(merchant), json!({ "id": member_id(member) })).await["disclosure"].clone()
}

async fn consent(app: &TestApp, member: MemberId, merchant: MerchantId, consent: Option<&str>) -> Value {
    let caller = Caller::Member(member);
    let (name, field, input) = match consent {
        Some(consent) => {
            let input = json!({ "merchantId": merchant_id(merchant), "consent": consent });
            ("SetConsent", "setConsent", input)
        }
        None => ("WithdrawConsent", "withdrawConsent", json!({ "merchantId": merchant_id(merchant) })),
    };
    app.data(caller, RELATION, name, json!({ "input": input })).await[field].clone()
}

async fn relations(app: &TestApp, member: MemberId) -> Vec<Value> {
    let data = app.data(Caller::Member(member), RELATION, "Relations", json!({ "first": 9 })).await;
    data["viewer"]["member"]["relations"]["nodes"].as_array().unwrap().clone()
}

/// Has the outbox read, as a worker does all the time.
async fn relay(app: &TestApp) {
    relay_outbox(&app.app, app.clock.now()).await.unwrap();
}

/// Waits until something holds, which it has to within a second on another node.
async fn within_a_second(holds: impl AsyncFn() -> bool) {
    let began = Stopwatch::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_millis(1_500), "it does not hold after a second and a half");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_till_without_a_relation_sees_what_the_member_shows_and_no_more() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09122000001").await;
        let stranger = Till::of_member(&app, till.member).await;
        let masked = seen(&app, stranger.caller(), json!({ "mobile": "09122000001" })).await;
        assert_eq!(masked["disclosure"], "MASKED");
        assert_eq!(
            (&masked["name"], &masked["maskedMobile"]),
            (&json!("م*** ک***"), &json!("+98912***0001"))
        );
        for field in ["mobile", "cardNumber", "enrolledAt", "wallet"] {
            assert_eq!(masked[field], Value::Null, "{field}");
        }
        // The id finds nobody to look at, on any path, but names whom to serve.
        assert_eq!(disclosure(&app, stranger.merchant, till.member).await, Value::Null);
        let node = app.data(stranger.caller(), MEMBER, "Node", json!({ "id": masked["id"] })).await;
        assert_eq!(node["node"], Value::Null);
        let wallet = json!({ "id": GlobalId::Wallet(till.wallet).write().as_str() });
        assert_eq!(
            app.data(stranger.caller(), RELATION, "Balance", wallet.clone()).await["wallet"],
            Value::Null
        );
        let earned = stranger.earn("k", "R-1", 100).await;
        assert_eq!((codes(&earned), &earned["wallet"]["available"]), (vec![], &json!("100")));
        // Who served it knows it, at once on this node.
        assert_eq!(disclosure(&app, stranger.merchant, till.member).await, "KNOWN");
        let read = app.data(stranger.caller(), RELATION, "Balance", wallet).await;
        assert_eq!(read["wallet"]["available"], "100");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_no_way_to_look_into_a_wallet() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09122000002").await;
        let stranger = Till::of_member(&app, till.member).await;
        till.earn("k", "R-1", 7_654).await;
        let refused = stranger.redeem("r", 1_000_000).await;
        assert_eq!((codes(&refused), &refused["wallet"]), (vec!["INSUFFICIENT_POINTS"], &Value::Null));
        assert!(!refused.to_string().contains("7,654") && !refused.to_string().contains("7654"), "{refused}");
        let again = stranger.redeem("r", 1_000_000).await;
        assert_eq!((&again["replayed"], &again["userErrors"]), (&json!(true), &refused["userErrors"]));
        assert_eq!(
            disclosure(&app, stranger.merchant, till.member).await,
            Value::Null,
            "a refusal begins nothing"
        );
        let known = till.redeem("r", 1_000_000).await;
        assert_eq!(
            (codes(&known), &known["wallet"]["available"]),
            (vec!["INSUFFICIENT_POINTS"], &json!("7654"))
        );
        assert!(known.to_string().contains("7,654"), "{known}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn relations_are_kept_with_how_and_when_they_began() {
    for app in TestApp::both().await {
        let mut merchants = Vec::new();
        for (name, second) in [("A", 1), ("B", 2), ("C", 3), ("D", 4)] {
            // Lists are in the order of registration.
            app.clock.advance_to(START.plus(Span::seconds(second)));
            merchants.push(app.merchant(name).await);
        }
        let (enrols, links, serves, shown) = (merchants[0], merchants[1], merchants[2], merchants[3]);
        let input = json!({ "input": { "name": "مینا", "mobile": "09122000003" } });
        let enrolled = app.data(Caller::Merchant(enrols), MEMBER, "EnrolMember", input).await;
        let enrolled = &enrolled["enrolMember"]["member"];
        assert_eq!((&enrolled["name"], &enrolled["mobile"]), (&json!("مینا"), &Value::Null));
        let member = GlobalId::member(&enrolled["id"].as_str().unwrap().into()).unwrap();
        let link = json!({ "input": { "member": { "mobile": "09122000003" }, "customerRef": "7" } });
        let linked = app.data(Caller::Merchant(links), RELATION, "LinkCustomer", link).await;
        assert_eq!(linked["linkCustomer"]["member"]["disclosure"], "KNOWN", "{linked}");
        let wallet = app.app.directory.wallet_of(member).await.unwrap().unwrap();
        Till::set_rule(&app, serves, crate::support::till::simple_rule(&app)).await;
        let till = Till { app: &app, merchant: serves, member, wallet };
        till.earn("k1", "R-1", 10).await;
        till.earn("k2", "R-2", 10).await;
        consent(&app, member, shown, Some("PROFILE")).await;
        relay(&app).await;
        let told: Vec<_> = relations(&app, member)
            .await
            .iter()
            .map(|relation| {
                let parts = ["source", "disclosure", "since"].map(|field| relation[field].clone());
                (relation["merchant"]["nameEn"].clone(), parts)
            })
            .collect();
        let now = "2027-01-15T08:00:04Z";
        assert_eq!(
            told,
            [
                (json!("A"), [json!("ENROLLED"), json!("KNOWN"), json!(now)]),
                (json!("B"), [json!("LINKED"), json!("KNOWN"), json!(now)]),
                (json!("C"), [json!("OPERATION"), json!("KNOWN"), json!(now)]),
                (json!("D"), [json!("CONSENT"), json!("PROFILE"), json!(now)]),
            ]
        );
        // What only the consent had written becomes a relation with the first operation, and keeps the consent.
        Till::set_rule(&app, shown, crate::support::till::simple_rule(&app)).await;
        Till { app: &app, merchant: shown, member, wallet }.earn("k3", "R-1", 10).await;
        relay(&app).await;
        let last = relations(&app, member).await.pop().unwrap();
        assert_eq!((&last["source"], &last["consent"]), (&json!("OPERATION"), &json!("PROFILE")));
        assert_sound(&app).await;

        // Another member's are not there, and merchants do not list them.
        let page = app.data(Caller::Member(member), RELATION, "Relations", json!({ "first": 2 })).await;
        let page = &page["viewer"]["member"]["relations"];
        assert_eq!((&page["totalCount"], &page["pageInfo"]["hasNextPage"]), (&json!(4), &json!(true)));
        let rest = json!({ "first": 9, "after": page["pageInfo"]["endCursor"] });
        let rest = app.data(Caller::Member(member), RELATION, "Relations", rest).await;
        assert_eq!(rest["viewer"]["member"]["relations"]["nodes"][0]["merchant"]["nameEn"], "C");
        let peek =
            "query Peek($ref: MemberRef!) { member(ref: $ref) { relations(first: 1) { totalCount } } }";
        let by_id = json!({ "ref": { "id": member_id(member) } });
        assert_eq!(app.code(Some(Caller::Merchant(enrols)), peek, "Peek", by_id.clone()).await, "FORBIDDEN");
        let agent = app.data(Caller::Agent, peek, "Peek", by_id).await;
        assert_eq!(agent["member"]["relations"]["totalCount"], 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_member_has_the_last_word() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09122000004").await;
        till.earn("k", "R-1", 10).await;
        relay(&app).await;
        let (member, merchant) = (till.member, till.merchant);
        let by_mobile = || json!({ "mobile": "09122000004" });
        let shown = consent(&app, member, merchant, Some("PROFILE")).await;
        assert_eq!(shown["relation"]["disclosure"], "PROFILE", "{shown}");
        assert_eq!(seen(&app, till.caller(), by_mobile()).await["mobile"], "+989122000004");
        let hidden = consent(&app, member, merchant, Some("HIDDEN")).await;
        assert_eq!(hidden["relation"]["source"], "OPERATION");
        let masked = seen(&app, till.caller(), by_mobile()).await;
        assert_eq!((&masked["disclosure"], &masked["wallet"]), (&json!("MASKED"), &Value::Null));
        assert_eq!(masked["name"], "م*** ک***");
        let listed = till.ask_operations().await;
        assert_eq!(listed["operations"]["nodes"][0]["member"]["name"], "م*** ک***");
        let again = consent(&app, member, merchant, Some("HIDDEN")).await;
        assert_eq!(again["relation"], hidden["relation"], "saying it again changes nothing");
        // What is earned while it is hidden is told as on a receipt, and makes it no less hidden.
        assert_eq!(till.earn("k2", "R-2", 10).await["wallet"]["available"], "20");
        assert_eq!(disclosure(&app, merchant, member).await, "MASKED");
        for _ in 0..2 {
            let back = consent(&app, member, merchant, None).await;
            assert_eq!(
                (&back["relation"]["consent"], &back["relation"]["disclosure"]),
                (&Value::Null, &json!("KNOWN"))
            );
        }
        assert_eq!(disclosure(&app, merchant, member).await, "KNOWN");

        let stranger = app.merchant("Stranger").await;
        assert_eq!(consent(&app, member, stranger, Some("PROFILE")).await["relation"]["source"], "CONSENT");
        assert_eq!(disclosure(&app, stranger, member).await, "PROFILE");
        assert_eq!(consent(&app, member, stranger, None).await["relation"], Value::Null);
        assert_eq!(disclosure(&app, stranger, member).await, Value::Null);
    }
}

#[tokio::test]
async fn a_consent_that_cannot_be_is_refused_with_its_reason() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Shop").await;
        let member = app.member("علی", "09122000005").await;
        let nobody = MemberId::new(random::uuid(START));
        let nowhere = MerchantId::new(random::uuid(START));
        for word in [Some("PROFILE"), None] {
            assert_eq!(codes(&consent(&app, member, nowhere, word).await), ["MERCHANT_NOT_FOUND"]);
            assert_eq!(codes(&consent(&app, nobody, merchant, word).await), ["MEMBER_NOT_FOUND"]);
        }
        let nonsense = json!({ "input": { "merchantId": "nonsense", "consent": "HIDDEN" } });
        let refused = app.data(Caller::Member(member), RELATION, "SetConsent", nonsense).await;
        assert_eq!(codes(&refused["setConsent"]), ["MERCHANT_NOT_FOUND"]);
        let nonsense = json!({ "input": { "merchantId": member_id(member) } });
        let refused = app.data(Caller::Member(member), RELATION, "WithdrawConsent", nonsense).await;
        assert_eq!(codes(&refused["withdrawConsent"]), ["MERCHANT_NOT_FOUND"]);
        assert_eq!(relations(&app, member).await, Vec::<Value>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_changes_holds_there_at_once_and_on_the_other_within_a_second() {
    for app in TestApp::both().await {
        let other = app.second_node().await;
        let till = Till::open(&app, "09122000006").await;
        let (member, merchant) = (till.member, till.merchant);
        let at_the_other = async |expected: Value| {
            within_a_second(async || disclosure(&other, merchant, member).await == expected).await;
        };
        at_the_other(Value::Null).await;
        till.earn("k", "R-1", 10).await;
        assert_eq!(disclosure(&app, merchant, member).await, "KNOWN");
        assert_eq!(disclosure(&other, merchant, member).await, Value::Null, "the outbox was not read yet");
        relay(&app).await;
        at_the_other(json!("KNOWN")).await;
        for (word, shows) in [(Some("PROFILE"), "PROFILE"), (Some("HIDDEN"), "MASKED"), (None, "KNOWN")] {
            consent(&app, member, merchant, word).await;
            assert_eq!(disclosure(&app, merchant, member).await, shows);
            at_the_other(json!(shows)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_looks_after_a_withdrawal_was_answered_sees_nothing_any_more() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09122000007").await;
        let (app, member, merchant) = (&app, till.member, till.merchant);
        for _ in 0..8 {
            consent(app, member, merchant, Some("PROFILE")).await;
            // Readers that begin before, while and after it happens; only those after have to be refused.
            let readers = (0..8).map(|_| disclosure(app, merchant, member));
            let withdrawn = async {
                consent(app, member, merchant, None).await;
                disclosure(app, merchant, member).await
            };
            let (before, after) = tokio::join!(join_all(readers), withdrawn);
            assert!(before.iter().all(|seen| *seen == "PROFILE" || seen.is_null()), "{before:?}");
            assert_eq!(after, Value::Null);
        }
        // Both at once leave one of the two whole.
        let both = (0..8).map(|number| consent(app, member, merchant, (number % 2 == 0).then_some("HIDDEN")));
        join_all(both).await;
        let left = relations(app, member).await;
        assert!(left.iter().all(|relation| relation["consent"] == "HIDDEN"), "{left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn relations_from_before_they_were_kept_are_found_by_the_migration_and_none_twice() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09122000008").await;
        till.earn("k", "R-1", 10).await;
        let link = json!({ "input": { "member": till.member_ref(), "customerRef": "7" } });
        // Lists are in the order of registration.
        app.clock.advance_to(START.plus(Span::seconds(1)));
        let linking = app.merchant("Linking").await;
        app.data(Caller::Merchant(linking), RELATION, "LinkCustomer", link).await;
        let connection = app.app.db.for_migrations();
        let relation = Migrator::migrations()
            .into_iter()
            .find(|migration| migration.name() == "m0010_relation")
            .unwrap();
        let manager = SchemaManager::new(connection);
        relation.down(&manager).await.unwrap();
        relation.up(&manager).await.unwrap();
        let count = async || {
            let sql = "select count(*) from relation";
            let statement = Statement::from_string(connection.get_database_backend(), sql);
            let row = connection.query_one_raw(statement).await.unwrap().unwrap();
            row.try_get_by_index::<i64>(0).unwrap()
        };
        assert_eq!(count().await, 2);
        // The consumer reads the outbox from its beginning and finds all of it written.
        relay(&app).await;
        assert_eq!(count().await, 2);
        let sources: Vec<_> =
            relations(&app, till.member).await.iter().map(|relation| relation["source"].clone()).collect();
        assert_eq!(sources, ["OPERATION", "LINKED"]);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_of_a_hidden_member_is_shown_masked_on_every_path() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09122000009").await;
        let earned = till.earn("k", "R-1", 7_654).await;
        consent(&app, till.member, till.merchant, Some("HIDDEN")).await;
        let paths = "query Paths($op: ID!, $wallet: ID!) {
            node(id: $op) { ... on Operation { member { name mobile enrolledAt wallet { available } } } }
            nodes(ids: [$wallet]) { id }
            wallet(id: $wallet) { available }
            purchase(receiptNumber: \"R-1\") { operation { member { name wallet { available } } } }
        }";
        let wallet = GlobalId::Wallet(till.wallet).write();
        let variables = json!({ "op": earned["operation"]["id"], "wallet": wallet.as_str() });
        let seen = app.data(till.caller(), paths, "Paths", variables).await;
        let masked = json!({ "name": "م*** ک***", "mobile": null, "enrolledAt": null, "wallet": null });
        assert_eq!(seen["node"]["member"], masked);
        assert_eq!((&seen["nodes"][0], &seen["wallet"]), (&Value::Null, &Value::Null));
        assert_eq!(seen["purchase"]["operation"]["member"]["wallet"], Value::Null);
        assert!(!seen.to_string().contains("7654"), "{seen}");
        let own = app.data(Caller::Member(till.member), POINTS, "Wallet", json!({})).await;
        assert_eq!(own["wallet"]["available"], "7654");
    }
}
