//! The cache without a server: in memory, and with a Redis that is away or does not answer. The one with a real Redis
//! is tried in the crate of tests.

use super::*;
use amvaj_domain::{points::Points, time::Span};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::{net::TcpListener, sync::Notify, time};
use uuid::Uuid;

pub(super) fn wallet(number: u128) -> WalletId {
    WalletId::new(Uuid::from_u128(number))
}

pub(super) fn at(second: i64) -> Instant {
    Instant::from_micros(0).plus(Span::seconds(second))
}

pub(super) fn balance(number: u128, version: i64, as_of: Instant) -> Balance {
    Balance {
        wallet: wallet(number),
        version,
        posted: Points::new(100).unwrap(),
        held: Points::ZERO,
        pending: Points::ZERO,
        debt: Points::ZERO,
        blocked: false,
        valid_until: Balance::FOREVER,
        as_of,
    }
}

fn alone() -> BalanceCache {
    BalanceCache::memory(&MemorySettings::default())
}

#[tokio::test]
async fn a_lower_version_that_arrives_late_loses() {
    let cache = alone();
    let newer = balance(1, 2, at(0));
    cache.put(&[newer, balance(1, 1, at(5))], at(5)).await;
    assert_eq!(cache.get(wallet(1), None, at(5)).await, Some(newer));
}

#[tokio::test]
async fn of_one_version_the_longer_valid_wins_and_then_the_later_read() {
    let cache = alone();
    let settled = Balance { valid_until: at(40), ..balance(1, 1, at(0)) };
    let unsettled = Balance { valid_until: at(20), ..balance(1, 1, at(3)) };
    let read_again = Balance { as_of: at(4), ..settled };
    cache.put(&[unsettled, settled, unsettled], at(5)).await;
    assert_eq!(cache.get(wallet(1), None, at(5)).await, Some(settled));
    cache.put(&[read_again, settled], at(5)).await;
    assert_eq!(cache.get(wallet(1), None, at(5)).await, Some(read_again));
}

#[tokio::test]
async fn a_token_is_served_only_by_a_version_that_reaches_it() {
    let cache = alone();
    let kept = balance(1, 5, at(0));
    cache.put(&[kept], at(0)).await;
    assert_eq!(cache.get(wallet(1), Some(5), at(0)).await, Some(kept));
    assert_eq!(cache.get(wallet(1), Some(6), at(0)).await, None);
    assert_eq!(cache.get(wallet(2), None, at(0)).await, None);
}

#[tokio::test]
async fn nothing_is_served_past_its_validity_or_its_life() {
    let cache = alone();
    let due = Balance { valid_until: at(10), ..balance(1, 1, at(0)) };
    cache.put(&[due, balance(2, 1, at(0))], at(0)).await;
    assert_eq!(cache.get(wallet(1), None, at(9)).await, Some(due));
    assert_eq!(cache.get(wallet(1), None, at(10)).await, None);
    assert!(cache.get(wallet(2), None, at(44)).await.is_some());
    assert_eq!(cache.get(wallet(2), None, at(60)).await, None, "reading at 44 did not renew it");
    assert_eq!(
        cache.get(wallet(2), None, at(-60)).await,
        None,
        "a clock far behind does not keep it for ever"
    );
}

#[tokio::test]
async fn a_state_whose_life_is_over_still_ends_the_older_one() {
    let cache = alone();
    cache.put(&[balance(1, 1, at(99))], at(100)).await;
    cache.put(&[Balance { valid_until: at(100), ..balance(1, 2, at(99)) }], at(100)).await;
    assert_eq!(cache.get(wallet(1), None, at(100)).await, None);
}

#[tokio::test]
async fn repair_deletes_what_is_older_than_it_saw() {
    let cache = alone();
    let kept = balance(2, 5, at(0));
    cache.put(&[balance(1, 4, at(0)), kept], at(0)).await;
    cache.repair(&[(wallet(1), 5), (wallet(2), 5), (wallet(3), 5)]).await.unwrap();
    assert_eq!(cache.get(wallet(1), None, at(0)).await, None);
    assert_eq!(cache.get(wallet(2), None, at(0)).await, Some(kept));
}

#[tokio::test]
async fn beside_other_writers_memory_serves_only_the_young_and_the_tokens() {
    let cache = BalanceCache::memory(&MemorySettings { shared_database: true, ..MemorySettings::default() });
    let kept = balance(1, 5, at(0));
    cache.put(&[kept], at(0)).await;
    let almost = Instant::from_micros(999_999);
    assert_eq!(cache.get(wallet(1), None, almost).await, Some(kept));
    assert_eq!(cache.get(wallet(1), None, at(1)).await, None);
    assert_eq!(cache.get(wallet(1), Some(5), at(30)).await, Some(kept));
    assert_eq!(cache.get(wallet(1), Some(6), almost).await, None);
    assert_eq!(cache.get(wallet(1), Some(5), at(60)).await, None);
}

