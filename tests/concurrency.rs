//! Many at once: what one after the other would have done, and nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use amvaj_api::config::Config;
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::Caller;
use amvaj_domain::earn::EarnRule;
use amvaj_domain::ledger::OpKind;
use amvaj_domain::points::Points;
use amvaj_domain::time::Span;
use amvaj_infra::ledger::{LedgerScope, OperationFilter, Request};
use amvaj_infra::page::PageRequest;
use futures_util::future::{join, join_all};
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::database::{TestDb, open};
use crate::support::till::{POINTS, Till, a_moment, assert_sound, codes, simple_rule};

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_redemptions_of_one_balance_spend_it_once() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09122000001").await;
        till.earn("e", "R", 100).await;
        let keys: Vec<String> = (0..200).map(|number| format!("k{number}")).collect();
        let answers = join_all(keys.iter().map(|key| till.redeem(key, 5))).await;
        let spent = answers.iter().filter(|answer| codes(answer).is_empty()).count();
        let refused = answers.iter().filter(|answer| codes(answer) == ["INSUFFICIENT_POINTS"]).count();
        assert_eq!((spent, refused), (20, 180));
        assert_eq!(till.wallet_now().await["posted"], "0");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_a_hundred_times_at_once_runs_once() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09122000002").await;
        let answers = join_all((0..100).map(|_| till.earn("same", "R", 10))).await;
        let first: Vec<&Value> = answers.iter().filter(|answer| answer["replayed"] == false).collect();
        assert_eq!(first.len(), 1);
        assert!(answers.iter().all(|answer| answer["operation"]["id"] == first[0]["operation"]["id"]));
        assert_eq!(till.wallet_now().await["posted"], "10");
        // And a hundred keys for one receipt: one earns, the others are shown its earn.
        let keys: Vec<String> = (0..100).map(|number| format!("k{number}")).collect();
        let answers = join_all(keys.iter().map(|key| till.earn(key, "R2", 10))).await;
        assert_eq!(answers.iter().filter(|answer| codes(answer).is_empty()).count(), 1);
        assert!(answers.iter().all(|answer| answer["operation"]["points"] == "10"));
        assert_eq!(till.wallet_now().await["posted"], "20");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_waiting_refund_and_of_another_request_at_once_stops_nobody() {
    for app in TestApp::both().await {
        let till = &Till::open(&app, "09122000009").await;
        till.earn("e", "R", 1_000).await;
        let pairs = (0..60).map(|number| async move {
            let key = format!("k{number}");
            let receipt = format!("never-{number}");
            tokio::join!(till.refund(&key, &receipt, json!({ "whole": true })), till.redeem(&key, 1))
        });
        let answers = join_all(pairs).await;
        for (refund, redeem) in &answers {
            // One of the two has the key; the other is told so.
            let told = [codes(refund), codes(redeem)];
            assert!(told.contains(&vec!["IDEMPOTENCY_MISMATCH"]) && told.contains(&vec![]), "{told:?}");
        }
        assert_eq!(till.earn("after", "R2", 10).await["replayed"], false);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_races_its_purchase_ends_the_same_in_either_order() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09122000003").await;
        let names: Vec<String> = (0..40).map(|number| format!("R{number}")).collect();
        let till = &till;
        let races = names.iter().map(|receipt| async move {
            let earn = format!("e-{receipt}");
            let refund = format!("f-{receipt}");
            let whole = json!({ "whole": true });
            if receipt.len() % 2 == 0 {
                tokio::join!(till.earn(&earn, receipt, 10), till.refund(&refund, receipt, whole));
            } else {
                tokio::join!(till.refund(&refund, receipt, whole), till.earn(&earn, receipt, 10));
            }
        });
        join_all(races).await;
        // What raced past each other is joined by the sweep.
        let mut sweep = amvaj_infra::worker::Sweep::new(
            app.app.db.clone(),
            app.app.ledger.clone(),
            amvaj_infra::worker::SweepSettings::default(),
        );
        sweep.sweep_once(app.clock.now()).await.unwrap();
        for receipt in &names {
            let state = till.refund(&format!("f-{receipt}"), receipt, json!({ "whole": true })).await;
            assert_eq!(state["status"], "POSTED", "{state:#}");
        }
        assert_eq!(till.wallet_now().await["posted"], "0");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_at_once_of_a_refund_that_waits_are_all_answered_at_once() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09122000011").await;
        let whole = json!({ "whole": true });
        assert_eq!(till.refund("f", "later", whole.clone()).await["status"], "WAITING_FOR_PURCHASE");
        let retries = join_all((0..30).map(|_| till.refund("f", "later", whole.clone()))).await;
        assert!(retries.iter().all(|retry| retry["status"] == "WAITING_FOR_PURCHASE"), "{retries:#?}");
        till.earn("e", "later", 10).await;
        let retries = join_all((0..30).map(|_| till.refund("f", "later", whole.clone()))).await;
        assert!(retries.iter().all(|retry| retry["status"] == "POSTED"), "{retries:#?}");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_in_every_order_end_the_same() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09122000004").await;
        let parts = [
            json!({ "lines": [{ "line": 1 }] }),
            json!({ "lines": [{ "line": 2, "quantity": 2 }] }),
            json!({ "amount": { "amount": 77, "currency": "IRR" } }),
        ];
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let mut ends = Vec::new();
        for (number, order) in orders.iter().enumerate() {
            let receipt = format!("R{number}");
            let input = json!({
                "idempotencyKey": format!("e{number}"), "receiptNumber": receipt, "member": till.member_ref(),
                "amount": { "amount": 1_000, "currency": "IRR" },
                "lines": [{ "amount": 333, "quantity": 2 }, { "amount": 667, "quantity": 3 }],
            });
            till.ask("Earn", input).await;
            for part in order {
                let refund = till.refund(&format!("f{number}-{part}"), &receipt, parts[*part].clone()).await;
                assert_eq!(codes(&refund), Vec::<&str>::new(), "{refund:#}");
            }
            ends.push(till.app.app.reader.receipt(&key(&till, &receipt)).await.unwrap().is_some());
        }
        let scope = app.app.reader.within(LedgerScope::Network);
        let filter = OperationFilter { kinds: vec![OpKind::Refund], ..OperationFilter::default() };
        let refunds = scope.operations(&filter, &PageRequest::first(100)).await.unwrap().items;
        let sums: Vec<i64> = (0..orders.len())
            .map(|number| {
                let of = |op: &&amvaj_infra::ledger::StoredOperation| {
                    op.op.receipt.as_ref().is_some_and(|receipt| receipt.as_str() == format!("R{number}"))
                };
                refunds.iter().filter(of).map(|op| op.op.amount.get()).sum()
            })
            .collect();
        assert!(sums.windows(2).all(|pair| pair[0] == pair[1]), "{sums:?}");
        assert_sound(&app).await;
    }
}

