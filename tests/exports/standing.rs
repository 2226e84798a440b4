//! Links and what becomes of those whom they were made for: rights that were narrowed, keys that were revoked, and the audit
//! log.

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Caller, Identity, Post, StaffRole};
use amvaj_domain::id::BranchId;
use amvaj_domain::time::Span;
use async_graphql::ID;
use reqwest::Method;
use serde_json::{Value, json};

use super::scene::{
    EXPORT, ask, asked, done, fetched, get, id, merchant, operator, pass, request, seen, worker,
};
use crate::support::app::TestApp;
use crate::support::till::{Till, codes};

const STAFF: &str = include_str!("../queries/staff.graphql");
const KEYS: &str = include_str!("../queries/keys.graphql");

/// The answer to a link: its status and the code of its error.
async fn told(app: &TestApp, url: &str) -> (u16, String) {
    let answer = get(app, url).await;
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap_or_default();
    (status, body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned())
}

fn url(export: &Value) -> String {
    export["url"].as_str().unwrap_or_else(|| panic!("{export:#}")).to_owned()
}

/// What one of a merchant's people has at branches.
fn managers(branches: &[BranchId]) -> Value {
    let post = |branch: &BranchId| json!({ "role": "MANAGER", "branchId": id(GlobalId::Branch(*branch)) });
    branches.iter().map(post).collect()
}

/// Somebody who manages branches of a till's merchant: the id in the API, and the identity of its tokens.
async fn manager(till: &Till<'_>, branches: &[BranchId]) -> (Value, Identity) {
    let input = json!({ "name": "آرش محمدی", "mobile": "09351112233", "posts": managers(branches) });
    let added = till.app.data(till.caller(), STAFF, "AddStaff", json!({ "input": input })).await;
    let staff = added["addStaff"]["staff"]["id"].clone();
    let known = GlobalId::staff(&ID(staff.as_str().unwrap().to_owned())).unwrap();
    let posts = branches.iter().map(|branch| Post { branch: Some(*branch), role: StaffRole::Manager });
    (staff, Identity::staff(till.merchant, known, posts.collect()))
}

/// Two branches with a purchase at each.
async fn two_branches(till: &Till<'_>) -> [BranchId; 2] {
    let branches =
        [till.app.branch(till.merchant, "Vanak").await, till.app.branch(till.merchant, "Tajrish").await];
    for (key, branch) in ["k1", "k2"].into_iter().zip(branches) {
        let earn = json!({
            "idempotencyKey": key, "receiptNumber": key, "member": till.member_ref(),
            "amount": { "amount": "1000", "currency": "IRR" }, "branchId": id(GlobalId::Branch(branch)),
        });
        assert_eq!(codes(&till.ask("Earn", earn).await), Vec::<&str>::new());
    }
    branches
}

