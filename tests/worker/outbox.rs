//! Numbers are dense per bucket and per wallet in the order of its operations, whatever order batches commit in.

use amvaj_domain::time::Span;
use amvaj_infra::{
    db::Database,
    outbox::{Buckets, Consumer, Numbered, Relayed, relay, remove_passed},
    worker::{Lease, acquire},
};
use anyhow::{Context as _, Result};
use uuid::Uuid;

use super::support::{START, execute, make_batch, numbers, on_both};

/// The bucket of wallets with even numbers.
const BUCKET: i16 = 2;

async fn lease(database: &Database) -> Result<Lease> {
    acquire(database, "outbox", Uuid::from_u128(1), START, Span::days(1)).await?.context("free")
}

fn held(lease: &Lease) -> Buckets {
    [(BUCKET, lease.clone())].into_iter().collect()
}

/// Moves a consumer's cursor up to a number.
async fn pass(consumer: &Consumer, held: &Buckets, relay_no: i64) -> Result<()> {
    let rows = consumer.read_after(held, 100).await?;
    Ok(consumer.advance(held, rows.iter().filter(|row| row.relay_no <= relay_no)).await?)
}

async fn reader(database: &Database) -> Result<Consumer> {
    let consumer = Consumer::new(database.clone(), "test");
    consumer.register().await?;
    Ok(consumer)
}

fn batches(rows: &[Relayed]) -> Vec<u128> {
    rows.iter().map(|row| row.batch.uuid().as_u128()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_numbered_in_the_order_of_each_wallet() -> Result<()> {
    on_both(async |database: Database| {
        let (held, consumer) = (held(&lease(&database).await?), reader(&database).await?);
        // Wallet 4 goes 13 → 10 → 12 and wallet 6 goes 12 → 11: clocks of two writers that differ.
        make_batch(&database, 13, &[(4, 1, 2)]).await?;
        make_batch(&database, 10, &[(4, 3, 3)]).await?;
        make_batch(&database, 12, &[(4, 4, 6), (6, 1, 1)]).await?;
        make_batch(&database, 11, &[(6, 2, 4)]).await?;
        make_batch(&database, 20, &[(3, 1, 1)]).await?;
        let numbered = relay(&database, &held, START, 10).await?;
        assert_eq!(numbered, Numbered { rows: 4, held_back: 0, more: false });
        let rows = consumer.read_after(&held, 10).await?;
        assert_eq!(batches(&rows), [13, 10, 12, 11]);
        assert_eq!(rows.iter().map(|row| row.relay_no).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert!(rows.iter().all(|row| row.relayed_at == START));
        let other = [(3, lease(&database).await?)].into_iter().collect();
        assert_eq!(consumer.read_after(&other, 10).await?, [], "another bucket is numbered for itself");

        make_batch(&database, 9, &[(4, 7, 7)]).await?;
        assert_eq!(relay(&database, &held, START, 10).await?.rows, 1);
        consumer.advance(&held, &rows[..3]).await?;
        let left = consumer.read_after(&held, 10).await?;
        assert_eq!(batches(&left), [11, 9]);
        assert_eq!(left[1].relay_no, 5);
        consumer.advance(&held, &rows[..2]).await?;
        assert_eq!(consumer.read_after(&held, 10).await?.len(), 2, "a cursor never goes back");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_waits_for_its_predecessor_behind_the_page() -> Result<()> {
    on_both(async |database: Database| {
        let (held, consumer) = (held(&lease(&database).await?), reader(&database).await?);
        make_batch(&database, 12, &[(4, 1, 1)]).await?;
        make_batch(&database, 10, &[(4, 2, 2)]).await?;
        make_batch(&database, 11, &[(6, 1, 1)]).await?;
        let numbered = relay(&database, &held, START, 2).await?;
        assert_eq!(numbered, Numbered { rows: 1, held_back: 1, more: true });
        assert_eq!(batches(&consumer.read_after(&held, 10).await?), [11]);
        assert_eq!(relay(&database, &held, START, 2).await?.rows, 2);
        assert_eq!(batches(&consumer.read_after(&held, 10).await?), [11, 12, 10]);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_rows_that_all_wait_does_not_stop_the_relay() -> Result<()> {
    on_both(async |database: Database| {
        let (held, consumer) = (held(&lease(&database).await?), reader(&database).await?);
        for (batch, seq) in [(15, 1), (14, 2), (13, 3), (12, 4), (11, 5)] {
            make_batch(&database, batch, &[(4, seq, seq)]).await?;
        }
        while relay(&database, &held, START, 1).await?.rows > 0 {}
        assert_eq!(batches(&consumer.read_after(&held, 10).await?), [15, 14, 13, 12, 11]);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_removes_only_what_is_old_and_passed_by_every_consumer() -> Result<()> {
    on_both(async |database: Database| {
        let lease = lease(&database).await?;
        let held = held(&lease);
        for (batch, at) in [(10, 0), (11, 1), (12, 2), (13, 3)] {
            make_batch(&database, batch, &[(4, at + 1, at + 1)]).await?;
            relay(&database, &held, START.plus(Span::days(at)), 10).await?;
        }
        make_batch(&database, 14, &[(4, 5, 5)]).await?;
        let left = "select coalesce(relay_no, 0) from outbox order by batch_id";
        let old = START.plus(Span::days(3));
        assert_eq!(remove_passed(&database, &lease, BUCKET, old, 10).await?, 0, "nobody has read anything");
        let (fast, slow) = (reader(&database).await?, Consumer::new(database.clone(), "slow"));
        slow.register().await?;
        pass(&fast, &held, 4).await?;
        pass(&slow, &held, 2).await?;
        assert_eq!(remove_passed(&database, &lease, BUCKET, old, 1).await?, 1, "one number at a time");
        assert_eq!(numbers(&database, left).await?, [2, 3, 4, 0]);
        assert_eq!(remove_passed(&database, &lease, BUCKET, old, 10).await?, 1);
        assert_eq!(numbers(&database, left).await?, [3, 4, 0], "the slow one has not passed 3");
        pass(&slow, &held, 4).await?;
        assert_eq!(remove_passed(&database, &lease, BUCKET, old, 10).await?, 1);
        assert_eq!(numbers(&database, left).await?, [4, 0], "4 is too young");

        // The predecessor of 14 may be gone: a row that is missing had its number.
        execute(&database, "delete from outbox where relay_no is not null", []).await?;
        assert_eq!(relay(&database, &held, START, 10).await?.rows, 1);
        assert_eq!(numbers(&database, left).await?, [5]);
        Ok(())
    })
    .await
}
