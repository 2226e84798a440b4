//! Who may ask for what, what is refused, retries and races.

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Caller, Identity, Post, Scope, Scopes, StaffRole};
use amvaj_domain::id::StaffId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::scene::{EXPORT, ask, asked, done, fetched, id, lines, merchant, operator, seen, worker};
use crate::support::app::TestApp;
use crate::support::till::{Till, codes};

fn csv(key: &str) -> Value {
    json!({ "idempotencyKey": key, "format": "CSV" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_told_by_its_code() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        let stranger = id(GlobalId::Merchant(app.merchant("Stranger").await));
        let who = merchant(&till);
        for (code, input) in [
            ("INVALID_IDEMPOTENCY_KEY", json!({ "idempotencyKey": "", "format": "CSV" })),
            ("MERCHANT_NOT_FOUND", json!({ "idempotencyKey": "a", "format": "CSV", "merchantId": stranger })),
            ("MERCHANT_NOT_FOUND", json!({ "idempotencyKey": "a", "format": "CSV", "merchantId": "x" })),
            (
                "EMPTY_PERIOD",
                json!({
                    "idempotencyKey": "a", "format": "CSV", "from": "2027-01-15T07:00:00Z",
                    "until": "2027-01-15T07:00:00Z",
                }),
            ),
            (
                "EMPTY_PERIOD",
                json!({ "idempotencyKey": "a", "format": "CSV", "from": "2028-01-15T07:00:00Z" }),
            ),
        ] {
            let payload = ask(&app, &who, "ExportOperations", input).await;
            assert_eq!(codes(&payload), [code]);
            assert!(payload["export"].is_null());
        }
        let unknown = id(GlobalId::Member(amvaj_domain::id::MemberId::new(Uuid::from_u128(7))));
        for input in [
            json!({ "idempotencyKey": "a", "memberId": unknown }),
            json!({ "idempotencyKey": "a", "memberId": stranger }),
            json!({ "idempotencyKey": "a" }),
        ] {
            assert_eq!(codes(&ask(&app, &operator(), "ExportMember", input).await), ["MEMBER_NOT_FOUND"]);
        }
        let input = json!({ "idempotencyKey": "" });
        assert_eq!(codes(&ask(&app, &operator(), "ExportMember", input).await)[0], "INVALID_IDEMPOTENCY_KEY");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_is_answered_the_same_and_a_fourth_file_has_to_wait() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        let who = merchant(&till);
        let first = ask(&app, &who, "ExportOperations", csv("k")).await;
        assert_eq!(ask(&app, &who, "ExportOperations", csv("k")).await, first);
        super::scene::pass(&app, amvaj_domain::time::Span::seconds(1));
        let other = json!({ "idempotencyKey": "k", "format": "JSON_LINES" });
        assert_eq!(codes(&ask(&app, &who, "ExportOperations", other).await), ["IDEMPOTENCY_MISMATCH"]);
        // Many at once with one key are one, and no more than three are under way however many ask.
        let same = (0..8).map(|_| ask(&app, &who, "ExportOperations", csv("same")));
        let same = futures_util::future::join_all(same).await;
        assert!(same.iter().all(|one| one == &same[0] && one["export"]["id"].is_string()), "{same:#?}");
        let keys: Vec<String> = (0..6).map(|number| format!("race-{number}")).collect();
        let race = keys.iter().map(|key| ask(&app, &who, "ExportOperations", csv(key)));
        let race = futures_util::future::join_all(race).await;
        let taken = race.iter().filter(|one| one["export"].is_object()).count();
        assert_eq!(taken, 1, "{race:#?}");
        assert!(race.iter().all(|one| one["export"].is_object() || codes(one) == ["TOO_MANY_EXPORTS"]));
        // Others have slots of their own, and a retry is no fourth file.
        assert_eq!(codes(&ask(&app, &operator(), "ExportOperations", csv("k")).await), Vec::<&str>::new());
        let again = ask(&app, &who, "ExportOperations", csv("k")).await;
        assert_eq!(again["export"]["id"], first["export"]["id"]);
        super::scene::pass(&app, super::scene::SETTLED);
        let worker = worker(&app);
        done(&app, &who, first["export"]["id"].as_str().unwrap()).await;
        worker.stop().await;
        assert_eq!(codes(&ask(&app, &who, "ExportOperations", csv("fourth")).await), Vec::<&str>::new());
        let all = app.send_with(Some(&app.token(&who)), EXPORT, "All", json!({ "first": 2 })).await;
        assert_eq!(all["data"]["exports"]["totalCount"], 4, "{all:#}");
        assert_eq!(all["data"]["exports"]["nodes"][0]["id"], first["export"]["id"]);
        assert_eq!(all["data"]["exports"]["pageInfo"]["hasNextPage"], true);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_what_it_may_not_read() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        let (vanak, tajrish) =
            (app.branch(till.merchant, "Vanak").await, app.branch(till.merchant, "Tajrish").await);
        for (key, branch) in [("k1", vanak), ("k2", tajrish)] {
            let earn = json!({
                "idempotencyKey": key, "receiptNumber": key, "member": till.member_ref(),
                "amount": { "amount": "1000", "currency": "IRR" }, "branchId": id(GlobalId::Branch(branch)),
            });
            assert_eq!(codes(&till.ask("Earn", earn).await), Vec::<&str>::new());
        }
        let staff = |number, branch, role| {
            let posts = vec![Post { branch, role }];
            Identity::staff(till.merchant, StaffId::new(Uuid::from_u128(number)), posts)
        };
        let (leader, owner) = (staff(1, Some(vanak), StaffRole::Manager), staff(2, None, StaffRole::Owner));
        let made = asked(&app, &leader, "ExportOperations", csv("k")).await;
        let stranger = Identity::console(Caller::Merchant(app.merchant("Stranger").await));
        let worker = worker(&app);
        let export = done(&app, &leader, &made).await;
        worker.stop().await;
        let text = fetched(&app, &export).await;
        assert!(text.contains(",k1,") && !text.contains(",k2,"), "{text}");
        assert!(text.contains("Vanak"));
        // The branch's leader sees its own, the owner all of the merchant's, others nothing.
        for (who, sees) in [
            (&leader, true),
            (&owner, true),
            (&merchant(&till), true),
            (&staff(3, Some(tajrish), StaffRole::Manager), false),
            (&stranger, false),
            (&operator(), false),
            (&Identity::console(Caller::Member(till.member)), false),
        ] {
            assert_eq!(seen(&app, who, &made).await.is_object(), sees, "{who:?}");
            let node = json!({ "id": made });
            let query = "query N($id: ID!) { node(id: $id) { id } }";
            let node = app.send_with(Some(&app.token(who)), query, "N", node).await;
            assert_eq!(node["data"]["node"].is_object(), sees, "{who:?}: {node}");
            let all = app.send_with(Some(&app.token(who)), EXPORT, "All", json!({})).await;
            let count = all["data"]["exports"]["nodes"].as_array().unwrap().len();
            assert_eq!(count, usize::from(sees), "{who:?}: {all}");
        }
        // Who shares the merchant's keys does not share what they led to.
        let other = staff(3, Some(tajrish), StaffRole::Manager);
        let stolen = ask(&app, &other, "ExportOperations", csv("k")).await;
        assert_eq!(codes(&stolen), ["IDEMPOTENCY_MISMATCH"]);
        let key = |scopes: &[Scope]| merchant(&till).limited_to(Scopes::of(scopes));
        for who in [
            key(&[Scope::PointsEarn]),
            staff(4, None, StaffRole::Cashier),
            operator().limited_to(Scopes::of(&[Scope::NetworkManage])),
            Identity::console(Caller::Agent),
            Identity::console(Caller::Member(till.member)),
        ] {
            let token = app.token(&who);
            let refused =
                app.send_with(Some(&token), EXPORT, "ExportOperations", json!({ "input": csv("z") })).await;
            assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{who:?}: {refused}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_stand_in_the_audit_log() {
    const AUDIT: &str = "query Log { auditLog(last: 3) { nodes { act targetId details { name value } } } }";
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        ask(&app, &merchant(&till), "ExportOperations", csv("k")).await;
        let of = json!({ "idempotencyKey": "m", "memberId": id(GlobalId::Member(till.member)) });
        ask(&app, &operator(), "ExportMember", of.clone()).await;
        ask(&app, &operator(), "ExportMember", of).await;
        let log = app.data(Caller::Operator, AUDIT, "Log", json!({})).await;
        let nodes = log["auditLog"]["nodes"].as_array().unwrap();
        let acts: Vec<&str> = nodes.iter().map(|entry| entry["act"].as_str().unwrap()).collect();
        assert_eq!(acts[1..], ["OPERATIONS_EXPORTED", "MEMBER_EXPORTED"], "a retry is no second act");
        assert_eq!(nodes[2]["targetId"], id(GlobalId::Member(till.member)));
        assert!(lines("").is_empty());
    }
}
