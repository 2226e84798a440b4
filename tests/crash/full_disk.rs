//! A full disk under SQLite, looked at from close by.

use std::path::Path;

use serde_json::json;

use super::plan::{Servers, Victim};
use super::scene::{Said, Scene};
use super::stage::Stage;
use crate::program::{amvaj, empty_folder};
use crate::support::server::{Server, free_port};
use crate::support::till::{POINTS, codes};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_read_from_and_written_to_again_when_it_has_room() {
    let stage = Stage::set(Servers::Embedded).await;
    let scene = Scene::open(&stage).await;
    let earn = |number: usize| {
        json!({
            "idempotencyKey": format!("k{number}"), "receiptNumber": format!("R{number}"),
            "member": { "id": scene.members[0].id }, "amount": { "amount": 100, "currency": "IRR" },
        })
    };
    // What the wallet has after so many operations, each of which earns ten points. Without the version a read may be of
    // a moment ago.
    let posted_after = async |operations: usize| {
        let variables = json!({ "id": scene.members[0].wallet, "atLeast": operations.to_string() });
        let wallet = scene.read(0, POINTS, "Wallet", variables).await;
        assert_eq!(wallet["version"], operations.to_string());
        wallet["posted"].as_str().unwrap().parse::<usize>().unwrap()
    };
    let before = scene.ask_at(0, "Earn", &earn(0)).await;
    assert_eq!(codes(&before), Vec::<&str>::new(), "{before:#}");

    let node = stage.server(Victim::Node(0)).await;
    for time in 0..3 {
        // A limit of one block lets nothing be written, and the one of a page and a half lets writes begin.
        stage.disk().fill(&node, [1, 12, 40][time]);
        for number in [2 * time + 1, 2 * time + 2] {
            let told = scene.try_at(0, "Earn", &earn(number)).await;
            assert!(!matches!(told, Said::Payload(_)), "an earn was acknowledged on a full disk");
            assert_eq!(posted_after(1 + 2 * time).await, 10 + time * 20, "reading goes on");
        }
        stage.disk().empty(&node);
        for number in [2 * time + 1, 2 * time + 2] {
            let earned = scene.ask_at(0, "Earn", &earn(number)).await;
            assert_eq!(codes(&earned), Vec::<&str>::new(), "{earned:#}");
        }
        assert_eq!(posted_after(3 + 2 * time).await, 30 + time * 20);
    }
    stage.verify("60").unwrap_or_else(|broken| panic!("{broken}"));
    assert_eq!(stage.errors(), Vec::<String>::new(), "the log tells of defects");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_log_is_on_a_full_disk_goes_on() {
    let folder = empty_folder("full-log");
    let port = free_port();
    let mut command = amvaj(&folder);
    command.env("AMVAJ_LOG_FILTER", "debug");
    // Every write to this file fails as on a full disk.
    let server = Server::program(command, port, Path::new("/dev/full")).await;
    for _ in 0..20 {
        let page = reqwest::get(format!("http://127.0.0.1:{port}/health/ready")).await.unwrap();
        assert!(page.status().is_success(), "{page:?}");
    }
    assert_eq!(server.starts(), 1, "it ended and had to be started again");
    drop(server);
    let _ = std::fs::remove_dir_all(folder);
}
