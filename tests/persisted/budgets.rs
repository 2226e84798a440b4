//! What strangers introduce has a budget of its own, so that it drives out nothing of those who are signed in.

use amvaj_domain::access::Caller;
use redis::AsyncCommands as _;

use super::{Transport, apq, code, document, introduction, token};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::redis::{OwnRedis, connect};

const UNKNOWN: &str = "PERSISTED_QUERY_NOT_FOUND";
/// A text that strangers may still keep.
const SHORT: usize = 15_000;

async fn introduce(app: &TestApp, token: Option<&str>, text: &str) -> String {
    code(app, Transport::Post, token, &introduction(text)).await
}

async fn name(app: &TestApp, token: Option<&str>, text: &str) -> String {
    code(app, Transport::Post, token, &apq(text)).await
}

fn long(name: &str, bytes: usize) -> String {
    document(format!("{name} {}", "x".repeat(bytes)))
}

/// Strangers introduce so many texts of so many bytes.
async fn flood(app: &TestApp, name: &str, texts: usize, bytes: usize) {
    for number in 0..texts {
        assert_eq!(introduce(app, None, &long(&format!("{name} {number}"), bytes)).await, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_drive_out_near_what_others_have_introduced() {
    for app in TestApp::both().await {
        let member = Caller::Member(app.member("سارا احمدی", "09126600301").await);
        let merchant = Caller::Merchant(app.merchant("Shop").await);
        let tokens = [member, merchant, Caller::Operator].map(|caller| token(&app, caller));
        let texts = ["a member's", "a merchant's", "an operator's"].map(document);
        for (token, text) in tokens.iter().zip(&texts) {
            assert_eq!(introduce(&app, Some(token), text).await, "");
        }
        // A stranger's, which a member uses and nobody else.
        let (used, unused) = (document("used by a member"), document("used by nobody"));
        for text in [&used, &unused] {
            assert_eq!(introduce(&app, None, text).await, "");
        }
        assert_eq!(name(&app, Some(&tokens[0]), &used).await, "");
        flood(&app, "long", 30, 230_000).await;
        flood(&app, "short", 330, SHORT).await;
        for (token, text) in tokens.iter().zip(&texts) {
            assert_eq!(name(&app, Some(token), text).await, "", "{text}");
        }
        // What others have introduced strangers may name too, but for a merchant's.
        assert_eq!(name(&app, None, &texts[0]).await, "");
        assert_eq!(name(&app, None, &texts[1]).await, UNKNOWN);
        assert_eq!(name(&app, Some(&tokens[2]), &used).await, "");
        assert_eq!(name(&app, None, &used).await, "");
        assert_eq!(name(&app, None, &unused).await, UNKNOWN);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_drive_out_of_redis_what_others_have_introduced() {
    let mut redis = OwnRedis::start().await.unwrap();
    let first = TestApp::start_with_redis(TestDb::postgres().await, &redis.url()).await;
    let mut raw = connect(&redis.url()).await.unwrap();
    let operator = token(&first, Caller::Operator);
    let merchant = token(&first, Caller::Merchant(first.merchant("Shop").await));
    let [mine, theirs, used, unused] = ["mine", "a merchant's", "used", "unused"].map(document);
    assert_eq!(introduce(&first, Some(&operator), &mine).await, "");
    assert_eq!(introduce(&first, Some(&merchant), &theirs).await, "");
    for text in [&used, &unused] {
        assert_eq!(introduce(&first, None, text).await, "");
    }
    let second = first.second_node_with_redis(&redis.url()).await;
    // It moves out of the strangers' budget on whatever node it is used.
    assert_eq!(name(&second, Some(&operator), &used).await, "");
    flood(&first, "long", 80, 230_000).await;
    flood(&first, "short", 330, SHORT).await;
    for node in [&first.second_node_with_redis(&redis.url()).await, &second, &first] {
        assert_eq!(name(node, Some(&operator), &mine).await, "");
        assert_eq!(name(node, Some(&merchant), &theirs).await, "");
        assert_eq!(name(node, Some(&operator), &used).await, "");
        assert_eq!(name(node, None, &used).await, "");
        assert_eq!(name(node, None, &unused).await, UNKNOWN);
    }
    let keys: Vec<String> = raw.keys("amvaj:*:{documents}:strangers*texts").await.unwrap();
    let kept: Vec<String> = raw.hvals(&keys[0]).await.unwrap();
    let bytes: usize = kept.iter().map(String::len).sum();
    assert!((3 * 1024 * 1024..4 * 1024 * 1024).contains(&bytes), "{bytes} bytes");
    // And near, without Redis.
    redis.kill().unwrap();
    for (token, text) in [(&operator, &mine), (&merchant, &theirs), (&operator, &used)] {
        assert_eq!(name(&first, Some(token), text).await, "", "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_of_a_stranger_is_executed_and_not_kept() {
    for app in TestApp::both().await {
        let operator = token(&app, Caller::Operator);
        let (short, long) = (long("short", 16_000), long("long", 17_000));
        assert_eq!(introduce(&app, None, &short).await, "");
        assert_eq!(name(&app, None, &short).await, "");
        assert_eq!(introduce(&app, None, &long).await, "");
        assert_eq!(name(&app, None, &long).await, UNKNOWN);
        assert_eq!(introduce(&app, Some(&operator), &long).await, "");
        for token in [Some(operator.as_str()), None] {
            assert_eq!(name(&app, token, &long).await, "");
        }
    }
}