fn key(till: &Till<'_>, receipt: &str) -> amvaj_domain::ledger::ReceiptKey {
    let number = amvaj_domain::text::ReceiptNumber::parse(receipt).unwrap();
    amvaj_domain::ledger::ReceiptKey { merchant: till.merchant, number }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_captured_or_over_but_never_both() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09122000005").await;
        till.earn("e", "R", 1_000).await;
        for number in 0..10 {
            let held = till.hold(&format!("h{number}"), 10, 60).await;
            let capture = json!({ "idempotencyKey": format!("c{number}"), "holdId": held["hold"]["id"] });
            let end = app.clock.now().plus(Span::seconds(60));
            let tend = async {
                if number % 2 == 0 {
                    a_moment().await;
                }
                app.clock.advance_to(end);
                let request = Request::Tend { wallet: till.wallet, receipt: None };
                app.app.ledger.submit(request).await.unwrap();
            };
            let (captured, ()) = tokio::join!(till.ask("Capture", capture), tend);
            let taken = codes(&captured).is_empty();
            assert!(taken || codes(&captured) == ["HOLD_EXPIRED"], "{captured:#}");
            assert_eq!(captured["hold"]["status"], if taken { "CAPTURED" } else { "EXPIRED" });
        }
        assert_eq!(till.wallet_now().await["held"], "0");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_on_one_wallet_lose_nothing() {
    // A second application on the same PostgreSQL database: another process, as far as the database can tell.
    let [_, database] = TestDb::both().await;
    let app = Arc::new(TestApp::start(database).await);
    let second = app.second_node().await;
    let till = Till::open(&app, "09122000006").await;
    let member = GlobalId::Member(till.member).write();
    let earns = (0..60).map(|number| {
        let node = if number % 2 == 0 { &*app } else { &second };
        let input = json!({
            "idempotencyKey": format!("k{number}"), "receiptNumber": format!("R{number}"),
            "member": { "id": member.as_str() }, "amount": { "amount": 100, "currency": "IRR" },
        });
        node.data(Caller::Merchant(till.merchant), POINTS, "Earn", json!({ "input": input }))
    });
    let answers = join_all(earns).await;
    assert!(answers.iter().all(|answer| codes(&answer["earnPoints"]).is_empty()), "{answers:?}");
    assert_eq!(till.wallet_now().await["posted"], "600");
    assert_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_operations_of_one_wallet_on_two_nodes_overshoot_no_cap_and_no_balance() {
    const CAP: i64 = 2_000;
    let (earning, spending) = (7, 11);
    let [_, database] = TestDb::both().await;
    // A busy machine may need longer than usual for so many at once.
    let patient = |config: &mut Config| config.http.request_timeout = Duration::from_secs(120);
    let app = TestApp::start_with(database, patient).await;
    let second = app.second_node().await;
    let till = Till::open(&app, "09122000010").await;
    app.clock.advance_to(app.clock.now().plus(Span::seconds(2)));
    let rule = EarnRule {
        version: 2,
        effective_from: app.clock.now(),
        cap_per_day: Some(Points::new(CAP).unwrap()),
        ..simple_rule(&app)
    };
    Till::set_rule(&app, till.merchant, rule).await;
    app.clock.advance_to(app.clock.now().plus(Span::seconds(2)));

    let member = till.member_ref();
    let operations: Vec<(&str, Value)> = (0..1_000)
        .map(|number| {
            let key = format!("k{number}");
            if number % 5 < 3 {
                let amount = json!({ "amount": (earning * 10).to_string(), "currency": "IRR" });
                let receipt = format!("R{number}");
                let earn = json!({ "idempotencyKey": key, "receiptNumber": receipt, "member": member, "amount": amount });
                ("Earn", earn)
            } else {
                ("Redeem", json!({ "idempotencyKey": key, "member": member, "points": spending }))
            }
        })
        .collect();
    // Each operation and its twin go to the two nodes at the same time. A connection that a busy machine was too late for
    // is closed, and the request sent again with its key.
    let send = async |node: &TestApp, (name, input): &(&'static str, Value)| loop {
        let request = node.request(Some(till.caller()), POINTS, name, json!({ "input": input }));
        let Ok(answer) = request.send().await else { continue };
        let Ok(answer) = answer.json::<Value>().await else { continue };
        assert!(answer["errors"].is_null(), "{answer:#}");
        return answer["data"].as_object().unwrap().values().next().unwrap().clone();
    };
    let pairs = operations.iter().map(|operation| join(send(&app, operation), send(&second, operation)));
    let answers = join_all(pairs).await;

    let (mut earned, mut partly, mut spent) = (0, 0, 0);
    for ((name, input), (one, twin)) in operations.iter().zip(&answers) {
        assert_eq!(one["operation"], twin["operation"], "{input}: {one:#} {twin:#}");
        assert_eq!(codes(one), codes(twin), "{input}");
        let did_it = [one, twin].iter().filter(|answer| answer["replayed"] == false).count();
        assert!(did_it <= 1, "at most one of the two did it: {input}: {one:#} {twin:#}");
        let points = || one["operation"]["points"].as_str().unwrap().parse::<i64>().unwrap();
        match (*name, codes(one).as_slice()) {
            ("Earn", []) => {
                earned += points();
                partly += i32::from(![0, earning].contains(&points()));
            }
            ("Redeem", []) => spent += points(),
            ("Redeem", ["INSUFFICIENT_POINTS"]) => {}
            (_, refused) => panic!("{input}: {refused:?}"),
        }
    }
    assert_eq!((earned, partly), (CAP, 1), "600 earns come to 4,200, and the cap is met to the point");
    assert!(spent > 0 && spent <= earned && spent % spending == 0, "{spent} of {earned}");
    assert_eq!(till.wallet_now().await["posted"], (earned - spent).to_string());
    let journal = till.ask_operations().await;
    assert_eq!(journal["operations"]["totalCount"], 1_000, "each key once");
    assert_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_in_the_queue_is_told_so_and_not_done() {
    for database in TestDb::both().await {
        let app = TestApp::start_with(database, |config| config.ledger.queue = 1).await;
        let till = Till::open(&app, "09122000007").await;
        let asked = (0..200).map(|number| {
            let input = json!({
                "idempotencyKey": format!("k{number}"), "receiptNumber": format!("R{number}"),
                "member": till.member_ref(), "amount": { "amount": 100, "currency": "IRR" },
            });
            app.send(Some(till.caller()), POINTS, "Earn", json!({ "input": input }))
        });
        let answers = join_all(asked).await;
        let done =
            answers.iter().filter(|answer| answer["data"]["earnPoints"]["operation"].is_object()).count();
        let refused =
            answers.iter().filter(|answer| answer["errors"][0]["extensions"]["code"] == "OVERLOADED").count();
        assert!(done > 0 && refused > 0 && done + refused == 200, "{done} done, {refused} refused");
        assert_eq!(till.wallet_now().await["posted"], (done * 10).to_string());
        assert_sound(&app).await;
    }
}

/// A crowd that comes at once is served to the last, however long that takes; whoever comes while it has waited for long is told
/// so at once, and served when nobody waits any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_served_and_whoever_joins_a_queue_that_stands_is_refused_at_once() {
    for database in TestDb::both().await {
        let app = TestApp::start_with(database, |config| config.ledger.batch = 1).await;
        let till = Till::open(&app, "09122000008").await;
        let earn = |key: String| {
            let input = json!({
                "idempotencyKey": key, "receiptNumber": format!("R-{key}"), "member": till.member_ref(),
                "amount": { "amount": 100, "currency": "IRR" },
            });
            app.send(Some(till.caller()), POINTS, "Earn", json!({ "input": input }))
        };
        // Until the database goes on nothing is served. By then the crowd is there, also on a machine that has other things to do.
        let until = Duration::from_secs(4);
        let lock = app.app.db.for_migrations().begin().await.unwrap();
        lock.execute_unprepared("update wallet set version = version").await.unwrap();
        let goes_on = async {
            tokio::time::sleep(until).await;
            lock.rollback().await.unwrap();
        };
        let crowd = join_all((0..300).map(|number| earn(format!("crowd-{number}"))));
        let late = join_all((0..100).map(|number| {
            let late = earn(format!("late-{number}"));
            async move {
                tokio::time::sleep(until + Duration::from_millis(10) * number).await;
                let began = Instant::now();
                (late.await, began.elapsed())
            }
        }));
        let (crowd, late, ()) = tokio::join!(crowd, late, goes_on);
        let is_done = |answer: &Value| answer["data"]["earnPoints"]["operation"].is_object();
        assert!(crowd.iter().all(is_done), "{crowd:#?}");
        let (refused, done): (Vec<_>, Vec<_>) =
            late.iter().partition(|(answer, _)| answer["errors"][0]["extensions"]["code"] == "OVERLOADED");
        assert!(!refused.is_empty() && done.iter().all(|(answer, _)| is_done(answer)), "{done:#?}");
        assert!(refused.iter().all(|(_, took)| *took < Duration::from_millis(500)), "{refused:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        let after = earn("after".to_owned()).await;
        assert!(is_done(&after), "{after:#}");
        assert_eq!(till.wallet_now().await["posted"], ((301 + done.len()) * 10).to_string());
        assert_sound(&app).await;
    }
}

/// Of two members who earn with one receipt or pay for it at the same moment, each through another node, one is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_one_wallets_whichever_operations_race_for_it() {
    for app in TestApp::both().await {
        let other_node = app.second_node_as_usual().await;
        let till = Till::open(&app, "09122000009").await;
        let rival = app.member("رقیب", "09122000010").await;
        let rival = json!({ "id": GlobalId::Member(rival).write().as_str() });
        till.earn("fill", "R-fill", 100_000).await;
        let fill = json!({
            "idempotencyKey": "fill-rival", "receiptNumber": "R-fill-rival", "member": rival,
            "amount": { "amount": 100_000, "currency": "IRR" },
        });
        till.ask("Earn", fill).await;

        let input = |key: &str, receipt: &str, member: &Value, name: &str| {
            let mut input = json!({ "idempotencyKey": key, "receiptNumber": receipt, "member": member });
            match name {
                "Earn" => input["amount"] = json!({ "amount": 100, "currency": "IRR" }),
                _ => input["points"] = json!(1),
            }
            json!({ "input": input })
        };
        let rounds = [("Redeem", "Redeem"), ("Redeem", "Earn"), ("Earn", "Redeem"), ("Earn", "Earn")];
        let races = rounds.iter().cycle().take(80).enumerate().map(|(number, (first, second))| {
            let receipt = format!("R-{number}");
            let one = input(&format!("a{number}"), &receipt, &till.member_ref(), first);
            let two = input(&format!("b{number}"), &receipt, &rival, second);
            let (app, other_node, caller) = (&app, &other_node, till.caller());
            async move {
                join(app.data(caller, POINTS, first, one), other_node.data(caller, POINTS, second, two)).await
            }
        });
        for (one, two) in join_all(races).await {
            let answers = [one, two].map(|data| data.as_object().unwrap().values().next().unwrap().clone());
            let refused: Vec<&str> = answers.iter().flat_map(codes).collect();
            assert!(
                [["RECEIPT_OF_ANOTHER_MEMBER"], ["RECEIPT_ALREADY_USED"]].iter().any(|code| refused == *code),
                "{refused:?}: {answers:#?}"
            );
        }
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_too_late_is_found_under_its_key() {
    for database in TestDb::both().await {
        let blocker = open(&database.url).await;
        let app = TestApp::start_with(database, |config| {
            config.http.request_timeout = Duration::from_secs(2);
        })
        .await;
        let patient = app.second_node_as_usual().await;
        let till = Till::open(&patient, "09122000008").await;
        let input = json!({
            "idempotencyKey": "k", "receiptNumber": "R", "member": till.member_ref(),
            "amount": { "amount": 100, "currency": "IRR" },
        });
        // Reading goes on, and no batch can be written meanwhile: the request is long in its lane when its time is over.
        let lock = if app.app.db.is_postgres() {
            "lock table op in exclusive mode"
        } else {
            "delete from op where false"
        };
        let blocking = blocker.for_migrations().begin().await.unwrap();
        blocking.execute_unprepared(lock).await.unwrap();
        let late = app.code(Some(till.caller()), POINTS, "Earn", json!({ "input": input })).await;
        assert_eq!(late, "OUTCOME_UNKNOWN");
        blocking.rollback().await.unwrap();
        assert_eq!(till.earn("k", "R", 10).await["operation"]["points"], "10");
        assert_eq!(till.wallet_now().await["posted"], "10");
        assert_sound(&patient).await;
    }
}
