//! Two workers on one database, as two nodes have them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use amvaj_api::{export::ExportPen, random};
use amvaj_domain::{id::WalletId, ledger::Window, time::Span};
use amvaj_infra::{
    access::{Revocations, Sessions},
    board::{Boards, LiveBoards},
    cache::{BalanceCache, MemorySettings},
    clock::Clock,
    db::Database,
    directory::Directory,
    export::Exports,
    ledger::LedgerReader,
    outbox::Consumer,
    reward::Rewards,
    webhook::WebhookKeeper,
    worker::{Worker, WorkerParts, WorkerSettings, acquire},
};
use anyhow::{Context as _, Result, bail};
use uuid::Uuid;

use super::support::{Ledger, START, make_wallet, numbers, on_both, wallet};

const WALLETS: u128 = 12;

fn worker(database: &Database, ledger: &Ledger, holder: u128) -> Worker {
    let settings = WorkerSettings {
        interval: Duration::from_millis(20),
        lease: Duration::from_millis(800),
        ..WorkerSettings::default()
    };
    let balances = Arc::new(BalanceCache::memory(&MemorySettings::default()));
    let holder = Uuid::from_u128(holder);
    let directory = Directory::new(database.clone());
    let window = Window { look_back: Span::days(30), ahead: Span::minutes(5) };
    let (writer, clock) = (ledger.writer.clone(), ledger.clock.clone());
    let parts = (LedgerReader::new(database.clone()), writer);
    let rewards = Rewards::new(database.clone(), directory.clone(), parts, window, clock);
    let boards = Boards::new(database.clone(), directory, LiveBoards::memory(), Duration::ZERO);
    let sessions = Sessions::new(database.clone(), Revocations::default(), Span::minutes(10));
    let parts = WorkerParts {
        writer: ledger.writer.clone(),
        ledger_clock: ledger.clock.clone(),
        balances,
        boards,
        rewards,
        webhooks: WebhookKeeper::new(database.clone(), random::uuid),
        sender: None,
        exports: Exports::new(database.clone()).maker(sessions, Arc::new(ExportPen)),
    };
    Worker::start(database, parts, &ledger.clock, &settings, holder)
}

/// Earns and short holds on every wallet, from two writers at once.
async fn work(ledgers: &[Ledger; 2], round: u32) -> Result<()> {
    for number in 0..WALLETS {
        for (node, ledger) in ledgers.iter().enumerate() {
            let receipt = format!("r{round}-{number}-{node}");
            ledger.apply(wallet(number), ledger.earn(&receipt, Span::from_micros(0), Span::days(9))?).await?;
            ledger.apply(wallet(number), Ledger::hold(10, Span::from_micros(300_000))?).await?;
        }
    }
    Ok(())
}

/// Waits until all holds have ended and the repair has passed every row.
async fn settled(database: &Database) -> Result<()> {
    let undone = "select (select count(*) from hold where state = 1) \
         + (select count(*) from outbox o where o.relay_no is null or o.relay_no > \
         (select c.relay_no from consumer_cursor c where c.bucket = o.bucket and c.consumer = 'cache_repair'))";
    for _ in 0..400 {
        if numbers(database, undone).await? == [0] {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("still undone: {:?}", numbers(database, undone).await?)
}

/// Reads the outbox from the start as a consumer that misses and repeats nothing.
async fn follow(database: &Database) -> Result<usize> {
    let consumer = Consumer::new(database.clone(), "follower");
    consumer.register().await?;
    let lease =
        acquire(database, "follower", Uuid::from_u128(1), START, Span::days(1)).await?.context("free")?;
    let mut rows = 0;
    for bucket in 0..16 {
        let held = [(bucket, lease.clone())].into_iter().collect();
        let mut seen: HashMap<WalletId, i64> = HashMap::new();
        for (row, relay_no) in consumer.read_after(&held, 100_000).await?.iter().zip(1..) {
            assert_eq!(row.relay_no, relay_no, "bucket {bucket} has a gap");
            for touched in &row.touched {
                let last = seen.insert(touched.wallet(), touched.last()).unwrap_or(0);
                assert_eq!(touched.first(), last + 1, "{} out of order", touched.wallet());
            }
            rows += 1;
        }
    }
    Ok(rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_the_work_and_one_takes_over() -> Result<()> {
    on_both(async |database: Database| {
        for number in 0..WALLETS {
            make_wallet(&database, wallet(number)).await?;
        }
        let ledgers = [Ledger::start(&database, Clock::System), Ledger::start(&database, Clock::System)];
        let (first, second) = (worker(&database, &ledgers[0], 1), worker(&database, &ledgers[1], 2));
        work(&ledgers, 1).await?;
        settled(&database).await?;
        first.stop().await;
        let leases = numbers(&database, "select count(*) from lease").await?;
        assert!(leases[0] >= 3, "outbox:2, outbox:3 and sweep at least, not {leases:?}");
        work(&ledgers, 2).await?;
        settled(&database).await?;
        second.stop().await;
        let now = Clock::System.now().micros();
        assert_eq!(
            numbers(&database, &format!("select count(*) from lease where expires_at > {now}")).await?,
            [0],
            "a worker that stops gives its leases up"
        );
        assert_eq!(numbers(&database, "select count(*) from wallet where held > 0").await?, [0]);
        assert!(follow(&database).await? > 0);
        Ok(())
    })
    .await
}
