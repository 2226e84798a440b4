//! A sandbox with a worker, tills, and receivers on this machine.

use std::time::Duration;

use amvaj_api::compose::start_worker;
use amvaj_api::config::Config;
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::Caller;
use amvaj_domain::id::MerchantId;
use amvaj_domain::network::NetworkMode;
use amvaj_domain::time::Span;
use amvaj_infra::worker::Worker;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::till::codes;
use crate::support::web::{Asked, FakeWeb, Reply};

pub(super) const WEBHOOK: &str = include_str!("../queries/webhook.graphql");
/// How long a try may take.
const TIMEOUT: Duration = Duration::from_millis(700);
/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Receivers may be on this machine, and everything goes fast.
pub(super) fn sandbox(config: &mut Config) {
    config.network.mode = Some(NetworkMode::Sandbox);
    config.webhooks.private_addresses = true;
    config.webhooks.timeout = TIMEOUT;
    config.worker.interval = Duration::from_millis(20);
    config.worker.verify_touched = 0;
    config.worker.verify_at = None;
}

/// A sandbox on each kind of database.
pub(super) async fn both() -> [TestApp; 2] {
    let [sqlite, postgres] = TestDb::both().await;
    [TestApp::start_with(sqlite, sandbox).await, TestApp::start_with(postgres, sandbox).await]
}

/// A worker beside a server.
pub(super) fn worker(app: &TestApp) -> Worker {
    let mut config = Config::default();
    sandbox(&mut config);
    start_worker(&app.app, &config)
}

/// An endpoint with its secret.
pub(super) struct Hook<'a> {
    pub(super) app: &'a TestApp,
    pub(super) merchant: MerchantId,
    pub(super) id: String,
    pub(super) secret: String,
}

/// A receiver that takes everything.
pub(super) async fn taking() -> FakeWeb {
    FakeWeb::start(|_| Reply::Answer(200, String::new())).await
}

/// Asks as a merchant, and answers the payload.
pub(super) async fn ask(app: &TestApp, merchant: MerchantId, name: &str, input: Value) -> Value {
    let data = app.data(Caller::Merchant(merchant), WEBHOOK, name, json!({ "input": input })).await;
    data.as_object().unwrap().values().next().unwrap().clone()
}

impl<'a> Hook<'a> {
    /// Registers an endpoint.
    pub(super) async fn at(app: &'a TestApp, merchant: MerchantId, url: &str, types: Value) -> Self {
        let input = json!({ "url": url, "name": "Shop", "eventTypes": types });
        let made = ask(app, merchant, "Create", input).await;
        assert_eq!(codes(&made), Vec::<&str>::new());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self { app, merchant, id: text(&made["webhookEndpoint"]["id"]), secret: text(&made["secret"]) }
    }

    pub(super) async fn ask(&self, name: &str, mut input: Value) -> Value {
        input["webhookEndpointId"] = json!(self.id);
        ask(self.app, self.merchant, name, input).await
    }

    /// The endpoint with its log.
    pub(super) async fn log(&self, status: Option<&str>) -> Value {
        let variables = json!({ "id": self.id, "status": status });
        self.app.data(Caller::Merchant(self.merchant), WEBHOOK, "Log", variables).await["node"].clone()
    }

    /// Waits until the endpoint is as a condition wants it.
    pub(super) async fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let began = tokio::time::Instant::now();
        loop {
            let log = self.log(None).await;
            if is(&log) {
                return log;
            }
            assert!(began.elapsed() < PATIENCE, "{what}: {log:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until so many events were delivered.
    pub(super) async fn delivered(&self, count: usize) -> Value {
        self.until("delivered", |log| with_status(log, "DELIVERED").len() == count).await
    }

    /// Whether a request has a signature by this secret, as a receiver checks it.
    pub(super) fn signed(&self, asked: &Asked) -> bool {
        signed(&self.secret, asked)
    }
}

/// The deliveries of a log with this status.
pub(super) fn with_status<'a>(log: &'a Value, status: &str) -> Vec<&'a Value> {
    let nodes = log["deliveries"]["nodes"].as_array().unwrap();
    nodes.iter().filter(|delivery| delivery["status"] == status).collect()
}

/// The delivery of a log that tells of a receipt.
pub(super) fn of<'a>(log: &'a Value, receipt: &str) -> &'a Value {
    let nodes = log["deliveries"]["nodes"].as_array().unwrap();
    nodes.iter().find(|delivery| delivery["operation"]["receiptNumber"] == receipt).unwrap_or(&Value::Null)
}

/// A header of a request.
pub(super) fn header<'a>(asked: &'a Asked, name: &str) -> &'a str {
    let line = asked.headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name}: {}", asked.headers)).trim()
}

/// Whether a request has a signature by a secret.
pub(super) fn signed(secret: &str, asked: &Asked) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    assert!((24..=64).contains(&key.len()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let (id, timestamp) = (header(asked, "webhook-id"), header(asked, "webhook-timestamp"));
    let signature = hmac::sign(&key, format!("{id}.{timestamp}.{}", asked.body).as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(signature));
    header(asked, "webhook-signature").split(' ').any(|found| found == expected)
}

/// What came, as JSON.
pub(super) fn body(asked: &Asked) -> Value {
    serde_json::from_str(&asked.body).unwrap()
}

/// The receipts that came, in order.
pub(super) fn receipts(asked: &[Asked]) -> Vec<String> {
    let receipt = |asked| body(asked)["data"]["receiptNumber"].as_str().unwrap_or("-").to_owned();
    asked.iter().map(receipt).collect()
}

/// Moves the clock.
pub(super) fn pass(app: &TestApp, span: Span) {
    app.clock.advance_to(app.clock.now().plus(span));
}

pub(super) fn merchant_id(merchant: MerchantId) -> String {
    GlobalId::Merchant(merchant).write().to_string()
}
