//! What is kept of the documents that clients introduce: where, how much, and for whom.

use amvaj_domain::access::Caller;
use amvaj_infra::persisted::TextHash;
use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;

use super::{Transport, apq, code, document, introduction, token};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::redis::{OwnRedis, connect};

const UNKNOWN: &str = "PERSISTED_QUERY_NOT_FOUND";

async fn introduce(app: &TestApp, text: &str) -> String {
    code(app, Transport::Post, None, &introduction(text)).await
}

async fn name(app: &TestApp, text: &str) -> String {
    code(app, Transport::Post, None, &apq(text)).await
}

/// A server with a Redis of the test's own and others beside it.
struct Nodes<'a> {
    first: TestApp,
    redis: &'a OwnRedis,
}

impl<'a> Nodes<'a> {
    async fn start(redis: &'a OwnRedis) -> Self {
        let first = TestApp::start_with_redis(TestDb::postgres().await, &redis.url()).await;
        Self { first, redis }
    }

    /// A node that has nothing near.
    async fn another(&self) -> TestApp {
        self.first.second_node_with_redis(&self.redis.url()).await
    }

    /// The keys of the texts and of when they were used.
    async fn keys(&self, raw: &mut MultiplexedConnection) -> [String; 2] {
        let mut keys: Vec<String> = raw.keys("amvaj:*:{documents}:*").await.unwrap();
        keys.sort();
        keys.try_into().unwrap_or_else(|keys| panic!("{keys:?}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_documents_where_there_is_a_redis_and_each_has_its_own_where_there_is_none() {
    for app in TestApp::both().await {
        let (other, text) = (app.second_node().await, document("shared"));
        assert_eq!(introduce(&app, &text).await, "");
        let expected = if app.app.db.is_postgres() { "" } else { UNKNOWN };
        assert_eq!(name(&other, &text).await, expected);
        // Whoever is told that it is unknown sends the text again, to this node too.
        assert_eq!(introduce(&other, &text).await, "");
        assert_eq!(name(&other, &text).await, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_finds_a_document_by_its_hash_that_another_merchant_has_sent() {
    for app in TestApp::both().await {
        let [mine, other] = [app.merchant("Mine").await, app.merchant("Other").await].map(Caller::Merchant);
        let member = Caller::Member(app.member("سارا احمدی", "09126600101").await);
        let [mine, other, operator, member] =
            [mine, other, Caller::Operator, member].map(|caller| token(&app, caller));
        let text = document("with a mobile number in it, say");
        assert_eq!(code(&app, Transport::Post, Some(&mine), &introduction(&text)).await, "");
        let second = app.second_node().await;
        for node in [&app, &second] {
            for stranger in [Some(other.as_str()), Some(operator.as_str()), Some(member.as_str()), None] {
                assert_eq!(code(node, Transport::Post, stranger, &apq(&text)).await, UNKNOWN);
            }
        }
        assert_eq!(code(&app, Transport::Post, Some(&mine), &apq(&text)).await, "");
        // All who are no merchants share what they send.
        assert_eq!(code(&app, Transport::Post, Some(&member), &introduction(&text)).await, "");
        assert_eq!(code(&app, Transport::Post, Some(&operator), &apq(&text)).await, "");
        assert_eq!(code(&app, Transport::Post, Some(&other), &apq(&text)).await, UNKNOWN);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_redis_keeps_is_bounded_and_what_was_used_last_stays() {
    let redis = OwnRedis::start().await.unwrap();
    let nodes = Nodes::start(&redis).await;
    let mut raw = connect(&redis.url()).await.unwrap();
    let operator = token(&nodes.first, Caller::Operator);
    let introduce = async |app: &TestApp, text: &str| {
        code(app, Transport::Post, Some(&operator), &introduction(text)).await
    };
    let name =
        async |app: &TestApp, text: &str| code(app, Transport::Post, Some(&operator), &apq(text)).await;
    let long = |number: i32| format!("query Q {{ version }} # {number} {}", "x".repeat(200_000));
    for number in 0..50 {
        assert_eq!(introduce(&nodes.first, &long(number)).await, "");
    }
    // Of all that are old by now, one is used.
    assert_eq!(name(&nodes.another().await, &long(0)).await, "");
    for number in 50..100 {
        assert_eq!(introduce(&nodes.first, &long(number)).await, "");
    }
    let [texts, used] = nodes.keys(&mut raw).await;
    let (kept, noted): (usize, usize) = (raw.hlen(&texts).await.unwrap(), raw.zcard(&used).await.unwrap());
    assert_eq!(kept, noted + 1);
    let lengths: Vec<String> = raw.hvals(&texts).await.unwrap();
    let bytes: usize = lengths.iter().map(String::len).sum();
    assert!((12 * 1024 * 1024..16 * 1024 * 1024).contains(&bytes), "{bytes} bytes in {kept}");
    let another = nodes.another().await;
    assert_eq!(name(&another, &long(0)).await, "");
    assert_eq!(name(&another, &long(99)).await, "");
    assert_eq!(name(&another, &long(1)).await, UNKNOWN);
    // The node that was sent them all keeps only the last ones near.
    assert_eq!(name(&nodes.first, &long(2)).await, UNKNOWN);

    // A text that is too long is executed all the same.
    let too_long = format!("query Q {{ version }} # {}", "x".repeat(261_000));
    assert_eq!(introduce(&nodes.first, &too_long).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_under_our_keys_is_never_executed_and_makes_room() {
    let redis = OwnRedis::start().await.unwrap();
    let nodes = Nodes::start(&redis).await;
    let mut raw = connect(&redis.url()).await.unwrap();
    let first = document("the first one");
    assert_eq!(introduce(&nodes.first, &first).await, "");
    let [texts, used] = nodes.keys(&mut raw).await;
    for foreign in ["another text", "no text", "a list", "a text", "no bytes", "no times", "many bytes"] {
        match foreign {
            "another text" => {
                let hash = TextHash::of(&first).to_string();
                raw.hset::<_, _, _, ()>(&texts, hash, "query Q { viewer { role } }").await.unwrap();
            }
            "no text" => {
                let hash = TextHash::of(&first).to_string();
                raw.hset::<_, _, _, ()>(&texts, hash, b"\xff\x00".as_slice()).await.unwrap();
            }
            "no bytes" => raw.hset::<_, _, _, ()>(&texts, "bytes", "none").await.unwrap(),
            "many bytes" => raw.hset::<_, _, _, ()>(&texts, "bytes", "99999999999").await.unwrap(),
            "no times" => raw.del::<_, ()>(&used).await.unwrap(),
            _ => {
                let () = raw.del(&[&texts, &used]).await.unwrap();
                for key in [&texts, &used] {
                    match foreign {
                        "a list" => raw.rpush::<_, _, ()>(key, "x").await.unwrap(),
                        _ => raw.set::<_, _, ()>(key, "x").await.unwrap(),
                    }
                }
            }
        }
        let another = nodes.another().await;
        if !["no bytes", "no times", "many bytes"].contains(&foreign) {
            assert_eq!(name(&another, &first).await, UNKNOWN, "{foreign}");
        }
        assert_eq!(introduce(&another, &first).await, "", "{foreign}");
        let second = document(foreign);
        assert_eq!(introduce(&another, &second).await, "", "{foreign}");
        // It is ours again.
        let another = nodes.another().await;
        assert_eq!(name(&another, &second).await, "", "{foreign}");
        let counts: (usize, usize) = (raw.hlen(&texts).await.unwrap(), raw.zcard(&used).await.unwrap());
        assert_eq!(counts.0, counts.1 + 1, "{foreign}");
        assert_eq!(introduce(&another, &first).await, "", "{foreign}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_redis_a_node_goes_on_with_what_it_has_and_finds_redis_again() {
    let mut redis = OwnRedis::start().await.unwrap();
    let (near, far) = (document("near"), document("far"));
    let (first, other) = {
        let nodes = Nodes::start(&redis).await;
        let other = nodes.another().await;
        (nodes.first, other)
    };
    assert_eq!(introduce(&first, &near).await, "");
    assert_eq!(introduce(&other, &far).await, "");
    redis.kill().unwrap();
    assert_eq!(name(&first, &near).await, "");
    assert_eq!(name(&first, &far).await, UNKNOWN);
    assert_eq!(introduce(&first, &far).await, "");
    assert_eq!(name(&first, &far).await, "");

    redis.start_again().await.unwrap();
    let text = document("after the outage");
    let number = std::sync::atomic::AtomicUsize::new(0);
    let is_back = async || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let text = format!("{text} {number}");
        introduce(&first, &text).await.is_empty() && name(&other, &text).await.is_empty()
    };
    redis.wait_until(is_back).await.unwrap();
}
