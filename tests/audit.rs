//! The audit log: what is told of whoever uses a privilege, that nothing is done without it, and that its chain holds
//! whoever writes at the same time.

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Actor, Caller, Identity, Scope, Scopes};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{MerchantId, UserId};
use amvaj_domain::time::Span;
use amvaj_infra::page::PageRequest;
use futures_util::future::join_all;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::program;
use crate::support::app::{START, TestApp};
use crate::support::till::assert_sound;

const AUDIT: &str = include_str!("queries/audit.graphql");
const MERCHANT: &str = include_str!("queries/merchant.graphql");
const MEMBER: &str = include_str!("queries/member.graphql");

/// The entries that meet a filter, oldest first.
async fn entries(app: &TestApp, filter: Value) -> Vec<Value> {
    let variables = json!({ "first": 100, "filter": filter });
    let data = app.data(Caller::Operator, AUDIT, "AuditLog", variables).await;
    data["auditLog"]["nodes"].as_array().unwrap().clone()
}

fn acts(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["act"].as_str().unwrap()).collect()
}

fn detail<'a>(entry: &'a Value, name: &str) -> &'a str {
    let details = entry["details"].as_array().unwrap();
    let found = details.iter().find(|detail| detail["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {entry:#}"))["value"].as_str().unwrap()
}

fn merchant_id(id: MerchantId) -> Value {
    json!(GlobalId::Merchant(id).write().as_str())
}

/// An operator who logged in.
fn user(number: u128, caller: Caller) -> Identity {
    Identity::new(caller, Actor::User(UserId::new(Uuid::from_u128(number))))
}

async fn register(app: &TestApp, token: &str, name: &str) -> Value {
    let input = json!({ "nameFa": name, "nameEn": name, "issuePrice": "100", "redeemPrice": "90" });
    app.send_with(Some(token), MERCHANT, "RegisterMerchant", json!({ "input": input })).await
}

#[tokio::test]
async fn everything_that_an_operator_changes_is_told_with_who_did_it_and_in_which_request() {
    for app in TestApp::both().await {
        let operator = user(7, Caller::Operator);
        let token = app.token(&operator);
        let ask = async |name, document, input: Value| {
            // Some of the operations take an input, others an id.
            let variables = json!({ "input": input, "id": input["id"] });
            let answer = app.send_with(Some(&token), document, name, variables).await;
            assert!(answer["errors"].is_null(), "{name}: {answer:#}");
            answer["data"].as_object().unwrap().values().next().unwrap().clone()
        };
        let registered = register(&app, &token, "Garden").await;
        let merchant = &registered["data"]["registerMerchant"]["merchant"]["id"];
        let input = json!({ "merchantId": merchant, "nameFa": "ونک", "nameEn": "Vanak" });
        let branch = ask("RegisterBranch", MERCHANT, input).await["branch"]["id"].clone();
        ask("CloseBranch", MERCHANT, json!({ "id": branch })).await;
        ask("ReopenBranch", MERCHANT, json!({ "id": branch })).await;
        let rule = json!({ "merchantId": merchant, "rate": { "points": "1", "per": 10_000 },
            "expiry": { "after": { "count": 12, "unit": "MONTH" } } });
        ask("SetEarnRule", MERCHANT, rule).await;
        ask("BlockMerchant", MERCHANT, json!({ "id": merchant })).await;
        ask("UnblockMerchant", MERCHANT, json!({ "id": merchant })).await;
        let input = json!({ "name": "مینا کریمی", "mobile": "۰۹۱۲ ۳۴۵ ۶۷۸۹" });
        let member = ask("EnrolMember", MEMBER, input).await["member"]["id"].clone();
        ask("BlockMember", MEMBER, json!({ "id": member })).await;
        ask("UnblockMember", MEMBER, json!({ "id": member })).await;

        let told = entries(&app, json!({})).await;
        let expected = [
            ("MERCHANT_REGISTERED", merchant),
            ("BRANCH_REGISTERED", &branch),
            ("BRANCH_CLOSED", &branch),
            ("BRANCH_REOPENED", &branch),
            ("EARN_RULE_SET", merchant),
            ("MERCHANT_BLOCKED", merchant),
            ("MERCHANT_UNBLOCKED", merchant),
            ("MEMBER_ENROLLED", &member),
            ("MEMBER_BLOCKED", &member),
            ("MEMBER_UNBLOCKED", &member),
        ];
        assert_eq!(acts(&told), expected.map(|(act, _)| act));
        let id = GlobalId::User(UserId::new(Uuid::from_u128(7))).write();
        for ((number, entry), (_, target)) in (1..).zip(&told).zip(expected) {
            assert_eq!(entry["number"], number);
            assert_eq!(entry["actor"], json!({ "kind": "USER", "id": id.as_str() }));
            assert_eq!((&entry["role"], &entry["targetId"]), (&json!("OPERATOR"), target));
            assert_eq!(&entry["target"]["id"], target);
            assert!(!entry["requestId"].as_str().unwrap().is_empty());
            assert_eq!(entry["recordedAt"], "2027-01-15T08:00:00Z");
        }
        for pair in told.windows(2) {
            assert_eq!(pair[1]["previousHash"], pair[0]["hash"]);
        }
        assert_eq!(told[0]["previousHash"], Value::Null);
        assert_eq!((detail(&told[0], "nameEn"), detail(&told[4], "version")), ("Garden", "1"));
        assert_eq!(detail(&told[7], "mobile"), "+98912***6789");
        assert!(!serde_json::to_string(&told).unwrap().contains("3456789"), "no number is told in full");
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn what_changes_nothing_and_what_a_merchant_does_at_its_tills_is_not_told() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Garden").await;
        let before = entries(&app, json!({})).await.len();
        let id = merchant_id(merchant);
        let ask = async |caller, name, document, input: Value| {
            app.data(caller, document, name, json!({ "input": input, "id": input["id"] })).await
        };
        ask(Caller::Operator, "UnblockMerchant", MERCHANT, json!({ "id": id })).await;
        let nobody = merchant_id(MerchantId::new(Uuid::from_u128(1)));
        ask(Caller::Operator, "BlockMerchant", MERCHANT, json!({ "id": nobody })).await;
        let input = json!({ "nameFa": "", "nameEn": "x", "issuePrice": "1", "redeemPrice": "1" });
        ask(Caller::Operator, "RegisterMerchant", MERCHANT, input).await;
        let input = json!({ "name": "مینا", "mobile": "09120000001" });
        ask(Caller::Merchant(merchant), "EnrolMember", MEMBER, input).await;
        assert_eq!(entries(&app, json!({})).await.len(), before);
    }
}