#[tokio::test]
async fn a_thousand_readers_of_one_wallet_make_one_load() {
    assert_a_thousand_readers_make_one_load(&alone()).await;
}

async fn assert_a_thousand_readers_make_one_load(cache: &BalanceCache) {
    let loads = AtomicUsize::new(0);
    let readers = (0..1_000).map(|_| {
        cache.read_through(wallet(1), None, at(0), async || {
            loads.fetch_add(1, Ordering::Relaxed);
            time::sleep(Duration::from_millis(20)).await;
            Ok::<_, &str>(balance(1, 1, at(0)))
        })
    });
    for result in join_all(readers).await {
        assert_eq!(result, Ok(balance(1, 1, at(0))));
    }
    assert_eq!(loads.into_inner(), 1);
}

#[tokio::test]
async fn followers_with_a_higher_token_share_a_second_load() {
    let cache = alone();
    let (old, new) = (balance(1, 5, at(0)), balance(1, 6, at(0)));
    let begun = Notify::new();
    let leader = cache.read_through(wallet(1), None, at(0), async || {
        begun.notify_one();
        time::sleep(Duration::from_millis(20)).await;
        Ok::<_, &str>(old)
    });
    let loads = AtomicUsize::new(0);
    let followers = async {
        begun.notified().await;
        let each = (0..100).map(|_| {
            cache.read_through(wallet(1), Some(6), at(0), async || {
                loads.fetch_add(1, Ordering::Relaxed);
                time::sleep(Duration::from_millis(20)).await;
                Ok::<_, &str>(new)
            })
        });
        join_all(each).await
    };
    let (first, rest) = tokio::join!(leader, followers);
    assert_eq!(first, Ok(old));
    assert!(rest.into_iter().all(|result| result == Ok(new)));
    assert_eq!(loads.into_inner(), 1);
}

#[tokio::test]
async fn of_many_wallets_those_that_are_not_kept_are_loaded_together_once() {
    let cache = alone();
    let (kept, stored) = (balance(1, 5, at(0)), balance(2, 3, at(0)));
    cache.put(&[kept], at(0)).await;
    let asked = [wallet(2), wallet(1), wallet(3)];
    let load = async |missing| {
        assert_eq!(missing, [wallet(2), wallet(3)]);
        Ok::<_, &str>(vec![stored])
    };
    assert_eq!(cache.read_all_through(&asked, at(0), load).await, Ok(vec![kept, stored]));
    let again = async |missing| {
        assert_eq!(missing, [wallet(3)]);
        Ok::<_, &str>(Vec::new())
    };
    assert_eq!(cache.read_all_through(&asked, at(0), again).await, Ok(vec![stored, kept]));
    let failing = async |_| Err("the database is away");
    assert_eq!(cache.read_all_through(&asked, at(0), failing).await, Err("the database is away"));
}

#[tokio::test]
async fn a_token_from_nowhere_gets_what_the_database_says() {
    let cache = alone();
    let stored = balance(1, 5, at(0));
    let readers = (0..100).map(|_| {
        cache.read_through(wallet(1), Some(1_000), at(0), async || {
            tokio::task::yield_now().await;
            Ok::<_, &str>(stored)
        })
    });
    let all = time::timeout(Duration::from_secs(5), join_all(readers)).await.unwrap();
    assert!(all.into_iter().all(|result| result == Ok(stored)));
}

#[tokio::test]
async fn a_cancelled_leader_hands_over_to_a_follower() {
    let cache = alone();
    let begun = Notify::new();
    let leader = cache.read_through(wallet(1), None, at(0), async || {
        begun.notify_one();
        std::future::pending::<Result<Balance, &str>>().await
    });
    let impatient = time::timeout(Duration::from_millis(20), leader);
    let follower = async {
        begun.notified().await;
        let read = cache.read_through(wallet(1), None, at(0), async || Ok::<_, &str>(balance(1, 1, at(0))));
        time::timeout(Duration::from_secs(5), read).await
    };
    let (cancelled, answered) = tokio::join!(impatient, follower);
    assert!(cancelled.is_err());
    assert_eq!(answered.unwrap(), Ok(balance(1, 1, at(0))));
}

