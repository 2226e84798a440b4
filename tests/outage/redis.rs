//! A Redis that is full, or that holds what somebody else wrote under our keys. Answers stay right, and when the cause is
//! gone Redis is used again.

use amvaj_domain::access::Caller;
use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::redis::{OwnRedis, connect};
use crate::support::till::{POINTS, Till, assert_sound, codes};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_redis_makes_no_answer_wrong_and_is_written_to_again_when_it_has_room() {
    let redis = OwnRedis::start().await.unwrap();
    let app = TestApp::start_with_redis(TestDb::postgres().await, &redis.url()).await;
    let mut raw = connect(&redis.url()).await.unwrap();
    let till = Till::open(&app, "09124000021").await;
    earn_and_read(&till, 0..5).await;
    wait_for_balance(&redis, &till, 50).await;

    configure(&mut raw, "maxmemory-policy", "noeviction").await;
    configure(&mut raw, "maxmemory", "1").await;
    let refused = raw.set::<_, _, ()>("one-more", "value").await;
    assert!(refused.is_err_and(|error| error.code() == Some("OOM")), "the test's Redis is not full");
    earn_and_read(&till, 5..25).await;

    configure(&mut raw, "maxmemory", "0").await;
    earn_and_read(&till, 25..26).await;
    wait_for_balance(&redis, &till, 260).await;
    assert_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_under_our_keys_is_never_taken_for_ours() {
    let redis = OwnRedis::start().await.unwrap();
    let app = TestApp::start_with_redis(TestDb::postgres().await, &redis.url()).await;
    let mut raw = connect(&redis.url()).await.unwrap();
    let till = Till::open(&app, "09124000022").await;
    let mut earns = 0;
    for foreign in ["a list", "a hash", "a text", "a balance of another form"] {
        earn_and_read(&till, earns..earns + 3).await;
        wait_for_balance(&redis, &till, (earns + 3) * 10).await;
        let keys: Vec<String> = raw.keys("amvaj:*").await.unwrap();
        for part in [":balance:", ":limit:"] {
            assert!(keys.iter().any(|key| key.contains(part)), "{keys:?} have no {part}");
        }
        for key in &keys {
            let () = raw.del(key).await.unwrap();
            match foreign {
                "a list" => raw.rpush::<_, _, ()>(key, "b1").await.unwrap(),
                "a hash" => raw.hset::<_, _, _, ()>(key, "version", 9).await.unwrap(),
                "a text" => raw.set::<_, _, ()>(key, b"\xff\x00garbage".as_slice()).await.unwrap(),
                _ => raw.set::<_, _, ()>(key, "b2 9 9 9 9 9 9 9 9").await.unwrap(),
            }
        }
        earn_and_read(&till, earns + 3..earns + 6).await;
        earns += 6;
        // It is ours again.
        wait_for_balance(&redis, &till, earns * 10).await;
    }
    assert_sound(&app).await;
}

/// Earns ten points with each number, reads the wallet with and without the version that was answered, and compares.
async fn earn_and_read(till: &Till<'_>, numbers: std::ops::Range<i64>) {
    for number in numbers {
        let posted = ((number + 1) * 10).to_string();
        let earned = till.earn(&format!("k{number}"), &format!("R{number}"), 10).await;
        assert_eq!(codes(&earned), Vec::<&str>::new(), "{earned:#}");
        assert_eq!(earned["wallet"]["posted"], posted);
        let variables = json!({ "id": earned["wallet"]["id"], "atLeast": earned["wallet"]["version"] });
        let read = till.app.data(Caller::Operator, POINTS, "Wallet", variables).await;
        assert_eq!(read["wallet"]["posted"], posted);
    }
}

/// Waits until the wallet's balance in Redis is this one.
async fn wait_for_balance(redis: &OwnRedis, till: &Till<'_>, posted: i64) {
    let posted = format!(" {posted} 0 0 0 0");
    let is_there = async || {
        let mut raw = connect(&redis.url()).await.unwrap();
        let keys: Vec<String> = raw.keys(format!("amvaj:*:balance:{}", till.wallet)).await.unwrap();
        let Some(key) = keys.first() else { return false };
        raw.get::<_, String>(key).await.is_ok_and(|line| line.ends_with(&posted))
    };
    redis.wait_until(is_there).await.unwrap_or_else(|_| panic!("no balance of{posted} is cached"));
}

async fn configure(raw: &mut MultiplexedConnection, name: &str, value: &str) {
    redis::cmd("CONFIG").arg("SET").arg(name).arg(value).exec_async(raw).await.unwrap();
}
