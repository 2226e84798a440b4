//! Many at once, on two nodes: nothing is given twice, and what is taken is taken whole.

use std::time::Duration;

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::Caller;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::scene::{ask, capture, offer, redeem, release, stock};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::till::{Till, assert_sound, codes};

/// The till of another node before the same member.
fn at<'a>(node: &'a TestApp, till: &Till<'_>) -> Till<'a> {
    Till { app: node, merchant: till.merchant, member: till.member, wallet: till.wallet }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_the_last_pieces_so_many_get_one_as_there_are() {
    for app in TestApp::both().await {
        // Of SQLite there is one node.
        let second = if app.app.db.is_postgres() { Some(app.second_node().await) } else { None };
        let other = second.as_ref().unwrap_or(&app);
        let till = Till::open(&app, "09126300000").await;
        let reward = offer(&till, "k", json!({ "stock": 7 })).await;
        let mut members = Vec::new();
        for number in 1..=24 {
            let member = app.member("عضو", &format!("091263000{number:02}")).await;
            let own = Till { member, ..at(&app, &till) };
            own.earn(&format!("e{number}"), &format!("R{number}"), 60).await;
            members.push(member);
        }
        let answers = join_all(members.iter().enumerate().map(|(number, member)| {
            let node = if number % 2 == 0 { &app } else { other };
            let (caller, reward) = (Caller::Member(*member), reward.clone());
            let input = json!({ "idempotencyKey": "r", "rewardId": reward });
            async move { ask(node, caller, "Redeem", input).await }
        }))
        .await;
        let got = answers.iter().filter(|answer| codes(answer).is_empty()).count();
        let late = answers.iter().filter(|answer| codes(answer) == ["REWARD_OUT_OF_STOCK"]).count();
        assert_eq!((got, late), (7, 17), "{answers:#?}");
        assert_eq!(stock(&app, &reward).await, 0);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_many_times_at_once_on_two_nodes_redeems_once() {
    let app = TestApp::start(TestDb::postgres().await).await;
    let other = app.second_node().await;
    let till = Till::open(&app, "09126300100").await;
    till.earn("e", "R", 1_000).await;
    let reward = offer(&till, "k", json!({ "stock": 20, "limitPerMember": 3 })).await;
    let (here, there) = (at(&app, &till), at(&other, &till));
    let tries = (0..20).map(|number| redeem(if number % 2 == 0 { &here } else { &there }, "same", &reward));
    let answers = join_all(tries).await;
    let first: Vec<&Value> = answers.iter().filter(|answer| answer["replayed"] == false).collect();
    assert_eq!(first.len(), 1);
    assert!(answers.iter().all(|answer| answer["redemption"]["id"] == first[0]["redemption"]["id"]));
    assert_eq!(
        (stock(&app, &reward).await, till.wallet_now().await["held"].clone()),
        (json!(19), json!("50"))
    );
    // And many keys: as many as the limit leaves.
    let keys: Vec<String> = (0..12).map(|number| format!("r{number}")).collect();
    let tries = keys
        .iter()
        .enumerate()
        .map(|(number, key)| redeem(if number % 2 == 0 { &here } else { &there }, key, &reward));
    let answers = join_all(tries).await;
    let got = answers.iter().filter(|answer| codes(answer).is_empty()).count();
    let refused = answers.iter().filter(|answer| codes(answer) == ["REWARD_LIMIT_REACHED"]).count();
    assert_eq!((got, refused), (2, 10));
    assert_eq!(stock(&app, &reward).await, 17);
    assert_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_capture_and_a_release_at_once_one_is_done() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126300200").await;
        till.earn("e", "R", 1_000).await;
        let reward = offer(&till, "k", json!({ "stock": 10 })).await;
        let mut captured = 0;
        for number in 0..10 {
            let redeemed = redeem(&till, &format!("r{number}"), &reward).await;
            let (id, code) = (&redeemed["redemption"]["id"], &redeemed["redemption"]["voucherCode"]);
            let (key, other) = (format!("c{number}"), format!("x{number}"));
            let member = Caller::Member(till.member);
            let (taken, freed) = join(capture(&till, &key, code), release(&app, member, &other, id)).await;
            match (codes(&taken).as_slice(), codes(&freed).as_slice()) {
                ([], ["REDEMPTION_CAPTURED"]) => captured += 1,
                (["REDEMPTION_RELEASED"], []) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(stock(&app, &reward).await, 10 - captured);
        assert_eq!(till.wallet_now().await["posted"], (1_000 - 50 * captured).to_string());
        assert_sound(&app).await;
    }
}

/// A hold is there when it is committed, and what it is for has been there since before: there is no moment in which it looks
/// like one of the merchant's own.
#[tokio::test(flavor = "multi_thread")]
async fn a_till_that_guesses_the_hold_of_a_redemption_takes_no_points_without_the_voucher() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126300200").await;
        till.earn("e", "R", 2_000).await;
        let reward = offer(&till, "k", json!({ "stock": 40, "limitPerMember": 40 })).await;
        for number in 0..20 {
            let (_, last) = app.app.reader.standing(till.wallet).await.unwrap().unwrap();
            let hold = GlobalId::Hold(till.wallet, last + 1).write();
            let guess = |guess: u32| {
                let input =
                    json!({ "idempotencyKey": format!("g{number}-{guess}"), "holdId": hold.as_str() });
                let till = &till;
                async move {
                    tokio::time::sleep(Duration::from_micros(500) * guess).await;
                    till.ask("Capture", input).await
                }
            };
            let key = format!("r{number}");
            let redeeming = redeem(&till, &key, &reward);
            let (redeemed, guessed) = join(redeeming, join_all((0..24).map(guess))).await;
            assert_eq!(redeemed["redemption"]["status"], "RESERVED");
            assert!(guessed.iter().all(|answer| codes(answer) == ["HOLD_NOT_FOUND"]), "{guessed:#?}");
        }
        assert_sound(&app).await;
    }
}
