//! Many purchases in one request: each is done by itself, once, whatever becomes of the others.

use amvaj_api::config::Config;
use amvaj_domain::access::Caller;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::till::{POINTS, Till, assert_sound, codes};

/// A purchase that earns `points`; its receipt is named like its key.
fn purchase(till: &Till<'_>, key: &str, points: i64) -> Value {
    json!({
        "idempotencyKey": key, "receiptNumber": format!("R-{key}"), "member": till.member_ref(),
        "amount": { "amount": (points * 10).to_string(), "currency": "IRR" },
    })
}

/// Leaves one look in the dark to each caller.
fn few_misses(config: &mut Config) {
    config.look_ups.misses_per_hour = 1;
    config.look_ups.merchant_misses_per_hour = 1;
}

async fn earn_bulk(till: &Till<'_>, purchases: &[Value]) -> Value {
    till.ask("EarnBulk", json!({ "purchases": purchases })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_purchases_are_answered_in_their_order_and_a_retry_moves_nothing() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09123000001").await;
        let purchases: Vec<Value> =
            (1..=500).map(|number| purchase(&till, &format!("k{number}"), number)).collect();
        let first = earn_bulk(&till, &purchases).await;
        let results = first["results"].as_array().unwrap();
        assert_eq!((results.len(), codes(&first)), (500, vec![]));
        for (result, number) in results.iter().zip(1_i64..) {
            assert_eq!(result["operation"]["points"], number.to_string(), "{result:#}");
            assert_eq!(result["operation"]["receiptNumber"], format!("R-k{number}"));
            assert_eq!(result["replayed"], false);
        }
        assert_eq!(till.wallet_now().await["available"], (500 * 501 / 2).to_string());

        let again = earn_bulk(&till, &purchases).await;
        for (result, before) in again["results"].as_array().unwrap().iter().zip(results) {
            assert_eq!(result["replayed"], true);
            assert_eq!(result["operation"]["id"], before["operation"]["id"]);
        }
        assert_eq!(till.wallet_now().await["available"], (500 * 501 / 2).to_string());
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_one_purchase_is_told_at_its_place_and_the_others_are_done() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09123000002").await;
        till.earn("before", "R-used", 10).await;
        let mut bad_key = purchase(&till, "bad", 10);
        bad_key["idempotencyKey"] = json!("");
        bad_key["receiptNumber"] = json!("");
        let mut used = purchase(&till, "again", 10);
        used["receiptNumber"] = json!("R-used");
        let mut unknown = purchase(&till, "unknown", 10);
        unknown["member"] = json!({ "mobile": "09350000000" });
        let mut twice = purchase(&till, "good", 20);
        twice["amount"]["amount"] = json!("999");
        let sent = [purchase(&till, "good", 10), bad_key, used, unknown];
        let answer = earn_bulk(&till, &sent).await;
        let results = &answer["results"];
        let of = |at: usize| codes(&results[at]);
        assert_eq!(of(0), Vec::<&str>::new());
        assert_eq!(of(1), ["INVALID_IDEMPOTENCY_KEY", "INVALID_RECEIPT_NUMBER"]);
        assert_eq!(
            results[1]["userErrors"][0]["field"],
            json!(["input", "purchases", "1", "idempotencyKey"])
        );
        assert_eq!(of(2), ["RECEIPT_ALREADY_USED"]);
        assert_eq!(results[2]["userErrors"][0]["field"], json!(["input", "purchases", "2", "receiptNumber"]));
        assert_eq!(of(3), ["MEMBER_NOT_FOUND"]);
        assert_eq!(till.wallet_now().await["available"], "20");

        // A key is one purchase's, in another request too.
        let other = earn_bulk(&till, &[twice]).await;
        assert_eq!(codes(&other["results"][0]), ["IDEMPOTENCY_MISMATCH"]);
        assert_eq!(codes(&earn_bulk(&till, &[]).await), ["NO_PURCHASES"]);
        assert_eq!(till.wallet_now().await["available"], "20");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_one_purchase_is_an_error_with_its_path_and_the_others_are_done() {
    let [sqlite, postgres] = TestDb::both().await;
    for database in [sqlite, postgres] {
        let app = TestApp::start_with(database, few_misses).await;
        let till = Till::open(&app, "09123000003").await;
        let stranger = |key: &str, mobile: &str| {
            let mut purchase = purchase(&till, key, 10);
            purchase["member"] = json!({ "mobile": mobile });
            purchase
        };
        till.ask("Earn", stranger("miss", "09350000001")).await;
        let input = json!({ "purchases": [purchase(&till, "a", 10), stranger("b", "09350000002"), purchase(&till, "c", 10)] });
        let answer = app.send(Some(till.caller()), POINTS, "EarnBulk", json!({ "input": input })).await;
        let results = &answer["data"]["earnPointsBulk"]["results"];
        assert_eq!(results[0]["operation"]["points"], "10", "{answer:#}");
        assert_eq!(results[1], Value::Null);
        assert_eq!(results[2]["operation"]["points"], "10");
        assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
        assert_eq!(answer["errors"][0]["path"], json!(["earnPointsBulk", "results", 1]));
        assert_eq!(answer["errors"][0]["extensions"]["code"], "THROTTLED");
        assert_eq!(till.wallet_now().await["available"], "20");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_that_cannot_be_read_is_told_at_its_place_and_the_others_are_done() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09123000008").await;
        let mut fraction = purchase(&till, "b", 10);
        fraction["amount"]["amount"] = json!("12.5");
        let mut no_time = purchase(&till, "c", 10);
        no_time["occurredAt"] = json!("yesterday");
        let input =
            json!({ "purchases": [purchase(&till, "a", 10), fraction, no_time, purchase(&till, "d", 10)] });
        let answer = app.send(Some(till.caller()), POINTS, "EarnBulk", json!({ "input": input })).await;
        let results = &answer["data"]["earnPointsBulk"]["results"];
        assert_eq!(results[0]["operation"]["points"], "10", "{answer:#}");
        assert_eq!((&results[1], &results[2]), (&Value::Null, &Value::Null));
        assert_eq!(results[3]["operation"]["points"], "10");
        for (at, place) in [(0, 1), (1, 2)] {
            let error = &answer["errors"][at];
            assert_eq!(error["path"], json!(["earnPointsBulk", "results", place]));
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(&format!("input.purchases.{place}: ")), "{message}");
            assert!(!message.contains("occurred while"), "{message}");
        }
        assert_eq!(till.wallet_now().await["available"], "20");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bulk_sent_to_two_nodes_at_once_earns_once() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09123000004").await;
        let node = app.second_node().await;
        let there = Till { app: &node, merchant: till.merchant, member: till.member, wallet: till.wallet };
        let purchases: Vec<Value> =
            (0..100).map(|number| purchase(&till, &format!("k{number}"), 7)).collect();
        let (here, there) = tokio::join!(earn_bulk(&till, &purchases), earn_bulk(&there, &purchases));
        let results = |answer: &Value| answer["results"].as_array().unwrap().clone();
        for (one, other) in results(&here).iter().zip(&results(&there)) {
            assert_eq!(one["operation"]["id"], other["operation"]["id"]);
            assert_ne!(one["replayed"], other["replayed"], "one of the two did it");
        }
        assert_eq!(till.wallet_now().await["available"], "700");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_is_for_merchants_has_a_limit_and_costs_for_each_purchase() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09123000005").await;
        let purchases =
            |count: usize| json!({ "input": { "purchases": vec![purchase(&till, "k", 1); count] } });
        for caller in [Caller::Member(till.member), Caller::Operator, Caller::Agent] {
            assert_eq!(app.code(Some(caller), POINTS, "EarnBulk", purchases(1)).await, "FORBIDDEN");
        }
        let over = app.send(Some(till.caller()), POINTS, "EarnBulk", purchases(501)).await;
        assert!(over["errors"][0]["message"].as_str().unwrap().contains("500"), "{over:#}");
        let cost = async |count: usize| {
            let answer = app.send(Some(till.caller()), POINTS, "EarnBulk", purchases(count)).await;
            answer["extensions"]["cost"]["requested"].as_u64().unwrap()
        };
        let (one, ten) = (cost(1).await, cost(10).await);
        assert!(ten > one + 9 * 2 && ten < one * 10, "{one} and {ten}");
        assert_eq!(till.wallet_now().await["available"], "1");
    }
}

/// Leaves five looks in the dark to each caller.
fn five_misses(config: &mut Config) {
    config.look_ups.misses_per_hour = 5;
    config.look_ups.merchant_misses_per_hour = 5;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_does_not_trip_the_limit_of_look_ups_by_looking_for_many_at_once() {
    let [sqlite, postgres] = TestDb::both().await;
    for database in [sqlite, postgres] {
        let app = TestApp::start_with(database, five_misses).await;
        let till = Till::open(&app, "09123000006").await;
        let of = |key: &str, mobile: &str| {
            let mut purchase = purchase(&till, key, 1);
            purchase["member"] = json!({ "mobile": mobile });
            purchase
        };
        let known: Vec<Value> = (0..150).map(|number| of(&format!("k{number}"), "09123000006")).collect();
        let other: Vec<Value> = (0..60).map(|number| of(&format!("o{number}"), "09123000006")).collect();
        // Two of one merchant at once share what there is.
        let (one, two) = tokio::join!(earn_bulk(&till, &known), earn_bulk(&till, &other));
        for answer in [&one, &two] {
            for result in answer["results"].as_array().unwrap() {
                assert_eq!(result["operation"]["points"], "1", "{result:#}");
            }
        }
        // Those who are not there are counted as ever: the sixth is not looked for, and neither is who comes after it.
        let mut sent: Vec<Value> =
            (0..8).map(|number| of(&format!("m{number}"), &format!("0935000010{number}"))).collect();
        sent.push(of("after", "09123000006"));
        sent.push(purchase(&till, "by-id", 1));
        let input = json!({ "input": { "purchases": sent } });
        let answer = app.send(Some(till.caller()), POINTS, "EarnBulk", input.clone()).await;
        let results = answer["data"]["earnPointsBulk"]["results"].as_array().unwrap();
        let missed = results.iter().filter(|result| !result.is_null() && !codes(result).is_empty()).count();
        assert_eq!(missed, 5, "{answer:#}");
        assert_eq!(results[9]["operation"]["points"], "1");
        let errors = answer["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 4, "{errors:#?}");
        for error in errors {
            let place = usize::try_from(error["path"][2].as_u64().unwrap()).unwrap();
            assert!(results[place].is_null(), "{error:#}");
            let extensions = &error["extensions"];
            assert_eq!((&extensions["code"], &extensions["retryable"]), (&json!("THROTTLED"), &json!(true)));
            assert!(extensions["retryAfter"].as_i64().unwrap() > 0);
            // It says what was done too often, and what helps.
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("mobile") && message.contains("id"), "{message}");
        }
        // Another merchant has its own.
        let stranger = Till::of_member(&app, till.member).await;
        let mut theirs = purchase(&stranger, "k", 1);
        theirs["member"] = json!({ "mobile": "09123000006" });
        assert_eq!(earn_bulk(&stranger, &[theirs]).await["results"][0]["operation"]["points"], "1");
        assert_sound(&app).await;
    }
}
