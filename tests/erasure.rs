//! A member that is erased is gone as a person, everywhere and for good, and the ledger stays as it was.

mod races;
mod requests;
mod ways_in;

use std::time::Duration;

use amvaj_api::app::relay_outbox::relay_outbox;
use amvaj_api::app::sessions;
use amvaj_api::compose::start_worker;
use amvaj_api::config::Config;
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Caller, Identity, Scope, Scopes, Subject};
use amvaj_domain::id::MemberId;
use amvaj_domain::time::Span;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::TestApp;
use crate::support::till::{POINTS, Till, assert_sound, codes};

const MEMBER: &str = include_str!("queries/member.graphql");
const SESSION: &str = include_str!("queries/session.graphql");
const EXPORT: &str = include_str!("queries/export.graphql");
const RELATION: &str = include_str!("queries/relation.graphql");
const ERASE: &str = "mutation Erase($input: EraseMemberInput!) { eraseMember(input: $input) { \
     member { id name status maskedMobile mobile cardNumber language } userErrors { code field message } } }";

const MOBILE: &str = "+989121234567";
const CARD: &str = "6273001122334455";
const NAME: &str = "زیبا پنهانی";
const REFERENCE: &str = "CUSTOMER-OF-TILL";
const PHONE: &str = "PHONE-OF-MEMBER";

fn id(id: GlobalId) -> Value {
    json!(id.write().as_str())
}

fn operator() -> Identity {
    Identity::console(Caller::Operator)
}

/// A member of whom everything is known that can be, at the till that enrolled it.
async fn known_member(app: &TestApp) -> Till<'_> {
    let till = Till::open(app, "09351110000").await;
    let input = json!({
        "name": NAME, "mobile": MOBILE, "cardNumber": CARD, "language": "FA",
        "customer": { "customerRef": REFERENCE },
    });
    let enrolled = app.data(till.caller(), MEMBER, "EnrolMember", json!({ "input": input })).await;
    let member = enrolled["enrolMember"]["member"]["id"].as_str().unwrap_or_else(|| panic!("{enrolled:#}"));
    let member = GlobalId::member(&member.into()).unwrap();
    let wallet = app.app.directory.wallet_of(member).await.unwrap().unwrap();
    let till = Till { member, wallet, ..till };
    assert_eq!(codes(&till.earn("k1", "R-1", 100).await), Vec::<&str>::new());
    till.redeem("k2", 10).await;
    let other = app.merchant("Other").await;
    for (merchant, consent) in [(till.merchant, "PROFILE"), (other, "HIDDEN")] {
        let input = json!({ "merchantId": id(GlobalId::Merchant(merchant)), "consent": consent });
        app.data(Caller::Member(member), RELATION, "SetConsent", json!({ "input": input })).await;
    }
    let by_mobile = json!({ "ref": { "mobile": MOBILE } });
    app.data(Caller::Operator, MEMBER, "Member", by_mobile).await;
    let merchant_id = id(GlobalId::Merchant(till.merchant));
    let by_reference =
        json!({ "ref": { "customer": { "merchantId": merchant_id, "customerRef": REFERENCE } } });
    app.data(Caller::Operator, MEMBER, "Member", by_reference).await;
    let by_name = json!({ "first": 5, "filter": { "search": "پنهانی" } });
    app.data(Caller::Operator, MEMBER, "Members", by_name).await;
    till
}

async fn erase(app: &TestApp, who: &Identity, input: Value) -> Value {
    let answer = app.send_with(Some(&app.token(who)), ERASE, "Erase", json!({ "input": input })).await;
    assert!(answer["errors"].is_null(), "{answer:#}");
    answer["data"]["eraseMember"].clone()
}

