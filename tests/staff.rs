//! A merchant's people: who may do what at which branch, who may change it, and that a change is effective at once.
//! What nobody may do to those who may do more is in [`beyond`].

mod beyond;

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Actor, Caller, Identity, Post, Scope, Scopes, StaffRole};
use amvaj_domain::id::{BranchId, MemberId, MerchantId, StaffId, UserId};
use futures_util::future::join;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::login::{ask, verify};
use crate::sessions::{code, good, refresh, refused_within_a_second};
use crate::support::app::TestApp;
use crate::support::panel::Panel;
use crate::support::till::{POINTS, Till, assert_sound, codes};

const STAFF: &str = include_str!("queries/staff.graphql");
const MEMBER: &str = include_str!("queries/member.graphql");
const AUDIT: &str = include_str!("queries/audit.graphql");
const MOBILE: &str = "09351112233";

fn merchant_id(id: MerchantId) -> String {
    GlobalId::Merchant(id).write().0
}

fn branch_id(id: BranchId) -> String {
    GlobalId::Branch(id).write().0
}

/// A post as an input writes it.
fn post(role: &str, branch: Option<BranchId>) -> Value {
    json!({ "role": role, "branchId": branch.map(branch_id) })
}

/// A token of somebody with posts, without a log-in.
fn token(app: &TestApp, merchant: MerchantId, posts: &[(StaffRole, Option<BranchId>)]) -> String {
    let posts = posts.iter().map(|(role, branch)| Post { role: *role, branch: *branch }).collect();
    app.token(&Identity::staff(merchant, StaffId::new(Uuid::from_u128(99)), posts))
}

/// A token of an owner.
fn owner(app: &TestApp, merchant: MerchantId) -> String {
    token(app, merchant, &[(StaffRole::Owner, None)])
}

/// Sends an operation with a token and answers with its payload.
async fn ask_as(app: &TestApp, token: &str, document: &str, name: &str, variables: Value) -> Value {
    let answer = app.send_with(Some(token), document, name, variables).await;
    assert!(answer["errors"].is_null(), "{name}: {answer:#}");
    answer["data"].as_object().unwrap().values().next().unwrap().clone()
}

/// The code of an operation that has to fail as a whole.
async fn failure(app: &TestApp, token: &str, document: &str, name: &str, variables: Value) -> String {
    let answer = app.send_with(Some(token), document, name, variables).await;
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned()
}

async fn add(app: &TestApp, token: &str, mobile: &str, posts: Value) -> Value {
    let input = json!({ "name": "آرش محمدی", "mobile": mobile, "posts": posts });
    ask_as(app, token, STAFF, "AddStaff", json!({ "input": input })).await
}

async fn added(app: &TestApp, token: &str, mobile: &str, posts: Value) -> Value {
    let payload = add(app, token, mobile, posts).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload:#}");
    payload["staff"]["id"].clone()
}

/// Logs a merchant's person in with the code that is message number `count` of the panel.
async fn log_in(app: &TestApp, panel: &Panel, merchant: MerchantId, mobile: &str, count: usize) -> Value {
    let asked = ask(app, mobile, Some(merchant)).await;
    let sent = panel.message(count).await["code"].as_str().unwrap().to_owned();
    let payload = verify(app, &asked["challengeId"], &sent).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload:#}");
    payload["tokens"].clone()
}

fn access(tokens: &Value) -> &str {
    tokens["accessToken"].as_str().unwrap()
}

/// What an earn of a till takes.
fn earn(till: &Till<'_>, key: &str, branch: Option<BranchId>) -> Value {
    json!({ "input": {
        "idempotencyKey": key, "receiptNumber": format!("R-{key}"), "member": till.member_ref(),
        "amount": { "amount": "1000", "currency": "IRR" }, "branchId": branch.map(branch_id),
    } })
}

