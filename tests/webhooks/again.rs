//! What is sent again, secrets that are replaced, and what is forgotten.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use amvaj_api::config::Config;
use amvaj_domain::time::Span;
use sea_orm::{ConnectionTrait as _, Database, Statement};
use serde_json::{Value, json};

use super::scene::{
    Hook, ask, body, both, header, pass, receipts, sandbox, signed, taking, with_status, worker,
};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::till::{Till, assert_sound, codes};
use crate::support::web::{FakeWeb, Reply};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_gets_again_whatever_reached_it_after_its_cursor() {
    for app in both().await {
        let till = Till::open(&app, "09121110001").await;
        let member = app.member("علی", "09121110002").await;
        let wallet = app.app.directory.wallet_of(member).await.unwrap().unwrap();
        let beside = Till { app: &app, merchant: till.merchant, member, wallet };
        let refusals = Mutex::new(1);
        let web = FakeWeb::start(move |asked| {
            let mut left = refusals.lock().unwrap();
            let late = asked.body.contains("\"LATE\"") && *left > 0;
            if late {
                *left -= 1;
            }
            Reply::Answer(if late { 500 } else { 200 }, String::new())
        })
        .await;
        let hook = Hook::at(&app, till.merchant, &web.url("/"), json!(["POINTS_EARNED"])).await;
        let worker = worker(&app);
        till.earn("k1", "R-1", 10).await;
        hook.delivered(1).await;
        pass(&app, Span::seconds(10));
        beside.earn("k2", "LATE", 10).await;
        hook.until("refused", |log| log["deliveries"]["nodes"][1]["tries"] == 1).await;
        pass(&app, Span::seconds(1));
        till.earn("k3", "R-2", 10).await;
        till.redeem("k4", 1).await;
        hook.delivered(2).await;
        let cursor = body(&web.asked()[2])["cursor"].clone();
        assert_eq!(receipts(&web.asked()), ["R-1", "LATE", "R-2"]);
        pass(&app, Span::seconds(10));
        hook.delivered(3).await;
        till.earn("k5", "R-3", 10).await;
        let log = hook.delivered(4).await;

        // The receiver goes back to where it was when it had got R-2: LATE came after it, though it happened before.
        let before = web.asked();
        assert_eq!(codes(&hook.ask("Replay", json!({ "after": cursor })).await), Vec::<&str>::new());
        web.asked_times(before.len() + 3).await;
        let after = hook
            .until("all sent again", |log| {
                log["replaying"] == false && with_status(log, "WAITING").is_empty()
            })
            .await;
        let again = web.asked().split_off(before.len());
        let mut came = receipts(&again);
        came.sort();
        assert_eq!(came, ["LATE", "R-2", "R-3"], "and R-2 once more, which does no harm");
        let ids = |log: &Value| -> Vec<Value> {
            log["deliveries"]["nodes"].as_array().unwrap().iter().map(|one| one["eventId"].clone()).collect()
        };
        assert_eq!(ids(&log), ids(&after), "the same events with the same ids");
        let first = before.iter().find(|asked| asked.body.contains("\"R-3\"")).unwrap();
        let second = again.iter().find(|asked| asked.body.contains("\"R-3\"")).unwrap();
        assert_eq!((&first.body, header(first, "webhook-id")), (&second.body, header(second, "webhook-id")));

        for (input, code) in [
            (json!({ "after": "nonsense" }), "INVALID_CURSOR"),
            (json!({}), "INVALID_START"),
            (json!({ "after": cursor, "since": "2027-01-15T08:00:00Z" }), "INVALID_START"),
            (json!({ "since": "2026-12-16T07:59:59Z" }), "CURSOR_EXPIRED"),
        ] {
            assert_eq!(codes(&hook.ask("Replay", input).await), [code]);
        }
        pass(&app, Span::days(31));
        assert_eq!(codes(&hook.ask("Replay", json!({ "after": cursor })).await), ["CURSOR_EXPIRED"]);
        worker.stop().await;
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_was_on_its_way_beside_the_event_of_a_cursor_comes_again() {
    let patient = |config: &mut Config| {
        sandbox(config);
        config.webhooks.timeout = Duration::from_secs(15);
    };
    for database in TestDb::both().await {
        let app = TestApp::start_with(database, patient).await;
        let till = Till::open(&app, "09121110001").await;
        let member = app.member("علی", "09121110002").await;
        let wallet = app.app.directory.wallet_of(member).await.unwrap().unwrap();
        let beside = Till { app: &app, merchant: till.merchant, member, wallet };
        let may_answer = Arc::new(AtomicBool::new(false));
        let may_go_on = Arc::clone(&may_answer);
        let web = FakeWeb::start(move |asked| {
            while asked.body.contains("\"CURSOR\"") && !may_go_on.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(10));
            }
            Reply::Answer(200, String::new())
        })
        .await;
        let hook = Hook::at(&app, till.merchant, &web.url("/"), json!(["POINTS_EARNED"])).await;
        beside.earn("k1", "BESIDE", 10).await;
        pass(&app, Span::seconds(1));
        till.earn("k2", "CURSOR", 10).await;
        let worker = worker(&app);
        hook.delivered(1).await;
        // The receiver took the one of the cursor before the other, and was slower to say so.
        pass(&app, Span::seconds(1));
        may_answer.store(true, Ordering::SeqCst);
        hook.delivered(2).await;
        let asked = web.asked();
        let cursor = asked.iter().find(|asked| asked.body.contains("\"CURSOR\"")).map(body);
        let after = json!({ "after": cursor.unwrap()["cursor"] });
        assert_eq!(codes(&hook.ask("Replay", after).await), Vec::<&str>::new());
        let again = web.asked_times(asked.len() + 2).await.split_off(asked.len());
        let mut came = receipts(&again);
        came.sort();
        assert_eq!(came, ["BESIDE", "CURSOR"]);
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_of_more_than_a_page_keeps_the_order_of_each_member() {
    for app in both().await {
        let till = Till::open(&app, "09121110001").await;
        let (elsewhere, web) = (taking().await, taking().await);
        let other = Hook::at(&app, till.merchant, &elsewhere.url("/"), Value::Null).await;
        let worker = worker(&app);
        for number in 0..60 {
            till.earn(&format!("k{number}"), &format!("R-{number:03}"), 1).await;
        }
        // What another endpoint has got does not come to a new one by itself: that asks for what was before it.
        other.delivered(60).await;
        let hook = Hook::at(&app, till.merchant, &web.url("/"), Value::Null).await;
        assert_eq!(
            codes(&hook.ask("Replay", json!({ "since": "2027-01-15T08:00:00Z" })).await),
            Vec::<&str>::new()
        );
        till.earn("last", "R-060", 1).await;
        hook.delivered(61).await;
        let expected: Vec<String> = (0..=60).map(|number| format!("R-{number:03}")).collect();
        assert_eq!(receipts(&web.asked()), expected);
        worker.stop().await;
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_replaced_with_an_overlap_in_which_both_sign() {
    for app in both().await {
        let till = Till::open(&app, "09121110001").await;
        let web = taking().await;
        let hook = Hook::at(&app, till.merchant, &web.url("/"), Value::Null).await;
        let worker = worker(&app);
        let rotated = hook.ask("Rotate", json!({ "overlapHours": 2 })).await;
        let second = rotated["secret"].as_str().unwrap().to_owned();
        let secrets = rotated["webhookEndpoint"]["secrets"].as_array().unwrap();
        assert_eq!(secrets.len(), 2);
        assert_eq!(
            (&secrets[0]["expiresAt"], &secrets[1]["expiresAt"]),
            (&json!("2027-01-15T10:00:00Z"), &Value::Null)
        );
        assert_eq!(codes(&hook.ask("Rotate", json!({})).await), ["ROTATION_UNDER_WAY"]);
        assert_eq!(codes(&hook.ask("Rotate", json!({ "overlapHours": 169 })).await), ["INVALID_OVERLAP"]);
        assert_eq!(codes(&hook.ask("Rotate", json!({ "overlapHours": -1 })).await), ["INVALID_OVERLAP"]);
        till.earn("k1", "R-1", 10).await;
        hook.delivered(1).await;
        assert!(hook.signed(&web.asked()[0]) && signed(&second, &web.asked()[0]));
        pass(&app, Span::minutes(121));
        // What is known of an endpoint may be a second old.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        till.earn("k2", "R-2", 10).await;
        hook.delivered(2).await;
        assert!(!hook.signed(&web.asked()[1]) && signed(&second, &web.asked()[1]));
        // Somebody has stolen it: nothing before the new one goes on.
        hook.ask("Rotate", json!({ "overlapHours": 1 })).await;
        let third = hook.ask("Rotate", json!({ "overlapHours": 0 })).await;
        let third =
            (third["secret"].as_str().unwrap().to_owned(), third["webhookEndpoint"]["secrets"].clone());
        assert_eq!(third.1.as_array().unwrap().len(), 1);
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        till.earn("k3", "R-3", 10).await;
        hook.delivered(3).await;
        assert!(!signed(&second, &web.asked()[2]) && signed(&third.0, &web.asked()[2]));
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ping_tries_an_endpoint_out_and_waits_once() {
    for app in both().await {
        let till = Till::open(&app, "09121110001").await;
        let web = taking().await;
        let hook = Hook::at(&app, till.merchant, &web.url("/"), json!(["POINTS_REDEEMED"])).await;
        let first = hook.ask("Ping", json!({})).await["webhookDelivery"].clone();
        pass(&app, Span::seconds(1));
        let second = hook.ask("Ping", json!({})).await["webhookDelivery"].clone();
        assert_eq!((&first["id"], &first["status"]), (&second["id"], &json!("WAITING")));
        let waiting = json!({ "webhookDeliveryId": first["id"] });
        assert_eq!(codes(&ask(&app, till.merchant, "Redeliver", waiting).await), ["DELIVERY_WAITING"]);
        let worker = worker(&app);
        hook.delivered(1).await;
        let asked = web.asked();
        assert_eq!((asked.len(), &body(&asked[0])["type"]), (1, &json!("webhook.ping")));
        assert!(hook.signed(&asked[0]) && header(&asked[0], "webhook-id") == first["eventId"]);
        pass(&app, Span::seconds(1));
        let third = hook.ask("Ping", json!({})).await["webhookDelivery"].clone();
        assert_ne!(third["eventId"], first["eventId"]);
        hook.delivered(2).await;
        worker.stop().await;
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_removed_or_old_is_forgotten() {
    for app in both().await {
        let till = Till::open(&app, "09121110001").await;
        let web = taking().await;
        let kept = Hook::at(&app, till.merchant, &web.url("/kept"), Value::Null).await;
        let gone = Hook::at(&app, till.merchant, &web.url("/gone"), Value::Null).await;
        let worker = worker(&app);
        till.earn("k1", "R-1", 10).await;
        kept.delivered(1).await;
        let delivery = gone.delivered(1).await["deliveries"]["nodes"][0]["id"].clone();
        let removed = gone.ask("Remove", json!({})).await;
        assert_eq!(removed["removedWebhookEndpointId"], json!(gone.id));
        assert_eq!(gone.log(None).await, Value::Null);
        for (name, input) in
            [("Ping", json!({})), ("Update", json!({})), ("Remove", json!({})), ("Rotate", json!({}))]
        {
            assert_eq!(codes(&gone.ask(name, input).await), ["ENDPOINT_NOT_FOUND"], "{name}");
        }
        let again = json!({ "webhookDeliveryId": delivery });
        assert_eq!(codes(&ask(&app, till.merchant, "Redeliver", again).await), ["DELIVERY_NOT_FOUND"]);
        till.earn("k2", "R-2", 10).await;
        kept.delivered(2).await;
        assert_eq!(web.asked().iter().filter(|asked| asked.target == "/gone").count(), 1);
        worker.stop().await;
        pass(&app, Span::days(31));
        // Retention goes round once a minute, and at the start of a worker.
        let worker = super::scene::worker(&app);
        kept.until("forgotten", |log| log["deliveries"]["totalCount"] == 0).await;
        worker.stop().await;
        let leases = "select name from lease where name like 'webhook:%'";
        let connection = Database::connect(app.url()).await.unwrap();
        let statement = Statement::from_string(connection.get_database_backend(), leases);
        assert_eq!(
            connection.query_all_raw(statement).await.unwrap().len(),
            1,
            "that of the removed one too"
        );
        connection.close().await.unwrap();
        assert_sound(&app).await;
    }
}
