//! Who has too few points: nothing of a reward is put aside for them, not even for a moment.

use std::sync::atomic::{AtomicBool, Ordering};

use amvaj_domain::access::Caller;
use amvaj_domain::earn::EarnRule;
use amvaj_domain::time::Span;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::scene::{REWARD, ask, offer, redeem, redeem_at_till, release, stock};
use crate::support::app::TestApp;
use crate::support::till::{Till, assert_sound, codes, simple_rule};

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_without_points_does_not_make_a_reward_look_sold_out() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126700000").await;
        till.earn("e", "R", 50).await;
        let reward = offer(&till, "k", json!({ "stock": 1 })).await;
        let mut crowd = Vec::new();
        for number in 1..=12 {
            crowd.push(app.member("عضو", &format!("091267000{number:02}")).await);
        }
        let is_over = AtomicBool::new(false);
        let pressing = join_all(crowd.iter().map(async |member| {
            for number in 0.. {
                if is_over.load(Ordering::SeqCst) {
                    break;
                }
                let input = json!({ "idempotencyKey": format!("p{number}"), "rewardId": reward });
                let answer = ask(&app, Caller::Member(*member), "Redeem", input).await;
                // Whoever holds the last piece has the points for it.
                let code = codes(&answer).join(",");
                assert!(
                    ["INSUFFICIENT_POINTS", "REWARD_OUT_OF_STOCK"].contains(&code.as_str()),
                    "{answer:#}"
                );
            }
        }));
        let member = Caller::Member(till.member);
        let having = async {
            for number in 0..12 {
                let redeemed = redeem(&till, &format!("r{number}"), &reward).await;
                assert_eq!(codes(&redeemed), Vec::<&str>::new(), "at the try {number}");
                let id = &redeemed["redemption"]["id"];
                let released = release(&app, member, &format!("x{number}"), id).await;
                assert_eq!(codes(&released), Vec::<&str>::new());
            }
            is_over.store(true, Ordering::SeqCst);
        };
        tokio::join!(pressing, having);
        assert_eq!(stock(&app, &reward).await, 1);
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn whoever_has_too_few_points_begins_nothing_and_may_ask_again_with_the_key() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126700101").await;
        till.earn("e", "R", 49).await;
        let reward = offer(&till, "k", json!({ "stock": 1, "limitPerMember": 1 })).await;
        let wallet = json!({ "posted": "49", "held": "0", "available": "49" });
        for answer in [redeem(&till, "r", &reward).await, redeem_at_till(&till, "t", &reward).await] {
            assert_eq!(codes(&answer), ["INSUFFICIENT_POINTS"]);
            let error = &answer["userErrors"][0];
            assert_eq!(error["field"], json!(["input", "rewardId"]));
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("49") && message.contains("50"), "{message}");
            assert_eq!((&answer["wallet"], &answer["replayed"]), (&wallet, &json!(false)));
            assert_eq!(answer["redemption"], Value::Null);
        }
        // Another merchant's till, which does not see the wallet, is not told what is in it.
        let stranger = Till::of_member(&app, till.member).await;
        let theirs = offer(&stranger, "k", json!({})).await;
        let told = redeem_at_till(&stranger, "t", &theirs).await;
        assert_eq!((codes(&told), &told["wallet"]), (vec!["INSUFFICIENT_POINTS"], &Value::Null));
        assert!(!told["userErrors"][0]["message"].as_str().unwrap().contains("49"), "{told:#}");

        till.earn("e2", "R2", 1).await;
        let redeemed = redeem(&till, "r", &reward).await;
        assert_eq!((codes(&redeemed), &redeemed["replayed"]), (Vec::new(), &json!(false)));
        let again = redeem(&till, "r", &reward).await;
        assert_eq!((&again["redemption"], &again["replayed"]), (&redeemed["redemption"], &json!(true)));
        // What is wrong with the reward itself is told first.
        assert_eq!(codes(&redeem(&till, "r2", &reward).await), ["REWARD_OUT_OF_STOCK"]);
        let listed = app.data(Caller::Member(till.member), REWARD, "Redemptions", json!({})).await;
        assert_eq!(listed["redemptions"]["totalCount"], 1);
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn points_that_only_another_merchant_takes_do_not_count() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126700201").await;
        let issuer = Till::of_member(&app, till.member).await;
        let effective_from = app.clock.now().plus(Span::seconds(1));
        let rule = EarnRule { version: 2, spend_only_at_issuer: true, effective_from, ..simple_rule(&app) };
        Till::set_rule(&app, issuer.merchant, rule).await;
        app.clock.advance_to(effective_from);
        issuer.earn("e", "R", 500).await;
        let (here, there) = (offer(&till, "k", json!({})).await, offer(&issuer, "k", json!({})).await);
        assert_eq!(codes(&redeem(&till, "r1", &here).await), ["INSUFFICIENT_POINTS"]);
        assert_eq!(codes(&redeem(&till, "r1", &there).await), Vec::<&str>::new());
        assert_eq!(codes(&redeem(&till, "r2", &here).await), ["INSUFFICIENT_POINTS"]);
        till.earn("e2", "R2", 50).await;
        assert_eq!(codes(&redeem(&till, "r2", &here).await), Vec::<&str>::new());
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_many_times_at_once_is_answered_the_same_by_who_comes_when_points_and_piece_are_gone() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126700301").await;
        for round in 0..5 {
            till.earn(&format!("e{round}"), &format!("R{round}"), 50).await;
            // Of every second one there are more pieces, so that nothing but the points is gone.
            let stock = if round % 2 == 0 { 1 } else { 9 };
            let reward = offer(&till, &format!("k{round}"), json!({ "stock": stock })).await;
            let key = format!("r{round}");
            let answers = join_all((0..12).map(|_| redeem(&till, &key, &reward))).await;
            let first = answers.iter().filter(|answer| answer["replayed"] == false).count();
            assert_eq!(first, 1, "{answers:#?}");
            for answer in &answers {
                assert_eq!(codes(answer), Vec::<&str>::new());
                assert_eq!(answer["redemption"]["id"], answers[0]["redemption"]["id"]);
            }
        }
        assert_eq!(till.wallet_now().await["held"], "250");
        assert_sound(&app).await;
    }
}
