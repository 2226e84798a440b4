//! Users on the command line: the first operator, and what nobody may do over the network.

use std::path::Path;
use std::process::Output;

use amvaj_api::app::App;
use amvaj_api::app::users::accept::{self, Accepted};
use amvaj_api::app::users::{Origin, log_in};
use amvaj_api::app::users::{SecondFactor, invite};
use amvaj_api::compose;
use amvaj_api::config::Config;
use amvaj_domain::access::Caller;
use amvaj_domain::audit::Author;
use amvaj_domain::time::Span;
use amvaj_domain::user::{Password, UserName};
use amvaj_infra::clock::Clock;
use amvaj_infra::users::Reset;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::program::{amvaj, empty_folder};
use crate::sessions::good;
use crate::support::app::TestApp;
use crate::support::person::{PASSWORD, USER, accept as accept_anew, ask, codes, join, next_code};

const AUDIT: &str = include_str!("../queries/audit.graphql");

fn user(folder: &Path, arguments: &[&str]) -> Output {
    amvaj(folder).arg("user").args(arguments).output().unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn origin() -> Origin<'static> {
    Origin { network: "127.0.0.1".parse().unwrap(), user_agent: "test", request_id: "r" }
}

/// The application on what the program has made.
async fn opened(folder: &Path) -> std::sync::Arc<App> {
    let url = format!("sqlite://{}", folder.join("amvaj.sqlite").display());
    let variables = [("AMVAJ_DATABASE_URL".to_owned(), url)];
    let config = Config::from_sources(None, variables).unwrap();
    compose::open(&config, Clock::System).await.unwrap()
}

fn code(accepted: &Accepted, steps: i64) -> String {
    let secret = Secret::try_from_base32(&accepted.enrolment.as_ref().unwrap().secret).unwrap();
    let seconds = Clock::System.now().micros() / 1_000_000 + steps * 30;
    Builder::new().with_secret(secret).build().unwrap().generate(u64::try_from(seconds).unwrap()).to_string()
}

#[tokio::test]
async fn the_first_operator_comes_from_the_command_line() {
    let folder = empty_folder("users");
    let nobody = user(&folder, &["list"]);
    assert!(!nobody.status.success());
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("amvaj user add"));
    let added =
        printed(&user(&folder, &["add", "Mina", "--role", "operator", "--display-name", "مینا کریمی"]));
    let invitation = added.lines().find(|line| line.trim().starts_with("amvaj_invitation_")).unwrap().trim();
    let agent = user(&folder, &["add", "ali", "--role", "agent", "--scope", "members:read"]);
    assert!(printed(&agent).contains("ali (agent)"));
    let again = user(&folder, &["add", "mina"]);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("another user"));

    let app = opened(&folder).await;
    let accepted = accept::accept(&app, invitation, PASSWORD, origin()).await.unwrap();
    accept::confirm(&app, invitation, &code(&accepted, 0), origin()).await.unwrap();
    let request = log_in::LogInRequest {
        name: "mina",
        password: Password::tried(PASSWORD),
        factor: SecondFactor::Code(&code(&accepted, 1)),
        device: None,
        origin: origin(),
    };
    log_in::log_in(&app, request).await.unwrap();
    compose::close(app, None).await;

    let listed = printed(&user(&folder, &["list"]));
    assert!(listed.contains("mina\toperator\tactive\tمینا کریمی\t"), "{listed}");
    assert!(listed.contains("ali\tagent\tinvited\tali\tmembers:read\n"), "{listed}");
    assert!(
        printed(&user(&folder, &["disable", "mina"])).contains("disabled"),
        "the console may disable everybody"
    );
    assert!(printed(&user(&folder, &["enable", "mina"])).contains("can log in again"));
    for reset in ["reset-password", "reset-totp", "invite"] {
        assert!(printed(&user(&folder, &[reset, "mina"])).contains("amvaj_invitation_"), "{reset}");
    }
    let unknown = user(&folder, &["disable", "nobody"]);
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("no user nobody"));
    let verified = amvaj(&folder).arg("verify").output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let told = told_acts(&folder).await;
    let expected =
        ["UserAdded", "UserAdded", "InvitationAccepted", "UserLoggedIn", "UserDisabled", "UserEnabled"];
    assert_eq!(told[..6], expected);
    assert_eq!(told[6..], ["PasswordChanged", "TotpReset", "UserInvited"]);
}

/// What the audit log tells, oldest first.
async fn told_acts(folder: &Path) -> Vec<String> {
    let app = opened(folder).await;
    let request = amvaj_infra::page::PageRequest::first(100);
    let page = app.audit.page(&amvaj_infra::audit::AuditFilter::default(), &request).await.unwrap();
    compose::close(app, None).await;
    page.items.iter().map(|entry| format!("{:?}", entry.kind)).collect()
}

#[tokio::test]
async fn what_the_console_takes_away_is_gone_at_once_and_set_again_by_an_invitation() {
    for app in TestApp::both().await {
        let mina = join(&app, "mina", "OPERATOR").await;
        let author = Author::console();
        let id = app.app.users.find(&UserName::parse("mina").unwrap()).await.unwrap().unwrap().id;
        let reset = async |what| invite::reset(&app.app, &author, id, what).await.unwrap().invitation;
        let accept = async |invitation: &str, password: &str| {
            let input = json!({ "invitation": invitation, "password": password });
            ask(&app, None, "AcceptInvitation", json!({ "input": input })).await
        };
        let invitation = reset(Reset::Password).await;
        assert!(!good(&app, &mina.token).await);
        next_code(&app);
        assert_eq!(codes(&super::log_in(&app, mina.input(&app)).await), ["INVALID_CREDENTIALS"]);
        let accepted = accept(&invitation, "nine green hats").await;
        assert_eq!((&accepted["totp"], &accepted["user"]["name"]), (&Value::Null, &json!("mina")));
        let mut input = mina.input(&app);
        input["password"] = json!("nine green hats");
        assert!(super::log_in(&app, input).await["tokens"].is_object(), "the codes are the old ones");

        let invitation = reset(Reset::Totp).await;
        let recovery =
            json!({ "name": "mina", "password": "nine green hats", "recoveryCode": mina.recovery_codes[0] });
        assert_eq!(
            codes(&super::log_in(&app, recovery).await),
            ["INVALID_CREDENTIALS"],
            "they went with the codes"
        );
        assert_eq!(codes(&accept(&invitation, PASSWORD).await), ["WRONG_PASSWORD"]);
        let again = accept_anew(&app, &invitation, "nine green hats").await;
        assert!(good(&app, &again.token).await);

        // After both, the second invitation asks for both.
        reset(Reset::Password).await;
        let invitation = reset(Reset::Totp).await;
        let anew = accept_anew(&app, &invitation, PASSWORD).await;
        app.clock.advance_to(app.clock.now().plus(Span::minutes(1)));
        anew.log_in(&app).await;
        let filter = json!({ "first": 100, "filter": { "target": mina.id } });
        let told = app.data(Caller::Operator, AUDIT, "AuditLog", filter).await;
        let told = told["auditLog"]["nodes"].as_array().unwrap();
        assert!(
            told.iter()
                .any(|entry| entry["act"] == "PASSWORD_CHANGED" && entry["actor"]["kind"] == "CONSOLE")
        );
        assert!(told.iter().any(|entry| entry["act"] == "TOTP_RESET" && entry["actor"]["kind"] == "USER"));
        assert_eq!(told[0]["target"]["__typename"], "User");
        let users = app.data(Caller::Operator, USER, "Users", json!({})).await;
        assert_eq!(users["users"]["totalCount"], 1);
    }
}
