//! What goes away in the middle, the server and Redis, and what is there and does not do what it should. Nothing
//! acknowledged is lost, nothing is done twice, and answers stay right.

mod database;
mod redis;

use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use amvaj_domain::access::Caller;
use amvaj_domain::earn::EarnRule;
use amvaj_domain::time::Instant;
use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::Client;
use serde_json::{Value, json};

use crate::program::{amvaj, empty_folder};
use crate::support::app::{TestApp, act};
use crate::support::database::TestDb;
use crate::support::till::{POINTS, Till, assert_sound, codes, simple_rule};

/// A server process that ends with the test.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    async fn start(folder: &Path, database: &str, port: u16) -> Self {
        let child = on(folder, database)
            .env("AMVAJ_LISTEN", format!("127.0.0.1:{port}"))
            .arg("serve")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, port };
        for _ in 0..200 {
            if Client::new()
                .get(server.url("/health/ready"))
                .send()
                .await
                .is_ok_and(|ready| ready.status().is_success())
            {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server did not become ready");
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn on(folder: &Path, database: &str) -> Command {
    let mut command = amvaj(folder);
    // One merchant sends everything at once.
    command.env("AMVAJ_DATABASE_URL", database).env("AMVAJ_THROTTLE_MERCHANT", "1000000/1000000");
    command
}

fn token(folder: &Path, database: &str, caller: &[&str]) -> String {
    let minted = on(folder, database).arg("token").args(caller).output().unwrap();
    assert!(minted.status.success(), "{minted:?}");
    String::from_utf8(minted.stdout).unwrap().trim().to_owned()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Sends one earn; nothing when the server went away.
async fn earn(client: &Client, url: &str, token: &str, member: &str, number: usize) -> Option<Value> {
    let input = json!({
        "idempotencyKey": format!("k{number}"), "receiptNumber": format!("R{number}"), "member": { "mobile": member },
        "amount": { "amount": 100, "currency": "IRR" },
    });
    let body = json!({ "query": POINTS, "operationName": "Earn", "variables": { "input": input } });
    let sent = client.post(url).bearer_auth(token).json(&body).send().await.ok()?;
    let answer: Value = sent.json().await.ok()?;
    let payload = answer["data"]["earnPoints"].clone();
    payload["operation"].is_object().then_some(payload)
}

/// Sends two thousand earns on twenty wallets, thirty-two at a time, and answers the operations that were
/// acknowledged. `count` says how many those are while it goes on.
async fn earn_all(url: &str, token: &str, count: &AtomicUsize) -> HashMap<usize, String> {
    let client = Client::new();
    let client = &client;
    stream::iter(0..2_000)
        .map(|number| async move {
            let member = format!("0912300{:04}", number % 20);
            let payload = earn(client, url, token, &member, number).await?;
            count.fetch_add(1, Ordering::Relaxed);
            Some((number, payload["operation"]["id"].as_str()?.to_owned()))
        })
        .buffer_unordered(32)
        .filter_map(std::future::ready)
        .collect()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_it_acknowledged() {
    let [sqlite, postgres] = TestDb::both().await;
    for (name, database) in [("kill-sqlite", sqlite), ("kill-postgres", postgres)] {
        let folder = empty_folder(name);
        let app = TestApp::start(database).await;
        // The killed servers go by the system's clock, so the rule holds since long ago.
        let merchant = app.merchant("Garden Café").await;
        let long_ago = Instant::from_micros(1_600_000_000_000_000);
        let rule = EarnRule { effective_from: long_ago, ..simple_rule(&app) };
        app.app.directory.add_rule_version(merchant, &rule, long_ago, &act()).await.unwrap().unwrap();
        for number in 0..20 {
            app.member("مینا", &format!("0912300{number:04}")).await;
        }
        // Servers of their own on the same database, with the system's clock.
        let now = token(&folder, app.url(), &["merchant", &merchant.to_string()]);
        let port = free_port();
        let mut server = Server::start(&folder, app.url(), port).await;
        let url = server.url("/graphql");
        let count = AtomicUsize::new(0);
        let (acknowledged, ()) = tokio::join!(earn_all(&url, &now, &count), async {
            while count.load(Ordering::Relaxed) < 100 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            server.kill();
        });
        assert!(
            !acknowledged.is_empty() && acknowledged.len() < 2_000,
            "{} were acknowledged",
            acknowledged.len()
        );

        let server = Server::start(&folder, app.url(), port).await;
        let all = earn_all(&url, &now, &AtomicUsize::new(0)).await;
        assert_eq!(all.len(), 2_000);
        for (number, id) in &acknowledged {
            assert_eq!(all.get(number), Some(id), "earn {number} was acknowledged and is another one now");
        }
        drop(server);
        let audit = on(&folder, app.url()).args(["verify", "--grace-minutes", "600000000"]).output().unwrap();
        assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// A Redis of the test's own.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    fn start(port: u16) -> Self {
        let program = std::env::var("AMVAJ_TEST_REDIS_BIN")
            .expect("AMVAJ_TEST_REDIS_BIN; run the tests with tests/run");
        let child = Command::new(program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn();
        let redis = Self { child: child.unwrap(), port };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return redis;
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        panic!("Redis did not start");
    }

    fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_stay_right_while_redis_is_killed_emptied_and_back() {
    for database in TestDb::both().await {
        let mut redis = Redis::start(free_port());
        let port = redis.port;
        let app = TestApp::start_with_redis(database, &format!("redis://127.0.0.1:{port}")).await;
        let till = Till::open(&app, "09124000001").await;
        let mut expected = 0;
        for round in 0..30 {
            match round {
                10 => redis.stop(),
                20 => redis = Redis::start(port),
                _ => {}
            }
            let earned = till.earn(&format!("k{round}"), &format!("R{round}"), 10).await;
            assert_eq!(codes(&earned), Vec::<&str>::new(), "{earned:#}");
            expected += 10;
            // Whoever sends the version back reads what was written, whatever the cache does.
            let variables = json!({ "id": earned["wallet"]["id"], "atLeast": earned["wallet"]["version"] });
            let read = app.data(Caller::Operator, POINTS, "Wallet", variables).await;
            assert_eq!(read["wallet"]["posted"], expected.to_string(), "round {round}");
        }
        assert_sound(&app).await;
    }
}