#[tokio::test]
async fn an_owner_adds_a_cashier_who_logs_in_and_works_at_one_branch() {
    for (app, panel) in Panel::both(|_| {}).await {
        let till = Till::open(&app, "09123456789").await;
        let (here, there) =
            (app.branch(till.merchant, "Here").await, app.branch(till.merchant, "There").await);
        let boss = owner(&app, till.merchant);
        let id = added(&app, &boss, "۰۹۳۵ ۱۱۱ ۲۲۳۳", json!([post("CASHIER", Some(here))])).await;
        let tokens = log_in(&app, &panel, till.merchant, MOBILE, 1).await;
        let cashier = access(&tokens);
        let viewer = ask_as(&app, cashier, STAFF, "Viewer", json!({})).await;
        assert_eq!(viewer["role"], "MERCHANT");
        assert_eq!(
            viewer["scopes"],
            json!(["points:earn", "points:redeem", "members:read", "members:enrol"])
        );
        assert_eq!((&viewer["staff"]["id"], &viewer["staff"]["name"]), (&id, &json!("آرش محمدی")));
        assert_eq!(viewer["posts"], json!([{ "role": "CASHIER", "branch": { "id": branch_id(here) } }]));
        assert_eq!(viewer["merchant"]["id"], merchant_id(till.merchant));
        assert_eq!(viewer["session"], json!({ "id": tokens["session"]["id"], "current": true }));

        let earned = ask_as(&app, cashier, POINTS, "Earn", earn(&till, "1", None)).await;
        assert_eq!(earned["operation"]["points"], "100", "{earned:#}");
        assert_eq!(earned["operation"]["explanation"]["earn"]["points"], "100");
        let named = ask_as(&app, cashier, POINTS, "Earn", earn(&till, "2", Some(here))).await;
        assert_eq!(codes(&named), [""; 0]);
        let elsewhere = ask_as(&app, cashier, POINTS, "Earn", earn(&till, "3", Some(there))).await;
        assert_eq!(codes(&elsewhere), ["BRANCH_NOT_YOURS"]);
        let filter = json!({ "filter": { "branchId": branch_id(here) } });
        let seen = ask_as(&app, &boss, POINTS, "Operations", filter).await;
        assert_eq!(
            seen["nodes"].as_array().unwrap().len(),
            2,
            "both earns are at the cashier's branch: {seen:#}"
        );
        let input = json!({ "name": "علی", "mobile": "09121234567" });
        let enrolled = ask_as(&app, cashier, MEMBER, "EnrolMember", json!({ "input": input })).await;
        assert_eq!(codes(&enrolled), [""; 0]);
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn every_operation_on_points_asks_for_a_post_at_its_branch() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09123456789").await;
        let (one, two) = (app.branch(till.merchant, "One").await, app.branch(till.merchant, "Two").await);
        let three = app.branch(till.merchant, "Three").await;
        till.earn("e", "R", 1_000).await;
        let held = till.hold("h", 10, 600).await["hold"]["id"].clone();
        let member = till.member_ref();
        let amount = json!({ "amount": "1000", "currency": "IRR" });
        let inputs = [
            ("Quote", json!({ "amount": amount })),
            (
                "Earn",
                json!({ "idempotencyKey": "1", "receiptNumber": "S", "member": member, "amount": amount }),
            ),
            ("Redeem", json!({ "idempotencyKey": "2", "member": member, "points": "1" })),
            ("Hold", json!({ "idempotencyKey": "3", "member": member, "points": "1" })),
            ("Capture", json!({ "idempotencyKey": "4", "holdId": held, "points": "1" })),
            ("Release", json!({ "idempotencyKey": "5", "holdId": held })),
            ("Refund", json!({ "idempotencyKey": "6", "receiptNumber": "R", "what": { "whole": true } })),
        ];
        let both =
            token(&app, till.merchant, &[(StaffRole::Manager, Some(one)), (StaffRole::Manager, Some(two))]);
        let cashier = token(&app, till.merchant, &[(StaffRole::Cashier, Some(one))]);
        for (name, input) in inputs {
            let at = |branch: Option<BranchId>| {
                let mut input = input.clone();
                input["branchId"] = json!(branch.map(branch_id));
                json!({ "input": input })
            };
            let unnamed = ask_as(&app, &both, POINTS, name, at(None)).await;
            assert_eq!(codes(&unnamed), ["BRANCH_NEEDED"], "{name}");
            let elsewhere = ask_as(&app, &both, POINTS, name, at(Some(three))).await;
            assert_eq!(codes(&elsewhere), ["BRANCH_NOT_YOURS"], "{name}");
            assert_eq!(elsewhere["userErrors"][0]["field"], json!(["input", "branchId"]));
            if name == "Refund" {
                assert_eq!(failure(&app, &cashier, POINTS, name, at(None)).await, "FORBIDDEN");
            }
            let done = ask_as(&app, &both, POINTS, name, at(Some(two))).await;
            // The hold is captured by then: that is no matter of branches.
            let expected: &[&str] = if name == "Release" { &["HOLD_CAPTURED"] } else { &[] };
            assert_eq!(codes(&done), expected, "{name}: {done:#}");
        }
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn a_retry_is_answered_after_its_sender_was_moved() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09123456789").await;
        let (one, two) = (app.branch(till.merchant, "One").await, app.branch(till.merchant, "Two").await);
        let before = token(&app, till.merchant, &[(StaffRole::Cashier, Some(one))]);
        let after = token(&app, till.merchant, &[(StaffRole::Cashier, Some(two))]);
        let first = ask_as(&app, &before, POINTS, "Earn", earn(&till, "1", None)).await;
        let again = ask_as(&app, &after, POINTS, "Earn", earn(&till, "1", None)).await;
        assert_eq!(
            (&again["replayed"], &again["operation"]["id"]),
            (&json!(true), &first["operation"]["id"])
        );
    }
}

