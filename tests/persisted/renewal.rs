//! A text that is asked for near is kept alive in Redis too.

use std::time::Duration;

use amvaj_domain::access::Caller;
use amvaj_domain::time::Span;
use amvaj_infra::persisted::TextHash;
use redis::AsyncCommands as _;

use super::{Transport, apq, code, document, introduction, token};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::redis::{OwnRedis, connect};

/// Names a text over and over within a moment.
async fn name_often(app: &TestApp, text: &str) {
    let operator = token(app, Caller::Operator);
    for _ in 0..10 {
        assert_eq!(code(app, Transport::Post, Some(&operator), &apq(text)).await, "");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_use_near_lives_on_in_redis_and_comes_back_to_it() {
    let redis = OwnRedis::start().await.unwrap();
    let app = TestApp::start_with_redis(TestDb::postgres().await, &redis.url()).await;
    let mut raw = connect(&redis.url()).await.unwrap();
    let text = document("in use all the time");
    let operator = token(&app, Caller::Operator);
    assert_eq!(code(&app, Transport::Post, Some(&operator), &introduction(&text)).await, "");
    let mut keys: Vec<String> = raw.keys("amvaj:*:{documents}:*").await.unwrap();
    keys.sort();
    let [texts, used] = keys.try_into().unwrap_or_else(|keys| panic!("{keys:?}"));
    let hash = TextHash::of(&text).to_string();
    // As if it were old and about to go.
    let age = async |raw: &mut redis::aio::MultiplexedConnection| {
        raw.zadd::<_, _, _, ()>(&used, &hash, 1).await.unwrap();
        for key in [&texts, &used] {
            raw.expire::<_, ()>(key, 600).await.unwrap();
        }
    };
    let life = async |raw: &mut redis::aio::MultiplexedConnection| -> (i64, bool) {
        let score: f64 = raw.zscore(&used, &hash).await.unwrap();
        (raw.ttl(&texts).await.unwrap(), score > 1.0)
    };
    age(&mut raw).await;
    name_often(&app, &text).await;
    let (seconds, was_noted) = life(&mut raw).await;
    assert!(seconds <= 600 && !was_noted, "it has just been kept, and is not renewed yet");
    for days in [4, 8] {
        age(&mut raw).await;
        app.clock.advance_to(app.clock.now().plus(Span::days(days)));
        name_often(&app, &text).await;
        let is_renewed = async || {
            let (seconds, was_noted) = life(&mut raw.clone()).await;
            seconds > 20 * 24 * 3600 && was_noted
        };
        redis.wait_until(is_renewed).await.unwrap();
        // Once for a long time.
        age(&mut raw).await;
        name_often(&app, &text).await;
        assert!(life(&mut raw).await.0 <= 600);
    }
    // What Redis has lost comes back to it by and by.
    let () = raw.del(&[&texts, &used]).await.unwrap();
    let other = app.second_node_with_redis(&redis.url()).await;
    app.clock.advance_to(app.clock.now().plus(Span::days(4)));
    name_often(&app, &text).await;
    let is_back = async || {
        let operator = token(&other, Caller::Operator);
        code(&other, Transport::Post, Some(&operator), &apq(&text)).await.is_empty()
    };
    redis.wait_until(is_back).await.unwrap();
}
