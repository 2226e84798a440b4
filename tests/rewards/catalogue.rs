//! The catalogue: what can be offered, changed and closed, and by whom.

use std::collections::BTreeSet;

use amvaj_domain::access::{Caller, Identity, Scope, Scopes};
use serde_json::{Value, json};

use super::scene::{REWARD, ask, coffee, merchant_id, offer, redeem, stock};
use crate::support::app::TestApp;
use crate::support::till::{Till, assert_sound, codes};

#[tokio::test]
async fn a_reward_is_offered_once_for_each_key_and_shown_as_it_was_written() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126000001").await;
        let whole = json!({
            "description": "در هر شعبه\nتا پایان روز", "stock": 7, "limitPerMember": 2, "reserveSeconds": 900,
            "validFrom": "2027-01-15T09:00:00Z", "validUntil": "2027-02-15T09:00:00Z", "kind": "SERVICE",
        });
        let made = ask(&app, till.caller(), "Create", coffee("k1", &whole)).await;
        assert_eq!((codes(&made), &made["replayed"]), (Vec::new(), &json!(false)));
        let reward = &made["reward"];
        for (field, value) in whole.as_object().unwrap() {
            if !field.starts_with("valid") {
                assert_eq!(&reward[field], value, "{field}");
            }
        }
        assert_eq!(reward["validUntil"], "2027-02-15T09:00:00Z");
        assert_eq!((&reward["status"], &reward["version"]), (&json!("ACTIVE"), &json!(1)));
        assert_eq!(reward["merchant"]["id"], merchant_id(&till));
        let again = ask(&app, till.caller(), "Create", coffee("k1", &whole)).await;
        assert_eq!((&again["reward"], &again["replayed"]), (reward, &json!(true)));
        let other = ask(&app, till.caller(), "Create", coffee("k1", &json!({}))).await;
        assert_eq!(codes(&other), ["IDEMPOTENCY_MISMATCH"]);
        // Another merchant's keys are its own.
        let stranger = Till::of_member(&app, till.member).await;
        offer(&stranger, "k1", json!({})).await;
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn each_mistake_in_a_reward_has_its_code_and_all_are_told_at_once() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126000002").await;
        let codes_of = async |changes: Value| {
            let answer = ask(&app, till.caller(), "Create", coffee("k", &changes)).await;
            assert_eq!(answer["reward"], Value::Null);
            codes(&answer).iter().map(|code| (*code).to_owned()).collect::<Vec<_>>()
        };
        for (changes, code) in [
            (json!({ "idempotencyKey": "a b" }), "INVALID_IDEMPOTENCY_KEY"),
            (json!({ "title": " " }), "INVALID_TITLE"),
            (json!({ "description": "a\tb" }), "INVALID_DESCRIPTION"),
            (json!({ "points": "0" }), "INVALID_POINTS"),
            (json!({ "points": "-1" }), "INVALID_POINTS"),
            (json!({ "stock": -1 }), "INVALID_STOCK"),
            (json!({ "limitPerMember": 0 }), "INVALID_LIMIT"),
            (json!({ "reserveSeconds": 0 }), "INVALID_RESERVE"),
            (json!({ "reserveSeconds": 2_592_001 }), "INVALID_RESERVE"),
            (
                json!({ "validFrom": "2027-02-01T00:00:00Z", "validUntil": "2027-02-01T00:00:00Z" }),
                "INVALID_WINDOW",
            ),
        ] {
            assert_eq!(codes_of(changes.clone()).await, [code], "{changes}");
        }
        let all = json!({ "title": "", "points": "-1", "reserveSeconds": 0 });
        assert_eq!(codes_of(all).await, ["INVALID_TITLE", "INVALID_POINTS", "INVALID_RESERVE"]);
    }
}

