//! An operator or an agent with everything to log in with, for tests of what people do who have.

use amvaj_domain::access::Caller;
use amvaj_domain::time::Span;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use super::app::TestApp;

/// Documents about users.
pub(crate) const USER: &str = include_str!("../queries/user.graphql");
/// What everybody's password is in the tests.
pub(crate) const PASSWORD: &str = "three blue books";

/// Somebody who can log in.
pub(crate) struct Person {
    /// The name.
    pub(crate) name: String,
    /// The global id.
    pub(crate) id: Value,
    /// The secret of the one-time codes, in base32.
    pub(crate) secret: String,
    /// The recovery codes.
    pub(crate) recovery_codes: Vec<String>,
    /// The mark of the device on which the codes were confirmed.
    pub(crate) device: String,
    /// An access token of the session that began then.
    pub(crate) token: String,
}

/// The code of a secret at the server's time, moved by so many steps.
pub(crate) fn code_at(app: &TestApp, secret: &str, steps: i64) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let seconds = app.clock.now().micros() / 1_000_000 + steps * 30;
    let codes = Builder::new().with_secret(secret).build().unwrap();
    codes.generate(u64::try_from(seconds).unwrap()).to_string()
}

/// Moves the clock to the next code.
pub(crate) fn next_code(app: &TestApp) {
    app.clock.advance_to(app.clock.now().plus(Span::seconds(30)));
}

/// Sends a mutation about users, which has to be answered with a payload, and gives that.
pub(crate) async fn ask(app: &TestApp, token: Option<&str>, name: &str, variables: Value) -> Value {
    let answer = app.send_with(token, USER, name, variables).await;
    assert!(answer["errors"].is_null(), "{name}: {answer:#}");
    answer["data"].as_object().unwrap().values().next().unwrap().clone()
}

/// Invites somebody as the command line does, and gives the invitation.
pub(crate) async fn invite(app: &TestApp, name: &str, role: &str) -> String {
    let input = json!({ "name": name, "displayName": name, "role": role });
    let data = app.data(Caller::Operator, USER, "InviteUser", json!({ "input": input })).await;
    data["inviteUser"]["invitation"].as_str().unwrap_or_else(|| panic!("{data:#}")).to_owned()
}

/// Somebody who was invited and has accepted.
pub(crate) async fn join(app: &TestApp, name: &str, role: &str) -> Person {
    let invitation = invite(app, name, role).await;
    accept(app, &invitation, PASSWORD).await
}

/// Whoever accepts an invitation.
pub(crate) async fn accept(app: &TestApp, invitation: &str, password: &str) -> Person {
    let input = json!({ "invitation": invitation, "password": password });
    let accepted = ask(app, None, "AcceptInvitation", json!({ "input": input })).await;
    let secret = accepted["totp"]["secret"].as_str().unwrap_or_else(|| panic!("{accepted:#}"));
    confirm(app, invitation, secret).await
}

/// Whoever confirms a secret.
pub(crate) async fn confirm(app: &TestApp, invitation: &str, secret: &str) -> Person {
    let input = json!({ "invitation": invitation, "code": code_at(app, secret, 0) });
    let confirmed = ask(app, None, "ConfirmTotp", json!({ "input": input })).await;
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{confirmed:#}")).to_owned();
    Person {
        name: text(&confirmed["user"]["name"]),
        id: confirmed["user"]["id"].clone(),
        secret: secret.to_owned(),
        recovery_codes: confirmed["recoveryCodes"].as_array().unwrap().iter().map(text).collect(),
        device: text(&confirmed["deviceToken"]),
        token: text(&confirmed["tokens"]["accessToken"]),
    }
}

impl Person {
    /// The input of a log-in with the code of now.
    pub(crate) fn input(&self, app: &TestApp) -> Value {
        json!({ "name": self.name, "password": PASSWORD, "code": code_at(app, &self.secret, 0) })
    }

    /// Logs in with the next code, which has to succeed, and gives the payload.
    pub(crate) async fn log_in(&self, app: &TestApp) -> Value {
        next_code(app);
        let payload = ask(app, None, "LogIn", json!({ "input": self.input(app) })).await;
        assert_eq!(payload["userErrors"], json!([]), "{payload:#}");
        payload
    }
}

/// The codes of a payload's user errors.
pub(crate) fn codes(payload: &Value) -> Vec<&str> {
    let errors = payload["userErrors"].as_array().unwrap_or_else(|| panic!("{payload:#}"));
    errors.iter().map(|error| error["code"].as_str().unwrap()).collect()
}