#[tokio::test]
async fn a_failed_load_fails_its_caller_only_and_at_most_so_many_run_at_once() {
    let cache = BalanceCache::memory(&MemorySettings { concurrent_loads: 3, ..MemorySettings::default() });
    let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (running, most) = (&running, &most);
    let readers = (0..30).map(|number| {
        let wallet_number = number % 2;
        cache.read_through(wallet(wallet_number), None, at(0), async move || {
            most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            time::sleep(Duration::from_millis(1)).await;
            running.fetch_sub(1, Ordering::Relaxed);
            if number < 2 { Err(number) } else { Ok(balance(wallet_number, 1, at(0))) }
        })
    });
    let results = join_all(readers).await;
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 2, "{results:?}");
    assert_eq!(most.load(Ordering::Relaxed), 3);
}

fn impatient() -> RedisSettings {
    RedisSettings {
        connect_timeout: Duration::from_millis(100),
        cool_down: Duration::from_millis(20),
        failures_to_open: 3,
        ..RedisSettings::default()
    }
}

async fn assert_it_is_only_slower(cache: &BalanceCache) {
    let stored = balance(1, 1, at(0));
    cache.put(&[stored], at(0)).await;
    assert_eq!(cache.get(wallet(1), None, at(0)).await, None);
    assert!(cache.repair(&[(wallet(1), 1)]).await.is_err());
    assert!(!cache.ping().await);
    assert_eq!(cache.read_through(wallet(1), None, at(0), async || Ok::<_, &str>(stored)).await, Ok(stored));
}

#[tokio::test]
async fn a_malformed_url_is_the_only_error_at_the_start() {
    let error = BalanceCache::redis("no url", "epoch", &impatient()).await.unwrap_err();
    assert!(matches!(error, LinkError::Url(_)), "{error}");
}

#[tokio::test]
async fn without_a_server_it_starts_and_is_only_slower() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let cache =
        BalanceCache::redis(&format!("redis://127.0.0.1:{port}"), "epoch", &impatient()).await.unwrap();
    assert_it_is_only_slower(&cache).await;
    assert_a_thousand_readers_make_one_load(&cache).await;
    let refused = cache.repair(&[(wallet(1), 1)]).await.unwrap_err();
    assert!(matches!(refused, LinkError::Open), "{refused}");
}

#[tokio::test]
async fn a_server_that_accepts_and_never_answers_does_not_hold_the_start() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let settings = impatient();
    let start = time::timeout(Duration::from_secs(5), BalanceCache::redis(&url, "epoch", &settings));
    assert_it_is_only_slower(&start.await.unwrap().unwrap()).await;
}

/// Answers every connection's first pieces (its greeting and the first PING) and is silent from then on.
async fn answer_then_fall_silent(listener: TcpListener, connections: &AtomicUsize) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut silent = Vec::new();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        connections.fetch_add(1, Ordering::Relaxed);
        let mut piece = [0; 4_096];
        loop {
            let length = stream.read(&mut piece).await.unwrap();
            let text = String::from_utf8_lossy(&piece[..length]).into_owned();
            let commands = text.matches('*').count();
            stream.write_all("+OK\r\n".repeat(commands).as_bytes()).await.unwrap();
            if text.contains("PING") {
                break;
            }
        }
        silent.push(stream);
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_opens_the_breaker_and_one_probe_at_a_time_closes_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let connections = AtomicUsize::new(0);
    let trial = async {
        let settings = RedisSettings { cool_down: Duration::from_millis(300), ..impatient() };
        let cache = BalanceCache::redis(&url, "epoch", &settings).await.unwrap();
        let begin = time::Instant::now();
        for _ in 0..settings.failures_to_open {
            let error = cache.repair(&[(wallet(1), 1)]).await.unwrap_err();
            assert!(matches!(error, LinkError::TimedOut), "{error}");
        }
        assert!(begin.elapsed() < Duration::from_secs(1), "each call ends by its time-out of 20 ms");
        let error = cache.repair(&[(wallet(1), 1)]).await.unwrap_err();
        assert!(matches!(error, LinkError::Open), "{error}");
        let begin = time::Instant::now();
        for _ in 0..1_000 {
            assert_eq!(cache.get(wallet(1), None, at(0)).await, None);
        }
        assert!(begin.elapsed() < Duration::from_millis(150), "an open breaker waits for nothing");
        time::sleep(Duration::from_millis(50)).await;
        assert_eq!(connections.load(Ordering::Relaxed), 1, "no probe before the cool-down");
        time::sleep(Duration::from_millis(400)).await;
        assert_eq!(connections.load(Ordering::Relaxed), 2, "one probe after it");
        let error = cache.repair(&[(wallet(1), 1)]).await.unwrap_err();
        assert!(matches!(error, LinkError::TimedOut), "closed again, so Redis is asked again: {error}");
    };
    tokio::select! {
        () = trial => {}
        () = answer_then_fall_silent(listener, &connections) => {}
    }
}