#[tokio::test]
async fn a_change_holds_for_what_is_redeemed_from_then_on_and_is_made_of_the_version_that_was_seen() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126000003").await;
        till.earn("e", "R", 1_000).await;
        let reward = offer(&till, "k", json!({ "limitPerMember": 3, "description": "خوب" })).await;
        let before = redeem(&till, "r1", &reward).await;
        let update = async |changes: Value| {
            let mut input = json!({ "rewardId": reward, "version": 1 });
            for (name, value) in changes.as_object().unwrap() {
                input[name] = value.clone();
            }
            ask(&app, till.caller(), "Update", input).await
        };
        for (changes, code) in [
            (json!({ "title": "" }), "INVALID_TITLE"),
            (json!({ "description": "\u{202E}" }), "INVALID_DESCRIPTION"),
            (json!({ "points": "0" }), "INVALID_POINTS"),
            (json!({ "limitPerMember": 0 }), "INVALID_LIMIT"),
            (json!({ "reserveSeconds": 0 }), "INVALID_RESERVE"),
            (json!({ "version": 2 }), "VERSION_CONFLICT"),
            (json!({ "rewardId": merchant_id(&till) }), "REWARD_NOT_FOUND"),
            (
                json!({ "validFrom": "2027-02-01T00:00:00Z", "validUntil": "2027-01-01T00:00:00Z" }),
                "INVALID_WINDOW",
            ),
        ] {
            assert_eq!(codes(&update(changes.clone()).await), [code], "{changes}");
        }
        let changed = update(json!({ "points": "80", "limitPerMember": null, "title": "دو فنجان" })).await;
        assert_eq!(codes(&changed), Vec::<&str>::new());
        let now = &changed["reward"];
        assert_eq!((&now["points"], &now["version"]), (&json!("80"), &json!(2)));
        assert_eq!((&now["limitPerMember"], &now["description"]), (&Value::Null, &json!("خوب")));
        let late = update(json!({ "points": "10" })).await;
        assert_eq!(codes(&late), ["VERSION_CONFLICT"]);
        assert!(late["userErrors"][0]["message"].as_str().unwrap().contains('2'), "{late}");
        let after = redeem(&till, "r2", &reward).await;
        assert_eq!(before["redemption"]["points"], "50");
        assert_eq!(after["redemption"]["points"], "80");
        assert_eq!(till.wallet_now().await["held"], "130");
    }
}

