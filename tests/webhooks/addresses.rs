//! No address of this machine or its network is sent to, however it is written, and whatever a name leads to.

use std::time::Duration;

use amvaj_api::auth::Credentials;
use amvaj_api::compose;
use amvaj_api::config::{Config, DatabaseConfig, Secret};
use amvaj_domain::network::NetworkMode;
use amvaj_infra::clock::Clock;
use serde_json::{Value, json};

use super::scene::{Hook, ask, sandbox, taking, worker};
use crate::support::app::{START, TestApp};
use crate::support::database::TestDb;
use crate::support::till::{Till, codes};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_that_are_not_public_cannot_be_registered() {
    for database in TestDb::both().await {
        let app = TestApp::start(database).await;
        let merchant = app.merchant("Shop").await;
        for url in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://100.100.100.200/",
            "https://192.168.0.1:8443/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://[64:ff9b::a9fe:a9fe]/",
            "https://[fd00:ec2::254]/",
            "https://[fe80::1]/",
            "https://localhost/",
            "https://metadata.google.internal/",
        ] {
            let input = json!({ "url": url, "name": "Shop" });
            let refused = ask(&app, merchant, "Create", input).await;
            assert_eq!(codes(&refused), ["ADDRESS_NOT_PUBLIC"], "{url}");
            assert_eq!(refused["userErrors"][0]["field"], json!(["input", "url"]));
        }
        for url in ["http://shop.example/", "http://127.0.0.1/"] {
            let input = json!({ "url": url, "name": "Shop" });
            assert_eq!(codes(&ask(&app, merchant, "Create", input).await), ["INVALID_URL"], "{url}");
        }
        let input = json!({ "url": "https://shop.example:8443/hook?x=1", "name": "Shop" });
        let made = ask(&app, merchant, "Create", input).await;
        let update = json!({ "webhookEndpointId": made["webhookEndpoint"]["id"], "url": "https://[::1]/" });
        assert_eq!(codes(&ask(&app, merchant, "Update", update).await), ["ADDRESS_NOT_PUBLIC"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_registered_under_a_laxer_rule_or_leads_elsewhere_by_now_is_not_connected_to() {
    for database in TestDb::both().await {
        let app = TestApp::start_with(database, sandbox).await;
        let till = Till::open(&app, "09121110001").await;
        let web = taking().await;
        let port = web.url("").rsplit_once(':').unwrap().1.to_owned();
        let mut hooks = Vec::new();
        for host in
            ["https://localhost", "https://127.0.0.1", "https://[::ffff:127.0.0.1]", "http://127.0.0.1"]
        {
            let url = format!("{host}:{port}/");
            hooks.push(Hook::at(&app, till.merchant, &url, Value::Null).await);
        }
        till.earn("k1", "R-1", 100).await;
        // The same database, served by an installation that sends to the public internet only.
        let mut strict = Config::default();
        sandbox(&mut strict);
        strict.webhooks.private_addresses = false;
        strict.database = DatabaseConfig { url: Secret::new(app.url()), max_connections: 4 };
        let opened =
            compose::open_with(&strict, app.clock.clone(), app.app.credentials.clone()).await.unwrap();
        let sending = compose::start_worker(&opened, &strict);
        for hook in &hooks {
            let log = hook.until("tried", |log| log["deliveries"]["nodes"][0]["tries"] == 1).await;
            assert_eq!(log["deliveries"]["nodes"][0]["failure"], "ADDRESS_NOT_PUBLIC", "{log:#}");
        }
        assert_eq!(web.asked().len(), 0, "somebody connected");
        compose::close(opened, Some(sending)).await;

        // The receiver is there all along: only the rule kept it from being told.
        let lax = worker(&app);
        app.clock.advance_to(app.clock.now().plus(amvaj_domain::time::Span::seconds(30)));
        hooks[3].delivered(1).await;
        assert_eq!(web.asked().len(), 1);
        lax.stop().await;
    }
}

#[tokio::test]
async fn a_live_installation_does_not_start_with_private_addresses_allowed() {
    for database in TestDb::both().await {
        let own = DatabaseConfig { url: Secret::new(database.url.as_str()), max_connections: 4 };
        let mut config = Config { database: own, ..Config::default() };
        config.webhooks.private_addresses = true;
        let open = async |config: &Config| {
            let credentials = Credentials::generate(&config.auth).unwrap();
            compose::open_with(config, Clock::manual(START), credentials).await
        };
        let refused = open(&config).await.unwrap_err().to_string();
        assert!(
            refused.contains("AMVAJ_WEBHOOKS_TO_PRIVATE_ADDRESSES") && refused.contains("live"),
            "{refused}"
        );
        // Whether it is live says the database and not the setting, which may be forgotten as well.
        config.network.mode = Some(NetworkMode::Live);
        assert!(open(&config).await.is_err());
        config.webhooks.private_addresses = false;
        let opened = open(&config).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
        compose::close(opened, None).await;
    }
}
