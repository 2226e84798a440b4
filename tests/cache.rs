//! The cache of balances with a real Redis: one that is given, and ones of its own to empty, kill and start again.

use amvaj_domain::{
    id::WalletId,
    points::Points,
    time::{Instant, Span},
};
use amvaj_infra::cache::{Balance, BalanceCache, RedisSettings};
use anyhow::{Result, ensure};
use redis::{AsyncCommands, aio::MultiplexedConnection};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time;
use uuid::Uuid;

use crate::support::redis::{OwnRedis, connect, shared_redis};

/// The given Redis, with an epoch of this test alone, so that tests do not meet.
struct Shared {
    cache: BalanceCache,
    epoch: String,
    raw: MultiplexedConnection,
}

impl Shared {
    async fn new(settings: &RedisSettings) -> Result<Self> {
        let url = shared_redis();
        let epoch = format!("test-{:032x}", rand_bits());
        let cache = BalanceCache::redis(&url, &epoch, settings).await?;
        Ok(Self { cache, epoch, raw: connect(&url).await? })
    }

    fn key(&self, number: u128) -> String {
        format!("amvaj:{}:balance:{}", self.epoch, wallet(number))
    }
}

/// Differs between processes and calls; not a secret.
fn rand_bits() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// Settings for a machine that builds and tests at the same time, where 20 ms pass without a fault of anyone's.
fn patient() -> RedisSettings {
    RedisSettings {
        call_timeout: Duration::from_secs(2),
        cool_down: Duration::from_millis(20),
        ..RedisSettings::default()
    }
}

fn wallet(number: u128) -> WalletId {
    WalletId::new(Uuid::from_u128(number))
}

fn at(second: i64) -> Instant {
    Instant::from_micros(0).plus(Span::seconds(second))
}

fn balance(number: u128, version: i64, as_of: Instant) -> Balance {
    Balance {
        wallet: wallet(number),
        version,
        posted: Points::new(100).unwrap(),
        held: Points::new(30).unwrap(),
        pending: Points::ZERO,
        debt: Points::new(Points::MAX).unwrap(),
        blocked: true,
        valid_until: Balance::FOREVER,
        as_of,
    }
}

#[tokio::test]
async fn only_a_greater_state_is_kept_and_every_figure_comes_back() -> Result<()> {
    let Shared { cache, .. } = Shared::new(&patient()).await?;
    // Above 2^53 a floating number would take the two for equal.
    let large = (1 << 53) + 1;
    let newer = balance(1, large, at(0));
    cache.put(&[newer, balance(1, large - 1, at(5)), balance(2, 1, at(5))], at(5)).await;
    assert_eq!(cache.get(wallet(1), None, at(5)).await, Some(newer));
    assert_eq!(cache.get(wallet(1), Some(large), at(5)).await, Some(newer));
    assert_eq!(cache.get(wallet(1), Some(large + 1), at(5)).await, None);
    cache.put(&[balance(1, large + 1, at(1))], at(5)).await;
    assert_eq!(cache.get(wallet(1), None, at(5)).await, Some(balance(1, large + 1, at(1))));
    assert_eq!(cache.get(wallet(2), None, at(5)).await, Some(balance(2, 1, at(5))));
    Ok(())
}

#[tokio::test]
async fn of_one_version_the_longer_valid_wins_and_then_the_later_read() -> Result<()> {
    let Shared { cache, .. } = Shared::new(&patient()).await?;
    let settled = Balance { valid_until: at(40), ..balance(1, 1, at(0)) };
    let unsettled = Balance { valid_until: at(20), ..balance(1, 1, at(3)) };
    let read_again = Balance { as_of: at(4), ..settled };
    cache.put(&[unsettled, settled, unsettled], at(5)).await;
    assert_eq!(cache.get(wallet(1), None, at(5)).await, Some(settled));
    cache.put(&[read_again, settled], at(5)).await;
    assert_eq!(cache.get(wallet(1), None, at(5)).await, Some(read_again));
    assert_eq!(cache.get(wallet(1), None, at(40)).await, None, "past its validity");
    Ok(())
}

