//! `redemptionChanged`: each change once and in order, also for those who come back, and only for whom it is.

use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::time::Span;
use serde_json::{Value, json};

use super::scene::{capture, later, offer, redeem, release};
use crate::live::client::Socket;
use crate::support::app::TestApp;
use crate::support::till::Till;

async fn listen(app: &TestApp, caller: Caller, after: &Value) -> Socket {
    let token = app.token(&Identity::console(caller));
    let mut socket = Socket::of(app, &token).await;
    socket.subscribe("r", "Redemptions", json!({ "after": after })).await;
    assert!(socket.is_silent().await, "nothing has happened yet");
    socket
}

/// The next changes, each as status and id, and the cursors.
async fn changes(socket: &mut Socket, count: usize) -> (Vec<(String, Value)>, Vec<Value>) {
    let (mut seen, mut cursors) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let event = socket.event().await;
        let redemption = &event["redemption"];
        seen.push((redemption["status"].as_str().unwrap().to_owned(), redemption["id"].clone()));
        cursors.push(event["cursor"].clone());
    }
    (seen, cursors)
}

#[tokio::test(flavor = "multi_thread")]
async fn member_and_merchant_hear_of_each_change_and_others_of_none() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126500001").await;
        till.earn("e", "R", 1_000).await;
        let stranger = Till::of_member(&app, till.member).await;
        let reward = offer(&till, "k", json!({ "reserveSeconds": 60 })).await;
        later(&app, Span::seconds(1)).await;
        let member = Caller::Member(till.member);
        let mut own = listen(&app, member, &Value::Null).await;
        let mut shop = listen(&app, till.caller(), &Value::Null).await;
        let mut other = listen(&app, stranger.caller(), &Value::Null).await;
        // What is no redemption is not told of.
        till.hold("h", 5, 100).await;
        let mut ids = Vec::new();
        for number in 0..3 {
            let redeemed = redeem(&till, &format!("r{number}"), &reward).await;
            later(&app, Span::seconds(1)).await;
            let (id, code) = (redeemed["redemption"]["id"].clone(), &redeemed["redemption"]["voucherCode"]);
            match number {
                0 => drop(capture(&till, "c", code).await),
                1 => drop(release(&app, member, "x", &id).await),
                _ => later(&app, Span::seconds(61)).await,
            }
            later(&app, Span::seconds(1)).await;
            ids.push(id);
        }
        for socket in [&mut own, &mut shop] {
            let (seen, _) = changes(socket, 6).await;
            let of: Vec<&Value> = seen.iter().map(|(_, id)| id).collect();
            assert_eq!(of, [&ids[0], &ids[0], &ids[1], &ids[1], &ids[2], &ids[2]]);
            let ends: Vec<&str> = seen.iter().skip(1).step_by(2).map(|(status, _)| status.as_str()).collect();
            assert_eq!(ends, ["CAPTURED", "RELEASED", "EXPIRED"]);
            assert!(socket.is_silent().await);
        }
        assert!(other.is_silent().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_is_told_what_was_missed() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126500002").await;
        till.earn("e", "R", 1_000).await;
        let reward = offer(&till, "k", json!({})).await;
        later(&app, Span::seconds(1)).await;
        let stranger = Till::open(&app, "09126500003").await;
        for (prefix, caller) in [("m", Caller::Member(till.member)), ("t", till.caller())] {
            let mut socket = listen(&app, caller, &Value::Null).await;
            for number in 0..4 {
                redeem(&till, &format!("{prefix}{number}"), &reward).await;
                later(&app, Span::seconds(1)).await;
            }
            let (all, cursors) = changes(&mut socket, 4).await;
            for had in 1..4 {
                let token = app.token(&Identity::console(caller));
                let mut again = Socket::of(&app, &token).await;
                again.subscribe("r", "Redemptions", json!({ "after": cursors[had - 1] })).await;
                let (missed, _) = changes(&mut again, 4 - had).await;
                let ids = |of: &[(String, Value)]| of.iter().map(|(_, id)| id.clone()).collect::<Vec<_>>();
                assert_eq!(ids(&missed), ids(&all[had..]), "after {had}");
                assert!(again.is_silent().await);
            }
            // The cursor is whose it is, and one that was made up is none.
            let other = match caller {
                Caller::Member(_) => Caller::Member(stranger.member),
                _ => stranger.caller(),
            };
            for (caller, cursor) in [(other, cursors[0].clone()), (caller, json!("x"))] {
                let mut socket = Socket::of(&app, &app.token(&Identity::console(caller))).await;
                socket.subscribe("r", "Redemptions", json!({ "after": cursor })).await;
                assert_eq!(socket.error().await, "BAD_USER_INPUT");
            }
        }
        for (caller, code) in [(Caller::Operator, "FORBIDDEN"), (Caller::Agent, "FORBIDDEN")] {
            let mut socket = Socket::of(&app, &app.token(&Identity::console(caller))).await;
            socket.subscribe("r", "Redemptions", json!({})).await;
            assert_eq!(socket.error().await, code);
        }
    }
}
