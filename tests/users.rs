//! Operators and agents: how they come in, and who they are then. What keeps others out is in [`guard`], what they change
//! of their own in [`own`].

mod console;
mod guard;
mod own;

use amvaj_domain::access::Caller;
use amvaj_domain::id::{MemberId, MerchantId};
use amvaj_domain::time::Span;
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sessions::{good, refused_within_a_second};
use crate::support::app::{START, TestApp};
use crate::support::person::{PASSWORD, USER, accept, ask, code_at, codes, confirm, invite, join, next_code};

async fn log_in(app: &TestApp, input: Value) -> Value {
    ask(app, None, "LogIn", json!({ "input": input })).await
}

#[tokio::test]
async fn somebody_invited_chooses_a_password_confirms_the_codes_and_logs_in() {
    for app in TestApp::both().await {
        let input = json!({ "name": " Mina@Club.example", "displayName": "مینا", "role": "AGENT" });
        let invited = app.data(Caller::Operator, USER, "InviteUser", json!({ "input": input })).await;
        let invited = &invited["inviteUser"];
        assert_eq!(invited["user"]["status"], "INVITED");
        assert_eq!(invited["expiresAt"], "2027-01-17T08:00:00Z");
        let invitation = invited["invitation"].as_str().unwrap();

        let input = json!({ "invitation": invitation, "password": PASSWORD });
        let accepted = ask(&app, None, "AcceptInvitation", json!({ "input": input })).await;
        let secret = accepted["totp"]["secret"].as_str().unwrap();
        let uri = accepted["totp"]["uri"].as_str().unwrap();
        assert!(uri.starts_with("otpauth://totp/") && uri.contains(secret), "{uri}");
        let early =
            json!({ "name": "mina@club.example", "password": PASSWORD, "code": code_at(&app, secret, 0) });
        assert_eq!(codes(&log_in(&app, early).await), ["INVALID_CREDENTIALS"], "nothing is confirmed yet");

        let wrong = json!({ "invitation": invitation, "code": "000000" });
        assert_eq!(codes(&ask(&app, None, "ConfirmTotp", json!({ "input": wrong })).await), ["WRONG_CODE"]);
        let mina = confirm(&app, invitation, secret).await;
        assert_eq!(mina.recovery_codes.len(), 10);
        assert!(good(&app, &mina.token).await);

        let payload = mina.log_in(&app).await;
        assert_eq!(payload["tokens"]["session"]["current"], false);
        let me = ask(&app, payload["tokens"]["accessToken"].as_str(), "Me", json!({})).await;
        assert_eq!(me["role"], "AGENT");
        assert_eq!(me["scopes"], json!(["members:read", "operations:read"]));
        assert_eq!(me["user"]["name"], "mina@club.example");
        assert_eq!(me["user"]["status"], "ACTIVE");
        assert_eq!(me["user"]["recoveryCodesLeft"], 10);
        assert_eq!(me["user"]["lastLoggedInAt"], "2027-01-15T08:00:30Z");
    }
}

