//! A sandbox's time, which its integrators let pass: what is due by then happens, everything else stays in the present.

use std::time::Duration;

use amvaj_api::app::relay_outbox::relay_outbox;
use amvaj_api::compose::start_worker;
use amvaj_api::config::Config;
use amvaj_domain::access::Caller;
use amvaj_domain::calendar::{ExpiryPolicy, Term};
use amvaj_domain::earn::{EarnRule, Rate};
use amvaj_domain::network::NetworkMode;
use amvaj_domain::time::Span;
use amvaj_infra::verify::{VerifyOptions, verify};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::till::{POINTS, Till, assert_sound, codes, simple_rule};

const BOARD: &str = include_str!("queries/leaderboard.graphql");
const CLOCK: &str = include_str!("queries/clock.graphql");
const DAY: i64 = 86_400;

async fn sandboxes() -> [TestApp; 2] {
    let change = |config: &mut Config| config.network.mode = Some(NetworkMode::Sandbox);
    let [sqlite, postgres] = TestDb::both().await;
    [TestApp::start_with(sqlite, change).await, TestApp::start_with(postgres, change).await]
}

/// Asks for a step and answers the payload.
async fn step(app: &TestApp, caller: Caller, input: Value) -> Value {
    app.data(caller, CLOCK, "Advance", json!({ "input": input })).await["advanceClock"].clone()
}

/// Lets days pass.
async fn pass(app: &TestApp, key: &str, days: i64) -> Value {
    let done = step(app, Caller::Operator, json!({ "idempotencyKey": key, "seconds": days * DAY })).await;
    assert_eq!(codes(&done), [""; 0], "{done:#}");
    done["clock"].clone()
}

async fn clock(app: &TestApp) -> Value {
    app.data(Caller::Operator, CLOCK, "Clock", json!({})).await["clock"].clone()
}

/// The wallet as the cache has it.
async fn wallet(app: &TestApp, till: &Till<'_>) -> Value {
    app.data(Caller::Operator, POINTS, "Wallet", json!({ "id": till.wallet_id() })).await["wallet"].clone()
}

fn figures(wallet: &Value) -> [&str; 3] {
    ["available", "pending", "held"].map(|name| wallet[name].as_str().unwrap_or_else(|| panic!("{wallet:#}")))
}

