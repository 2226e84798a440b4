//! What keeps others out: codes that are good once, answers that tell nothing, and waits that strangers cannot turn
//! against the owner.

use std::net::IpAddr;

use amvaj_api::config::Config;
use amvaj_api::http::client::Proxies;
use amvaj_domain::access::Caller;
use amvaj_domain::time::Span;
use futures_util::future::join_all;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use super::log_in;
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::person::{PASSWORD, Person, USER, code_at, codes, join, next_code};

const AUDIT: &str = include_str!("../queries/audit.graphql");

/// Servers that believe the addresses which the test writes into a header.
async fn behind_a_proxy() -> [TestApp; 2] {
    let [sqlite, postgres] = TestDb::both().await;
    let change = |config: &mut Config| config.http.proxies = Proxies(1);
    [TestApp::start_with(sqlite, change).await, TestApp::start_with(postgres, change).await]
}

/// Tries to log in from an address; the payload, or the first error's extensions.
async fn from(app: &TestApp, address: &str, input: Value) -> Value {
    let request = app.request(None, USER, "LogIn", json!({ "input": input }));
    let answer = request.header("x-forwarded-for", address).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    match answer["errors"][0]["extensions"].clone() {
        Value::Null => answer["data"]["logIn"].clone(),
        extensions => extensions,
    }
}

fn wrong_password(name: &str) -> Value {
    json!({ "name": name, "password": "three blue trees", "code": "123456" })
}

fn is_in(payload: &Value) -> bool {
    payload["tokens"].is_object()
}

#[tokio::test]
async fn whoever_fails_is_told_the_same_whatever_is_wrong() {
    for app in behind_a_proxy().await {
        let (mina, gone) = (join(&app, "mina", "OPERATOR").await, join(&app, "gone", "AGENT").await);
        crate::support::person::invite(&app, "invited", "AGENT").await;
        app.data(Caller::Operator, USER, "DisableUser", json!({ "id": gone.id })).await;
        next_code(&app);
        let right = code_at(&app, &mina.secret, 0);
        let inputs = [
            json!({ "name": "nobody", "password": PASSWORD, "code": right }),
            json!({ "name": "no name at all", "password": PASSWORD, "code": right }),
            json!({ "name": "mina", "password": "three blue trees", "code": right }),
            json!({ "name": "mina", "password": PASSWORD, "code": "000000" }),
            json!({ "name": "mina", "password": PASSWORD, "recoveryCode": "aaaa-bbbb-cccc" }),
            json!({ "name": "invited", "password": PASSWORD, "code": right }),
            gone.input(&app),
        ];
        let mut told = Vec::new();
        for (number, input) in inputs.into_iter().enumerate() {
            told.push(from(&app, &format!("198.51.{number}.7"), input).await);
        }
        assert!(told.iter().all(|answer| *answer == told[0]), "{told:#?}");
        assert_eq!(codes(&told[0]), ["INVALID_CREDENTIALS"]);
        for wrong in [
            json!({ "name": "mina", "password": PASSWORD }),
            json!({ "name": "mina", "password": PASSWORD, "code": right, "recoveryCode": "aaaa" }),
        ] {
            assert_eq!(codes(&log_in(&app, wrong).await), ["CODE_OR_RECOVERY_CODE"]);
        }
        assert!(is_in(&from(&app, "198.51.9.7", mina.input(&app)).await), "the code was not used up by that");
        let expected = ["name", "name", "password", "code", "recovery code", "password", "not active"];
        assert_eq!(failures(&app, expected.len()).await, sorted(&expected));
    }
}

fn sorted(texts: &[&str]) -> Vec<String> {
    let mut texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    texts.sort();
    texts
}

