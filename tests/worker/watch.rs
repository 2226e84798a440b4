//! What was touched last is audited again and again, and everything once a night.

use std::time::Duration;

use amvaj_api::{app::relay_outbox::relay_outbox, compose::start_worker, config::Config};
use amvaj_domain::{id::OUTBOX_BUCKETS, time::Span};
use amvaj_infra::{
    clock::Clock,
    db::Database,
    outbox::{Buckets, relay},
    verify::{VerifyOptions, Watch, Watched, was_verified},
    worker::acquire,
};
use anyhow::{Context as _, Result};
use uuid::Uuid;

use super::support::{Ledger, execute, make_wallet, numbers, on_both, wallet};
use crate::support::{app::TestApp, till::Till};

async fn buckets(database: &Database) -> Result<Buckets> {
    let now = Clock::System.now();
    let lease = acquire(database, "watch", Uuid::from_u128(1), now, Span::days(1)).await?.context("free")?;
    Ok((0..OUTBOX_BUCKETS).map(|bucket| (bucket, lease.clone())).collect())
}

/// Relays what waits and looks at what it touched.
async fn look(database: &Database, watch: &mut Watch, buckets: &Buckets) -> Result<Watched> {
    let now = Clock::System.now();
    relay(database, buckets, now, 100).await?;
    let options = VerifyOptions { now, grace: Span::days(1), limit_per_check: 5, heads: Vec::new() };
    Ok(watch.look(&options).await?)
}

async fn earn(ledger: &Ledger, number: u128, receipt: &str) -> Result<()> {
    ledger.apply(wallet(number), ledger.earn(receipt, Span::from_micros(0), Span::days(9))?).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damage_is_seen_once_its_wallet_is_touched() -> Result<()> {
    on_both(async |database: Database| {
        for number in 0..4 {
            make_wallet(&database, wallet(number)).await?;
        }
        let (ledger, buckets) = (Ledger::start(&database, Clock::System), buckets(&database).await?);
        let mut watch = Watch::new(database.clone(), 100);
        assert_eq!(look(&database, &mut watch, &buckets).await?.rows, 0, "the first look is where it begins");
        for number in 0..4 {
            earn(&ledger, number, &format!("a-{number}")).await?;
        }
        let watched = look(&database, &mut watch, &buckets).await?;
        assert!(watched.report.is_clean(), "{:#?}", watched.report);
        assert_eq!((watched.wallets, watched.rows, watched.audited_rows), (4, 4, 4));
        assert_eq!(look(&database, &mut watch, &buckets).await?.wallets, 0, "nothing was touched since");

        let damage = "update entry set amount = amount + 1 where wallet_id = $1 and account_kind = 1";
        execute(&database, damage, [wallet(1).uuid().into()]).await?;
        earn(&ledger, 2, "b-2").await?;
        assert!(look(&database, &mut watch, &buckets).await?.report.is_clean(), "its wallet was not touched");
        earn(&ledger, 1, "b-1").await?;
        let watched = look(&database, &mut watch, &buckets).await?;
        let broken: Vec<u8> = watched
            .report
            .checks
            .iter()
            .filter(|check| check.violations > 0)
            .map(|check| check.number)
            .collect();
        assert!(broken.contains(&1) && broken.contains(&3), "{broken:?}");
        ledger.writer.close().await;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_passes_over_what_is_too_much_for_it() -> Result<()> {
    on_both(async |database: Database| {
        let (ledger, buckets) = (Ledger::start(&database, Clock::System), buckets(&database).await?);
        let mut watch = Watch::new(database.clone(), 3);
        look(&database, &mut watch, &buckets).await?;
        for number in 0..8 {
            make_wallet(&database, wallet(number)).await?;
            earn(&ledger, number, &format!("a-{number}")).await?;
        }
        let watched = look(&database, &mut watch, &buckets).await?;
        assert_eq!((watched.wallets, watched.rows, watched.audited_rows), (3, 8, 3));
        let watched = look(&database, &mut watch, &buckets).await?;
        assert_eq!((watched.wallets, watched.rows), (0, 0), "the watch has not fallen behind");
        ledger.writer.close().await;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_audited_once_a_night() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09123456789").await;
        till.earn("k-1", "1", 100).await;
        relay_outbox(&app.app, app.clock.now()).await.unwrap();
        let mut config = Config::default();
        // Whatever the time of the test's clock, its night has begun.
        let now = app.clock.now();
        let midnight = app.app.zone.start_of_day(app.app.zone.day_of(now));
        config.worker.verify_at = Some(Span::from_micros(now.micros() - midnight.micros()));
        let worker = start_worker(&app.app, &config);
        let day = app.app.zone.day_of(app.clock.now());
        let mut tries = 0;
        while !was_verified(&app.app.db, day).await.unwrap() {
            assert!(tries < 600, "nothing was audited");
            tries += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        worker.stop().await;
        assert_eq!(numbers(&app.app.db, "select violations from verification").await.unwrap(), [0]);
    }
}
