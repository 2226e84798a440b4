//! How redemptions end: captured against the voucher, called off, or not collected in time.

use amvaj_domain::access::Caller;
use amvaj_domain::time::Span;
use serde_json::{Value, json};

use super::scene::{ask, capture, later, merchant_id, offer, redeem, release, shown, stock};
use crate::support::app::TestApp;
use crate::support::till::{Till, assert_sound, codes};

#[tokio::test]
async fn the_merchant_takes_the_points_against_the_voucher_once() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126200001").await;
        till.earn("e", "R", 100).await;
        let reward = offer(&till, "k", json!({ "stock": 4 })).await;
        let redeemed = redeem(&till, "r", &reward).await;
        let code = redeemed["redemption"]["voucherCode"].as_str().unwrap();
        // As people type it.
        let (start, rest) = code.split_at(4);
        let typed =
            json!(format!("{} - {}", start.replace('1', "۱").replace('2', "٢"), rest.replace('3', "۳")));
        let captured = capture(&till, "c1", &typed).await;
        assert_eq!((codes(&captured), &captured["replayed"]), (Vec::new(), &json!(false)));
        let redemption = &captured["redemption"];
        assert_eq!(redemption["status"], "CAPTURED");
        assert_eq!(redemption["endedAt"], "2027-01-15T08:00:00Z");
        assert_eq!(captured["wallet"], json!({ "posted": "50", "held": "0", "available": "50" }));
        let again = capture(&till, "c1", &typed).await;
        assert_eq!((&again["redemption"], &again["replayed"]), (redemption, &json!(true)));
        assert_eq!(codes(&capture(&till, "c2", &json!(code)).await), ["REDEMPTION_CAPTURED"]);
        let id = &redemption["id"];
        let member = Caller::Member(till.member);
        assert_eq!(codes(&release(&app, member, "x", id).await), ["REDEMPTION_CAPTURED"]);
        assert_eq!(codes(&release(&app, till.caller(), "x", id).await), ["REDEMPTION_CAPTURED"]);
        // The key of a redemption that has ended answers it as it is now.
        assert_eq!(redeem(&till, "r", &reward).await["redemption"]["status"], "CAPTURED");
        assert_eq!(stock(&app, &reward).await, 3);
        later(&app, Span::days(8)).await;
        assert_eq!(shown(&app, id).await["status"], "CAPTURED");
        assert_eq!(stock(&app, &reward).await, 3);
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn each_mistake_at_a_capture_has_its_code() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126200002").await;
        till.earn("e", "R", 300).await;
        let reward = offer(&till, "k", json!({})).await;
        let (one, two) = (redeem(&till, "r1", &reward).await, redeem(&till, "r2", &reward).await);
        let code = |of: &Value| of["redemption"]["voucherCode"].clone();
        let stranger = Till::of_member(&app, till.member).await;
        assert_eq!(codes(&capture(&till, "c", &json!("12345")).await), ["INVALID_VOUCHER_CODE"]);
        assert_eq!(codes(&capture(&till, "c c", &code(&one)).await), ["INVALID_IDEMPOTENCY_KEY"]);
        assert_eq!(codes(&capture(&stranger, "c", &code(&one)).await), ["REDEMPTION_NOT_FOUND"]);
        let other = code(&one).as_str().unwrap().chars().rev().collect::<String>();
        if ![code(&one), code(&two)].contains(&json!(other)) {
            assert_eq!(codes(&capture(&till, "c", &json!(other)).await), ["REDEMPTION_NOT_FOUND"]);
        }
        let branch =
            json!({ "idempotencyKey": "c", "voucherCode": code(&one), "branchId": merchant_id(&till) });
        assert_eq!(codes(&ask(&app, till.caller(), "Capture", branch).await), ["INVALID_BRANCH_ID"]);
        assert_eq!(codes(&capture(&till, "c", &code(&one)).await), Vec::<&str>::new());
        assert_eq!(codes(&capture(&till, "c", &code(&two)).await), ["IDEMPOTENCY_MISMATCH"]);
        assert_eq!(shown(&app, &two["redemption"]["id"]).await["status"], "RESERVED");
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn member_and_merchant_call_off_what_is_theirs_and_piece_and_points_come_back() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126200003").await;
        till.earn("e", "R", 100).await;
        let reward = offer(&till, "k", json!({ "stock": 2 })).await;
        let stranger = Till::open(&app, "09126200004").await;
        for (number, caller) in [Caller::Member(till.member), till.caller()].into_iter().enumerate() {
            let redeemed = redeem(&till, &format!("r{number}"), &reward).await;
            let id = &redeemed["redemption"]["id"];
            for other in [Caller::Member(stranger.member), stranger.caller()] {
                assert_eq!(codes(&release(&app, other, "x", id).await), ["REDEMPTION_NOT_FOUND"]);
            }
            assert_eq!(stock(&app, &reward).await, 1);
            let key = format!("x{number}");
            let released = release(&app, caller, &key, id).await;
            assert_eq!((codes(&released), &released["replayed"]), (Vec::new(), &json!(false)));
            assert_eq!(released["redemption"]["status"], "RELEASED");
            assert_eq!(released["wallet"]["available"], "100");
            assert_eq!(stock(&app, &reward).await, 2);
            assert_eq!(release(&app, caller, &key, id).await["replayed"], true);
            assert_eq!(codes(&release(&app, caller, "y", id).await), ["REDEMPTION_RELEASED"]);
            let code = &redeemed["redemption"]["voucherCode"];
            assert_eq!(codes(&capture(&till, &format!("c{number}"), code).await), ["REDEMPTION_RELEASED"]);
            assert_eq!(stock(&app, &reward).await, 2, "it comes back once");
        }
        let member = Caller::Member(till.member);
        assert_eq!(codes(&release(&app, member, "x x", &json!("x")).await).len(), 2);
        assert_sound(&app).await;
    }
}