#[tokio::test]
async fn an_entry_ends_by_its_own_clock_even_one_far_in_the_past() -> Result<()> {
    let mut redis = Shared::new(&patient()).await?;
    redis.cache.put(&[balance(1, 1, at(0))], at(30)).await;
    let milliseconds: i64 = redis.raw.pttl(redis.key(1)).await?;
    ensure!((1..=30_000).contains(&milliseconds), "{milliseconds} ms are left");
    assert!(redis.cache.get(wallet(1), None, at(44)).await.is_some());
    assert_eq!(redis.cache.get(wallet(1), None, at(60)).await, None);

    redis.cache.put(&[balance(2, 1, at(1_000_000))], at(0)).await;
    let milliseconds: i64 = redis.raw.pttl(redis.key(2)).await?;
    ensure!((1..=60_000).contains(&milliseconds), "a state from the future lives {milliseconds} ms");

    let soon = Balance { valid_until: Instant::from_micros(200_000), ..balance(3, 1, at(0)) };
    redis.cache.put(&[soon], at(0)).await;
    time::sleep(Duration::from_millis(400)).await;
    ensure!(!redis.raw.exists::<_, bool>(redis.key(3)).await?, "Redis drops what is no longer valid");
    Ok(())
}

#[tokio::test]
async fn a_state_whose_life_is_over_still_ends_the_older_one() -> Result<()> {
    let Shared { cache, .. } = Shared::new(&patient()).await?;
    cache.put(&[balance(1, 1, at(99))], at(100)).await;
    cache.put(&[balance(1, 2, at(0))], at(100)).await;
    assert_eq!(cache.get(wallet(1), None, at(100)).await, None);
    Ok(())
}

#[tokio::test]
async fn foreign_data_is_a_miss_and_is_overwritten() -> Result<()> {
    let mut redis = Shared::new(&patient()).await?;
    for (number, text) in ["", "b1", "b1 1 2 3 4 5 6 7 0", "{\"version\":9}"].into_iter().enumerate() {
        let number = u128::try_from(number)?;
        redis.raw.set::<_, _, ()>(redis.key(number), text).await?;
        assert_overwritten(&redis.cache, number).await;
    }
    redis.raw.set::<_, _, ()>(redis.key(10), b"\xff\x00\xfe".as_slice()).await?;
    assert_overwritten(&redis.cache, 10).await;
    redis.raw.hset::<_, _, _, ()>(redis.key(11), "version", 9).await?;
    assert_overwritten(&redis.cache, 11).await;
    redis.raw.rpush::<_, _, ()>(redis.key(12), "9").await?;
    redis.cache.repair(&[(wallet(12), 1)]).await?;
    ensure!(!redis.raw.exists::<_, bool>(redis.key(12)).await?, "repair deletes foreign data");
    Ok(())
}

async fn assert_overwritten(cache: &BalanceCache, number: u128) {
    for _ in 0..patient().failures_to_open {
        assert_eq!(cache.get(wallet(number), None, at(0)).await, None);
    }
    assert!(cache.ping().await, "foreign data is no failure of Redis");
    cache.put(&[balance(number, 1, at(0))], at(0)).await;
    assert_eq!(cache.get(wallet(number), None, at(0)).await, Some(balance(number, 1, at(0))));
}

#[tokio::test]
async fn repair_deletes_what_is_older_than_it_saw_and_writes_nothing() -> Result<()> {
    let mut redis = Shared::new(&patient()).await?;
    let wallets = 1_300_u32;
    let old: Vec<_> = (0..wallets).map(|number| balance(number.into(), 4, at(0))).collect();
    redis.cache.put(&old, at(0)).await;
    redis.cache.put(&[balance(7, 5, at(0)), balance(8, 10, at(0))], at(0)).await;
    let seen: Vec<_> = (0..=wallets).map(|number| (wallet(number.into()), 5)).collect();
    redis.cache.repair(&seen).await?;
    for number in 0..=wallets {
        let kept = redis.raw.exists::<_, bool>(redis.key(number.into())).await?;
        ensure!(kept == (number == 7 || number == 8), "wallet {number}: kept is {kept}");
    }
    Ok(())
}