#[tokio::test]
async fn a_manager_reads_what_happened_at_its_branch_and_a_cashier_only_what_it_does() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09123456789").await;
        let (one, two) = (app.branch(till.merchant, "One").await, app.branch(till.merchant, "Two").await);
        let boss = owner(&app, till.merchant);
        let here =
            ask_as(&app, &boss, POINTS, "Earn", earn(&till, "1", Some(one))).await["operation"].clone();
        let there =
            ask_as(&app, &boss, POINTS, "Earn", earn(&till, "2", Some(two))).await["operation"].clone();
        ask_as(&app, &boss, POINTS, "Earn", earn(&till, "3", None)).await;
        let reads = async |token: &str, id: &Value, receipt: &str| {
            let variables = json!({ "id": id, "receipt": receipt });
            app.send_with(Some(token), STAFF, "Reads", variables).await["data"].clone()
        };
        let all = reads(&boss, &there["id"], "R-2").await;
        assert_eq!(all["operations"]["totalCount"], 3);
        assert!(all["purchase"]["id"].is_string() && all["node"]["id"] == there["id"]);
        let manager =
            token(&app, till.merchant, &[(StaffRole::Manager, Some(one)), (StaffRole::Cashier, Some(two))]);
        let own = reads(&manager, &here["id"], "R-1").await;
        assert_eq!(own["operations"]["nodes"], json!([{ "id": here["id"] }]));
        assert_eq!(own["node"]["id"], here["id"]);
        let purchase = own["purchase"]["id"].clone();
        assert!(purchase.is_string());
        let other = reads(&manager, &there["id"], "R-2").await;
        assert_eq!((&other["node"], &other["purchase"]), (&Value::Null, &Value::Null));

        let cashier = token(&app, till.merchant, &[(StaffRole::Cashier, Some(one))]);
        let limited = Identity::console(till.caller()).limited_to(Scopes::of(&[Scope::PointsEarn]));
        let key = app.token(&limited);
        for token in [&cashier, &key] {
            assert_eq!(failure(&app, token, POINTS, "Operations", json!({})).await, "FORBIDDEN");
            for id in [&here["id"], &purchase] {
                let node = ask_as(&app, token, STAFF, "Node", json!({ "id": id })).await;
                assert_eq!(node, Value::Null, "a node is read like any other");
            }
        }
        let input = json!({ "idempotencyKey": "h", "member": till.member_ref(), "points": "5" });
        let held = ask_as(&app, &cashier, POINTS, "Hold", json!({ "input": input })).await;
        assert_eq!(held["hold"]["status"], "OPEN", "what a cashier has done it is shown: {held:#}");
        let used = json!({ "input": {
            "idempotencyKey": "9", "receiptNumber": "R-2", "member": till.member_ref(),
            "amount": { "amount": "1000", "currency": "IRR" },
        } });
        let refused = ask_as(&app, &cashier, POINTS, "Earn", used).await;
        assert_eq!(codes(&refused), ["RECEIPT_ALREADY_USED"]);
        assert_eq!(refused["operation"]["id"], there["id"]);
    }
}