#[tokio::test]
async fn an_invitation_is_good_once_and_for_two_days() {
    for app in TestApp::both().await {
        let invitation = invite(&app, "mina", "OPERATOR").await;
        let accept_with = async |invitation: &str| {
            let input = json!({ "invitation": invitation, "password": PASSWORD });
            ask(&app, None, "AcceptInvitation", json!({ "input": input })).await
        };
        let confirm_with = async |invitation: &str, code: &str| {
            let input = json!({ "invitation": invitation, "code": code });
            ask(&app, None, "ConfirmTotp", json!({ "input": input })).await
        };
        assert_eq!(codes(&accept_with("amvaj_invitation_x").await), ["INVITATION_OVER"]);
        assert_eq!(codes(&confirm_with(&invitation, "123456").await), ["NOTHING_TO_CONFIRM"]);
        let first = accept_with(&invitation).await;
        let second = accept_with(&invitation).await;
        let first = code_at(&app, first["totp"]["secret"].as_str().unwrap(), 0);
        assert_eq!(codes(&confirm_with(&invitation, &first).await), ["WRONG_CODE"], "it began anew");
        let secret = second["totp"]["secret"].as_str().unwrap();
        let code = code_at(&app, secret, 0);
        let both = join_all([confirm_with(&invitation, &code), confirm_with(&invitation, &code)]).await;
        let confirmed: Vec<_> = both.iter().filter(|payload| payload["tokens"].is_object()).collect();
        assert_eq!(confirmed.len(), 1, "{both:#?}");
        assert_eq!(codes(&accept_with(&invitation).await), ["INVITATION_OVER"]);
        assert_eq!(codes(&confirm_with(&invitation, &code).await), ["INVITATION_OVER"]);

        let late = invite(&app, "late", "AGENT").await;
        app.clock.advance_to(START.plus(Span::days(2)));
        assert_eq!(codes(&accept_with(&late).await), ["INVITATION_OVER"]);
        let users =
            app.data(Caller::Operator, USER, "Users", json!({ "filter": { "status": "INVITED" } })).await;
        let id = &users["users"]["nodes"][0]["id"];
        let renewed = app.data(Caller::Operator, USER, "RenewInvitation", json!({ "id": id })).await;
        let renewed = renewed["renewInvitation"]["invitation"].as_str().unwrap();
        accept(&app, renewed, PASSWORD).await;
    }
}

#[tokio::test]
async fn a_renewed_invitation_takes_the_place_of_the_one_before_until_its_user_has_joined() {
    for app in TestApp::both().await {
        let manager = join(&app, "manager", "OPERATOR").await;
        let input = json!({ "name": "mina", "displayName": "mina", "role": "AGENT" });
        let invited = ask(&app, Some(&manager.token), "InviteUser", json!({ "input": input })).await;
        let id = invited["user"]["id"].clone();
        let before = invited["invitation"].as_str().unwrap();
        let accept_with = async |invitation: &str| {
            let input = json!({ "invitation": invitation, "password": PASSWORD });
            ask(&app, None, "AcceptInvitation", json!({ "input": input })).await
        };
        let confirm_with = async |invitation: &str, code: &str| {
            let input = json!({ "invitation": invitation, "code": code });
            ask(&app, None, "ConfirmTotp", json!({ "input": input })).await
        };
        let renew = async || ask(&app, Some(&manager.token), "RenewInvitation", json!({ "id": id })).await;
        let accepted = accept_with(before).await;
        let code = code_at(&app, accepted["totp"]["secret"].as_str().unwrap(), 0);
        let renewed = renew().await;
        let renewed = renewed["invitation"].as_str().unwrap();
        assert_eq!(codes(&accept_with(before).await), ["INVITATION_OVER"]);
        assert_eq!(codes(&confirm_with(before, &code).await), ["INVITATION_OVER"]);
        let early = confirm_with(renewed, &code).await;
        assert_eq!(
            codes(&early),
            ["NOTHING_TO_CONFIRM"],
            "what was chosen with the one before is gone with it"
        );
        let mina = accept(&app, renewed, PASSWORD).await;

        assert_eq!(codes(&renew().await), ["USER_JOINED"]);
        mina.log_in(&app).await;
        ask(&app, Some(&manager.token), "DisableUser", json!({ "id": id })).await;
        assert_eq!(codes(&renew().await), ["USER_JOINED"], "also while the user is disabled");
    }
}