#[tokio::test]
async fn nothing_is_done_when_it_cannot_be_told() {
    for app in TestApp::both().await {
        app.app.db.for_migrations().execute_unprepared("delete from audit_head").await.unwrap();
        let answer = register(&app, &app.token(&user(7, Caller::Operator)), "Garden").await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL");
        let listed =
            app.data(Caller::Operator, MERCHANT, "Merchants", json!({ "first": 10, "filter": {} })).await;
        assert_eq!(listed["merchants"]["nodes"], json!([]));
        app.member("مینا", "09120000001").await;
        let by_mobile = json!({ "ref": { "mobile": "09120000001" } });
        let code = app.code(Some(Caller::Agent), MEMBER, "Member", by_mobile).await;
        assert_eq!(code, "INTERNAL", "who looks for a person is told of before the answer");
    }
}

#[tokio::test]
async fn only_an_operator_who_was_given_the_scope_reads_the_log() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Garden").await;
        let member = app.member("مینا", "09120000001").await;
        for caller in [Caller::Agent, Caller::Merchant(merchant), Caller::Member(member)] {
            let code = app.code(Some(caller), AUDIT, "AuditLog", json!({ "first": 1 })).await;
            assert_eq!(code, "FORBIDDEN", "{caller:?}");
        }
        assert_eq!(app.code(None, AUDIT, "AuditLog", json!({ "first": 1 })).await, "UNAUTHENTICATED");
        let limited = user(7, Caller::Operator).limited_to(Scopes::of(&[Scope::NetworkManage]));
        let token = app.token(&limited);
        let answer = app.send_with(Some(&token), AUDIT, "AuditLog", json!({ "first": 1 })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
}