#[tokio::test]
async fn another_epoch_knows_nothing() -> Result<()> {
    let (one, other) = (Shared::new(&patient()).await?, Shared::new(&patient()).await?);
    one.cache.put(&[balance(1, 1, at(0))], at(0)).await;
    assert!(one.cache.get(wallet(1), None, at(0)).await.is_some());
    assert_eq!(other.cache.get(wallet(1), None, at(0)).await, None);
    Ok(())
}

#[tokio::test]
async fn an_emptied_redis_forgets_its_entries_and_scripts_and_nobody_notices() -> Result<()> {
    let redis = OwnRedis::start().await?;
    let cache = BalanceCache::redis(&redis.url(), "epoch", &patient()).await?;
    let mut raw = connect(&redis.url()).await?;
    for version in 1..10 {
        cache.put(&[balance(1, version, at(0))], at(0)).await;
        assert_eq!(cache.get(wallet(1), Some(version), at(0)).await, Some(balance(1, version, at(0))));
        redis::cmd("SCRIPT").arg("FLUSH").exec_async(&mut raw).await?;
        if version % 3 == 0 {
            redis::cmd("FLUSHALL").exec_async(&mut raw).await?;
            assert_eq!(cache.get(wallet(1), None, at(0)).await, None);
        }
        cache.repair(&[(wallet(1), version)]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_killed_redis_is_missed_only_until_it_is_back() -> Result<()> {
    let mut redis = OwnRedis::start().await?;
    let cache = BalanceCache::redis(&redis.url(), "epoch", &patient()).await?;
    let stored = balance(1, 1, at(0));
    cache.put(&[stored], at(0)).await;
    assert_eq!(cache.get(wallet(1), None, at(0)).await, Some(stored));

    redis.kill()?;
    cache.put(&[balance(1, 2, at(0))], at(0)).await;
    assert_eq!(cache.get(wallet(1), None, at(0)).await, None);
    assert!(cache.repair(&[(wallet(1), 2)]).await.is_err());
    assert!(!cache.ping().await);
    let read = cache.read_through(wallet(1), None, at(0), async || Ok::<_, &str>(stored)).await;
    assert_eq!(read, Ok(stored));

    redis.start_again().await?;
    redis.wait_until(async || cache.ping().await).await?;
    assert_eq!(cache.get(wallet(1), None, at(0)).await, None, "it came back empty");
    cache.put(&[stored], at(0)).await;
    assert_eq!(cache.get(wallet(1), None, at(0)).await, Some(stored));
    Ok(())
}

#[tokio::test]
async fn a_cache_that_started_without_redis_finds_it_later() -> Result<()> {
    let mut redis = OwnRedis::start().await?;
    redis.kill()?;
    let cache = BalanceCache::redis(&redis.url(), "epoch", &patient()).await?;
    assert!(!cache.ping().await);
    redis.start_again().await?;
    redis.wait_until(async || cache.ping().await).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_readers_of_one_wallet_make_one_load() -> Result<()> {
    let cache = Arc::new(Shared::new(&patient()).await?.cache);
    let loads = Arc::new(AtomicUsize::new(0));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..1_000 {
        let (cache, loads) = (Arc::clone(&cache), Arc::clone(&loads));
        readers.spawn(async move {
            let load = async || {
                loads.fetch_add(1, Ordering::Relaxed);
                Ok::<_, &str>(balance(1, 1, at(0)))
            };
            cache.read_through(wallet(1), Some(1), at(0), load).await
        });
    }
    while let Some(read) = readers.join_next().await {
        assert_eq!(read?, Ok(balance(1, 1, at(0))));
    }
    assert_eq!(loads.load(Ordering::Relaxed), 1);
    Ok(())
}
