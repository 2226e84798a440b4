//! What users change of their own.

use amvaj_domain::access::Caller;
use amvaj_domain::time::Span;
use serde_json::{Value, json};

use super::log_in;
use crate::sessions::good;
use crate::support::app::TestApp;
use crate::support::person::{PASSWORD, USER, ask, code_at, codes, confirm, join, next_code};
use crate::support::till::assert_sound;

const AUDIT: &str = include_str!("../queries/audit.graphql");

#[tokio::test]
async fn a_changed_password_ends_every_other_session() {
    for app in TestApp::both().await {
        let mina = join(&app, "mina", "OPERATOR").await;
        let logged_in = mina.log_in(&app).await;
        let token = logged_in["tokens"]["accessToken"].as_str().unwrap();
        let change = async |token: &str, old: &str, new: &str| {
            let input = json!({ "password": old, "newPassword": new });
            ask(&app, Some(token), "ChangePassword", json!({ "input": input })).await
        };
        assert_eq!(codes(&change(token, "three blue trees", "nine green hats").await), ["WRONG_PASSWORD"]);
        let silly = change(token, PASSWORD, "minaminamina1").await;
        assert_eq!(codes(&silly), ["INVALID_PASSWORD"]);
        assert_eq!(silly["userErrors"][0]["field"], json!(["input", "newPassword"]));
        let changed = change(token, PASSWORD, "nine green hats").await;
        let fresh = changed["tokens"]["accessToken"].as_str().unwrap();
        assert!(good(&app, fresh).await);
        assert!(!good(&app, token).await && !good(&app, &mina.token).await);
        next_code(&app);
        assert_eq!(codes(&log_in(&app, mina.input(&app)).await), ["INVALID_CREDENTIALS"]);
        let mut input = mina.input(&app);
        input["password"] = json!("nine green hats");
        assert!(log_in(&app, input).await["tokens"].is_object());
    }
}

#[tokio::test]
async fn recovery_codes_are_replaced_all_at_once() {
    for app in TestApp::both().await {
        let mina = join(&app, "mina", "OPERATOR").await;
        let replace = async |input: Value| {
            ask(&app, Some(&mina.token), "ReplaceRecoveryCodes", json!({ "input": input })).await
        };
        next_code(&app);
        let code = code_at(&app, &mina.secret, 0);
        assert_eq!(codes(&replace(json!({ "password": PASSWORD })).await), ["CODE_OR_RECOVERY_CODE"]);
        let wrong = json!({ "password": "three blue trees", "code": code });
        assert_eq!(codes(&replace(wrong).await), ["INVALID_CREDENTIALS"]);
        let replaced = replace(json!({ "password": PASSWORD, "code": code })).await;
        let fresh = replaced["recoveryCodes"].as_array().unwrap();
        assert_eq!(fresh.len(), 10);
        let again = replace(json!({ "password": PASSWORD, "code": code })).await;
        assert_eq!(codes(&again), ["INVALID_CREDENTIALS"], "the code is used");
        let with = |code: &str| json!({ "name": "mina", "password": PASSWORD, "recoveryCode": code });
        assert_eq!(codes(&log_in(&app, with(&mina.recovery_codes[0])).await), ["INVALID_CREDENTIALS"]);
        assert!(log_in(&app, with(fresh[3].as_str().unwrap())).await["tokens"].is_object());
        let me = ask(&app, Some(&mina.token), "Me", json!({})).await;
        assert_eq!(me["user"]["recoveryCodesLeft"], 9);
    }
}

#[tokio::test]
async fn a_lost_authenticator_is_replaced_with_a_recovery_code() {
    for app in TestApp::both().await {
        let mina = join(&app, "mina", "OPERATOR").await;
        let reset =
            async |input: Value| ask(&app, Some(&mina.token), "ResetTotp", json!({ "input": input })).await;
        assert_eq!(codes(&reset(json!({ "password": PASSWORD })).await), ["CODE_OR_RECOVERY_CODE"]);
        let wrong = json!({ "password": PASSWORD, "code": "000000" });
        assert_eq!(codes(&reset(wrong).await), ["INVALID_CREDENTIALS"]);
        let begun = reset(json!({ "password": PASSWORD, "recoveryCode": mina.recovery_codes[0] })).await;
        let secret = begun["totp"]["secret"].as_str().unwrap();
        assert!(
            mina.log_in(&app).await["tokens"].is_object(),
            "the old one is good until the new one's first code"
        );
        let again = confirm(&app, begun["invitation"].as_str().unwrap(), secret).await;
        assert!(good(&app, &again.token).await && !good(&app, &mina.token).await);
        next_code(&app);
        assert_eq!(codes(&log_in(&app, mina.input(&app)).await), ["INVALID_CREDENTIALS"]);
        assert!(log_in(&app, again.input(&app)).await["tokens"].is_object());
        let old = json!({ "name": "mina", "password": PASSWORD, "recoveryCode": mina.recovery_codes[1] });
        assert_eq!(
            codes(&log_in(&app, old).await),
            ["INVALID_CREDENTIALS"],
            "recovery codes come with the secret"
        );
    }
}