#[tokio::test]
async fn entries_are_found_by_actor_act_target_and_time_and_paged_from_both_ends() {
    for app in TestApp::both().await {
        let (first, second) = (user(1, Caller::Operator), user(2, Caller::Operator));
        for (minute, identity) in (0..).zip([&first, &second, &first]) {
            app.clock.advance_to(START.plus(Span::minutes(minute)));
            register(&app, &app.token(identity), &format!("Shop {minute}")).await;
        }
        let merchant = app.merchant("Console").await;
        let names = async |filter: Value| -> Vec<String> {
            let found = entries(&app, filter).await;
            found.iter().map(|entry| entry["number"].to_string()).collect()
        };
        let of_first = GlobalId::User(UserId::new(Uuid::from_u128(1))).write();
        assert_eq!(names(json!({ "actor": of_first.as_str() })).await, ["1", "3"]);
        assert_eq!(names(json!({ "actorKind": "CONSOLE" })).await, ["4"]);
        assert_eq!(names(json!({ "actorKind": "STAFF" })).await, [""; 0]);
        assert_eq!(names(json!({ "act": "MERCHANT_REGISTERED" })).await, ["1", "2", "3", "4"]);
        assert_eq!(names(json!({ "act": "MEMBER_BLOCKED" })).await, [""; 0]);
        assert_eq!(names(json!({ "target": merchant_id(merchant) })).await, ["4"]);
        let (from, until) = ("2027-01-15T08:01:00Z", "2027-01-15T08:02:00Z");
        assert_eq!(names(json!({ "from": from })).await, ["2", "3", "4"]);
        assert_eq!(names(json!({ "from": from, "until": until })).await, ["2"]);
        for wrong in [json!({ "actor": merchant_id(merchant) }), json!({ "target": "x" })] {
            let variables = json!({ "first": 1, "filter": wrong });
            let code = app.code(Some(Caller::Operator), AUDIT, "AuditLog", variables).await;
            assert_eq!(code, "BAD_USER_INPUT", "{wrong}");
        }
        let page = async |variables: Value| -> Value {
            app.data(Caller::Operator, AUDIT, "AuditLog", variables).await["auditLog"].clone()
        };
        let newest = page(json!({ "last": 2 })).await;
        assert_eq!(newest["totalCount"], 4);
        assert_eq!((&newest["nodes"][0]["number"], &newest["nodes"][1]["number"]), (&json!(3), &json!(4)));
        let before = page(json!({ "last": 2, "before": newest["pageInfo"]["startCursor"] })).await;
        assert_eq!(before["nodes"][0]["number"], 1);
        assert_eq!(before["pageInfo"]["hasPreviousPage"], false);
        let after = page(json!({ "first": 9, "after": before["pageInfo"]["endCursor"] })).await;
        assert_eq!(after["nodes"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn an_agent_who_looks_for_people_is_told_of_once_in_ten_minutes_and_counted() {
    for app in TestApp::both().await {
        let member = app.member("مینا کریمی", "09123456789").await;
        let agent = app.token(&user(9, Caller::Agent));
        let before = entries(&app, json!({})).await.len();
        let look = async |reference: Value| {
            let answer = app.send_with(Some(&agent), MEMBER, "Member", json!({ "ref": reference })).await;
            assert!(answer["errors"].is_null(), "{answer:#}");
        };
        let list = async |search: Value| {
            let variables = json!({ "first": 5, "filter": { "search": search } });
            let answer = app.send_with(Some(&agent), MEMBER, "Members", variables).await;
            assert!(answer["errors"].is_null(), "{answer:#}");
        };
        let id = GlobalId::Member(member).write();
        look(json!({ "id": id.as_str() })).await;
        for _ in 0..3 {
            look(json!({ "mobile": "۰۹۱۲۳۴۵۶۷۸۹" })).await;
        }
        look(json!({ "cardNumber": "6273001234567890" })).await;
        list(json!("کریمی")).await;
        list(json!("09123456789")).await;
        let told = entries(&app, json!({})).await.split_off(before);
        let expected = ["MEMBER_LOOKED_UP", "MEMBER_LOOKED_UP", "MEMBERS_LISTED", "MEMBERS_LISTED"];
        assert_eq!(acts(&told), expected);
        assert_eq!((&told[0]["targetId"], &told[0]["role"]), (&json!(id.as_str()), &json!("AGENT")));
        assert_eq!((&told[1]["targetId"], &told[1]["target"]), (&Value::Null, &Value::Null), "nobody has it");
        assert_eq!(detail(&told[0], "mobile"), "+98912***6789");
        assert_eq!(detail(&told[1], "cardNumber"), "***7890");
        assert_eq!(detail(&told[3], "mobile"), "+98912***");
        app.clock.advance_to(START.plus(Span::minutes(10)));
        look(json!({ "mobile": "09123456789" })).await;
        let told = entries(&app, json!({ "act": "MEMBER_LOOKED_UP" })).await;
        assert_eq!(detail(told.last().unwrap(), "times"), "3", "two that were counted, and this one");
        // What nobody asks for again is told when the server stops.
        look(json!({ "mobile": "09123456789" })).await;
        app.app.audit.close().await;
        let told = entries(&app, json!({ "act": "MEMBER_LOOKED_UP" })).await;
        assert_eq!(detail(told.last().unwrap(), "times"), "1");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_acts_at_once_on_two_nodes_make_one_chain() {
    for app in TestApp::both().await {
        let other = app.second_node().await;
        let token = app.token(&user(7, Caller::Operator));
        let acting = (0..50).map(|number| {
            let node = if number % 2 == 0 { &app } else { &other };
            let token = &token;
            async move { register(node, token, &format!("Shop {number}")).await }
        });
        for answer in join_all(acting).await {
            assert!(answer["data"]["registerMerchant"]["merchant"]["id"].is_string(), "{answer:#}");
        }
        let told = app.app.audit.page(&Default::default(), &PageRequest::first(100)).await.unwrap().items;
        assert_eq!(told.iter().map(|entry| entry.seq).collect::<Vec<_>>(), (1..=50).collect::<Vec<_>>());
        for pair in told.windows(2) {
            assert_eq!(pair[1].previous_hash, pair[0].hash);
        }
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_entries_at_once_are_all_there_and_those_who_wait_are_answered() {
    for app in TestApp::both().await {
        let log = &app.app.audit;
        let telling = (0..300_i64).map(|number| async move {
            let target = Target::User(UserId::new(Uuid::from_u128(5)));
            let act = Act::new(&Author::unknown("r"), ActKind::UserLogInFailed, target, START);
            log.record_each(act.detail("number", number)).await
        });
        for told in join_all(telling).await {
            told.unwrap();
        }
        let request = PageRequest { with_total: true, ..PageRequest::first(1) };
        assert_eq!(log.page(&Default::default(), &request).await.unwrap().total, Some(300));
        log.close().await;
        let late = Act::new(&Author::unknown("r"), ActKind::UserLogInFailed, Target::Nothing, START);
        assert!(log.record_each(late).await.is_err(), "a closed log tells that it is closed");
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn a_token_made_on_the_command_line_is_told() {
    let folder = program::empty_folder("audit-token");
    let run = |arguments: &[&str]| program::amvaj(&folder).args(arguments).output().unwrap();
    let id = Uuid::from_u128(3).to_string();
    for arguments in [&["token", "operator", "--ttl", "8h"][..], &["token", "merchant", &id]] {
        let made = run(arguments);
        assert!(made.status.success(), "{made:?}");
    }
    let url = format!("sqlite://{}", folder.join("amvaj.sqlite").display());
    let database = crate::support::database::open(&url).await;
    let log = amvaj_infra::audit::AuditLog::start(database, &amvaj_infra::clock::Clock::System);
    let told = log.page(&Default::default(), &PageRequest::first(10)).await.unwrap().items;
    assert!(told.iter().all(|entry| (entry.kind, entry.actor) == (ActKind::TokenMade, Some(Actor::Console))));
    let text = |value: &str| value.to_owned();
    let details = [(text("role"), text("operator")), (text("seconds"), text("28800"))];
    assert_eq!(told[0].details, details);
    assert_eq!(told[1].target, Target::Merchant(MerchantId::new(Uuid::from_u128(3))));
    let verified = run(&["verify"]);
    assert!(verified.status.success(), "{verified:?}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn an_id_opens_nothing_for_which_a_scope_is_missing() {
    let document = "query Node($id: ID!) { node(id: $id) { id } }";
    for app in TestApp::both().await {
        let till = crate::support::till::Till::open(&app, "09123456789").await;
        let earned = till.earn("k-1", "1", 100).await;
        let member = till.member_ref()["id"].clone();
        let wallet = json!(GlobalId::Wallet(till.wallet).write().as_str());
        let operation = earned["operation"]["id"].clone();
        let seen = async |identity: Identity, id: &Value| {
            let token = app.token(&identity);
            let answer = app.send_with(Some(&token), document, "Node", json!({ "id": id })).await;
            !answer["data"]["node"].is_null()
        };
        for caller in [Caller::Operator, Caller::Agent, Caller::Merchant(till.merchant)] {
            for (id, scope) in [
                (&member, Scope::MembersRead),
                (&wallet, Scope::MembersRead),
                (&operation, Scope::OperationsRead),
            ] {
                assert!(!operation.is_null());
                let whole = Identity::console(caller);
                assert!(seen(whole.clone(), id).await, "{caller:?} {id}");
                let others: Vec<Scope> = whole.scopes.iter().filter(|given| *given != scope).collect();
                assert!(!seen(whole.limited_to(Scopes::of(&others)), id).await, "{caller:?} {scope:?}");
            }
        }
    }
}
