//! Who sees which redemptions: a member its own, a merchant those of its rewards, a branch's people those of the branch.

use std::sync::Arc;

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Actor, Caller, Identity, Post, StaffRole};
use amvaj_domain::id::{BranchId, StaffId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::scene::{REWARD, ask, offer, redeem, stock};
use crate::support::app::TestApp;
use crate::support::till::{POINTS, Till, assert_sound, codes};

async fn listed(app: &TestApp, caller: Caller, reward: &Value) -> Vec<Value> {
    let page = app.data(caller, REWARD, "Redemptions", json!({ "reward": reward })).await;
    page["redemptions"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()).collect()
}

#[tokio::test]
async fn everybody_sees_what_is_theirs() {
    for app in TestApp::both().await {
        let shop = Till::open(&app, "09126600001").await;
        let other = Till::of_member(&app, shop.member).await;
        let somebody = Till::open(&app, "09126600002").await;
        shop.earn("e", "R", 500).await;
        somebody.earn("e", "R", 500).await;
        let (of_shop, of_other) = (offer(&shop, "k", json!({})).await, offer(&other, "k", json!({})).await);
        let id = |answer: &Value| answer["redemption"]["id"].clone();
        let mine = [id(&redeem(&shop, "r1", &of_shop).await), id(&redeem(&shop, "r2", &of_other).await)];
        let theirs = id(&redeem(&somebody, "r3", &of_shop).await);
        let all = Value::Null;
        let sorted = |mut ids: Vec<Value>| {
            ids.sort_by_key(ToString::to_string);
            ids
        };
        let expected = |ids: &[&Value]| sorted(ids.iter().map(|id| (*id).clone()).collect());
        let cases = [
            (Caller::Member(shop.member), all.clone(), expected(&[&mine[0], &mine[1]])),
            (Caller::Member(somebody.member), all.clone(), expected(&[&theirs])),
            (shop.caller(), all.clone(), expected(&[&mine[0], &theirs])),
            (other.caller(), all.clone(), expected(&[&mine[1]])),
            (somebody.caller(), all.clone(), Vec::new()),
            (Caller::Operator, all.clone(), expected(&[&mine[0], &mine[1], &theirs])),
            (Caller::Agent, json!(of_shop), expected(&[&mine[0], &theirs])),
            (shop.caller(), json!(of_other), Vec::new()),
        ];
        for (caller, reward, expected) in cases {
            assert_eq!(sorted(listed(&app, caller, &reward).await), expected, "{caller:?} {reward}");
        }
        for (caller, sees) in [
            (Caller::Member(shop.member), true),
            (shop.caller(), true),
            (Caller::Operator, true),
            (other.caller(), false),
            (Caller::Member(somebody.member), false),
        ] {
            let found = app.data(caller, REWARD, "Redemption", json!({ "id": mine[0] })).await;
            assert_eq!(!found["node"].is_null(), sees, "{caller:?}");
            let tells = matches!(caller, Caller::Member(_)) && sees;
            assert_eq!(!found["node"]["voucherCode"].is_null(), tells, "{caller:?}");
        }
        // A member's list, as each may see it.
        let member = GlobalId::Member(shop.member).write();
        for (caller, count) in [(Caller::Operator, 2), (shop.caller(), 1), (other.caller(), 1)] {
            let found = app.data(caller, REWARD, "OfMember", json!({ "id": member.as_str() })).await;
            assert_eq!(found["member"]["redemptions"]["totalCount"], count, "{caller:?}");
        }
        let wrong = json!({ "reward": "x" });
        assert_eq!(app.code(Some(Caller::Operator), REWARD, "Redemptions", wrong).await, "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn people_of_a_branch_redeem_there_and_see_what_was_asked_for_there() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126600003").await;
        till.earn("e", "R", 500).await;
        let reward = offer(&till, "k", json!({})).await;
        let (here, there) =
            (app.branch(till.merchant, "Vanak").await, app.branch(till.merchant, "Tajrish").await);
        redeem(&till, "m", &reward).await;
        let post = Post { branch: Some(here), role: StaffRole::Manager };
        let manager = Identity {
            posts: Arc::from([post]),
            ..Identity::new(till.caller(), Actor::Staff(StaffId::new(Uuid::from_u128(7))))
        };
        let token = app.token(&manager.limited_to(StaffRole::Manager.scopes()));
        let send = async |name: &str, variables: Value| {
            let answer = app.send_with(Some(&token), REWARD, name, variables).await;
            assert!(answer["errors"].is_null(), "{name} {answer:#}");
            answer["data"].as_object().unwrap().values().next().unwrap().clone()
        };
        let id = |branch| GlobalId::Branch(branch).write().as_str().to_owned();
        let mut input = json!({
            "idempotencyKey": "b1", "rewardId": reward, "member": till.member_ref(), "branchId": id(there),
        });
        let refused = send("Redeem", json!({ "input": input })).await;
        assert_eq!(codes(&refused), ["BRANCH_NOT_YOURS"]);
        input["branchId"] = json!(id(here));
        let redeemed = send("Redeem", json!({ "input": input })).await;
        assert_eq!(codes(&redeemed), Vec::<&str>::new());
        let seen = send("Redemptions", json!({})).await;
        assert_eq!(seen["totalCount"], 1);
        assert_eq!(seen["nodes"][0]["id"], redeemed["redemption"]["id"]);
        // The catalogue is the whole merchant's, so who leads a branch does not change it.
        let close =
            app.send_with(Some(&token), REWARD, "Close", json!({ "input": { "rewardId": reward } })).await;
        assert_eq!(close["errors"][0]["extensions"]["code"], "FORBIDDEN");
        assert_eq!(
            ask(&app, till.caller(), "Close", json!({ "rewardId": reward })).await["reward"]["status"],
            "CLOSED"
        );
    }
}

/// Somebody who works at these branches only.
fn works_at(till: &Till<'_>, role: StaffRole, branches: &[BranchId]) -> Identity {
    let posts: Vec<Post> = branches.iter().map(|branch| Post { branch: Some(*branch), role }).collect();
    let identity = Identity::new(till.caller(), Actor::Staff(StaffId::new(Uuid::from_u128(8))));
    Identity { posts: posts.into(), ..identity }.limited_to(role.scopes())
}

#[tokio::test]
async fn people_of_a_branch_end_no_redemption_of_another_branch() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126600004").await;
        till.earn("e", "R", 500).await;
        let reward = offer(&till, "k", json!({ "stock": 9 })).await;
        let (here, there) =
            (app.branch(till.merchant, "Vanak").await, app.branch(till.merchant, "Tajrish").await);
        let begun_at = async |key: &str, branch| {
            let branch = GlobalId::Branch(branch).write();
            let input = json!({ "idempotencyKey": key, "rewardId": reward, "member": till.member_ref(),
                "branchId": branch.as_str() });
            ask(&app, till.caller(), "Redeem", input).await["redemption"].clone()
        };
        let (ours, theirs) = (begun_at("b1", here).await, begun_at("b2", there).await);
        let own = redeem(&till, "m", &reward).await["redemption"].clone();
        for (role, number) in [(StaffRole::Manager, 1), (StaffRole::Cashier, 2)] {
            let token = app.token(&works_at(&till, role, &[here]));
            let send = async |document: &str, name: &str, key: &str, input: Value| {
                let mut input = input;
                input["idempotencyKey"] = json!(format!("{key}{number}"));
                let answer = app.send_with(Some(&token), document, name, json!({ "input": input })).await;
                assert!(answer["errors"].is_null(), "{name} {answer:#}");
                let payload = answer["data"].as_object().unwrap().values().next().unwrap().clone();
                codes(&payload).join(",")
            };
            // What is in no list of theirs: of another branch, or of none.
            for (other, key) in [(&theirs, "x"), (&own, "y")] {
                let released = send(REWARD, "Release", key, json!({ "redemptionId": other["id"] })).await;
                assert_eq!(released, "REDEMPTION_NOT_FOUND", "{role:?}");
                let by_hold = send(POINTS, "Release", key, json!({ "holdId": other["hold"]["id"] })).await;
                assert_eq!(by_hold, "HOLD_NOT_FOUND", "{role:?}");
            }
            let code = json!({ "voucherCode": theirs["voucherCode"] });
            assert_eq!(send(REWARD, "Capture", "c", code).await, "REDEMPTION_NOT_FOUND", "{role:?}");
        }
        assert_eq!(stock(&app, &reward).await, 6, "nothing has ended");
        // Their own they end, and a member with a voucher of no branch is served by any.
        let cashier = app.token(&works_at(&till, StaffRole::Cashier, &[here]));
        let both = app.token(&works_at(&till, StaffRole::Cashier, &[there, here]));
        let end = async |token: &str, name: &str, input: Value| {
            let answer = app.send_with(Some(token), REWARD, name, json!({ "input": input })).await;
            let payload = answer["data"].as_object().unwrap().values().next().unwrap().clone();
            assert_eq!(codes(&payload), Vec::<&str>::new(), "{answer:#}");
            payload["redemption"]["status"].as_str().unwrap().to_owned()
        };
        let captured =
            end(&cashier, "Capture", json!({ "idempotencyKey": "v", "voucherCode": own["voucherCode"] }));
        assert_eq!(captured.await, "CAPTURED");
        let released = end(&cashier, "Release", json!({ "idempotencyKey": "w", "redemptionId": ours["id"] }));
        assert_eq!(released.await, "RELEASED");
        let branch = GlobalId::Branch(there).write();
        let input =
            json!({ "idempotencyKey": "z", "redemptionId": theirs["id"], "branchId": branch.as_str() });
        assert_eq!(end(&both, "Release", input).await, "RELEASED");
        assert_eq!(stock(&app, &reward).await, 8);
        assert_sound(&app).await;
    }
}
