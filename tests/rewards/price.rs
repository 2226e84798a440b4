//! The price that somebody has seen: whoever names it redeems at that price or not at all.

use amvaj_domain::access::Caller;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::scene::{ask, offer, stock};
use crate::support::app::TestApp;
use crate::support::till::{Till, assert_sound, codes};

/// The member before the till redeems at a price.
async fn redeem_at(till: &Till<'_>, key: &str, reward: &str, points: Value) -> Value {
    let input = json!({ "idempotencyKey": key, "rewardId": reward, "points": points });
    ask(till.app, Caller::Member(till.member), "Redeem", input).await
}

/// The merchant changes the price.
async fn set_price(till: &Till<'_>, reward: &str, version: i32, points: &str) {
    let input = json!({ "rewardId": reward, "version": version, "points": points });
    let changed = ask(till.app, till.caller(), "Update", input).await;
    assert_eq!(codes(&changed), Vec::<&str>::new(), "{changed:#}");
}

#[tokio::test]
async fn a_price_that_has_changed_is_told_and_nothing_is_held() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126800001").await;
        till.earn("e", "R", 500).await;
        let reward = offer(&till, "k", json!({ "stock": 3, "limitPerMember": 2 })).await;
        let first = redeem_at(&till, "r1", &reward, json!("50")).await;
        assert_eq!((codes(&first), &first["redemption"]["points"]), (Vec::new(), &json!("50")));
        set_price(&till, &reward, 1, "60").await;
        let changed = redeem_at(&till, "r2", &reward, json!("50")).await;
        assert_eq!(codes(&changed), ["REWARD_CHANGED"]);
        let error = &changed["userErrors"][0];
        assert_eq!(error["field"], json!(["input", "points"]));
        assert!(error["message"].as_str().unwrap().contains("60"), "{error:#}");
        assert_eq!((&changed["redemption"], &changed["wallet"]), (&Value::Null, &Value::Null));
        assert_eq!(
            (stock(&app, &reward).await, till.wallet_now().await["held"].clone()),
            (json!(2), json!("50"))
        );
        // A retry of what was redeemed is answered as before, whatever the price is now.
        let again = redeem_at(&till, "r1", &reward, json!("50")).await;
        assert_eq!((&again["redemption"], &again["replayed"]), (&first["redemption"], &json!(true)));
        for other in [json!("60"), Value::Null] {
            assert_eq!(codes(&redeem_at(&till, "r1", &reward, other).await), ["IDEMPOTENCY_MISMATCH"]);
        }
        // Nothing was begun, so the key is free, and the price at the door is the one that counts.
        let second = redeem_at(&till, "r2", &reward, json!("60")).await;
        assert_eq!((codes(&second), &second["redemption"]["points"]), (Vec::new(), &json!("60")));
        assert_eq!(codes(&redeem_at(&till, "r2", &reward, json!("50")).await), ["IDEMPOTENCY_MISMATCH"]);
        assert_eq!(codes(&redeem_at(&till, "r3", &reward, json!("60")).await), ["REWARD_LIMIT_REACHED"]);
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn a_till_names_the_price_too_and_a_price_that_is_none_is_refused() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126800002").await;
        till.earn("e", "R", 40).await;
        let reward = offer(&till, "k", json!({ "stock": 1 })).await;
        let at_till = async |key: &str, caller, points: &str| {
            let input = json!({ "idempotencyKey": key, "rewardId": reward, "member": till.member_ref(), "points": points });
            ask(&app, caller, "Redeem", input).await
        };
        for points in ["0", "-5"] {
            assert_eq!(codes(&redeem_at(&till, "r", &reward, json!(points)).await), ["INVALID_POINTS"]);
            assert_eq!(codes(&at_till("t", till.caller(), points).await), ["INVALID_POINTS"]);
        }
        // The price is told before that there are too few points for it.
        assert_eq!(codes(&at_till("t", till.caller(), "40").await), ["REWARD_CHANGED"]);
        assert_eq!(codes(&at_till("t", till.caller(), "50").await), ["INSUFFICIENT_POINTS"]);
        let stranger = Till::of_member(&app, till.member).await;
        assert_eq!(codes(&at_till("t", stranger.caller(), "1").await), ["REWARD_NOT_FOUND"]);
        let sold_out = offer(&till, "k2", json!({ "stock": 0 })).await;
        assert_eq!(codes(&redeem_at(&till, "r", &sold_out, json!("1")).await), ["REWARD_OUT_OF_STOCK"]);
        till.earn("e2", "R2", 40).await;
        assert_eq!(codes(&at_till("t", till.caller(), "50").await), Vec::<&str>::new());
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pays_another_price_than_it_has_named_while_the_price_moves() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126800003").await;
        till.earn("e", "R", 10_000).await;
        let reward = offer(&till, "k", json!({ "stock": 100 })).await;
        let keys: Vec<String> = (0..24).map(|number| format!("r{number}")).collect();
        let redeeming = join_all(keys.iter().map(|key| redeem_at(&till, key, &reward, json!("50"))));
        let (answers, ()) = join(redeeming, set_price(&till, &reward, 1, "70")).await;
        let mut had = 0;
        for answer in &answers {
            match codes(answer).as_slice() {
                [] => had += i32::from(answer["redemption"]["points"] == "50"),
                ["REWARD_CHANGED"] => continue,
                other => panic!("{other:?}"),
            }
        }
        let refused = answers.iter().filter(|answer| !codes(answer).is_empty()).count();
        assert_eq!(usize::try_from(had).unwrap() + refused, answers.len(), "{answers:#?}");
        assert_eq!(stock(&app, &reward).await, 100 - had);
        assert_eq!(till.wallet_now().await["held"], (50 * had).to_string());
        assert_sound(&app).await;
    }
}
