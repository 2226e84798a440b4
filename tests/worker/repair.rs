//! The cache repair against a real Redis, and against one that is gone.

use std::sync::Arc;

use amvaj_domain::{
    points::Points,
    time::{Instant, Span},
};
use amvaj_infra::{
    cache::{Balance, BalanceCache, RedisSettings},
    db::Database,
    outbox::{Buckets, CacheRepair, relay},
    worker::{WorkError, acquire},
};
use anyhow::{Context as _, Result};
use uuid::Uuid;

use super::support::{START, make_batch, next, numbers, on_both, setting, wallet};

const CURSOR: &str = "select relay_no from consumer_cursor where consumer = 'cache_repair' and bucket = 2";

async fn cache(url: &str) -> Result<Arc<BalanceCache>> {
    // A busy machine may be slower than a real deadline allows.
    let settings =
        RedisSettings { call_timeout: std::time::Duration::from_secs(2), ..RedisSettings::default() };
    let epoch = format!("worker-{}-{}", std::process::id(), next());
    Ok(Arc::new(BalanceCache::redis(url, &epoch, &settings).await?))
}

fn balance(number: u128, version: i64) -> Result<Balance> {
    Ok(Balance {
        wallet: wallet(number),
        version,
        posted: Points::new(5)?,
        held: Points::ZERO,
        pending: Points::ZERO,
        debt: Points::ZERO,
        blocked: false,
        valid_until: Balance::FOREVER,
        as_of: START,
    })
}

async fn relayed(database: &Database, now: Instant) -> Result<Buckets> {
    let lease =
        acquire(database, "outbox", Uuid::from_u128(1), START, Span::days(1)).await?.context("free")?;
    let held = [(2, lease)].into_iter().collect();
    relay(database, &held, now, 10).await?;
    Ok(held)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_repair_removes_what_a_lost_write_left_behind() -> Result<()> {
    on_both(async |database: Database| {
        let balances = cache(&setting("AMVAJ_TEST_REDIS_URL")?).await?;
        balances.put(&[balance(4, 1)?, balance(6, 2)?], START).await;
        assert!(balances.get(wallet(4), None, START).await.is_some());
        make_batch(&database, 10, &[(4, 1, 1), (6, 1, 2)]).await?;
        make_batch(&database, 11, &[(4, 2, 2)]).await?;
        let held = relayed(&database, START).await?;
        let repair = CacheRepair::new(database.clone(), balances.clone());
        repair.register().await?;
        assert_eq!(repair.repair(&held, START, 10).await?, 2);
        assert_eq!(balances.get(wallet(4), None, START).await, None, "version 1 is outdated");
        assert_eq!(balances.get(wallet(6), None, START).await, Some(balance(6, 2)?), "version 2 is not");
        assert_eq!(numbers(&database, CURSOR).await?, [2]);
        assert_eq!(repair.repair(&held, START, 10).await?, 0);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_the_repair_waits_for_young_rows_and_passes_old_ones() -> Result<()> {
    on_both(async |database: Database| {
        // Nothing listens on the discard port of the loopback.
        let repair = CacheRepair::new(database.clone(), cache("redis://127.0.0.1:9").await?);
        repair.register().await?;
        make_batch(&database, 10, &[(4, 1, 1)]).await?;
        relayed(&database, START).await?;
        make_batch(&database, 11, &[(4, 2, 2)]).await?;
        let held = relayed(&database, START.plus(Span::minutes(10))).await?;
        let young = repair.repair(&held, START.plus(Span::minutes(2)), 10).await;
        assert!(matches!(young, Err(WorkError::Cache(_))), "{young:?}");
        assert_eq!(numbers(&database, CURSOR).await?, [0]);
        let old = repair.repair(&held, START.plus(Span::minutes(11)), 10).await;
        assert!(matches!(old, Err(WorkError::Cache(_))), "{old:?}");
        assert_eq!(numbers(&database, CURSOR).await?, [1], "no entry lives for ten minutes");
        Ok(())
    })
    .await
}