#[tokio::test]
async fn a_reset_of_the_codes_is_told_when_it_begins_and_over_after_two_days() {
    for app in TestApp::both().await {
        let mina = join(&app, "mina", "OPERATOR").await;
        let told = async || {
            let variables = json!({ "first": 10, "filter": { "act": "TOTP_RESET" } });
            let data = app.data(Caller::Operator, AUDIT, "AuditLog", variables).await;
            data["auditLog"]["nodes"].as_array().unwrap().clone()
        };
        let reset =
            async |input: Value| ask(&app, Some(&mina.token), "ResetTotp", json!({ "input": input })).await;
        let wrong = json!({ "password": "three blue trees", "recoveryCode": mina.recovery_codes[0] });
        assert_eq!(codes(&reset(wrong).await), ["INVALID_CREDENTIALS"]);
        assert_eq!(told().await.len(), 0, "nothing has begun");
        let begun = reset(json!({ "password": PASSWORD, "recoveryCode": mina.recovery_codes[0] })).await;
        let entries = told().await;
        assert_eq!(entries.len(), 1);
        assert_eq!((&entries[0]["actor"]["kind"], &entries[0]["targetId"]), (&json!("USER"), &mina.id));
        assert_eq!(entries[0]["details"], json!([{ "name": "begun", "value": "true" }]));

        app.clock.advance_to(app.clock.now().plus(Span::days(2)));
        let secret = begun["totp"]["secret"].as_str().unwrap();
        let input = json!({ "invitation": begun["invitation"], "code": code_at(&app, secret, 0) });
        let late = ask(&app, None, "ConfirmTotp", json!({ "input": input })).await;
        assert_eq!(codes(&late), ["INVITATION_OVER"]);
        assert_eq!(told().await.len(), 1, "nothing was replaced");
        let again = mina.log_in(&app).await;
        let token = again["tokens"]["accessToken"].as_str().unwrap();

        let input = json!({ "password": PASSWORD, "recoveryCode": mina.recovery_codes[1] });
        let begun = ask(&app, Some(token), "ResetTotp", json!({ "input": input })).await;
        let secret = begun["totp"]["secret"].as_str().unwrap();
        confirm(&app, begun["invitation"].as_str().unwrap(), secret).await;
        let entries = told().await;
        assert_eq!(entries.len(), 3, "one that begins and one that is done");
        assert_eq!(entries.iter().filter(|entry| entry["details"] == json!([])).count(), 1);
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn nobody_changes_what_it_does_not_have() {
    let app = TestApp::start(crate::support::database::TestDb::sqlite().await).await;
    let input = json!({ "password": PASSWORD, "newPassword": "nine green hats" });
    let of_console =
        app.code(Some(Caller::Operator), USER, "ChangePassword", json!({ "input": input })).await;
    assert_eq!(of_console, "FORBIDDEN", "a token of the command line is nobody's");
    let nobody = app.code(None, USER, "ChangePassword", json!({ "input": input })).await;
    assert_eq!(nobody, "UNAUTHENTICATED");
}

#[tokio::test]
async fn whoever_took_over_a_session_does_not_guess_its_password() {
    let app = TestApp::start(crate::support::database::TestDb::sqlite().await).await;
    let mina = join(&app, "mina", "OPERATOR").await;
    let own = mina.log_in(&app).await;
    let change = async |token: &str, old: &str| {
        let input = json!({ "password": old, "newPassword": "nine green hats" });
        app.send_with(Some(token), USER, "ChangePassword", json!({ "input": input })).await
    };
    for _ in 0..5 {
        let answer = change(&mina.token, "three blue trees").await;
        assert_eq!(codes(&answer["data"]["changePassword"]), ["WRONG_PASSWORD"]);
    }
    let answer = change(&mina.token, PASSWORD).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "THROTTLED");
    let answer = change(own["tokens"]["accessToken"].as_str().unwrap(), PASSWORD).await;
    assert!(answer["data"]["changePassword"]["tokens"].is_object(), "in another session: {answer:#}");
}