/// Waits until something holds, half a second at most.
async fn within_half_a_second(what: &str, holds: impl AsyncFn() -> bool) {
    let until = tokio::time::Instant::now() + Duration::from_millis(500);
    while !holds().await {
        assert!(tokio::time::Instant::now() < until, "{what} did not happen within half a second");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_points_become_available_and_expire_when_their_time_has_come() {
    for app in sandboxes().await {
        let till = Till::open(&app, "09127700001").await;
        let rule = EarnRule {
            pending_days: 7,
            expiry: ExpiryPolicy::After(Term::Days(30)),
            effective_from: app.clock.now().plus(Span::seconds(1)),
            version: 2,
            ..simple_rule(&app)
        };
        Till::set_rule(&app, till.merchant, rule).await;
        pass(&app, "to-the-rule", 1).await;
        assert_eq!(codes(&till.earn("k1", "R1", 100).await), [""; 0]);
        assert_eq!(figures(&wallet(&app, &till).await), ["0", "100", "0"]);
        pass(&app, "six-days", 6).await;
        assert_eq!(figures(&wallet(&app, &till).await), ["0", "100", "0"]);
        pass(&app, "the-seventh", 2).await;
        assert_eq!(figures(&wallet(&app, &till).await), ["100", "0", "0"]);
        assert_eq!(codes(&till.redeem("k2", 40).await), [""; 0]);
        pass(&app, "a-month-and-more", 60).await;
        assert_eq!(figures(&wallet(&app, &till).await), ["0", "0", "0"]);
        assert_eq!(codes(&till.redeem("k3", 1).await), ["INSUFFICIENT_POINTS"]);
        // What happens now happens at the sandbox's time.
        assert_eq!(codes(&till.earn("k4", "R4", 10).await), [""; 0]);
        assert_eq!(figures(&wallet(&app, &till).await), ["0", "10", "0"]);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_ends_and_the_worker_records_what_was_due() {
    for app in sandboxes().await {
        let till = Till::open(&app, "09127700002").await;
        till.earn("k1", "R1", 100).await;
        let held = till.hold("k2", 60, 600).await;
        assert_eq!(figures(&wallet(&app, &till).await), ["40", "0", "60"]);
        let seconds = json!({ "idempotencyKey": "ten-minutes", "seconds": 601 });
        step(&app, till.caller(), seconds).await;
        assert_eq!(figures(&wallet(&app, &till).await), ["100", "0", "0"]);
        let capture = json!({ "idempotencyKey": "k3", "holdId": held["hold"]["id"], "points": 10 });
        assert_eq!(codes(&till.ask("Capture", capture).await), ["HOLD_EXPIRED"]);

        // Its rounds are far apart: the next one is begun by the step.
        let mut config = Config::default();
        config.worker.interval = Duration::from_mins(1);
        let worker = start_worker(&app.app, &config);
        tokio::time::sleep(Duration::from_millis(500)).await;
        pass(&app, "years", 500).await;
        let mut kinds = Vec::new();
        for _ in 0..100 {
            let operations = app.data(Caller::Operator, POINTS, "Operations", json!({})).await["operations"]
                ["nodes"]
                .clone();
            kinds = operations.as_array().unwrap().iter().map(|one| one["kind"].to_string()).collect();
            if kinds.iter().any(|kind| kind.contains("EXPIR")) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(figures(&wallet(&app, &till).await), ["0", "0", "0"], "{kinds:?}");
        worker.stop().await;
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_follows_and_a_new_one_begins_there() {
    for app in sandboxes().await {
        let till = Till::open(&app, "09127700003").await;
        let other = app.second_node().await;
        till.earn("k1", "R1", 100).await;
        assert_eq!(figures(&wallet(&other, &till).await), ["100", "0", "0"]);
        let shown = pass(&app, "k", 366).await;
        assert_eq!(shown["offsetSeconds"], 366 * DAY);
        assert_eq!(clock(&app).await, shown);
        assert_eq!(figures(&wallet(&app, &till).await), ["0", "0", "0"]);
        within_half_a_second("the other node's time", async || clock(&other).await == shown).await;
        assert_eq!(figures(&wallet(&other, &till).await), ["0", "0", "0"]);
        assert_eq!(clock(&app.second_node().await).await, shown);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_add_up_wherever_they_are_made_and_a_key_makes_one() {
    for app in sandboxes().await {
        let other = app.second_node().await;
        let merchant = Caller::Merchant(app.merchant("Shop").await);
        let hour = |key: String| json!({ "idempotencyKey": key, "seconds": 3_600 });
        let at_once = (0..10).map(|number| {
            let (node, caller) = if number % 2 == 0 { (&app, Caller::Operator) } else { (&other, merchant) };
            step(node, caller, hour(format!("k{number}")))
        });
        for done in join_all(at_once).await {
            assert_eq!(codes(&done), [""; 0], "{done:#}");
        }
        let ten = async || clock(&app).await["offsetSeconds"] == 36_000;
        within_half_a_second("ten hours", ten).await;

        let same = (0..8).map(|number| {
            let node = if number % 2 == 0 { &app } else { &other };
            step(node, merchant, hour("the-same".to_owned()))
        });
        let answers = join_all(same).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
        assert_eq!(answers[0]["clock"]["offsetSeconds"], 39_600);
        pass(&app, "later", 1).await;
        let again = step(&other, merchant, hour("the-same".to_owned())).await;
        assert_eq!(again, answers[0], "a retry is answered the same");
        let another = json!({ "idempotencyKey": "the-same", "seconds": 3_601 });
        assert_eq!(codes(&step(&app, merchant, another).await), ["IDEMPOTENCY_MISMATCH"]);
        // A key is its tenant's.
        let operators = step(&app, Caller::Operator, hour("the-same".to_owned())).await;
        assert_eq!(operators["clock"]["offsetSeconds"], 39_600 + DAY + 3_600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn time_goes_on_only_forward_and_not_too_far() {
    for app in sandboxes().await {
        let refused = async |input: Value| {
            let mut input = input;
            input["idempotencyKey"] = json!("k");
            let done = step(&app, Caller::Operator, input).await;
            assert!(done["clock"].is_null(), "{done:#}");
            codes(&done).join(" ")
        };
        let before = clock(&app).await;
        for (input, code) in [
            (json!({ "seconds": 0 }), "CLOCK_NOT_FORWARD"),
            (json!({ "seconds": -5 }), "CLOCK_NOT_FORWARD"),
            (json!({ "until": before["now"] }), "CLOCK_NOT_FORWARD"),
            (json!({ "until": "2020-01-01T00:00:00Z" }), "CLOCK_NOT_FORWARD"),
            (json!({ "until": "2099-01-01T00:00:00Z" }), "CLOCK_TOO_FAR"),
            (json!({ "seconds": i32::MAX }), "CLOCK_TOO_FAR"),
            (json!({}), "CLOCK_STEP_UNCLEAR"),
            (json!({ "seconds": 1, "until": "2028-01-01T00:00:00Z" }), "CLOCK_STEP_UNCLEAR"),
        ] {
            assert_eq!(refused(input.clone()).await, code, "{input}");
        }
        let wrong = json!({ "idempotencyKey": "", "seconds": 1 });
        assert_eq!(codes(&step(&app, Caller::Operator, wrong).await), ["INVALID_IDEMPOTENCY_KEY"]);
        assert_eq!(clock(&app).await, before, "what was refused changed nothing");

        // The key of a step that was refused is still free.
        let until = json!({ "idempotencyKey": "k", "until": "2028-01-01T00:00:00Z" });
        let done = step(&app, Caller::Operator, until.clone()).await;
        assert_eq!(done["clock"]["now"], "2028-01-01T00:00:00Z", "{done:#}");
        assert_eq!(step(&app, Caller::Operator, until).await, done);
        let five_years = json!({ "idempotencyKey": "more", "seconds": 5 * 365 * DAY });
        assert_eq!(codes(&step(&app, Caller::Operator, five_years).await), ["CLOCK_TOO_FAR"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_live_network_has_no_time_of_its_own_and_not_everybody_may_let_it_pass() {
    for app in TestApp::both().await {
        let merchant = Caller::Merchant(app.merchant("Shop").await);
        for caller in [Caller::Operator, merchant] {
            let done = step(&app, caller, json!({ "idempotencyKey": "k", "seconds": 1 })).await;
            assert_eq!(codes(&done), ["NOT_A_SANDBOX"], "{done:#}");
            assert!(done["userErrors"][0]["message"].as_str().unwrap().contains("sandbox"));
        }
        assert!(clock(&app).await.is_null());
    }
    for app in sandboxes().await {
        let member = Caller::Member(app.member("سارا احمدی", "09127700004").await);
        let variables = json!({ "input": { "idempotencyKey": "k", "seconds": 1 } });
        for (caller, code) in
            [(Some(member), "FORBIDDEN"), (Some(Caller::Agent), "FORBIDDEN"), (None, "UNAUTHENTICATED")]
        {
            assert_eq!(app.code(caller, CLOCK, "Advance", variables.clone()).await, code);
        }
        assert_eq!(app.code(None, CLOCK, "Clock", json!({})).await, "UNAUTHENTICATED");
        // Members see by which time their points go.
        let seen = app.data(member, CLOCK, "Clock", json!({})).await;
        assert_eq!(seen["clock"]["offsetSeconds"], 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_the_audit_log_stay_in_the_present_and_purchases_do_not() {
    for app in sandboxes().await {
        let till = Till::open(&app, "09127700005").await;
        let token = app.token(&amvaj_domain::access::Identity::console(till.caller()));
        let present = clock(&app).await["now"].clone();
        pass(&app, "two-years", 730).await;
        // A token of an hour is still good, and so is one that is made now.
        let answer = app.send_with(Some(&token), CLOCK, "Clock", json!({})).await;
        assert_eq!(answer["data"]["clock"]["offsetSeconds"], 730 * DAY, "{answer:#}");
        let log = include_str!("queries/audit.graphql");
        let entries = app.data(Caller::Operator, log, "AuditLog", json!({ "last": 1 })).await;
        let entry = &entries["auditLog"]["nodes"][0];
        assert_eq!(
            (&entry["act"], &entry["recordedAt"]),
            (&json!("CLOCK_ADVANCED"), &present),
            "{entries:#}"
        );

        // The till's clock is still in the present: its purchases would be two years old.
        let purchase = |key: &str, at: &Value| {
            json!({
                "idempotencyKey": key, "receiptNumber": key, "member": till.member_ref(), "occurredAt": at,
                "amount": { "amount": "1000", "currency": "IRR" },
            })
        };
        let old = till.ask("Earn", purchase("old", &present)).await;
        assert_eq!(codes(&old), ["OCCURRED_TOO_LONG_AGO"], "{old:#}");
        let now = clock(&app).await["now"].clone();
        assert_eq!(codes(&till.ask("Earn", purchase("now", &now)).await), [""; 0]);
        let today = app.data(Caller::Operator, CLOCK, "Today", json!({})).await;
        assert_eq!(today["network"]["today"]["gregorian"], "2029-01-14", "{today:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leaderboards_and_earn_rules_go_by_the_time_of_the_sandbox() {
    for app in sandboxes().await {
        let till = Till::open(&app, "09127700006").await;
        let board = json!({
            "nameFa": "تابلو", "nameEn": "Board", "metric": "VISITS", "cycle": "JALALI_MONTH", "graceHours": 24,
        });
        let made = app.data(Caller::Operator, BOARD, "Create", json!({ "input": board })).await;
        let board = made["createLeaderboard"]["leaderboard"]["id"].clone();
        let look = async |day: Option<&str>| {
            relay_outbox(&app.app, app.clock.now()).await.unwrap();
            app.app.boards.feed(app.app.ledger_now()).await.unwrap();
            // A page of a board may be a second old.
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            let variables = json!({ "id": board, "day": day, "first": 10 });
            let seen = app.data(Caller::Operator, BOARD, "Board", variables).await["leaderboard"].clone();
            let day = seen["period"]["firstDay"]["gregorian"].as_str().unwrap().to_owned();
            (day, seen["entries"]["nodes"].as_array().unwrap().len())
        };
        till.earn("k1", "R1", 10).await;
        let (first, seats) = look(None).await;
        assert_eq!(seats, 1);
        let month = app.clock.now().plus(Span::days(30));
        let rule = EarnRule {
            rate: Rate { points: 2, per: 10 },
            effective_from: month,
            version: 2,
            ..simple_rule(&app)
        };
        Till::set_rule(&app, till.merchant, rule).await;
        assert_eq!(till.earn("k2", "R2", 10).await["operation"]["points"], "10");

        pass(&app, "to-another-month", 40).await;
        let (second, seats) = look(None).await;
        assert!(second > first && seats == 0, "{second} has {seats}");
        assert_eq!(look(Some("2027-01-15")).await, (first, 1));
        assert_eq!(till.earn("k3", "R3", 10).await["operation"]["points"], "20");
        assert_eq!(look(None).await, (second, 1));
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_goes_by_the_time_of_the_sandbox_where_the_ledger_does() {
    for app in sandboxes().await {
        let till = Till::open(&app, "09127700009").await;
        till.earn("k1", "R1", 100).await;
        till.hold("k2", 60, 600).await;
        let findings = async || {
            let grace = Span::minutes(10);
            let options =
                VerifyOptions { now: app.clock.now(), grace, limit_per_check: 5, heads: Vec::new() };
            let report = verify(&app.app.db, options, |_| {}).await.unwrap();
            report.checks.into_iter().flat_map(|check| check.rows).collect::<Vec<String>>()
        };
        relay_outbox(&app.app, app.clock.now()).await.unwrap();
        assert_eq!(findings().await, [""; 0]);
        // Whatever a step makes due may take as long to be done as what the present makes due.
        pass(&app, "a-month", 30).await;
        assert_eq!(findings().await, [""; 0]);
        app.clock.advance_to(app.clock.now().plus(Span::minutes(9)));
        assert_eq!(findings().await, [""; 0]);
        // And no longer: the hold should have been ended, and what was done since should have been relayed.
        app.clock.advance_to(app.clock.now().plus(Span::minutes(2)));
        let stuck = findings().await;
        assert!(stuck.len() == 1 && stuck[0].contains("hold 2"), "{stuck:?}");
        till.earn("k3", "R3", 10).await;
        app.clock.advance_to(app.clock.now().plus(Span::minutes(11)));
        let stuck = findings().await;
        assert!(stuck.iter().any(|row| row.contains("it waits since")), "{stuck:?}");
        relay_outbox(&app.app, app.app.ledger_now()).await.unwrap();
        assert_sound(&app).await;
    }
}