#[tokio::test]
async fn one_mobile_can_work_for_two_merchants_and_collect_as_well() {
    for (app, panel) in Panel::both(|_| {}).await {
        let (garden, bakery) = (app.merchant("Garden").await, app.merchant("Bakery").await);
        app.member("آرش محمدی", MOBILE).await;
        added(&app, &owner(&app, garden), MOBILE, json!([post("CASHIER", None)])).await;
        added(&app, &owner(&app, bakery), MOBILE, json!([post("MANAGER", None)])).await;
        let first = log_in(&app, &panel, garden, MOBILE, 1).await;
        assert_eq!(
            code(&ask(&app, MOBILE, Some(bakery)).await),
            "CODE_SENT_RECENTLY",
            "one number, one wait"
        );
        app.clock.advance_to(app.clock.now().plus(amvaj_domain::time::Span::minutes(1)));
        let second = log_in(&app, &panel, bakery, MOBILE, 2).await;
        let member = ask(&app, MOBILE, None).await;
        let sent = panel.message(3).await["code"].as_str().unwrap().to_owned();
        let third = verify(&app, &member["challengeId"], &sent).await["tokens"].clone();
        for (tokens, role, merchant) in [
            (&first, "MERCHANT", json!({ "id": merchant_id(garden) })),
            (&second, "MERCHANT", json!({ "id": merchant_id(bakery) })),
            (&third, "MEMBER", Value::Null),
        ] {
            let viewer = ask_as(&app, access(tokens), STAFF, "Viewer", json!({})).await;
            assert_eq!((&viewer["role"], &viewer["merchant"]), (&json!(role), &merchant));
        }
    }
}

#[tokio::test]
async fn other_posts_end_the_sessions_on_every_node_and_the_next_log_in_has_them() {
    for (app, panel) in Panel::both(|_| {}).await {
        let other = app.second_node().await;
        let merchant = app.merchant("Garden").await;
        let branch = app.branch(merchant, "Vanak").await;
        let boss = owner(&app, merchant);
        let id = added(&app, &boss, MOBILE, json!([post("CASHIER", None)])).await;
        let tokens = log_in(&app, &panel, merchant, MOBILE, 1).await;
        assert!(good(&other, access(&tokens)).await);
        let posts = json!([post("MANAGER", Some(branch)), post("CASHIER", None)]);
        let variables = json!({ "id": id, "posts": posts });
        let changed = ask_as(&app, &boss, STAFF, "SetStaffPosts", variables.clone()).await;
        let expected = json!([
            { "role": "CASHIER", "branch": null },
            { "role": "MANAGER", "branch": { "id": branch_id(branch) } },
        ]);
        assert_eq!(changed["staff"]["posts"], expected);
        assert!(!good(&app, access(&tokens)).await);
        refused_within_a_second(&other, access(&tokens)).await;
        let refused = refresh(&other, tokens["refreshToken"].as_str().unwrap(), None).await;
        assert_eq!(code(&refused), "SESSION_ENDED");
        app.clock.advance_to(app.clock.now().plus(amvaj_domain::time::Span::minutes(1)));
        let tokens = log_in(&app, &panel, merchant, MOBILE, 2).await;
        let viewer = ask_as(&app, access(&tokens), STAFF, "Viewer", json!({})).await;
        assert_eq!(viewer["posts"], expected);

        let removed = ask_as(&app, &boss, STAFF, "RemoveStaff", json!({ "id": id })).await;
        assert_eq!(removed["staff"]["posts"], json!([]));
        assert!(removed["staff"]["removedAt"].is_string());
        refused_within_a_second(&other, access(&tokens)).await;
        let again = ask_as(&app, &boss, STAFF, "RemoveStaff", json!({ "id": id })).await;
        assert_eq!(again, removed, "removing again changes nothing");
        let late = ask_as(&app, &boss, STAFF, "SetStaffPosts", variables).await;
        assert_eq!(codes(&late), ["STAFF_NOT_FOUND"]);
        let people =
            ask_as(&app, &boss, STAFF, "StaffOf", json!({ "merchant": merchant_id(merchant) })).await;
        assert_eq!(people["staff"]["totalCount"], 0);
        app.clock.advance_to(app.clock.now().plus(amvaj_domain::time::Span::minutes(1)));
        assert_eq!(
            ask(&app, MOBILE, Some(merchant)).await["userErrors"],
            json!([]),
            "the answer is the same"
        );
        added(&app, &boss, MOBILE, json!([post("CASHIER", None)])).await;
        app.clock.advance_to(app.clock.now().plus(amvaj_domain::time::Span::minutes(1)));
        log_in(&app, &panel, merchant, MOBILE, 3).await;
        assert_eq!(panel.messages().len(), 3, "nothing was sent to whoever was removed");
    }
}