fn with_points(mut input: Value, points: Value) -> Value {
    input["points"] = points;
    input
}

#[tokio::test]
async fn what_nobody_collects_in_time_comes_back_by_itself() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126200005").await;
        till.earn("e", "R", 100).await;
        let reward = offer(&till, "k", json!({ "stock": 1, "reserveSeconds": 60 })).await;
        let redeemed = redeem(&till, "r1", &reward).await;
        let (id, code) = (&redeemed["redemption"]["id"], &redeemed["redemption"]["voucherCode"]);
        // At its end it reads as over, whether or not anything has followed from that yet.
        app.clock.advance_to(app.clock.now().plus(Span::minutes(1)));
        assert_eq!(shown(&app, id).await["status"], "EXPIRED");
        assert_eq!(codes(&redeem(&till, "r2", &reward).await), ["REWARD_OUT_OF_STOCK"]);
        later(&app, Span::seconds(1)).await;
        assert_eq!(stock(&app, &reward).await, 1);
        let shown = shown(&app, id).await;
        assert_eq!((&shown["status"], &shown["hold"]["status"]), (&json!("EXPIRED"), &json!("EXPIRED")));
        assert_eq!(codes(&capture(&till, "c", code).await), ["REDEMPTION_EXPIRED"]);
        assert_eq!(codes(&release(&app, till.caller(), "x", id).await), ["REDEMPTION_EXPIRED"]);
        later(&app, Span::seconds(1)).await;
        assert_eq!(stock(&app, &reward).await, 1, "it comes back once");
        assert_eq!(codes(&redeem(&till, "r2", &reward).await), Vec::<&str>::new());
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn a_redemption_follows_its_hold_which_only_its_voucher_captures() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126200006").await;
        till.earn("e", "R", 200).await;
        let reward = offer(&till, "k", json!({ "stock": 2 })).await;
        let (one, two) = (redeem(&till, "r1", &reward).await, redeem(&till, "r2", &reward).await);
        let end = async |name: &str, key: &str, of: &Value, points: Value| {
            let input = json!({ "idempotencyKey": key, "holdId": of["redemption"]["hold"]["id"] });
            let input = if points.is_null() { input } else { with_points(input, points) };
            codes(&till.ask(name, input).await).join(",")
        };
        // Points of a reward are taken against its voucher alone, and all of them.
        for points in [Value::Null, json!("1")] {
            assert_eq!(end("Capture", &format!("c{points}"), &one, points).await, "HOLD_NOT_FOUND");
        }
        assert_eq!(codes(&capture(&till, "v", &one["redemption"]["voucherCode"]).await), Vec::<&str>::new());
        assert_eq!(end("Release", "x", &two, Value::Null).await, "");
        // At once as it is read, and with its piece when the outbox has told of it.
        for (of, status) in [(&one, "CAPTURED"), (&two, "RELEASED")] {
            assert_eq!(shown(&app, &of["redemption"]["id"]).await["status"], status);
        }
        later(&app, Span::seconds(1)).await;
        assert_eq!(stock(&app, &reward).await, 1);
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn a_redemption_ended_when_its_points_did_however_late_that_is_noted() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126200007").await;
        till.earn("e", "R", 200).await;
        let reward = offer(&till, "k", json!({ "stock": 2 })).await;
        let redeemed = redeem(&till, "r1", &reward).await;
        app.clock.advance_to(app.clock.now().plus(Span::seconds(10)));
        let hold = json!({ "idempotencyKey": "x", "holdId": redeemed["redemption"]["hold"]["id"] });
        assert_eq!(codes(&till.ask("Release", hold).await), Vec::<&str>::new());
        // The outbox tells of it an hour later.
        later(&app, Span::minutes(60)).await;
        let shown = shown(&app, &redeemed["redemption"]["id"]).await;
        assert_eq!(
            (&shown["status"], &shown["endedAt"]),
            (&json!("RELEASED"), &json!("2027-01-15T08:00:10Z"))
        );
        assert_eq!(stock(&app, &reward).await, 2);
        assert_sound(&app).await;
    }
}