/// Rows of the whole database that have a text in any column, by their tables.
async fn rows_with(app: &TestApp, text: &str) -> Vec<String> {
    let connection = app.app.db.for_migrations();
    let (backend, postgres) = (connection.get_database_backend(), app.app.db.is_postgres());
    let tables = if postgres {
        "select table_name as name from information_schema.tables where table_schema = 'public'"
    } else {
        "select name from sqlite_master where type = 'table'"
    };
    let names = async |sql: String| {
        let rows = connection.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for table in names(tables.to_owned()).await {
        let row = if postgres {
            format!("cast({table} as text)")
        } else {
            let columns = names(format!("select name from pragma_table_info('{table}')")).await;
            let cast = columns.iter().map(|column| format!("quote({column})"));
            cast.collect::<Vec<_>>().join(" || ' ' || ")
        };
        let sql = format!("select {row} from {table} where {row} like '%{text}%'");
        found.extend(names(sql).await.into_iter().map(|row| format!("{table}: {row}")));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_the_person_is_left_and_the_ledger_balances() {
    for app in TestApp::both().await {
        let till = known_member(&app).await;
        let subject = Subject::Member(till.member);
        let session = sessions::begin(&app.app, subject, PHONE).await.unwrap().unwrap();
        let own = Caller::Member(till.member);
        let export = json!({ "input": { "idempotencyKey": "k" } });
        let export = app.data(own, EXPORT, "ExportMember", export).await["exportMember"]["export"].clone();
        app.clock.advance_to(app.clock.now().plus(Span::seconds(21)));
        let mut config = Config::default();
        config.worker.interval = Duration::from_millis(20);
        config.worker.verify_at = None;
        let worker = start_worker(&app.app, &config);
        let one = json!({ "id": export["id"] });
        let url = loop {
            let made = app.data(own, EXPORT, "One", one.clone()).await["export"].clone();
            if let Some(url) = made["url"].as_str() {
                break url.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        worker.stop().await;
        assert!(app.page(&url).await.contains(NAME));
        assert!(!rows_with(&app, NAME).await.is_empty(), "what is looked for is there before");
        assert!(!rows_with(&app, PHONE).await.is_empty());

        let node = app.second_node().await;
        let erased = erase(&app, &operator(), json!({ "memberId": id(GlobalId::Member(till.member)) })).await;
        let member = &erased["member"];
        assert_eq!((&member["status"], codes(&erased)), (&json!("ERASED"), Vec::new()));
        assert!(member["name"].as_str().unwrap().starts_with("erased-"), "{member}");
        for gone in ["mobile", "cardNumber", "language"] {
            assert!(member[gone].is_null(), "{gone}: {member}");
        }
        for text in [MOBILE, "9121234567", CARD, NAME, "زیبا", REFERENCE, PHONE] {
            assert_eq!(rows_with(&app, text).await, Vec::<String>::new(), "{text}");
        }
        assert!(!app.page(&url).await.contains(NAME), "its file is gone");

        // Nobody is found by what the member was known by, and its tokens are good nowhere.
        for reference in [json!({ "mobile": MOBILE }), json!({ "cardNumber": CARD })] {
            let found = app.data(till.caller(), MEMBER, "Member", json!({ "ref": reference })).await;
            assert!(found["member"].is_null(), "{found}");
        }
        let by_reference = json!({ "ref": { "customer": { "customerRef": REFERENCE } } });
        assert!(app.data(till.caller(), MEMBER, "Member", by_reference).await["member"].is_null());
        tokio::time::sleep(Duration::from_millis(600)).await;
        for server in [&app, &node] {
            let answer = server.send_with(Some(&session.access_token), SESSION, "Sessions", json!({})).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer}");
        }
        let refresh = json!({ "token": session.refresh_token, "retryKey": null });
        let refused = app.send_with(None, SESSION, "RefreshSession", refresh).await;
        assert_eq!(codes(&refused["data"]["refreshSession"]).len(), 1, "{refused}");

        // The journal, its balances and what merchants see of them stay.
        let wallet = till.wallet_now().await;
        assert_eq!((&wallet["posted"], &wallet["available"]), (&json!("90"), &json!("90")));
        let operations = till.ask_operations().await;
        let kinds: Vec<_> = operations["operations"]["nodes"].as_array().unwrap().iter().collect();
        assert_eq!(kinds.len(), 2, "{operations:#}");
        assert_eq!(codes(&till.earn("k9", "R-9", 5).await), ["MEMBER_BLOCKED"]);
        assert_eq!(till.earn("k1", "R-1", 100).await["replayed"], true, "retries answer as before");
        assert_eq!(codes(&till.refund("k8", "R-1", json!({ "whole": true })).await).len(), 0);
        relay_outbox(&app.app, app.clock.now()).await.unwrap();
        assert_sound(&app).await;

        // A merchant that knew the member sees an id, and no balance.
        let shown =
            "query Shown($id: ID!) { node(id: $id) { ... on Member { disclosure wallet { available } } } }";
        let one = json!({ "id": id(GlobalId::Member(till.member)) });
        let shown = app.data(till.caller(), shown, "Shown", one).await["node"].clone();
        assert_eq!((&shown["disclosure"], &shown["wallet"]), (&json!("MASKED"), &Value::Null), "{shown}");

        // The number is free: whoever enrols with it is somebody else.
        let input = json!({ "name": "مینا", "mobile": MOBILE, "cardNumber": CARD });
        let again = app.data(till.caller(), MEMBER, "EnrolMember", json!({ "input": input })).await;
        let new = &again["enrolMember"]["member"]["id"];
        assert!(new.is_string() && *new != id(GlobalId::Member(till.member)), "{again:#}");
        let erased = json!({ "first": 5, "filter": { "status": "ERASED" } });
        let listed = app.data(Caller::Operator, MEMBER, "Members", erased).await;
        assert_eq!(listed["members"]["totalCount"], 1);
        let blocked = json!({ "first": 5, "filter": { "status": "BLOCKED" } });
        let listed = app.data(Caller::Operator, MEMBER, "Members", blocked).await;
        assert_eq!(listed["members"]["totalCount"].as_i64().unwrap_or_default(), 0, "{listed}");
        node.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_erases_itself_when_it_has_just_logged_in() {
    for app in TestApp::both().await {
        let till = known_member(&app).await;
        let subject = Subject::Member(till.member);
        let ask =
            async |token: &str| app.send_with(Some(token), ERASE, "Erase", json!({ "input": {} })).await;
        // A token of no log-in, and one of a log-in a while ago, prove too little.
        let outside = Identity::console(Caller::Member(till.member));
        assert_eq!(codes(&erase(&app, &outside, json!({})).await), ["LOG_IN_AGAIN"]);
        let session = sessions::begin(&app.app, subject, PHONE).await.unwrap().unwrap();
        app.clock.advance_to(app.clock.now().plus(Span::minutes(11)));
        let session = sessions::refresh(&app.app, &session.refresh_token, None).await.unwrap();
        let fresh = sessions::begin(&app.app, subject, PHONE).await.unwrap().unwrap();
        let old = ask(&session.access_token).await;
        assert_eq!(codes(&old["data"]["eraseMember"]), ["LOG_IN_AGAIN"], "{old}");
        let done = ask(&fresh.access_token).await;
        assert_eq!(done["data"]["eraseMember"]["member"]["status"], "ERASED", "{done}");
        let again = ask(&fresh.access_token).await;
        assert_eq!(again["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{again}");
        assert!(
            sessions::begin(&app.app, subject, PHONE).await.unwrap().is_none(),
            "nobody logs in any more"
        );
        relay_outbox(&app.app, app.clock.now()).await.unwrap();
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_erases_and_nobody_while_points_are_reserved() {
    for app in TestApp::both().await {
        let till = known_member(&app).await;
        let named = json!({ "memberId": id(GlobalId::Member(till.member)) });
        let stranger = Identity::console(Caller::Member(app.member("علی", "09121110002").await));
        assert_eq!(codes(&erase(&app, &stranger, named.clone()).await), ["MEMBER_NOT_FOUND"]);
        for input in [
            json!({}),
            json!({ "memberId": "x" }),
            json!({ "memberId": id(GlobalId::Merchant(till.merchant)) }),
            json!({ "memberId": id(GlobalId::Member(MemberId::new(Uuid::from_u128(7)))) }),
        ] {
            assert_eq!(codes(&erase(&app, &operator(), input).await), ["MEMBER_NOT_FOUND"]);
        }
        for who in [
            Identity::console(till.caller()),
            Identity::console(Caller::Agent),
            operator().limited_to(Scopes::of(&[Scope::MembersRead, Scope::NetworkManage])),
        ] {
            let variables = json!({ "input": named });
            let answer = app.send_with(Some(&app.token(&who)), ERASE, "Erase", variables).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{who:?}: {answer}");
        }
        let hold = till.hold("h1", 20, 600).await["hold"]["id"].clone();
        assert_eq!(codes(&erase(&app, &operator(), named.clone()).await), ["HOLDS_OPEN"]);
        assert_eq!(codes(&till.earn("k5", "R-5", 1).await), Vec::<&str>::new(), "the wallet stays open");
        till.ask("Release", json!({ "idempotencyKey": "h2", "holdId": hold })).await;
        assert_eq!(codes(&erase(&app, &operator(), named).await), Vec::<&str>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_erased_member_nothing_comes_back() {
    const AUDIT: &str = "query Log { auditLog(last: 20) { nodes { act targetId } } }";
    for app in TestApp::both().await {
        let till = known_member(&app).await;
        let member = id(GlobalId::Member(till.member));
        // Many at once, beside a till that gives the member a reference all the time.
        let who = operator();
        let erasing = (0..6).map(|_| erase(&app, &who, json!({ "memberId": member })));
        let link = json!({ "input": { "member": { "id": member }, "customerRef": "AGAIN" } });
        let linking = (0..6).map(|_| app.send(Some(till.caller()), MEMBER, "LinkCustomer", link.clone()));
        let (erased, _) =
            tokio::join!(futures_util::future::join_all(erasing), futures_util::future::join_all(linking));
        assert!(erased.iter().all(|one| one["member"]["status"] == "ERASED"), "{erased:#?}");
        assert_eq!(rows_with(&app, "AGAIN").await, Vec::<String>::new());
        let linked = app.send(Some(till.caller()), MEMBER, "LinkCustomer", link).await;
        assert_eq!(codes(&linked["data"]["linkCustomer"]), ["MEMBER_NOT_FOUND"], "{linked}");
        for name in ["BlockMember", "UnblockMember"] {
            let answer = app.data(Caller::Operator, MEMBER, name, json!({ "id": member })).await;
            let payload = answer.as_object().unwrap().values().next().unwrap();
            assert_eq!(codes(payload), ["MEMBER_NOT_FOUND"], "{name}");
        }
        let wallet = till.wallet_now().await;
        assert_eq!(wallet["status"].as_str().unwrap_or("BLOCKED"), "BLOCKED");
        let log = app.data(Caller::Operator, AUDIT, "Log", json!({})).await;
        let nodes = log["auditLog"]["nodes"].as_array().unwrap();
        let acts: Vec<_> = nodes.iter().filter(|entry| entry["act"] == "MEMBER_ERASED").collect();
        assert_eq!(acts.len(), 1, "it is told of once: {log:#}");
        assert_eq!(acts[0]["targetId"], member);
        let operations = app.data(Caller::Operator, POINTS, "Operations", json!({})).await;
        assert!(operations["operations"]["nodes"].as_array().is_some());
        relay_outbox(&app.app, app.clock.now()).await.unwrap();
        assert_sound(&app).await;
    }
}