#[tokio::test]
async fn a_stock_is_changed_once_for_each_key_and_never_below_nothing() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126000004").await;
        let reward = offer(&till, "k", json!({ "stock": 3 })).await;
        let endless = offer(&till, "k2", json!({})).await;
        let change = async |key: &str, reward: &str, change: i32| {
            let input = json!({ "idempotencyKey": key, "rewardId": reward, "change": change });
            ask(&app, till.caller(), "Stock", input).await
        };
        let filled = change("s1", &reward, 4).await;
        assert_eq!((&filled["reward"]["stock"], &filled["replayed"]), (&json!(7), &json!(false)));
        let again = change("s1", &reward, 4).await;
        assert_eq!((&again["reward"]["stock"], &again["replayed"]), (&json!(7), &json!(true)));
        assert_eq!(codes(&change("s1", &reward, 5).await), ["IDEMPOTENCY_MISMATCH"]);
        // The key by which it was offered is no key of a change, not even of as many pieces.
        for pieces in [5, 3] {
            assert_eq!(codes(&change("k", &reward, pieces).await), ["IDEMPOTENCY_MISMATCH"]);
        }
        assert_eq!(change("s2", &reward, -7).await["reward"]["stock"], 0);
        for (key, of, by, code) in [
            ("s3", &reward, -1, "INVALID_STOCK"),
            ("s3", &reward, 0, "INVALID_STOCK"),
            ("s3", &reward, 1_000_000_001, "INVALID_STOCK"),
            ("s 3", &reward, 1, "INVALID_IDEMPOTENCY_KEY"),
            ("s3", &endless, 1, "STOCK_UNLIMITED"),
        ] {
            assert_eq!(codes(&change(key, of, by).await), [code], "{by}");
        }
        let nothing = merchant_id(&till);
        assert_eq!(codes(&change("s3", nothing.as_str().unwrap(), 1).await), ["REWARD_NOT_FOUND"]);
        // A refused change has used no key.
        assert_eq!(change("s3", &reward, 2).await["reward"]["stock"], 2);
        assert_eq!(stock(&app, &reward).await, 2);
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn closed_rewards_are_shown_to_their_merchant_and_nobody_redeems_them() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126000005").await;
        till.earn("e", "R", 1_000).await;
        let stranger = Till::of_member(&app, till.member).await;
        let (open, closed) = (offer(&till, "k1", json!({})).await, offer(&till, "k2", json!({})).await);
        let close = json!({ "rewardId": closed });
        let answer = ask(&app, till.caller(), "Close", close.clone()).await;
        assert_eq!(
            (&answer["reward"]["status"], &answer["reward"]["version"]),
            (&json!("CLOSED"), &json!(2))
        );
        // Closing what is closed changes nothing.
        assert_eq!(ask(&app, till.caller(), "Close", close.clone()).await["reward"]["version"], 2);
        assert_eq!(codes(&redeem(&till, "r", &closed).await), ["REWARD_CLOSED"]);
        let listed = async |caller, filter: Value| {
            let variables = json!({ "first": 10, "filter": filter });
            let page = app.data(caller, REWARD, "Rewards", variables).await["rewards"].clone();
            assert_eq!(page["totalCount"], page["nodes"].as_array().unwrap().len());
            let ids =
                page["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap().to_owned());
            ids.collect::<BTreeSet<_>>()
        };
        // All were offered at one moment, so their order is that of their ids.
        let set = |ids: &[&String]| ids.iter().map(|id| (*id).clone()).collect::<BTreeSet<_>>();
        let of_shop = json!({ "merchantId": merchant_id(&till) });
        for caller in [till.caller(), Caller::Operator, Caller::Agent] {
            assert_eq!(listed(caller, Value::Null).await, set(&[&open, &closed]));
            assert_eq!(listed(caller, json!({ "status": "CLOSED" })).await, set(&[&closed]));
            let shown = app.data(caller, REWARD, "Reward", json!({ "id": closed })).await;
            assert_eq!(shown["reward"]["id"], closed);
        }
        for caller in [stranger.caller(), Caller::Member(till.member)] {
            assert_eq!(listed(caller, of_shop.clone()).await, set(&[&open]));
            assert_eq!(listed(caller, json!({ "status": "CLOSED" })).await, set(&[]));
            let shown = app.data(caller, REWARD, "Reward", json!({ "id": closed })).await;
            assert_eq!(shown["reward"], Value::Null);
        }
        let of_stranger = json!({ "merchantId": merchant_id(&stranger) });
        assert_eq!(listed(Caller::Operator, of_stranger).await, set(&[]));
        assert_eq!(codes(&ask(&app, stranger.caller(), "Reopen", close.clone()).await), ["REWARD_NOT_FOUND"]);
        let opened = ask(&app, till.caller(), "Reopen", close).await;
        assert_eq!(
            (&opened["reward"]["status"], &opened["reward"]["version"]),
            (&json!("ACTIVE"), &json!(3))
        );
        assert_eq!(codes(&redeem(&till, "r", &closed).await), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn rewards_come_in_pages_in_the_order_in_which_they_were_offered() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126000006").await;
        for number in 0..5 {
            offer(&till, &format!("k{number}"), json!({ "title": number.to_string() })).await;
        }
        let (mut after, mut titles) = (Value::Null, Vec::new());
        loop {
            let variables = json!({ "first": 2, "after": after });
            let page = app.data(Caller::Member(till.member), REWARD, "Rewards", variables).await;
            let page = &page["rewards"];
            titles.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["title"].clone()));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(titles.len(), 5);
        let mut sorted = titles.clone();
        sorted.sort_by_key(ToString::to_string);
        // All were offered at one moment, so their order is that of their ids; each comes once.
        sorted.dedup();
        assert_eq!(sorted, ["0", "1", "2", "3", "4"]);
        let filter = json!({ "first": 1, "filter": { "merchantId": "x" } });
        assert_eq!(app.code(Some(Caller::Operator), REWARD, "Rewards", filter).await, "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn only_the_merchant_with_the_scope_looks_after_its_rewards() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126000007").await;
        let reward = offer(&till, "k", json!({ "stock": 1 })).await;
        let asks = [
            ("Create", coffee("k9", &json!({}))),
            ("Update", json!({ "rewardId": reward, "version": 1, "points": "1" })),
            ("Stock", json!({ "idempotencyKey": "s", "rewardId": reward, "change": 1 })),
            ("Close", json!({ "rewardId": reward })),
            ("Reopen", json!({ "rewardId": reward })),
        ];
        let others: Vec<Scope> = Scopes::of_role(amvaj_domain::access::Role::Merchant)
            .iter()
            .filter(|scope| *scope != Scope::RewardsManage)
            .collect();
        let limited = Identity::console(till.caller()).limited_to(Scopes::of(&others));
        let stranger = Till::of_member(&app, till.member).await;
        for (name, input) in &asks {
            let variables = json!({ "input": input });
            for caller in [Caller::Operator, Caller::Agent, Caller::Member(till.member)] {
                let code = app.code(Some(caller), REWARD, name, variables.clone()).await;
                assert_eq!(code, "FORBIDDEN", "{name} {caller:?}");
            }
            let token = app.token(&limited);
            let answer = app.send_with(Some(&token), REWARD, name, variables.clone()).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{name}");
            if *name != "Create" {
                let answer = ask(&app, stranger.caller(), name, input.clone()).await;
                assert_eq!(codes(&answer), ["REWARD_NOT_FOUND"], "{name}");
            }
        }
        let shown = app.data(Caller::Operator, REWARD, "Reward", json!({ "id": reward })).await;
        assert_eq!((&shown["reward"]["version"], &shown["reward"]["stock"]), (&json!(1), &json!(1)));
    }
}