#[tokio::test]
async fn every_mistake_about_staff_is_named() {
    for app in TestApp::both().await {
        let (shop, foreign) = (app.merchant("Shop").await, app.merchant("Other").await);
        let theirs = app.branch(foreign, "Theirs").await;
        let boss = owner(&app, shop);
        let input = json!({ "merchantId": "x", "name": "", "mobile": "1", "posts": [] });
        let refused = ask_as(&app, &boss, STAFF, "AddStaff", json!({ "input": input })).await;
        assert_eq!(
            codes(&refused),
            ["MERCHANT_NOT_FOUND", "INVALID_NAME", "INVALID_MOBILE", "INVALID_POSTS"]
        );
        let bad_posts = [
            (json!([]), "INVALID_POSTS"),
            (json!([post("CASHIER", None), post("MANAGER", None)]), "INVALID_POSTS"),
            (json!([post("OWNER", Some(theirs))]), "INVALID_POSTS"),
            (json!([{ "role": "CASHIER", "branchId": "x" }]), "BRANCH_NOT_FOUND"),
            (json!([post("CASHIER", Some(theirs))]), "BRANCH_NOT_FOUND"),
        ];
        let id = added(&app, &boss, MOBILE, json!([post("OWNER", None)])).await;
        for (posts, expected) in bad_posts {
            assert_eq!(code(&add(&app, &boss, "09351112234", posts.clone()).await), expected, "{posts}");
            let variables = json!({ "id": id, "posts": posts });
            let refused = ask_as(&app, &boss, STAFF, "SetStaffPosts", variables).await;
            assert_eq!(code(&refused), expected, "{posts}");
        }
        assert_eq!(code(&add(&app, &boss, MOBILE, json!([post("CASHIER", None)])).await), "MOBILE_TAKEN");
        let nobody = GlobalId::Staff(StaffId::new(Uuid::from_u128(1))).write().0;
        for unknown in [nobody.as_str(), "x", &merchant_id(shop)] {
            let variables = json!({ "id": unknown, "posts": [post("CASHIER", None)] });
            for name in ["SetStaffPosts", "RemoveStaff"] {
                let refused = ask_as(&app, &boss, STAFF, name, variables.clone()).await;
                assert_eq!(code(&refused), "STAFF_NOT_FOUND", "{name} {unknown}");
            }
        }
        let people = ask_as(&app, &boss, STAFF, "StaffOf", json!({ "merchant": merchant_id(shop) })).await;
        assert_eq!(people["staff"]["totalCount"], 1, "nothing was half done");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_never_loses_its_last_owner() {
    for app in TestApp::both().await {
        let other = app.second_node().await;
        let shop = app.merchant("Shop").await;
        let boss = owner(&app, shop);
        let first = added(&app, &boss, MOBILE, json!([post("OWNER", None)])).await;
        let demote = json!({ "id": first, "posts": [post("MANAGER", None)] });
        let refused = ask_as(&app, &boss, STAFF, "SetStaffPosts", demote.clone()).await;
        assert_eq!(code(&refused), "LAST_OWNER");
        let refused = ask_as(&app, &boss, STAFF, "RemoveStaff", json!({ "id": first })).await;
        assert_eq!(code(&refused), "LAST_OWNER");
        for round in 0..5 {
            let second =
                added(&app, &boss, &format!("0935000000{round}"), json!([post("OWNER", None)])).await;
            let remove = json!({ "id": second });
            let (one, two) = join(
                ask_as(&app, &boss, STAFF, "SetStaffPosts", demote.clone()),
                ask_as(&other, &boss, STAFF, "RemoveStaff", remove.clone()),
            )
            .await;
            let refused: Vec<_> = [&one, &two].into_iter().flat_map(codes).collect();
            assert_eq!(refused, ["LAST_OWNER"], "round {round}: {one:#} {two:#}");
            // Whoever is left, the next round begins with the first one alone.
            let promote = json!({ "id": first, "posts": [post("OWNER", None)] });
            ask_as(&app, &boss, STAFF, "SetStaffPosts", promote).await;
            ask_as(&app, &boss, STAFF, "RemoveStaff", remove).await;
        }
    }
}

#[tokio::test]
async fn nobody_but_the_owner_and_the_operator_sees_or_changes_a_merchant_s_people() {
    for app in TestApp::both().await {
        let (shop, foreign) = (app.merchant("Shop").await, app.merchant("Other").await);
        let boss = owner(&app, shop);
        let id = added(&app, &boss, MOBILE, json!([post("OWNER", None)])).await;
        let itself = {
            let Some(GlobalId::Staff(id)) = GlobalId::read(&async_graphql_id(&id)) else {
                panic!("a staff id")
            };
            let posts = vec![Post { role: StaffRole::Cashier, branch: None }];
            app.token(&Identity::staff(shop, id, posts))
        };
        let member: MemberId = app.member("مینا", "09123456789").await;
        let console = |caller| app.token(&Identity::console(caller));
        let seers = [boss.clone(), console(Caller::Operator), console(Caller::Merchant(shop))];
        let blind = [
            owner(&app, foreign),
            token(&app, shop, &[(StaffRole::Manager, None)]),
            console(Caller::Agent),
            console(Caller::Member(member)),
        ];
        let sees = async |token: &str| {
            let people =
                ask_as(&app, token, STAFF, "StaffOf", json!({ "merchant": merchant_id(shop) })).await;
            let node = ask_as(&app, token, STAFF, "StaffNode", json!({ "id": id })).await;
            (people["staff"]["totalCount"].clone(), node["mobile"].clone())
        };
        for token in &seers {
            assert_eq!(sees(token).await, (json!(1), json!("+989351112233")));
        }
        for token in &blind {
            assert_eq!(sees(token).await, (Value::Null, Value::Null));
        }
        assert_eq!(
            sees(&itself).await,
            (Value::Null, json!("+989351112233")),
            "who sees itself sees no others"
        );
        let variables = json!({ "id": id, "posts": [post("CASHIER", None)] });
        for name in ["SetStaffPosts", "RemoveStaff"] {
            let refused = ask_as(&app, &blind[0], STAFF, name, variables.clone()).await;
            assert_eq!(code(&refused), "STAFF_NOT_FOUND", "another tenant's person is not there");
            for token in blind[1..].iter().chain([&itself]) {
                assert_eq!(failure(&app, token, STAFF, name, variables.clone()).await, "FORBIDDEN");
            }
        }
        let input = json!({ "merchantId": merchant_id(foreign), "name": "x", "mobile": MOBILE, "posts": [post("CASHIER", None)] });
        let refused = ask_as(&app, &boss, STAFF, "AddStaff", json!({ "input": input })).await;
        assert_eq!(code(&refused), "MERCHANT_NOT_FOUND");
    }
}

fn async_graphql_id(id: &Value) -> async_graphql::ID {
    async_graphql::ID(id.as_str().unwrap().to_owned())
}

#[tokio::test]
async fn what_is_done_to_staff_is_told_in_the_audit_log() {
    for app in TestApp::both().await {
        let shop = app.merchant("Shop").await;
        let branch = app.branch(shop, "Vanak").await;
        let operator = Identity::new(Caller::Operator, Actor::User(UserId::new(Uuid::from_u128(7))));
        let operator = app.token(&operator);
        let input = json!({ "name": "آرش", "mobile": MOBILE, "posts": [post("OWNER", None)] });
        let refused = ask_as(&app, &operator, STAFF, "AddStaff", json!({ "input": input })).await;
        assert_eq!(code(&refused), "MERCHANT_NOT_FOUND", "the operator says whose");
        let mut named = input.clone();
        named["merchantId"] = json!(merchant_id(shop));
        let id = ask_as(&app, &operator, STAFF, "AddStaff", json!({ "input": named })).await["staff"]["id"]
            .clone();
        let boss = owner(&app, shop);
        let clerk = added(&app, &boss, "09351112234", json!([post("CASHIER", Some(branch))])).await;
        let posts = json!([post("CASHIER", None)]);
        for _ in 0..2 {
            let variables = json!({ "id": clerk, "posts": posts });
            ask_as(&app, &boss, STAFF, "SetStaffPosts", variables).await;
            ask_as(&app, &boss, STAFF, "RemoveStaff", json!({ "id": id })).await;
        }
        ask_as(&app, &boss, STAFF, "RemoveStaff", json!({ "id": clerk })).await;
        let log = async |act: &str| {
            let variables = json!({ "first": 10, "filter": { "act": act } });
            let data = app.data(Caller::Operator, AUDIT, "AuditLog", variables).await;
            data["auditLog"]["nodes"].as_array().unwrap().clone()
        };
        let told = log("STAFF_ADDED").await;
        assert_eq!(told.len(), 2);
        assert_eq!((&told[0]["role"], &told[0]["targetId"]), (&json!("OPERATOR"), &id));
        assert_eq!((&told[1]["role"], &told[1]["actor"]["kind"]), (&json!("MERCHANT"), &json!("STAFF")));
        let details = told[1]["details"].to_string();
        assert!(
            details.contains(&format!("cashier at {branch}")) && details.contains("+98935***2234"),
            "{details}"
        );
        assert!(!details.contains("1112234"), "no number is told in full");
        assert_eq!(log("STAFF_CHANGED").await.len(), 1, "the same posts again are not told");
        assert_eq!(log("STAFF_REMOVED").await.len(), 1, "the last owner stays");
        assert_eq!(
            log("STAFF_REMOVED").await[0]["target"]["id"],
            clerk,
            "who was removed can still be looked at"
        );
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn the_operator_sees_and_ends_sessions_of_members_and_staff() {
    for (app, panel) in Panel::both(|_| {}).await {
        let other = app.second_node().await;
        let shop = app.merchant("Shop").await;
        let staff = added(&app, &owner(&app, shop), MOBILE, json!([post("CASHIER", None)])).await;
        let member = GlobalId::Member(app.member("مینا", "09123456789").await).write().0;
        let clerk = log_in(&app, &panel, shop, MOBILE, 1).await;
        let asked = ask(&app, "09123456789", None).await;
        let sent = panel.message(2).await["code"].as_str().unwrap().to_owned();
        let shopper = verify(&app, &asked["challengeId"], &sent).await["tokens"].clone();
        let console = |caller| app.token(&Identity::console(caller));
        let operator = console(Caller::Operator);
        let sessions = async |token: &str, id: &Value| {
            ask_as(&app, token, STAFF, "Sessions", json!({ "id": id })).await["sessions"].clone()
        };
        for (id, input, tokens) in [
            (json!(member), json!({ "memberId": member }), &shopper),
            (staff.clone(), json!({ "staffId": staff }), &clerk),
        ] {
            let expected = json!([{ "id": tokens["session"]["id"] }]);
            assert_eq!(sessions(&operator, &id).await, expected);
            assert_eq!(sessions(access(tokens), &id).await, expected, "and so does whoever it is");
            let agent = console(Caller::Agent);
            let hidden = ask_as(&app, &agent, STAFF, "Sessions", json!({ "id": id })).await;
            assert!(hidden["sessions"].is_null());
            let variables = json!({ "input": input });
            assert_eq!(failure(&app, &agent, STAFF, "EndSessionsOf", variables.clone()).await, "FORBIDDEN");
            let ended = ask_as(&app, &operator, STAFF, "EndSessionsOf", variables).await;
            assert_eq!(ended["ended"], 1, "{ended:#}");
            refused_within_a_second(&other, access(tokens)).await;
        }
        let variables = json!({ "first": 10, "filter": { "act": "SESSION_ENDED" } });
        let told =
            app.data(Caller::Operator, AUDIT, "AuditLog", variables).await["auditLog"]["nodes"].clone();
        assert_eq!((&told[0]["targetId"], &told[1]["targetId"]), (&json!(member), &staff));
        assert_eq!(told[0]["details"], json!([{ "name": "sessions", "value": "1" }]));
        for (input, expected) in [
            (json!({ "memberId": staff }), "MEMBER_NOT_FOUND"),
            (json!({ "staffId": "x" }), "STAFF_NOT_FOUND"),
            (
                json!({ "staffId": GlobalId::Staff(StaffId::new(Uuid::from_u128(1))).write().0 }),
                "STAFF_NOT_FOUND",
            ),
        ] {
            let refused = ask_as(&app, &operator, STAFF, "EndSessionsOf", json!({ "input": input })).await;
            assert_eq!(code(&refused), expected);
        }
    }
}