#[tokio::test]
async fn an_invitation_that_was_accepted_in_time_is_not_confirmed_too_late() {
    for app in TestApp::both().await {
        let invitation = invite(&app, "mina", "AGENT").await;
        let input = json!({ "invitation": invitation, "password": PASSWORD });
        let accepted = ask(&app, None, "AcceptInvitation", json!({ "input": input })).await;
        app.clock.advance_to(START.plus(Span::days(2)));
        let code = code_at(&app, accepted["totp"]["secret"].as_str().unwrap(), 0);
        let input = json!({ "invitation": invitation, "code": code });
        let late = ask(&app, None, "ConfirmTotp", json!({ "input": input })).await;
        assert_eq!(codes(&late), ["INVITATION_OVER"]);
        let input = json!({ "name": "mina", "password": PASSWORD, "code": code });
        assert_eq!(codes(&log_in(&app, input).await), ["INVALID_CREDENTIALS"], "nobody has joined");
    }
}

#[tokio::test]
async fn each_mistake_of_an_invitation_is_named() {
    for app in TestApp::both().await {
        let manager = join(&app, "manager", "OPERATOR").await;
        let input = json!({ "name": "x", "displayName": " ", "role": "AGENT", "scopes": ["members:eat"] });
        let payload = ask(&app, Some(&manager.token), "InviteUser", json!({ "input": input })).await;
        assert_eq!(codes(&payload), ["INVALID_USER_NAME", "INVALID_NAME", "INVALID_SCOPES"]);
        assert_eq!(payload["userErrors"][1]["field"], json!(["input", "displayName"]));
        let input = json!({ "name": "MANAGER", "displayName": "m", "role": "AGENT" });
        let payload = ask(&app, Some(&manager.token), "InviteUser", json!({ "input": input })).await;
        assert_eq!(codes(&payload), ["USER_NAME_TAKEN"]);

        // Somebody who manages users and nothing else gives nothing else.
        let input =
            json!({ "name": "narrow", "displayName": "n", "role": "OPERATOR", "scopes": ["users:manage"] });
        let payload = ask(&app, Some(&manager.token), "InviteUser", json!({ "input": input })).await;
        assert_eq!(payload["user"]["scopes"], json!(["users:manage"]));
        let narrow = accept(&app, payload["invitation"].as_str().unwrap(), PASSWORD).await;
        let input = json!({ "name": "wide", "displayName": "w", "role": "OPERATOR" });
        let payload = ask(&app, Some(&narrow.token), "InviteUser", json!({ "input": input })).await;
        assert_eq!(codes(&payload), ["SCOPES_TOO_WIDE"]);
        let payload = ask(&app, Some(&manager.token), "InviteUser", json!({ "input": input })).await;
        let wide = &payload["user"]["id"];
        let renew = async |id: &Value, token: &str| {
            ask(&app, Some(token), "RenewInvitation", json!({ "id": id })).await
        };
        assert_eq!(codes(&renew(wide, &narrow.token).await), ["SCOPES_TOO_WIDE"]);
        assert_eq!(codes(&renew(&json!("AQ"), &manager.token).await), ["USER_NOT_FOUND"]);
        assert_eq!(codes(&renew(&narrow.id, &manager.token).await), ["USER_JOINED"]);
        for (password, message) in [
            ("short", "at least 12"),
            ("wide wide wide wide", "guessed soon"),
            ("three blue\u{7}books", "control characters"),
            (&"kxq7v9wz2m1b".repeat(20), "at most 128"),
        ] {
            let input = json!({ "invitation": payload["invitation"], "password": password });
            let payload = ask(&app, None, "AcceptInvitation", json!({ "input": input })).await;
            assert_eq!(codes(&payload), ["INVALID_PASSWORD"]);
            let said = payload["userErrors"][0]["message"].as_str().unwrap();
            assert!(said.contains(message), "{password}: {said}");
        }
    }
}

