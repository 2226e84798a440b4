//! Leaky buckets that several nodes share in a real Redis, and what becomes of them when it is emptied or killed.

use std::sync::Arc;
use std::time::Duration;

use amvaj_domain::time::{Instant, Span};
use amvaj_infra::limit::{Limit, Limiter, Taken};
use anyhow::Result;
use redis::AsyncCommands;
use tokio::task::JoinSet;

use crate::support::redis::{OwnRedis, connect, shared_redis};

/// Nothing is drawn ahead of such a limit, so it is exact across nodes.
const EXACT: Limit = Limit { name: "exact", capacity: 300, restores: 1, every: Span::minutes(1) };
/// Ten are drawn ahead.
const SLICED: Limit = Limit { name: "sliced", capacity: 1_000, restores: 500, every: Span::seconds(1) };

/// Nodes of one network of its own, on one Redis.
async fn nodes<const N: usize>(url: &str) -> Result<[Arc<Limiter>; N]> {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let epoch = format!("test-{}-{number}", std::process::id());
    let mut nodes = Vec::new();
    for _ in 0..N {
        nodes.push(Arc::new(Limiter::redis(url, &epoch, Duration::from_secs(5), 1_000).await?));
    }
    nodes.try_into().map_err(|_| anyhow::anyhow!("there are {N} nodes"))
}

fn at(milliseconds: i64) -> Instant {
    Instant::from_micros(1_800_000_000_000_000 + milliseconds * 1_000)
}

