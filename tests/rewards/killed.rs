//! The program itself, killed again and again while members redeem: pieces, points and answers still agree.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use amvaj_api::graphql::global_id::GlobalId;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::scene::{REWARD, coffee};
use crate::program::{amvaj, empty_folder};
use crate::support::database::TestDb;
use crate::support::server::{Server, free_port};
use crate::support::till::{POINTS, codes};

const SETUP: &str = include_str!("../queries/crash.graphql");
const MEMBERS: usize = 6;
const EACH: usize = 8;
const STOCK: usize = 30;
const KILLS: u64 = 8;
/// How long anything may take to be answered, or to be finished.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program as a server that hurries, on a database of PostgreSQL or on a file.
fn program(folder: &Path, url: Option<&str>) -> Command {
    let mut command = amvaj(folder);
    command.env("AMVAJ_WORKER_INTERVAL_MS", "20").env("AMVAJ_WORKER_LEASE_SECONDS", "1");
    if let Some(url) = url {
        command.env("AMVAJ_DATABASE_URL", url);
    }
    command
}

/// Sends a request until it is answered, and answers its only field.
async fn ask(url: &str, token: &str, document: &str, name: &str, variables: Value) -> Value {
    let body = json!({ "query": document, "operationName": name, "variables": variables });
    let began = Instant::now();
    loop {
        let sent = reqwest::Client::new().post(url).bearer_auth(token).json(&body).send().await;
        if let Ok(sent) = sent
            && let Ok(mut answer) = sent.json::<Value>().await
            && let Some(fields) = answer["data"].as_object_mut()
        {
            let payload = fields.values_mut().next().unwrap().take();
            if !payload.is_null() {
                return payload;
            }
        }
        assert!(began.elapsed() < PATIENCE, "{name} is not answered");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Everything that the merchant's members have redeemed, once nothing is pending any more.
async fn finished(url: &str, merchant: &str) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let listed = ask(url, merchant, REWARD, "Redemptions", json!({})).await;
        let nodes = listed["nodes"].as_array().unwrap().clone();
        if nodes.iter().all(|node| node["status"] != "PENDING") {
            return nodes;
        }
        assert!(began.elapsed() < PATIENCE, "{nodes:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn killed_while_members_redeem(database: Option<&str>) {
    let folder = empty_folder("rewards");
    let (port, log) = (free_port(), folder.join("amvaj.log"));
    let mut server = Server::program(program(&folder, database), port, &log).await;
    let url = format!("http://127.0.0.1:{port}/graphql");
    let run = |arguments: &[&str]| {
        let done =
            program(&folder, database).env("AMVAJ_LOG_FILTER", "error").args(arguments).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    };
    let operator = run(&["token", "operator"]);
    let shop = json!({ "nameFa": "کافه", "nameEn": "Café", "issuePrice": "100", "redeemPrice": "90" });
    let shop = ask(&url, &operator, SETUP, "RegisterMerchant", json!({ "input": shop })).await;
    let shop = shop["merchant"]["id"].clone();
    let rule =
        json!({ "merchantId": shop, "rate": { "points": "1", "per": "10" }, "expiry": { "never": true } });
    ask(&url, &operator, SETUP, "SetEarnRule", json!({ "input": rule })).await;
    let id = GlobalId::merchant(&shop.as_str().unwrap().into()).unwrap();
    let merchant = run(&["token", "merchant", &id.to_string()]);
    let reward = coffee("k", &json!({ "stock": STOCK }));
    let reward = ask(&url, &merchant, REWARD, "Create", json!({ "input": reward })).await;
    let reward = reward["reward"]["id"].clone();

    let mut members = Vec::new();
    for number in 0..MEMBERS {
        let member = json!({ "name": "مینا کریمی", "mobile": format!("0912700{number:04}") });
        let enrolled = ask(&url, &operator, SETUP, "EnrolMember", json!({ "input": member })).await;
        let id = enrolled["member"]["id"].clone();
        let earn = json!({
            "idempotencyKey": format!("e{number}"), "receiptNumber": format!("R{number}"), "member": { "id": id },
            "amount": { "amount": "10000", "currency": "IRR" },
        });
        ask(&url, &merchant, POINTS, "Earn", json!({ "input": earn })).await;
        let id = GlobalId::member(&id.as_str().unwrap().into()).unwrap();
        members.push(run(&["token", "member", &id.to_string()]));
    }
    let redeeming = join_all(members.iter().map(|member| {
        let (url, reward) = (&url, &reward);
        async move {
            let mut answers = Vec::new();
            for number in 0..EACH {
                let input = json!({ "idempotencyKey": format!("r{number}"), "rewardId": reward });
                answers.push(ask(url, member, REWARD, "Redeem", json!({ "input": input })).await);
            }
            answers
        }
    }));
    let killing = async {
        for number in 0..KILLS {
            // At another moment of its work each time.
            tokio::time::sleep(Duration::from_millis(15 + number * 11)).await;
            server.kill();
            server.start_again();
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    let (answers, ()) = futures_util::future::join(redeeming, killing).await;
    let answers: Vec<Value> = answers.into_iter().flatten().collect();
    let given = answers.iter().filter(|answer| codes(answer).is_empty());
    let given: BTreeSet<String> = given.map(|answer| answer["redemption"]["id"].to_string()).collect();
    let late = answers.iter().filter(|answer| codes(answer) == ["REWARD_OUT_OF_STOCK"]).count();
    assert_eq!((given.len(), late), (STOCK, MEMBERS * EACH - STOCK));
    let there = finished(&url, &merchant).await;
    assert!(there.iter().all(|node| node["status"] == "RESERVED"), "{there:#?}");
    assert_eq!(there.iter().map(|node| node["id"].to_string()).collect::<BTreeSet<_>>(), given);
    let shown = ask(&url, &merchant, REWARD, "Reward", json!({ "id": reward })).await;
    assert_eq!(shown["stock"], 0);
    server.kill();
    run(&["verify"]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_on_a_file_that_is_killed_again_and_again_gives_each_piece_once() {
    killed_while_members_redeem(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_on_a_server_that_is_killed_again_and_again_gives_each_piece_once() {
    let database = TestDb::postgres().await;
    killed_while_members_redeem(Some(&database.url)).await;
}
