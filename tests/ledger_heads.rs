//! The ends of the ledger's chains, as anybody may keep them, and what the command line does with them.

use std::path::Path;

use amvaj_api::app::relay_outbox::relay_outbox;
use serde_json::{Value, json};

use crate::{
    program,
    support::{
        app::TestApp,
        till::{Till, assert_sound},
    },
};

const HEADS: &str = "query Heads { ledgerHeads { at hashes } }";

#[tokio::test]
async fn whoever_asks_learns_the_last_hash_of_each_chain() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09123456789").await;
        let hashes =
            async || app.send(None, HEADS, "Heads", json!({})).await["data"]["ledgerHeads"]["hashes"].clone();
        assert_eq!(hashes().await, json!(vec![Value::Null; 16]), "nothing is sealed");
        let mut before = Value::Null;
        for key in ["k-1", "k-2"] {
            till.earn(key, key, 100).await;
            relay_outbox(&app.app, app.clock.now()).await.unwrap();
            let hashes = hashes().await;
            let bucket = usize::try_from(till.wallet.shard_no() % 16).unwrap();
            let sealed: Vec<usize> = (0..16).filter(|at| !hashes[at].is_null()).collect();
            assert_eq!(sealed, [bucket]);
            let hash = hashes[bucket].as_str().unwrap();
            assert!(hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()), "{hash}");
            assert_ne!(hashes[bucket], before, "the chain goes on");
            before = hashes[bucket].clone();
        }
        assert_sound(&app).await;
    }
}

#[test]
fn the_command_line_keeps_heads_and_looks_for_them() {
    let folder = program::empty_folder("heads");
    let run = |arguments: &[&str]| program::amvaj(&folder).args(arguments).output().unwrap();
    let kept = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert!(run(&["migrate"]).status.success());
    assert!(run(&["verify", "--keep-heads", "heads.json"]).status.success());
    assert!(kept("heads.json").contains("hashes"));
    assert!(run(&["verify", "--heads", "heads.json"]).status.success());

    let mut hashes = vec![Value::Null; 16];
    hashes[0] = json!("ab".repeat(32));
    let other = json!({ "hashes": hashes }).to_string();
    std::fs::write(folder.join("other.json"), other).unwrap();
    let refused = run(&["verify", "--heads", "other.json", "--keep-heads", "none.json"]);
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stdout).unwrap();
    assert!(told.contains("bucket 0: no link has the hash that was kept"), "{told}");
    assert!(!Path::new(&folder.join("none.json")).exists(), "heads of a broken ledger are not kept");

    for (text, reason) in
        [("no json", "has no list of hashes"), (r#"{"hashes":["abc"]}"#, "64 hexadecimal digits")]
    {
        std::fs::write(folder.join("odd.json"), text).unwrap();
        let refused = run(&["verify", "--heads", "odd.json"]);
        assert!(!refused.status.success());
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(told.contains(reason), "{told}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
