//! Points over the API: what each operation does, what it refuses, and that a retry never does anything twice.

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::Caller;
use amvaj_domain::audit::Author;
use amvaj_domain::earn::{EarnRule, Rate};
use amvaj_domain::id::{MerchantId, WalletId};
use amvaj_domain::member::MemberStatus;
use amvaj_domain::merchant::{BranchStatus, MerchantStatus};
use amvaj_domain::points::Points;
use amvaj_domain::time::Span;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{TestApp, act};
use crate::support::till::{POINTS, Till, assert_sound, codes, simple_rule};

fn with(mut object: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

fn earn_input(till: &Till<'_>, key: &str, receipt: &str, amount: i64) -> Value {
    json!({
        "idempotencyKey": key, "receiptNumber": receipt, "member": till.member_ref(),
        "amount": { "amount": amount.to_string(), "currency": "IRR" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn points_earned_at_one_merchant_are_spent_at_another() {
    for app in TestApp::both().await {
        let cafe = Till::open(&app, "09121000001").await;
        let shop = Till::of_member(&app, cafe.member).await;
        let earned = cafe.earn("e1", "R-1", 250).await;
        assert_eq!(earned["operation"]["points"], "250", "{earned:#}");
        assert_eq!(earned["wallet"]["available"], "250");
        let held = shop.hold("h1", 100, 60).await;
        assert_eq!(held["wallet"]["available"], "150", "{held:#}");
        let capture = json!({ "idempotencyKey": "c1", "holdId": held["hold"]["id"], "points": "70" });
        let captured = shop.ask("Capture", capture).await;
        assert_eq!(captured["hold"]["status"], "CAPTURED", "{captured:#}");
        assert_eq!(captured["wallet"]["available"], "180");
        let redeemed = shop.redeem("r1", 180).await;
        assert_eq!(redeemed["wallet"]["posted"], "0", "{redeemed:#}");
        let short = shop.redeem("r2", 1).await;
        assert_eq!(codes(&short), ["INSUFFICIENT_POINTS"]);

        let history = app.data(Caller::Member(cafe.member), POINTS, "History", json!({})).await;
        let kinds: Vec<&str> = history["wallet"]["operations"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|operation| operation["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["REDEEM", "REDEEM", "CAPTURE", "HOLD", "EARN"]);
        let earn = &history["wallet"]["operations"]["nodes"][4];
        let text = earn["explanation"]["text"].as_str().unwrap();
        assert!(text.contains("Garden Café") && text.contains("rounded down"), "{text}");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_answers_what_the_first_request_did() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000002").await;
        let first = till.earn("same", "R-1", 100).await;
        let again = till.earn("same", "R-1", 100).await;
        assert_eq!(again["replayed"], true);
        assert_eq!(again["operation"], first["operation"]);
        assert_eq!(again["wallet"], first["wallet"]);

        // Whatever has changed since: the key still answers.
        app.app.directory.set_merchant_status(till.merchant, MerchantStatus::Blocked, &act()).await.unwrap();
        app.clock.advance_to(app.clock.now().plus(Span::days(60)));
        let later = till.earn("same", "R-1", 100).await;
        assert_eq!(later["operation"]["id"], first["operation"]["id"], "{later:#}");

        let other_body = till.earn("same", "R-1", 101).await;
        assert_eq!(codes(&other_body), ["IDEMPOTENCY_MISMATCH"]);

        // A refusal is repeated too, even when it would succeed by now.
        let refused = till.earn("blocked", "R-2", 100).await;
        assert_eq!(codes(&refused), ["MERCHANT_BLOCKED"]);
        app.app.directory.set_merchant_status(till.merchant, MerchantStatus::Open, &act()).await.unwrap();
        let refused = till.earn("blocked", "R-2", 100).await;
        assert_eq!((codes(&refused), &refused["replayed"]), (vec!["MERCHANT_BLOCKED"], &json!(true)));
        assert_eq!(codes(&till.earn("new", "R-2", 100).await), Vec::<&str>::new());
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_the_merchant_and_not_to_a_wallet_or_a_client() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000003").await;
        let other = Till {
            member: app.member("علی", "09121000004").await,
            ..Till::of_member(&app, till.member).await
        };
        let other_member = json!({ "id": GlobalId::Member(other.member).write().as_str() });
        till.earn("k", "R-1", 100).await;

        let other_wallet = with(earn_input(&till, "k", "R-1", 1_000), json!({ "member": other_member }));
        assert_eq!(codes(&till.ask("Earn", other_wallet).await), ["IDEMPOTENCY_MISMATCH"]);
        // Every request of these tests has a token of its own: another client of the same merchant.
        assert_eq!(till.earn("k", "R-1", 100).await["replayed"], true);
        // Another merchant may use the same key and the same receipt number.
        let elsewhere = other.ask("Earn", earn_input(&till, "k", "R-1", 1_000)).await;
        assert_eq!((codes(&elsewhere), &elsewhere["replayed"]), (vec![], &json!(false)));
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_earns_once_and_says_what_it_earned() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000005").await;
        let first = till.earn("k1", "R-1", 100).await;
        let second = till.earn("k2", "R-1", 100).await;
        assert_eq!(codes(&second), ["RECEIPT_ALREADY_USED"]);
        assert_eq!(second["operation"]["id"], first["operation"]["id"]);
        assert_eq!(second["wallet"]["posted"], "100");

        let other =
            json!({ "id": GlobalId::Member(app.member("علی", "09121000006").await).write().as_str() });
        let elsewhere = with(earn_input(&till, "k3", "R-1", 1_000), json!({ "member": other }));
        let elsewhere = till.ask("Earn", elsewhere).await;
        assert_eq!(codes(&elsewhere), ["RECEIPT_ALREADY_USED"]);
        assert_eq!(elsewhere["operation"]["id"], first["operation"]["id"]);
        // The refusal with what it shows is the same on a retry.
        assert_eq!(codes(&till.earn("k2", "R-1", 100).await), ["RECEIPT_ALREADY_USED"]);

        let pay = json!({ "idempotencyKey": "k4", "member": other, "points": 1, "receiptNumber": "R-1" });
        assert_eq!(codes(&till.ask("Redeem", pay).await), ["RECEIPT_OF_ANOTHER_MEMBER"]);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_gives_back_what_the_kept_basket_does_not_earn() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000007").await;
        let lines = json!([
            { "amount": 1_000, "quantity": 2 }, { "amount": 500, "category": "gift" }, { "amount": 333, "quantity": 3 },
        ]);
        let earn = with(earn_input(&till, "e", "R-1", 1_833), json!({ "lines": lines }));
        assert_eq!(till.ask("Earn", earn).await["operation"]["points"], "133");
        let one = till.refund("f1", "R-1", json!({ "lines": [{ "line": 1 }] })).await;
        assert_eq!((one["operation"]["points"].as_str(), codes(&one)), (Some("50"), vec![]), "{one:#}");
        let gift = till.refund("f2", "R-1", json!({ "lines": [{ "line": 2 }] })).await;
        assert_eq!(gift["operation"]["points"], "0", "{gift:#}");
        let too_much = till.refund("f3", "R-1", json!({ "lines": [{ "line": 1, "quantity": 2 }] })).await;
        assert_eq!(codes(&too_much), ["REFUND_EXCEEDS_PURCHASE"]);
        let unknown = till.refund("f4", "R-1", json!({ "lines": [{ "line": 9 }] })).await;
        assert_eq!(codes(&unknown), ["LINE_NOT_FOUND"]);

        // What was spent already becomes debt, which the next earn repays.
        till.redeem("r", 83).await;
        let rest = till.refund("f5", "R-1", json!({ "whole": true })).await;
        assert_eq!((&rest["wallet"]["debt"], &rest["wallet"]["available"]), (&json!("83"), &json!("0")));
        let nothing_left = till.refund("f6", "R-1", json!({ "whole": true })).await;
        assert_eq!(codes(&nothing_left), ["REFUND_EXCEEDS_PURCHASE"]);
        let next = till.earn("e2", "R-2", 100).await;
        assert_eq!((&next["wallet"]["debt"], &next["wallet"]["available"]), (&json!("0"), &json!("17")));
        let purchase = json!({ "receiptNumber": "R-1" });
        let purchase = app.data(till.caller(), POINTS, "Purchase", purchase).await["purchase"].clone();
        assert_eq!((&purchase["keptTotal"], &purchase["keptPoints"]), (&json!("0"), &json!("0")));
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_may_come_before_its_purchase() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000008").await;
        let early = till.refund("f", "R-1", json!({ "amount": { "amount": 400, "currency": "IRR" } })).await;
        assert_eq!((&early["status"], codes(&early)), (&json!("WAITING_FOR_PURCHASE"), vec![]));
        let still = till.refund("f", "R-1", json!({ "amount": { "amount": 400, "currency": "IRR" } })).await;
        assert_eq!((&still["status"], &still["replayed"]), (&json!("WAITING_FOR_PURCHASE"), &json!(true)));
        let of_another_currency = json!({ "amount": { "amount": 400, "currency": "USD" } });
        assert_eq!(codes(&till.refund("f", "R-1", of_another_currency).await), ["IDEMPOTENCY_MISMATCH"]);
        let ancient = json!({
            "idempotencyKey": "old", "receiptNumber": "R-1", "what": { "whole": true },
            "occurredAt": "1970-01-01T00:00:00Z",
        });
        assert_eq!(codes(&till.ask("Refund", ancient).await), ["OCCURRED_TOO_LONG_AGO"]);
        let too_large =
            till.refund("g", "R-1", json!({ "amount": { "amount": 9_000, "currency": "IRR" } })).await;
        assert_eq!(too_large["status"], "WAITING_FOR_PURCHASE");

        till.earn("e", "R-1", 100).await;
        assert_eq!(till.wallet_now().await["posted"], "60");
        let posted = till.refund("f", "R-1", json!({ "amount": { "amount": 400, "currency": "IRR" } })).await;
        assert_eq!((&posted["status"], &posted["operation"]["points"]), (&json!("POSTED"), &json!("40")));
        let refused =
            till.refund("g", "R-1", json!({ "amount": { "amount": 9_000, "currency": "IRR" } })).await;
        assert_eq!(
            (&refused["status"], codes(&refused)),
            (&json!("REJECTED"), vec!["REFUND_EXCEEDS_PURCHASE"])
        );
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn points_that_paid_for_a_receipt_earn_nothing_and_come_back_with_it() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000009").await;
        till.earn("e0", "R-0", 100).await;
        let pay = json!({ "idempotencyKey": "p", "member": till.member_ref(), "points": 10, "receiptNumber": "R-1" });
        till.ask("Redeem", pay).await;
        // Ten points pay 900 of 1,800 rials: half of the basket earns.
        let earned = till.earn("e1", "R-1", 180).await;
        assert_eq!(earned["operation"]["points"], "90", "{earned:#}");
        let back = till.refund("f", "R-1", json!({ "whole": true })).await;
        assert_eq!(back["wallet"]["available"], "100", "{back:#}");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn caps_minimum_and_excluded_categories_count_to_the_point() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000010").await;
        let rule = EarnRule {
            version: 2,
            effective_from: app.clock.now().plus(Span::seconds(1)),
            minimum_basket: 500,
            cap_per_purchase: Some(Points::new(80).unwrap()),
            cap_per_day: Some(Points::new(100).unwrap()),
            ..simple_rule(&app)
        };
        Till::set_rule(&app, till.merchant, rule).await;
        app.clock.advance_to(app.clock.now().plus(Span::seconds(2)));
        let quote = json!({ "amount": { "amount": 2_000, "currency": "IRR" }, "member": till.member_ref() });
        let quoted = till.ask("Quote", quote.clone()).await;
        assert_eq!(quoted["quote"]["points"], "80", "{quoted:#}");
        assert_eq!(till.earn("a", "R-1", 200).await["operation"]["points"], "80");
        assert_eq!(till.ask("Quote", quote).await["quote"]["points"], "20");
        assert_eq!(till.earn("b", "R-2", 200).await["operation"]["points"], "20");
        assert_eq!(till.earn("c", "R-3", 200).await["operation"]["points"], "0");
        assert_eq!(till.earn("d", "R-4", 49).await["operation"]["points"], "0");
        // A refund gives the day its points back.
        till.refund("f", "R-1", json!({ "whole": true })).await;
        assert_eq!(till.earn("e", "R-5", 50).await["operation"]["points"], "50");
        app.clock.advance_to(app.clock.now().plus(Span::days(1)));
        assert_eq!(till.earn("g", "R-6", 200).await["operation"]["points"], "80");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_time_does_is_seen_at_once() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000011").await;
        let rule = EarnRule {
            version: 2,
            effective_from: app.clock.now().plus(Span::seconds(1)),
            pending_days: 3,
            ..simple_rule(&app)
        };
        till.earn("e", "R-1", 100).await;
        let held = till.hold("h", 60, 600).await;
        Till::set_rule(&app, till.merchant, rule).await;
        app.clock.advance_to(app.clock.now().plus(Span::minutes(2)));
        let pending = till.earn("p", "R-2", 40).await;
        assert_eq!(
            (&pending["wallet"]["pending"], &pending["wallet"]["available"]),
            (&json!("40"), &json!("40"))
        );

        app.clock.advance_to(app.clock.now().plus(Span::minutes(10)));
        let late = json!({ "idempotencyKey": "c", "holdId": held["hold"]["id"] });
        assert_eq!(codes(&till.ask("Capture", late).await), ["HOLD_EXPIRED"]);
        assert_eq!(till.wallet_now().await["available"], "100");
        app.clock.advance_to(app.clock.now().plus(Span::days(3)));
        assert_eq!(till.wallet_now().await["available"], "140");
        app.clock.advance_to(app.clock.now().plus(Span::days(370)));
        assert_eq!(till.wallet_now().await["posted"], "0");
        assert_eq!(codes(&till.redeem("r", 1).await), ["INSUFFICIENT_POINTS"]);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_merchants_and_members_things_are_not_there() {
    for app in TestApp::both().await {
        let mine = Till::open(&app, "09121000012").await;
        let other = Till::of_member(&app, mine.member).await;
        let stranger = app.member("علی", "09121000013").await;
        let earned = mine.earn("e", "R-1", 100).await;
        let held = mine.hold("h", 10, 600).await;
        let hold = &held["hold"]["id"];

        for (name, key) in [("Capture", "x1"), ("Release", "x2")] {
            let end = other.ask(name, json!({ "idempotencyKey": key, "holdId": hold })).await;
            assert_eq!((codes(&end), &end["hold"]), (vec!["HOLD_NOT_FOUND"], &Value::Null));
        }
        let history = app.data(Caller::Member(mine.member), POINTS, "History", json!({})).await;
        assert_eq!(history["wallet"]["operations"]["totalCount"], 2, "a stranger's try leaves no trace");
        let refund = other.refund("x3", "R-1", json!({ "whole": true })).await;
        assert_eq!(refund["status"], "WAITING_FOR_PURCHASE");
        for id in [&earned["operation"]["id"], hold] {
            for caller in [other.caller(), Caller::Member(stranger)] {
                assert_eq!(app.data(caller, POINTS, "Node", json!({ "id": id })).await["node"], Value::Null);
            }
            assert_eq!(app.data(mine.caller(), POINTS, "Node", json!({ "id": id })).await["node"]["id"], *id);
        }
        let wallet = GlobalId::Wallet(mine.wallet).write();
        let peek =
            app.data(Caller::Member(stranger), POINTS, "Wallet", json!({ "id": wallet.as_str() })).await;
        assert_eq!(peek["wallet"], Value::Null);
        let peeks = json!({ "wallet": wallet.as_str() });
        let peek = app.code(Some(mine.caller()), POINTS, "MerchantPeeks", peeks.clone()).await;
        assert_eq!(peek, "FORBIDDEN", "it sees the balance, and no lots");
        let peek = app.data(other.caller(), POINTS, "MerchantPeeks", peeks).await;
        assert_eq!(peek["wallet"], Value::Null);
        let receipt = json!({ "receiptNumber": "R-1" });
        assert_eq!(app.data(other.caller(), POINTS, "Purchase", receipt).await["purchase"], Value::Null);
        let listed = app.data(other.caller(), POINTS, "Operations", json!({})).await;
        assert!(
            listed["operations"]["nodes"].as_array().unwrap().iter().all(|op| op["receiptNumber"].is_null())
        );
        let listed =
            app.data(mine.caller(), POINTS, "Operations", json!({ "filter": { "kinds": ["EARN"] } })).await;
        assert_eq!(listed["operations"]["totalCount"], 1);
        assert_eq!(listed["operations"]["nodes"][0]["member"]["mobile"], Value::Null);
        for (caller, code) in [(Some(Caller::Member(stranger)), "FORBIDDEN"), (None, "UNAUTHENTICATED")] {
            let input = json!({ "input": earn_input(&mine, "z", "R-9", 10) });
            assert_eq!(app.code(caller, POINTS, "Earn", input).await, code);
        }
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_told_what_to_do_and_changes_nothing() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000014").await;
        till.earn("e", "R-0", 100).await;
        let before = till.wallet_now().await;
        let earn = earn_input(&till, "k", "R-1", 1_000);
        let money =
            |amount: Value, currency: &str| json!({ "amount": { "amount": amount, "currency": currency } });
        let branch = GlobalId::Branch(amvaj_domain::id::BranchId::new(Uuid::from_u128(1))).write();
        for (changes, expected) in [
            (money(json!(0), "IRR"), "INVALID_AMOUNT"),
            (money(json!(-5), "IRR"), "INVALID_AMOUNT"),
            (money(json!("9223372036854775808"), "IRR"), "INVALID_AMOUNT"),
            (json!({ "idempotencyKey": "" }), "INVALID_IDEMPOTENCY_KEY"),
            (json!({ "idempotencyKey": "کلید" }), "INVALID_IDEMPOTENCY_KEY"),
            (json!({ "receiptNumber": " " }), "INVALID_RECEIPT_NUMBER"),
            (json!({ "branchId": "nonsense" }), "INVALID_BRANCH_ID"),
            (json!({ "member": { "mobile": "021 8888 7777" } }), "INVALID_MEMBER"),
            (json!({ "member": { "mobile": "09129999999" } }), "MEMBER_NOT_FOUND"),
            (json!({ "lines": [{ "amount": 1 }] }), "INVALID_BASKET"),
            (
                json!({ "lines": [{ "line": 1, "amount": 500 }, { "line": 1, "amount": 500 }] }),
                "INVALID_BASKET",
            ),
            (json!({ "lines": [{ "amount": 1_000, "quantity": 0 }] }), "INVALID_BASKET"),
        ] {
            let payload = till.ask("Earn", with(earn.clone(), changes.clone())).await;
            assert_eq!(codes(&payload), [expected], "{changes}");
            assert!(!payload["userErrors"][0]["message"].as_str().unwrap().is_empty());
        }
        // What the ledger refuses is recorded, and moves nothing.
        for (key, changes, expected) in [
            ("a", money(json!(1_000), "USD"), "CURRENCY_MISMATCH"),
            ("b", json!({ "branchId": branch.as_str() }), "BRANCH_NOT_FOUND"),
            ("c", json!({ "occurredAt": "2027-01-15T08:06:00Z" }), "OCCURRED_IN_FUTURE"),
            ("d", json!({ "occurredAt": "2026-12-01T00:00:00Z" }), "OCCURRED_TOO_LONG_AGO"),
        ] {
            let changes = with(changes, json!({ "idempotencyKey": key }));
            assert_eq!(codes(&till.ask("Earn", with(earn.clone(), changes)).await), [expected]);
        }
        for points in [json!(0), json!(-1), json!("9223372036854775808")] {
            let redeem = json!({ "idempotencyKey": "p", "member": till.member_ref(), "points": points });
            assert_eq!(codes(&till.ask("Redeem", redeem).await), ["INVALID_POINTS"], "{points}");
        }
        let fraction =
            json!({ "input": { "idempotencyKey": "p", "member": till.member_ref(), "points": 1.5 } });
        assert_eq!(app.code(Some(till.caller()), POINTS, "Redeem", fraction).await, "BAD_USER_INPUT");
        for seconds in [0, -1, 2_592_001] {
            assert_eq!(codes(&till.hold("s", 1, seconds).await), ["INVALID_SECONDS"]);
        }
        let foreign = json!({ "idempotencyKey": "h", "holdId": GlobalId::Hold(WalletId::new(Uuid::from_u128(9)), 1).write().as_str() });
        assert_eq!(codes(&till.ask("Release", foreign).await), ["HOLD_NOT_FOUND"]);
        let no_hold = json!({ "idempotencyKey": "h", "holdId": "nonsense" });
        assert_eq!(codes(&till.ask("Release", no_hold).await), ["INVALID_HOLD_ID"]);
        for what in [
            json!({ "lines": [] }),
            json!({ "whole": false }),
            json!({ "lines": [{ "line": 1, "quantity": 0 }] }),
        ] {
            assert_eq!(codes(&till.refund("f", "R-0", what).await), ["INVALID_REFUND"]);
        }
        let after = till.wallet_now().await;
        assert_eq!(after["posted"], before["posted"]);
        // Persian digits name the same mobile number.
        let persian = with(earn, json!({ "member": { "mobile": "۰۹۱۲ ۱۰۰ ۰۰۱۴" } }));
        assert_eq!(codes(&till.ask("Earn", persian).await), Vec::<&str>::new());
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_or_closed_starts_nothing_and_ends_what_was_begun() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000015").await;
        till.earn("e", "R-1", 100).await;
        let (first, second) = (till.hold("h1", 10, 600).await, till.hold("h2", 10, 600).await);
        let author = Author::console();
        let block = |status| {
            amvaj_api::app::set_member_status::set_member_status(&app.app, &author, till.member, status)
        };
        block(MemberStatus::Blocked).await.unwrap();
        assert_eq!(codes(&till.earn("e2", "R-2", 10).await), ["MEMBER_BLOCKED"]);
        assert_eq!(codes(&till.hold("h3", 10, 60).await), ["MEMBER_BLOCKED"]);
        assert_eq!(codes(&till.redeem("r", 10).await), ["MEMBER_BLOCKED"]);
        let capture = json!({ "idempotencyKey": "c1", "holdId": first["hold"]["id"] });
        assert_eq!(codes(&till.ask("Capture", capture).await), Vec::<&str>::new());
        block(MemberStatus::Open).await.unwrap();

        app.app.directory.set_merchant_status(till.merchant, MerchantStatus::Blocked, &act()).await.unwrap();
        assert_eq!(codes(&till.redeem("r2", 10).await), ["MERCHANT_BLOCKED"]);
        let release = json!({ "idempotencyKey": "c2", "holdId": second["hold"]["id"] });
        assert_eq!(codes(&till.ask("Release", release.clone()).await), Vec::<&str>::new());
        let twice = with(release, json!({ "idempotencyKey": "c3" }));
        assert_eq!(codes(&till.ask("Capture", twice).await), ["HOLD_RELEASED"]);
        let refund = till.refund("f", "R-1", json!({ "whole": true })).await;
        assert_eq!(refund["status"], "POSTED");
        app.app.directory.set_merchant_status(till.merchant, MerchantStatus::Open, &act()).await.unwrap();

        let branch = app.branch(till.merchant, "Tajrish").await;
        app.app.directory.set_branch_status(branch, BranchStatus::Closed, &act()).await.unwrap();
        let at_branch = json!({ "branchId": GlobalId::Branch(branch).write().as_str() });
        let closed = till.ask("Earn", with(earn_input(&till, "e3", "R-3", 100), at_branch)).await;
        assert_eq!(codes(&closed), ["BRANCH_CLOSED"]);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_end_once_and_capture_no_more_than_they_hold() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000016").await;
        till.earn("e", "R-1", 100).await;
        let held = till.hold("h", 50, 600).await;
        let id = &held["hold"]["id"];
        let more = till.ask("Capture", json!({ "idempotencyKey": "c1", "holdId": id, "points": 51 })).await;
        assert_eq!(codes(&more), ["CAPTURE_EXCEEDS_HOLD"]);
        till.ask("Capture", json!({ "idempotencyKey": "c2", "holdId": id, "points": 50 })).await;
        for (name, key) in [("Capture", "c3"), ("Release", "c4")] {
            let again = till.ask(name, json!({ "idempotencyKey": key, "holdId": id })).await;
            assert_eq!(codes(&again), ["HOLD_CAPTURED"]);
        }
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_without_a_rule_earns_nothing() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000017").await;
        let ruleless: MerchantId = app.merchant("No rule").await;
        let bare = Till { merchant: ruleless, ..Till::of_member(&app, till.member).await };
        assert_eq!(codes(&bare.earn("k", "R-1", 10).await), ["NO_EARN_RULE"]);
        let quote = json!({ "amount": { "amount": 100, "currency": "IRR" } });
        assert_eq!(codes(&bare.ask("Quote", quote).await), ["NO_EARN_RULE"]);
        let old = with(earn_input(&till, "o", "R-2", 100), json!({ "occurredAt": "2026-12-20T07:00:00Z" }));
        let refused = till.ask("Earn", old).await;
        assert_eq!(codes(&refused), ["NO_EARN_RULE"]);
        assert_eq!(refused["userErrors"][0]["field"], json!(["input", "occurredAt"]));
        app.clock.advance_to(app.clock.now().plus(Span::days(40)));
        let old = with(earn_input(&till, "p", "R-3", 100), json!({ "occurredAt": "2027-01-16T07:00:00Z" }));
        assert_eq!(codes(&till.ask("Earn", old).await), ["OCCURRED_TOO_LONG_AGO"]);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_that_leaves_the_range_of_points_is_refused() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000018").await;
        let rule = EarnRule {
            version: 2,
            effective_from: app.clock.now().plus(Span::seconds(1)),
            rate: Rate { points: 1_000_000, per: 1 },
            ..simple_rule(&app)
        };
        Till::set_rule(&app, till.merchant, rule).await;
        app.clock.advance_to(app.clock.now().plus(Span::seconds(2)));
        let earn = earn_input(&till, "k", "R-1", 1_000_000_000_000_000);
        assert_eq!(codes(&till.ask("Earn", earn).await), ["AMOUNT_TOO_LARGE"]);
        assert_eq!(till.wallet_now().await["posted"], "0");
        assert_sound(&app).await;
    }
}
