//! The program itself, killed again and again while it sends: nothing is lost, and no secret is in its log.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use amvaj_api::graphql::global_id::GlobalId;
use serde_json::{Value, json};

use super::scene::{WEBHOOK, header, receipts, signed, taking};
use crate::program::{amvaj, empty_folder};
use crate::support::server::{Server, free_port};
use crate::support::till::POINTS;

const SETUP: &str = include_str!("../queries/crash.graphql");
const MEMBERS: usize = 3;
const EACH: usize = 15;
/// How long everything may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program as somebody sets it up who tries it out.
fn program(folder: &std::path::Path) -> Command {
    let mut command = amvaj(folder);
    command
        .env("AMVAJ_NETWORK_MODE", "sandbox")
        .env("AMVAJ_WEBHOOKS_TO_PRIVATE_ADDRESSES", "true")
        .env("AMVAJ_WORKER_INTERVAL_MS", "20")
        .env("AMVAJ_WORKER_LEASE_SECONDS", "1")
        .env("AMVAJ_LOG_FILTER", "trace");
    command
}

/// Sends an operation until it is answered, and answers its payload.
async fn ask(url: &str, token: &str, document: &str, name: &str, input: Value) -> Value {
    let body = json!({ "query": document, "operationName": name, "variables": { "input": input } });
    let began = Instant::now();
    loop {
        let sent = reqwest::Client::new().post(url).bearer_auth(token).json(&body).send().await;
        if let Ok(sent) = sent
            && let Ok(mut answer) = sent.json::<Value>().await
            && let Some(fields) = answer["data"].as_object_mut()
        {
            let payload = fields.values_mut().next().unwrap().take();
            assert_eq!(payload["userErrors"], json!([]), "{payload:#}");
            return payload;
        }
        assert!(began.elapsed() < PATIENCE, "{name} is not answered");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_killed_again_and_again_tells_everything_in_order_and_logs_no_secret() {
    let folder = empty_folder("webhooks");
    let (port, log) = (free_port(), folder.join("amvaj.log"));
    let mut server = Server::program(program(&folder), port, &log).await;
    let url = format!("http://127.0.0.1:{port}/graphql");
    let token = |caller: &[&str]| {
        let made = program(&folder).env("AMVAJ_LOG_FILTER", "error").arg("token").args(caller).output();
        String::from_utf8(made.unwrap().stdout).unwrap().trim().to_owned()
    };
    let operator = token(&["operator"]);
    let shop = json!({ "nameFa": "کافه", "nameEn": "Café", "issuePrice": "100", "redeemPrice": "90" });
    let shop = ask(&url, &operator, SETUP, "RegisterMerchant", shop).await["merchant"]["id"].clone();
    let rule =
        json!({ "merchantId": shop, "rate": { "points": "1", "per": "10" }, "expiry": { "never": true } });
    ask(&url, &operator, SETUP, "SetEarnRule", rule).await;
    let id = GlobalId::merchant(&shop.as_str().unwrap().into()).unwrap();
    let merchant = token(&["merchant", &id.to_string()]);
    let web = taking().await;
    let endpoint = json!({ "url": web.url("/amvaj?token=hunter2"), "name": "Shop" });
    let made = ask(&url, &merchant, WEBHOOK, "Create", endpoint).await;
    let secret = made["secret"].as_str().unwrap().to_owned();

    let mut members = Vec::new();
    for number in 0..MEMBERS {
        let member = json!({ "name": "مینا کریمی", "mobile": format!("0912500{number:04}") });
        members.push(ask(&url, &operator, SETUP, "EnrolMember", member).await["member"]["id"].clone());
    }
    for number in 0..EACH {
        for (member, id) in members.iter().enumerate() {
            let receipt = format!("{member}-{number:03}");
            let amount = json!({ "amount": "100", "currency": "IRR" });
            let earn = json!({
                "idempotencyKey": receipt, "receiptNumber": receipt, "member": { "id": id }, "amount": amount,
            });
            ask(&url, &merchant, POINTS, "Earn", earn).await;
        }
        // At another moment of its work each time.
        tokio::time::sleep(Duration::from_millis(u64::try_from(number * 7).unwrap())).await;
        server.kill();
        server.start_again();
    }
    let began = Instant::now();
    loop {
        let came: std::collections::BTreeSet<String> = receipts(&web.asked()).into_iter().collect();
        if came.len() == MEMBERS * EACH {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "only {} came", came.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let asked = web.asked();
    let mut latest: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for (asked, receipt) in asked.iter().zip(receipts(&asked)) {
        assert!(signed(&secret, asked));
        let (member, number) = receipt.split_once('-').unwrap();
        let (number, id) = (number.parse::<usize>().unwrap(), header(asked, "webhook-id").to_owned());
        if let Some((before, same)) = latest.get(member) {
            assert!(number == before + 1 || (number == *before && id == *same), "{receipt} after {before}");
        } else {
            assert_eq!(number, 0, "{receipt} came first");
        }
        latest.insert(member.to_owned(), (number, id));
    }
    server.kill();
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("TRACE"), "the log tells everything that it can");
    let signature = header(&asked[0], "webhook-signature").trim_start_matches("v1,").to_owned();
    for told in [secret.as_str(), "whsec_", "hunter2", signature.as_str()] {
        assert!(!log.contains(told), "{told} is in the log");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