/// What the audit log says was wrong, once it tells of so many failures: they are written behind the answer's back.
async fn failures(app: &TestApp, count: usize) -> Vec<String> {
    let variables = json!({ "first": 100, "filter": { "act": "USER_LOG_IN_FAILED" } });
    for _ in 0..200 {
        let data = app.data(Caller::Operator, AUDIT, "AuditLog", variables.clone()).await;
        let entries = data["auditLog"]["nodes"].as_array().unwrap().clone();
        if entries.len() >= count {
            let wrong = |entry: &Value| {
                let details = entry["details"].as_array().unwrap();
                let wrong = details.iter().find(|detail| detail["name"] == "wrong").unwrap();
                wrong["value"].as_str().unwrap().to_owned()
            };
            let mut told: Vec<String> = entries.iter().map(wrong).collect();
            told.sort();
            return told;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the audit log does not tell of {count} failures");
}

#[tokio::test]
async fn a_code_is_good_once_also_for_two_requests_at_once() {
    for app in TestApp::both().await {
        let mina = join(&app, "mina", "OPERATOR").await;
        assert_eq!(
            codes(&log_in(&app, mina.input(&app)).await),
            ["INVALID_CREDENTIALS"],
            "it confirmed the secret"
        );
        next_code(&app);
        let both = join_all([log_in(&app, mina.input(&app)), log_in(&app, mina.input(&app))]).await;
        assert_eq!(both.iter().filter(|payload| is_in(payload)).count(), 1, "{both:#?}");
        // A code of an earlier step is no better than the one that was used.
        let earlier =
            json!({ "name": "mina", "password": PASSWORD, "code": code_at(&app, &mina.secret, -1) });
        assert_eq!(codes(&log_in(&app, earlier).await), ["INVALID_CREDENTIALS"]);
        let fast_clock =
            json!({ "name": "mina", "password": PASSWORD, "code": code_at(&app, &mina.secret, 1) });
        assert!(is_in(&log_in(&app, fast_clock).await), "a step ahead is a clock that differs");
        app.clock.advance_to(app.clock.now().plus(Span::minutes(5)));
        let slow_clock = |steps| json!({ "name": "mina", "password": PASSWORD, "code": code_at(&app, &mina.secret, steps) });
        assert_eq!(codes(&log_in(&app, slow_clock(-2)).await), ["INVALID_CREDENTIALS"]);
        assert!(is_in(&log_in(&app, slow_clock(-1)).await));
    }
}

#[tokio::test]
async fn a_recovery_code_is_good_once_also_for_two_requests_at_once() {
    for app in TestApp::both().await {
        let mina = join(&app, "mina", "OPERATOR").await;
        let with = |code: &str| json!({ "name": "mina", "password": PASSWORD, "recoveryCode": code });
        let typed = mina.recovery_codes[0].to_uppercase().replace('-', " ");
        assert!(is_in(&log_in(&app, with(&typed)).await));
        assert_eq!(codes(&log_in(&app, with(&mina.recovery_codes[0])).await), ["INVALID_CREDENTIALS"]);
        let second = &mina.recovery_codes[1];
        let both = join_all([log_in(&app, with(second)), log_in(&app, with(second))]).await;
        assert_eq!(both.iter().filter(|payload| is_in(payload)).count(), 1, "{both:#?}");
        let ali = join(&app, "ali", "AGENT").await;
        let foreign = json!({ "name": "ali", "password": PASSWORD, "recoveryCode": mina.recovery_codes[2] });
        assert_eq!(codes(&log_in(&app, foreign).await), ["INVALID_CREDENTIALS"]);
        assert_eq!(ali.recovery_codes.len(), 10);
    }
}

#[tokio::test]
async fn a_stranger_who_fails_at_a_name_waits_longer_and_longer_and_the_owner_does_not() {
    for app in behind_a_proxy().await {
        let mina = join(&app, "mina", "OPERATOR").await;
        for _ in 0..5 {
            let answer = from(&app, "203.0.113.9", wrong_password("mina")).await;
            assert_eq!(codes(&answer), ["INVALID_CREDENTIALS"]);
        }
        let answer = from(&app, "203.0.113.9", wrong_password("MINA ")).await;
        assert_eq!((&answer["code"], &answer["retryAfter"]), (&json!("THROTTLED"), &json!(20)));
        let neighbour = from(&app, "203.0.113.77", wrong_password("mina")).await;
        assert_eq!(neighbour["code"], "THROTTLED", "addresses near each other are one stranger's");
        next_code(&app);
        assert!(is_in(&from(&app, "198.51.100.7", mina.input(&app)).await), "from elsewhere");
        next_code(&app);
        let mut known = mina.input(&app);
        known["deviceToken"] = json!(mina.device);
        // The stranger has used up what has leaked meanwhile.
        while from(&app, "203.0.113.9", wrong_password("mina")).await["code"] != "THROTTLED" {}
        assert!(
            is_in(&from(&app, "203.0.113.9", known).await),
            "on a known device even from the stranger's address"
        );
        let mut waits = Vec::new();
        for _ in 0..30 {
            let answer = from(&app, "203.0.113.9", wrong_password("mina")).await;
            if let Some(seconds) = answer["retryAfter"].as_i64() {
                waits.push(seconds);
                app.clock.advance_to(app.clock.now().plus(Span::seconds(seconds)));
            }
        }
        assert!(waits.last() > waits.first() && waits.last() > Some(&100), "waits grow: {waits:?}");
    }
}

#[tokio::test]
async fn a_device_is_its_users_own_and_has_its_own_waits() {
    let app = TestApp::start_with(TestDb::sqlite().await, |config| config.http.proxies = Proxies(1)).await;
    let (mina, ali) = (join(&app, "mina", "OPERATOR").await, join(&app, "ali", "AGENT").await);
    let with_device = |input: Value, device: &str| {
        let mut input = input;
        input["deviceToken"] = json!(device);
        input
    };
    for _ in 0..5 {
        let input = with_device(wrong_password("mina"), &mina.device);
        assert_eq!(codes(&from(&app, "203.0.113.9", input).await), ["INVALID_CREDENTIALS"]);
    }
    let input = with_device(wrong_password("mina"), &mina.device);
    assert_eq!(from(&app, "203.0.113.9", input).await["code"], "THROTTLED", "a stolen mark is no way around");
    next_code(&app);
    let foreign = with_device(mina.input(&app), &ali.device);
    assert!(
        is_in(&from(&app, "203.0.113.9", foreign).await),
        "another's mark is none, and the address is still good"
    );
}

#[tokio::test]
async fn whoever_tries_many_names_from_one_address_waits_too() {
    let app = TestApp::start_with(TestDb::sqlite().await, |config| config.http.proxies = Proxies(1)).await;
    for number in 0..30 {
        let answer = from(&app, "2001:db8::1", wrong_password(&format!("user{number}"))).await;
        assert_eq!(codes(&answer), ["INVALID_CREDENTIALS"], "{number}");
    }
    let address: IpAddr = "2001:db8::abcd".parse().unwrap();
    let answer = from(&app, &address.to_string(), wrong_password("user99")).await;
    assert_eq!(answer["code"], "THROTTLED", "a network of IPv6 is one address");
    let answer = from(&app, "2001:db9::1", wrong_password("user99")).await;
    assert_eq!(codes(&answer), ["INVALID_CREDENTIALS"]);
}

#[tokio::test]
async fn codes_cannot_be_guessed_and_nobody_without_the_password_can_use_up_the_tries() {
    for app in behind_a_proxy().await {
        let mina = join(&app, "mina", "OPERATOR").await;
        let guess = json!({ "name": "mina", "password": PASSWORD, "code": "000000" });
        for number in 0..20 {
            from(&app, &format!("198.51.{number}.7"), wrong_password("mina")).await;
        }
        next_code(&app);
        assert!(is_in(&from(&app, "192.0.2.1", mina.input(&app)).await), "passwords use up no tries");
        for number in 0..5 {
            let answer = from(&app, &format!("203.0.{number}.7"), guess.clone()).await;
            assert_eq!(codes(&answer), ["INVALID_CREDENTIALS"]);
        }
        next_code(&app);
        let answer = from(&app, "203.1.0.7", mina.input(&app)).await;
        assert_eq!(codes(&answer), ["INVALID_CREDENTIALS"], "whoever knows the password guesses no further");
        let mut known = mina.input(&app);
        known["deviceToken"] = json!(mina.device);
        assert!(is_in(&from(&app, "203.1.0.7", known).await), "the owner on a known device does");
        a_hundred_wrong_codes(&app, &mina).await;
    }
}

/// After so many wrong codes none is accepted from strange devices, until the user comes in otherwise.
async fn a_hundred_wrong_codes(app: &TestApp, mina: &Person) {
    let many = "update user_credential set wrong_codes = 100";
    app.app.db.for_migrations().execute_unprepared(many).await.unwrap();
    app.clock.advance_to(app.clock.now().plus(Span::minutes(60)));
    assert_eq!(codes(&from(app, "192.0.2.2", mina.input(app)).await), ["INVALID_CREDENTIALS"]);
    let recovery = json!({ "name": "mina", "password": PASSWORD, "recoveryCode": mina.recovery_codes[0] });
    assert!(is_in(&from(app, "192.0.2.2", recovery).await));
    assert!(is_in(&from(app, "192.0.2.2", mina.input(app)).await), "the count began anew");
}

#[tokio::test]
async fn many_log_ins_at_once_keep_other_requests_answered_and_known_devices_let_in() {
    let app = TestApp::start_with(TestDb::sqlite().await, |config| config.http.proxies = Proxies(1)).await;
    let mina = join(&app, "mina", "OPERATOR").await;
    next_code(&app);
    let flood = (0..100).map(|number| {
        let (app, address) = (&app, format!("10.{number}.0.1"));
        async move { from(app, &address, wrong_password(&format!("user{number}"))).await }
    });
    let mut known = mina.input(&app);
    known["deviceToken"] = json!(mina.device);
    let others = async {
        for _ in 0..20 {
            let answer = app.send(None, USER, "Me", json!({})).await;
            assert_eq!(answer["data"]["viewer"], Value::Null, "{answer:#}");
        }
        from(&app, "10.0.0.1", known).await
    };
    let (flooded, known) = futures_util::join!(join_all(flood), others);
    let refused = flooded.iter().filter(|answer| answer["code"] == "OVERLOADED").count();
    let answered = flooded.iter().filter(|answer| answer["userErrors"].is_array()).count();
    assert_eq!(refused + answered, 100, "{flooded:#?}");
    assert!(refused > 0 && answered >= 2, "{refused} refused, {answered} answered");
    assert!(is_in(&known), "{known:#}");
}