/// How many of so many takes of 1 are granted, when they all come at once and to each node in turn.
async fn grants(nodes: &[Arc<Limiter>], limit: Limit, takes: usize, now: Instant) -> usize {
    let mut takers = JoinSet::new();
    for node in nodes.iter().cycle().take(takes) {
        let node = Arc::clone(node);
        takers.spawn(async move { node.take(&limit, "crowd", 1, now).await.is_granted() });
    }
    takers.join_all().await.into_iter().filter(|granted| *granted).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_who_take_at_once_from_two_nodes_get_exactly_the_capacity() -> Result<()> {
    let nodes = nodes::<2>(&shared_redis()).await?;
    assert_eq!(grants(&nodes, EXACT, 1_000, at(0)).await, 300);
    assert_eq!(grants(&nodes, EXACT, 100, at(60_000)).await, 1, "one has leaked");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slices_grant_at_most_what_leaks_in_a_second_more_than_the_bucket_allows() -> Result<()> {
    let nodes = nodes::<2>(&shared_redis()).await?;
    assert_eq!(grants(&nodes, SLICED, 3_000, at(0)).await, 1_000, "while no time passes they are exact");
    let mut granted = 0;
    let seconds = 4_usize;
    for tenth in 1..=i64::try_from(10 * seconds)? {
        granted += grants(&nodes, SLICED, 200, at(100 * tenth)).await;
    }
    let allowed = 500 * seconds;
    assert!((allowed - 50..=allowed + 500).contains(&granted), "{granted} of {allowed}");
    Ok(())
}

#[tokio::test]
async fn what_one_node_draws_ahead_and_does_not_spend_comes_back() -> Result<()> {
    let [idle, busy] = nodes::<2>(&shared_redis()).await?;
    assert!(idle.take(&SLICED, "a", 1, at(0)).await.is_granted());
    assert_eq!(busy.peek(&SLICED, "a", at(0)).await.remaining, 989, "10 are held by the other node");
    assert_eq!(busy.peek(&SLICED, "a", at(1_000)).await.remaining, 1_000);
    Ok(())
}

#[tokio::test]
async fn most_takes_need_no_call() -> Result<()> {
    let redis = OwnRedis::start().await?;
    let [node] = nodes::<1>(&redis.url()).await?;
    let mut raw = connect(&redis.url()).await?;
    let limit = Limit { capacity: 100_000, restores: 10_000, ..SLICED };
    for _ in 0..10_000 {
        assert!(node.take(&limit, "a", 1, at(0)).await.is_granted());
    }
    for _ in 0..100 {
        assert!(!node.take(&limit, "a", 95_000, at(0)).await.is_granted());
    }
    let statistics: String = redis::cmd("INFO").arg("commandstats").query_async(&mut raw).await?;
    let calls = statistics.lines().filter(|line| line.starts_with("cmdstat_eval")).map(number_of_calls);
    assert!(calls.sum::<u32>() < 25, "{statistics}");
    Ok(())
}

fn number_of_calls(line: &str) -> u32 {
    let (_, calls) = line.split_once("calls=").expect("statistics count calls");
    calls.split(',').next().unwrap_or_default().parse().expect("calls are a number")
}

#[tokio::test]
async fn what_is_given_back_on_one_node_is_free_on_the_other_within_a_second() -> Result<()> {
    let [one, other] = nodes::<2>(&shared_redis()).await?;
    assert!(one.take(&EXACT, "a", 300, at(0)).await.is_granted());
    assert!(!other.take(&EXACT, "a", 1, at(0)).await.is_granted());
    one.give_back(&EXACT, "a", 200, at(0), at(0)).await;
    assert!(one.take(&EXACT, "a", 50, at(10)).await.is_granted(), "at home it is free at once");
    assert!(one.take(&EXACT, "a", 1, at(1_020)).await.is_granted());
    // 149 went home: of the 150 that were left, one may have begun to leak meanwhile.
    let taken = other.take(&EXACT, "a", 148, at(1_030)).await;
    assert!(matches!(taken, Taken::Granted { remaining: 0, .. }), "{taken:?}");
    assert!(!other.take(&EXACT, "a", 1, at(1_030)).await.is_granted());
    Ok(())
}

#[tokio::test]
async fn a_bucket_that_is_empty_or_long_unused_leaves_nothing_behind() -> Result<()> {
    let redis = OwnRedis::start().await?;
    let [node] = nodes::<1>(&redis.url()).await?;
    let mut raw = connect(&redis.url()).await?;
    node.take(&EXACT, "a", 10, at(0)).await;
    let keys: Vec<String> = raw.keys("*").await?;
    let [key] = &keys[..] else { panic!("{keys:?}") };
    assert!(key.ends_with(":limit:exact:a"), "{key}");
    let left: i64 = raw.pttl(key).await?;
    assert!(
        (600_000..=660_000).contains(&left),
        "{left} ms: ten minutes to leak, and one in which clocks differ"
    );
    assert_eq!(node.peek(&EXACT, "a", at(600_000)).await.remaining, 300);
    assert!(node.take(&EXACT, "a", 0, at(700_000)).await.is_granted());
    assert!(!raw.exists::<_, bool>(key).await?);
    Ok(())
}

#[tokio::test]
async fn foreign_data_counts_as_an_empty_bucket() -> Result<()> {
    let redis = OwnRedis::start().await?;
    let mut raw = connect(&redis.url()).await?;
    for foreign in ["", "x", "-1", "1e99", "12 "] {
        let [node] = nodes::<1>(&redis.url()).await?;
        node.take(&EXACT, "a", 300, at(0)).await;
        let keys: Vec<String> = raw.keys("*").await?;
        raw.set::<_, _, ()>(&keys[0], foreign).await?;
        assert!(node.take(&EXACT, "a", 300, at(2_000)).await.is_granted(), "{foreign:?}");
        raw.del::<_, ()>(&keys[0]).await?;
        raw.rpush::<_, _, ()>(&keys[0], 1).await?;
        assert!(node.take(&EXACT, "a", 300, at(4_000)).await.is_granted());
        raw.del::<_, ()>(&keys[0]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_killed_redis_refuses_nobody_and_limits_come_back_with_it() -> Result<()> {
    let mut redis = OwnRedis::start().await?;
    let [node] = nodes::<1>(&redis.url()).await?;
    assert_eq!(grants(&[Arc::clone(&node)], EXACT, 310, at(0)).await, 300);
    redis.kill()?;
    assert_eq!(grants(&[Arc::clone(&node)], EXACT, 310, at(2_000)).await, 300, "alone, from an empty bucket");
    redis.start_again().await?;
    redis.wait_until(async || node.ping().await).await?;
    assert_eq!(grants(&[node], EXACT, 310, at(4_000)).await, 300, "it came back empty");
    Ok(())
}