async fn made(app: &TestApp, who: &Identity, key: &str) -> Value {
    let input = json!({ "idempotencyKey": key, "format": "CSV" });
    let export = asked(app, who, "ExportOperations", input).await;
    let worker = worker(app);
    let export = done(app, who, &export).await;
    worker.stop().await;
    export
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_leads_fewer_branches_than_before_has_no_way_to_its_wider_files() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        let [vanak, tajrish] = two_branches(&till).await;
        let (staff, both) = manager(&till, &[vanak, tajrish]).await;
        let wide = made(&app, &both, "wide").await;
        let text = fetched(&app, &wide).await;
        assert!(text.contains(",k1,") && text.contains(",k2,"), "{text}");
        let owners = seen(&app, &merchant(&till), wide["id"].as_str().unwrap()).await;
        let posts = json!({ "id": staff, "posts": managers(&[tajrish]) });
        let set = app.data(till.caller(), STAFF, "SetStaffPosts", posts).await;
        assert_eq!(codes(&set["setStaffPosts"]), Vec::<&str>::new());
        // The old link is over at once, also on another node, which hears of it within a second.
        let forbidden = (403, "FORBIDDEN".to_owned());
        assert_eq!(told(&app, &url(&wide)).await, forbidden);
        let node = app.second_node().await;
        assert_eq!(told(&node, &url(&wide)).await, forbidden);
        node.stop().await.unwrap();
        // What others were given stays theirs.
        assert_eq!(told(&app, &url(&owners)).await.0, 200);
        pass(&app, Span::seconds(2));
        let posts = vec![Post { branch: Some(tajrish), role: StaffRole::Manager }];
        let fewer = Identity { posts: posts.into(), ..both.clone() };
        assert!(seen(&app, &fewer, wide["id"].as_str().unwrap()).await.is_null());
        let all = app.send_with(Some(&app.token(&fewer)), EXPORT, "All", json!({})).await;
        assert_eq!(all["data"]["exports"]["totalCount"], 0, "{all:#}");
        let narrow = made(&app, &fewer, "narrow").await;
        let text = fetched(&app, &narrow).await;
        assert!(!text.contains(",k1,") && text.contains(",k2,"), "{text}");
        let all = app.send_with(Some(&app.token(&fewer)), EXPORT, "All", json!({})).await;
        assert_eq!(all["data"]["exports"]["nodes"], json!([{ "id": narrow["id"] }]), "{all:#}");
        // A retry of the wider request leads to it no more than anything else.
        let again = json!({ "idempotencyKey": "wide", "format": "CSV" });
        assert_eq!(codes(&ask(&app, &fewer, "ExportOperations", again).await), ["IDEMPOTENCY_MISMATCH"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_was_made_for_a_key_ends_with_it() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        till.earn("k1", "R-1", 100).await;
        let export = made(&app, &merchant(&till), "k").await;
        let input = json!({ "input": { "name": "Books", "scopes": ["operations:read"] } });
        let key = app.data(till.caller(), KEYS, "Create", input).await["createApiKey"].clone();
        let secret = key["secret"].as_str().unwrap();
        let shown = app.send_with(Some(secret), EXPORT, "One", json!({ "id": export["id"] })).await;
        let link = url(&shown["data"]["export"]);
        assert_eq!(told(&app, &link).await.0, 200);
        let revoke = json!({ "input": { "apiKeyId": key["apiKey"]["id"] } });
        let revoked = app.data(till.caller(), KEYS, "Revoke", revoke).await;
        assert_eq!(codes(&revoked["revokeApiKey"]), Vec::<&str>::new());
        assert_eq!(told(&app, &link).await, (403, "FORBIDDEN".to_owned()));
        assert_eq!(told(&app, &url(&export)).await.0, 200, "that of others goes on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_who_is_given_a_members_file_stands_in_the_audit_log_once() {
    const AUDIT: &str = "query Log { auditLog(last: 20) { nodes { act targetId details { name value } } } }";
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        till.earn("k1", "R-1", 100).await;
        let itself = Identity::console(Caller::Member(till.member));
        let member = id(GlobalId::Member(till.member));
        let theirs = json!({ "idempotencyKey": "k", "memberId": member });
        let theirs = asked(&app, &operator(), "ExportMember", theirs).await;
        let own = asked(&app, &itself, "ExportMember", json!({ "idempotencyKey": "k" })).await;
        let linked = async || {
            let log = app.data(Caller::Operator, AUDIT, "Log", json!({})).await;
            let nodes = log["auditLog"]["nodes"].as_array().unwrap().clone();
            nodes.into_iter().filter(|entry| entry["act"] == "MEMBER_FILE_LINKED").collect::<Vec<_>>()
        };
        seen(&app, &operator(), &theirs).await;
        assert_eq!(linked().await, Vec::<Value>::new(), "there is nothing to fetch yet");
        let worker = worker(&app);
        let file = done(&app, &operator(), &theirs).await;
        let mine = done(&app, &itself, &own).await;
        worker.stop().await;
        fetched(&app, &mine).await;
        fetched(&app, &file).await;
        for range in ["bytes=0-0", "bytes=5-9", "bytes=-3"] {
            let part = request(&app, Method::GET, &url(&file)).header("range", range).send().await.unwrap();
            assert_eq!(part.status(), 206);
        }
        seen(&app, &operator(), &theirs).await;
        let entries = linked().await;
        assert_eq!(entries.len(), 1, "{entries:#?}");
        assert_eq!(entries[0]["targetId"], member);
        assert_eq!(entries[0]["details"][0]["name"], "export");
        // Whoever comes back later is told again.
        pass(&app, Span::minutes(11));
        seen(&app, &operator(), &theirs).await;
        assert_eq!(linked().await.len(), 2);
    }
}
