//! All that is held about a member, for the member itself and for operators.

use amvaj_api::app::relay_outbox::relay_outbox;
use amvaj_api::app::sessions;
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Caller, Identity, Scope, Scopes, Subject};
use serde_json::{Value, json};

use super::scene::{EXPORT, ask, file, id, lines, operator};
use crate::support::app::TestApp;
use crate::support::till::{Till, codes};

const REWARD: &str = include_str!("../queries/reward.graphql");
const RELATION: &str = include_str!("../queries/relation.graphql");

fn of<'a>(lines: &'a [Value], section: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["section"] == section).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_gets_all_that_is_held_about_it_and_nothing_of_others() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        let other = Till::open(&app, "09121110002").await;
        till.earn("k1", "R-1", 100).await;
        till.hold("k2", 30, 600).await;
        other.earn("k3", "R-OTHER", 5).await;
        let coffee = json!({ "idempotencyKey": "k4", "kind": "ITEM", "title": "قهوه", "points": "20" });
        let offered = app.data(till.caller(), REWARD, "Create", json!({ "input": coffee })).await;
        let reward = offered["createReward"]["reward"]["id"].clone();
        let redeem = json!({ "input": { "idempotencyKey": "k5", "rewardId": reward } });
        app.data(Caller::Member(till.member), REWARD, "Redeem", redeem).await;
        let itself = Identity::console(Caller::Member(till.member));
        let consent = json!({ "merchantId": id(GlobalId::Merchant(other.merchant)), "consent": "HIDDEN" });
        app.data(itself.caller, RELATION, "SetConsent", json!({ "input": consent })).await;
        sessions::begin(&app.app, Subject::Member(till.member), "PHONE").await.unwrap().unwrap();
        sessions::begin(&app.app, Subject::Member(other.member), "OTHER-PHONE").await.unwrap().unwrap();
        relay_outbox(&app.app, app.clock.now()).await.unwrap();
        let own = file(&app, &itself, "ExportMember", json!({ "idempotencyKey": "k" })).await;
        let found = lines(&own);
        let profile = of(&found, "profile");
        assert_eq!(profile.len(), 1);
        assert_eq!(profile[0]["mobile"], "+989121110001");
        assert_eq!(profile[0]["memberId"], id(GlobalId::Member(till.member)));
        assert_eq!(of(&found, "leaderboards")[0]["visible"], true);
        let hidden = |line: &&&Value| line["consent"] == "HIDDEN";
        assert_eq!(of(&found, "relation").iter().filter(hidden).count(), 1, "{own}");
        assert_eq!(of(&found, "session")[0]["userAgent"], "PHONE");
        let wallet = of(&found, "wallet");
        assert_eq!((&wallet[0]["posted"], &wallet[0]["held"]), (&json!(100), &json!(50)));
        assert_eq!(of(&found, "lot")[0]["remaining"], 100);
        assert_eq!(of(&found, "hold")[0]["points"], 30);
        let kinds: Vec<_> = of(&found, "operation").iter().map(|line| line["kind"].clone()).collect();
        assert_eq!(kinds, ["EARN", "HOLD", "HOLD"]);
        let redeemed = of(&found, "redemption");
        assert_eq!(
            (redeemed.len(), &redeemed[0]["rewardId"], &redeemed[0]["points"]),
            (1, &reward, &json!(20))
        );
        assert_eq!(redeemed[0]["status"], "RESERVED");
        for foreign in ["R-OTHER", "OTHER-PHONE", "+989121110002"] {
            assert!(!own.contains(foreign), "{foreign}");
        }
        // An operator gets the same of whoever it names.
        let named = json!({ "idempotencyKey": "k", "memberId": id(GlobalId::Member(till.member)) });
        let theirs = file(&app, &operator(), "ExportMember", named).await;
        assert_eq!(lines(&theirs).len(), found.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_another_members_file() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121110001").await;
        let stranger = Identity::console(Caller::Member(app.member("علی", "09121110002").await));
        let named = json!({ "idempotencyKey": "k", "memberId": id(GlobalId::Member(till.member)) });
        let refused = ask(&app, &stranger, "ExportMember", named.clone()).await;
        assert_eq!(codes(&refused), ["MEMBER_NOT_FOUND"]);
        for who in [
            Identity::console(till.caller()),
            Identity::console(Caller::Agent),
            operator().limited_to(Scopes::of(&[Scope::OperationsRead, Scope::MembersRead])),
        ] {
            let token = app.token(&who);
            let answer = app.send_with(Some(&token), EXPORT, "ExportMember", json!({ "input": named })).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{who:?}: {answer}");
        }
        // What an operator asked for about it, the member does not see, and the other way round.
        let theirs = ask(&app, &operator(), "ExportMember", named.clone()).await;
        let itself = Identity::console(Caller::Member(till.member));
        let own = ask(&app, &itself, "ExportMember", named).await;
        for (who, sees, misses) in [(operator(), &theirs, &own), (itself, &own, &theirs)] {
            let see = async |export: &Value| {
                super::scene::seen(&app, &who, export["export"]["id"].as_str().unwrap()).await
            };
            assert!(see(sees).await.is_object() && see(misses).await.is_null(), "{who:?}");
        }
    }
}
