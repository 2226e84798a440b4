//! What is sent, to whom, and in which order.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use amvaj_domain::time::Span;
use serde_json::{Value, json};

use super::scene::{Hook, body, both, header, of, pass, receipts, taking, with_status, worker};
use crate::support::till::{Till, a_moment, assert_sound, codes};
use crate::support::web::{FakeWeb, Reply};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchant_is_told_of_its_operations_and_of_nobody_elses() {
    for app in both().await {
        let till = Till::open(&app, "09121110001").await;
        let other = Till::of_member(&app, till.member).await;
        let (all, some, others) = (taking().await, taking().await, taking().await);
        let hook = Hook::at(&app, till.merchant, &all.url("/amvaj?x=1"), Value::Null).await;
        let few = Hook::at(&app, till.merchant, &some.url("/"), json!(["PURCHASE_REFUNDED", "PING"])).await;
        let foreign = Hook::at(&app, other.merchant, &others.url("/"), Value::Null).await;
        let worker = worker(&app);

        till.earn("k1", "R-1", 100).await;
        let hold = till.hold("k2", 30, 60).await["hold"]["id"].clone();
        let capture = json!({ "idempotencyKey": "k3", "holdId": hold, "points": 10 });
        till.ask("Capture", capture).await;
        let released = till.hold("k4", 5, 60).await["hold"]["id"].clone();
        till.ask("Release", json!({ "idempotencyKey": "k5", "holdId": released })).await;
        till.redeem("k6", 20).await;
        assert_eq!(codes(&till.redeem("k7", 1_000_000).await), ["INSUFFICIENT_POINTS"]);
        till.refund("k8", "R-1", json!({ "whole": true })).await;
        let ended = till.hold("k9", 1, 60).await;
        assert_eq!(codes(&ended), ["INSUFFICIENT_POINTS"], "the clawback took all");
        till.earn("k10", "R-2", 500).await;
        till.hold("k11", 1, 60).await;
        other.earn("k12", "OTHERS", 5).await;
        pass(&app, Span::minutes(2));

        let log = hook.delivered(10).await;
        let asked = all.asked();
        let types: Vec<Value> = asked.iter().map(|asked| body(asked)["type"].clone()).collect();
        assert_eq!(
            types,
            [
                "points.earned",
                "points.held",
                "hold.captured",
                "points.held",
                "hold.released",
                "points.redeemed",
                "purchase.refunded",
                "points.earned",
                "points.held",
                "hold.expired"
            ]
        );
        for asked in &asked {
            let nodes = log["deliveries"]["nodes"].as_array().unwrap();
            let id = header(asked, "webhook-id");
            let delivery = nodes.iter().find(|delivery| delivery["eventId"] == id).unwrap();
            assert!(hook.signed(asked) && !few.signed(asked), "{asked:?}");
            assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/amvaj?x=1"));
            let told = (&delivery["tries"], &delivery["responseStatus"], &delivery["failure"]);
            assert_eq!(told, (&json!(1), &json!(200), &Value::Null));
        }
        let first = body(&asked[0]);
        assert_eq!((&first["version"], &first["timestamp"]), (&json!(1), &json!("2027-01-15T08:00:00Z")));
        let (data, member) = (&first["data"], till.member_ref()["id"].clone());
        assert_eq!((&data["points"], &data["receiptNumber"]), (&json!("100"), &json!("R-1")));
        assert_eq!(data["amount"], json!({ "amount": "1000", "currency": "IRR" }));
        assert_eq!((&data["memberId"], &data["sequence"]), (&member, &json!("1")));
        assert_eq!(body(&asked[2])["data"]["holdId"], hold);
        assert_eq!(body(&asked[6])["data"]["purchaseId"], data["purchaseId"]);
        let everything: String = asked.iter().map(|asked| asked.body.clone()).collect();
        for secret in ["مینا", "9121110001", "posted", "balance", "OTHERS"] {
            assert!(!everything.contains(secret), "{secret} in {everything}");
        }

        few.delivered(1).await;
        let same = some.asked();
        assert_eq!(header(&same[0], "webhook-id"), header(&asked[6], "webhook-id"), "one event, one id");
        assert_eq!(same[0].body, asked[6].body);
        foreign.delivered(1).await;
        assert_eq!(receipts(&others.asked()), ["OTHERS"]);
        worker.stop().await;
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_not_taken_holds_back_its_member_and_nobody_else() {
    for app in both().await {
        let till = Till::open(&app, "09121110001").await;
        let another = app.member("علی", "09121110002").await;
        let wallet = app.app.directory.wallet_of(another).await.unwrap().unwrap();
        let beside = Till { app: &app, merchant: till.merchant, member: another, wallet };
        let refusals = Mutex::new(2);
        let web = FakeWeb::start(move |asked| {
            let mut left = refusals.lock().unwrap();
            if asked.body.contains("\"A-1\"") && *left > 0 {
                *left -= 1;
                return Reply::Answer(503, "busy".to_owned());
            }
            Reply::Answer(204, String::new())
        })
        .await;
        let hook = Hook::at(&app, till.merchant, &web.url("/"), Value::Null).await;
        let worker = worker(&app);
        for number in 1..=3 {
            till.earn(&format!("a{number}"), &format!("A-{number}"), 10).await;
            beside.earn(&format!("b{number}"), &format!("B-{number}"), 10).await;
        }
        let log = hook.delivered(3).await;
        let failed = of(&log, "A-1");
        assert_eq!((failed["status"].as_str(), with_status(&log, "WAITING").len()), (Some("WAITING"), 3));
        let told = (&failed["tries"], &failed["responseStatus"], &failed["failure"]);
        assert_eq!(told, (&json!(1), &json!(503), &json!("STATUS")));
        assert!(failed["nextTryAt"].is_string() && failed["durationMs"].is_number());
        pass(&app, Span::seconds(10));
        hook.until("tried again", |log| of(log, "A-1")["tries"] == 2).await;
        assert_eq!(with_status(&hook.log(None).await, "DELIVERED").len(), 3);
        pass(&app, Span::seconds(60));
        hook.delivered(6).await;
        let came = |letter: &str| -> Vec<String> {
            receipts(&web.asked()).into_iter().filter(|receipt| receipt.starts_with(letter)).collect()
        };
        assert_eq!(came("A"), ["A-1", "A-1", "A-1", "A-2", "A-3"]);
        assert_eq!(came("B"), ["B-1", "B-2", "B-3"]);
        let tries: Vec<_> = web.asked().into_iter().filter(|asked| asked.body.contains("\"A-1\"")).collect();
        assert!(tries.iter().all(|asked| header(asked, "webhook-id") == header(&tries[0], "webhook-id")));
        assert!(tries.iter().all(|asked| asked.body == tries[0].body && hook.signed(asked)));
        assert!(header(&tries[1], "webhook-timestamp") > header(&tries[0], "webhook-timestamp"));
        worker.stop().await;
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_come_and_go_lose_nothing_and_keep_the_order() {
    const MEMBERS: usize = 6;
    const EACH: usize = 12;
    for app in both().await {
        let till = Till::open(&app, "09121110000").await;
        let moods = Mutex::new(0);
        let moody = FakeWeb::start(move |_| {
            let mut mood = moods.lock().unwrap();
            *mood += 1;
            // What it took it sometimes forgets to say.
            if *mood % 5 == 0 { Reply::Break } else { Reply::Answer(200, String::new()) }
        })
        .await;
        let steady = taking().await;
        let hook = Hook::at(&app, till.merchant, &moody.url("/"), Value::Null).await;
        let second = Hook::at(&app, till.merchant, &steady.url("/"), Value::Null).await;
        let mut tills = Vec::new();
        for number in 0..MEMBERS {
            let member = app.member(&format!("m{number}"), &format!("0912222000{number}")).await;
            let wallet = app.app.directory.wallet_of(member).await.unwrap().unwrap();
            tills.push(Till { app: &app, merchant: till.merchant, member, wallet });
        }
        let other = app.second_node().await;
        let mut workers = vec![worker(&app), worker(&other)];
        for number in 0..EACH {
            for (member, till) in tills.iter().enumerate() {
                till.earn(&format!("{member}-{number}"), &format!("{member}-{number:03}"), 10).await;
            }
            // One of the nodes goes in the middle of its work, and another one comes.
            workers.remove(0).stop().await;
            workers.push(worker(if number % 2 == 0 { &app } else { &other }));
            pass(&app, Span::seconds(30));
        }
        for _ in 0..12 {
            pass(&app, Span::minutes(20));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        hook.delivered(MEMBERS * EACH).await;
        second.delivered(MEMBERS * EACH).await;
        for asked in [moody.asked(), steady.asked()] {
            let mut highest: BTreeMap<String, String> = BTreeMap::new();
            let mut seen = 0;
            for receipt in receipts(&asked) {
                let (member, number) = receipt.split_once('-').unwrap();
                let before = highest.entry(member.to_owned()).or_default();
                // Again is allowed, earlier than one before it is not, and nothing is skipped.
                let next = format!("{:03}", before.parse::<usize>().map_or(0, |number| number + 1));
                assert!(number == *before || number == next, "{receipt} after {before}");
                if number == next {
                    seen += 1;
                }
                number.clone_into(before);
            }
            assert_eq!(seen, MEMBERS * EACH);
        }
        for worker in workers {
            worker.stop().await;
        }
        a_moment().await;
        assert_sound(&app).await;
    }
}