#[tokio::test]
async fn users_are_seen_by_those_who_manage_them_and_by_themselves() {
    for app in TestApp::both().await {
        let (operator, agent) =
            (join(&app, "operator", "OPERATOR").await, join(&app, "agent", "AGENT").await);
        let page = ask(&app, Some(&operator.token), "Users", json!({})).await;
        assert_eq!(page["totalCount"], 2);
        let page = ask(&app, Some(&operator.token), "Users", json!({ "filter": { "role": "AGENT" } })).await;
        assert_eq!(page["nodes"][0]["name"], "agent");
        let answer = app.send_with(Some(&agent.token), USER, "Users", json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");

        let node =
            async |token: &str, id: &Value| ask(&app, Some(token), "UserNode", json!({ "id": id })).await;
        assert_eq!(node(&operator.token, &agent.id).await["name"], "agent");
        assert_eq!(node(&agent.token, &agent.id).await["name"], "agent");
        assert_eq!(node(&agent.token, &operator.id).await, Value::Null);
        for stranger in [
            Caller::Merchant(MerchantId::new(Uuid::from_u128(1))),
            Caller::Member(MemberId::new(Uuid::from_u128(1))),
        ] {
            let data = app.data(stranger, USER, "UserNode", json!({ "id": agent.id })).await;
            assert_eq!(data["node"], Value::Null);
        }
    }
}

#[tokio::test]
async fn a_disabled_users_sessions_end_at_once_on_the_other_node_too() {
    for app in TestApp::both().await {
        let other = app.second_node().await;
        let (operator, agent) =
            (join(&app, "operator", "OPERATOR").await, join(&app, "agent", "AGENT").await);
        let logged_in = agent.log_in(&app).await;
        let token = logged_in["tokens"]["accessToken"].as_str().unwrap();
        assert!(good(&other, token).await);
        let payload = ask(&app, Some(&operator.token), "DisableUser", json!({ "id": agent.id })).await;
        assert_eq!(payload["user"]["status"], "DISABLED");
        assert!(!good(&app, token).await, "at once here");
        refused_within_a_second(&other, token).await;
        refused_within_a_second(&other, &agent.token).await;
        let refresh = logged_in["tokens"]["refreshToken"].as_str().unwrap();
        let refreshed = crate::sessions::refresh(&other, refresh, None).await;
        assert_eq!(codes(&refreshed), ["SESSION_ENDED"]);
        next_code(&app);
        assert_eq!(codes(&log_in(&other, agent.input(&app)).await), ["INVALID_CREDENTIALS"]);

        let again = ask(&app, Some(&operator.token), "DisableUser", json!({ "id": agent.id })).await;
        assert_eq!(again["user"]["status"], "DISABLED", "a second time changes nothing");
        let enabled = ask(&app, Some(&operator.token), "EnableUser", json!({ "id": agent.id })).await;
        assert_eq!(enabled["user"]["status"], "ACTIVE");
        agent.log_in(&other).await;
        for name in ["DisableUser", "EnableUser"] {
            let payload = ask(&app, Some(&operator.token), name, json!({ "id": "x" })).await;
            assert_eq!(codes(&payload), ["USER_NOT_FOUND"], "{name}");
        }
    }
}

#[tokio::test]
async fn somebody_who_may_manage_users_always_stays() {
    for app in TestApp::both().await {
        let one = join(&app, "one", "OPERATOR").await;
        join(&app, "agent", "AGENT").await;
        invite(&app, "not-there-yet", "OPERATOR").await;
        let disable = async |by: &str, whom: &Value| {
            app.send_with(Some(by), USER, "DisableUser", json!({ "id": whom })).await["data"]["disableUser"]
                .clone()
        };
        assert_eq!(codes(&disable(&one.token, &one.id).await), ["LAST_USER_MANAGER"]);
        let two = join(&app, "two", "OPERATOR").await;
        // Each disables the other at the same moment.
        join_all([disable(&one.token, &two.id), disable(&two.token, &one.id)]).await;
        let left = app.data(
            Caller::Operator,
            USER,
            "Users",
            json!({ "filter": { "status": "ACTIVE", "role": "OPERATOR" } }),
        );
        assert_eq!(left.await["users"]["totalCount"], 1);
    }
}
