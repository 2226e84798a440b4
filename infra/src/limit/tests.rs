//! The buckets without a server: in memory, and with a Redis that is away. Those in a real Redis are tried in the
//! crate of tests.

use super::*;
use std::sync::Arc;

const TEN_A_SECOND: Limit = Limit { name: "test", capacity: 100, restores: 10, every: Span::seconds(1) };

fn at(milliseconds: i64) -> Instant {
    Instant::from_micros(1_800_000_000_000_000 + milliseconds * 1_000)
}

fn granted(remaining: u64, full_in_milliseconds: i64) -> Taken {
    Taken::Granted { remaining, full_in: Span::from_micros(full_in_milliseconds * 1_000) }
}

fn refused(retry_after_milliseconds: i64, remaining: u64) -> Taken {
    Taken::Refused { retry_after: Span::from_micros(retry_after_milliseconds * 1_000), remaining }
}

#[tokio::test]
async fn a_bucket_fills_refuses_and_leaks() {
    let limiter = Limiter::memory(10);
    let take = async |cost, now| limiter.take(&TEN_A_SECOND, "a", cost, now).await;
    assert_eq!(take(60, at(0)).await, granted(40, 6_000));
    assert_eq!(take(41, at(0)).await, refused(100, 40));
    assert_eq!(take(40, at(0)).await, granted(0, 10_000));
    assert_eq!(take(1, at(0)).await, refused(100, 0));
    assert_eq!(take(1, at(99)).await, refused(1, 0));
    assert_eq!(take(1, at(100)).await, granted(0, 10_000));
    assert_eq!(take(0, at(100)).await, granted(0, 10_000));
    assert_eq!(take(100, at(60_000)).await, granted(0, 10_000), "it holds no more than its capacity");
    assert!(limiter.take(&TEN_A_SECOND, "b", 100, at(0)).await.is_granted(), "another subject has its own");
    let other = Limit { name: "other", ..TEN_A_SECOND };
    assert!(limiter.take(&other, "a", 100, at(0)).await.is_granted(), "another limit has its own");
}

#[tokio::test]
async fn more_than_the_capacity_is_never_granted() {
    let limiter = Limiter::memory(10);
    for now in [at(0), at(1_000_000)] {
        assert!(!limiter.take(&TEN_A_SECOND, "a", 101, now).await.is_granted());
        assert!(!limiter.take(&TEN_A_SECOND, "a", u64::MAX, now).await.is_granted());
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_gives_nothing_and_one_far_ahead_locks_nobody_out() {
    let limiter = Limiter::memory(10);
    limiter.take(&TEN_A_SECOND, "a", 100, at(5_000)).await;
    assert_eq!(limiter.take(&TEN_A_SECOND, "a", 1, at(0)).await, refused(5_100, 0));
    limiter.take(&TEN_A_SECOND, "a", 100, at(999_000_000)).await;
    assert_eq!(limiter.take(&TEN_A_SECOND, "a", 1, at(5_000)).await, refused(100, 0));
}

#[tokio::test]
async fn what_is_given_back_can_be_taken_again_but_not_what_has_leaked() {
    let limiter = Limiter::memory(10);
    limiter.take(&TEN_A_SECOND, "a", 80, at(0)).await;
    limiter.give_back(&TEN_A_SECOND, "a", 30, at(0), at(0)).await;
    assert_eq!(limiter.peek(&TEN_A_SECOND, "a", at(0)).await.remaining, 50);

    limiter.take(&TEN_A_SECOND, "b", 20, at(0)).await;
    limiter.take(&TEN_A_SECOND, "b", 90, at(2_000)).await;
    limiter.give_back(&TEN_A_SECOND, "b", 20, at(0), at(2_000)).await;
    let standing = limiter.peek(&TEN_A_SECOND, "b", at(2_000)).await;
    assert_eq!(standing, Standing { remaining: 10, full_in: Span::seconds(9) }, "the 20 had leaked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_take_at_once_exactly_the_capacity_is_granted() {
    let limiter = Arc::new(Limiter::memory(10));
    assert_eq!(grants_of_a_thousand(&limiter, &TEN_A_SECOND).await, 100);
}

async fn grants_of_a_thousand(limiter: &Arc<Limiter>, limit: &Limit) -> usize {
    let mut takers = tokio::task::JoinSet::new();
    for _ in 0..1_000 {
        let (limiter, limit) = (Arc::clone(limiter), *limit);
        takers.spawn(async move { limiter.take(&limit, "crowd", 1, at(0)).await });
    }
    takers.join_all().await.into_iter().filter(|taken| taken.is_granted()).count()
}

#[tokio::test]
async fn memory_keeps_only_so_many_buckets_and_always_the_newest() {
    let limiter = Limiter::memory(100);
    for number in 0..10_000 {
        let subject = number.to_string();
        assert!(limiter.take(&TEN_A_SECOND, &subject, 100, at(0)).await.is_granted());
        assert!(!limiter.take(&TEN_A_SECOND, &subject, 1, at(0)).await.is_granted(), "{number}");
    }
    let Store::Memory(memory) = &limiter.0 else { panic!("the buckets are in memory") };
    assert!(memory.kept() <= 200, "{}", memory.kept());
}

#[tokio::test]
async fn a_rate_that_is_no_whole_number_of_microseconds_is_never_exceeded() {
    let sevenths = Limit { name: "sevenths", capacity: 7, restores: 7, every: Span::seconds(1) };
    let limiter = Limiter::memory(10);
    assert!(limiter.take(&sevenths, "a", 7, at(0)).await.is_granted());
    let mut granted = 0;
    for millisecond in 1..=10_000 {
        granted += u64::from(limiter.take(&sevenths, "a", 1, at(millisecond)).await.is_granted());
    }
    assert!((69..=70).contains(&granted), "{granted}");
}

#[tokio::test]
async fn absurd_limits_are_held_within_what_can_be_counted() {
    let limiter = Limiter::memory(10);
    for limit in [
        Limit { name: "nothing", capacity: 0, restores: 0, every: Span::from_micros(0) },
        Limit { name: "all", capacity: u64::MAX, restores: u64::MAX, every: Span::from_micros(i64::MAX) },
        Limit { name: "slow", capacity: u64::MAX, restores: 1, every: Span::from_micros(i64::MAX) },
    ] {
        for cost in [0, 1, u64::MAX] {
            limiter.take(&limit, "a", cost, at(0)).await;
            limiter.give_back(&limit, "a", cost, at(0), at(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_a_node_counts_alone() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("redis://127.0.0.1:{port}");
    let limiter = Limiter::redis(&url, "epoch", Duration::from_millis(20), 10).await.unwrap();
    let limiter = Arc::new(limiter);
    assert!(!limiter.ping().await);
    assert_eq!(grants_of_a_thousand(&limiter, &TEN_A_SECOND).await, 100);
    limiter.give_back(&TEN_A_SECOND, "crowd", 40, at(0), at(0)).await;
    assert_eq!(limiter.peek(&TEN_A_SECOND, "crowd", at(0)).await.remaining, 40);
}

#[tokio::test]
async fn a_malformed_url_is_the_only_error_at_the_start() {
    let error = Limiter::redis("no url", "epoch", Duration::from_millis(20), 10).await.unwrap_err();
    assert!(matches!(error, LinkError::Url(_)), "{error}");
}
