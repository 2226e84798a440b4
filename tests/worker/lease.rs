//! Leases change hands only when they are over, and a former holder writes nothing.

use amvaj_domain::time::Span;
use amvaj_infra::{
    db::Database,
    outbox::{Buckets, Consumer, relay, remove_passed},
    worker::{Lease, WorkError, acquire},
};
use anyhow::{Context as _, Result};
use uuid::Uuid;

use super::support::{START, make_batch, numbers, on_both};

const A: Uuid = Uuid::from_u128(0xA);
const B: Uuid = Uuid::from_u128(0xB);

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_refused_and_taken_over() -> Result<()> {
    on_both(async |database: Database| {
        let ttl = Span::seconds(10);
        let first = acquire(&database, "x", A, START, ttl).await?.context("a free lease is taken")?;
        assert_eq!(first.epoch(), 1);
        let later = START.plus(Span::seconds(9));
        assert_eq!(acquire(&database, "x", B, later, ttl).await?, None, "it is still held");
        let renewed = acquire(&database, "x", A, later, ttl).await?.context("its holder renews it")?;
        assert_eq!((renewed.epoch(), renewed.expires_at()), (1, later.plus(ttl)));
        assert_eq!(acquire(&database, "x", B, START.plus(ttl), ttl).await?, None, "it was renewed");
        let over = renewed.expires_at();
        let taken = acquire(&database, "x", B, over, ttl).await?.context("it is over")?;
        assert_eq!(taken.epoch(), 2);
        first.release(&database, over).await?;
        assert_eq!(acquire(&database, "x", A, over, ttl).await?, None, "a former holder releases nothing");
        taken.release(&database, over).await?;
        let again = acquire(&database, "x", A, over, ttl).await?.context("it was released")?;
        assert_eq!(again.epoch(), 3);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_slept_writes_nothing() -> Result<()> {
    on_both(async |database: Database| {
        let ttl = Span::seconds(10);
        let slept = acquire(&database, "x", A, START, ttl).await?.context("taken")?;
        let over = START.plus(ttl);
        let awake = acquire(&database, "x", B, over, ttl).await?.context("taken over")?;
        make_batch(&database, 1, &[(0, 1, 1)]).await?;
        let consumer = Consumer::new(database.clone(), "test");
        consumer.register().await?;

        let of = |lease: &Lease| -> Buckets { [(2, lease.clone())].into_iter().collect() };
        let refused = relay(&database, &of(&slept), over, 10).await;
        assert!(matches!(refused, Err(WorkError::Fenced(_))), "{refused:?}");
        assert_eq!(numbers(&database, "select count(*) from outbox where relay_no is null").await?, [1]);
        assert_eq!(relay(&database, &of(&awake), over, 10).await?.rows, 1);

        let rows = consumer.read_after(&of(&awake), 10).await?;
        let refused = consumer.advance(&of(&slept), &rows).await;
        assert!(matches!(refused, Err(WorkError::Fenced(_))), "{refused:?}");
        assert_eq!(consumer.read_after(&of(&awake), 10).await?.len(), 1);
        consumer.advance(&of(&awake), &rows).await?;

        let old = over.plus(Span::seconds(1));
        let refused = remove_passed(&database, &slept, 2, old, 10).await;
        assert!(matches!(refused, Err(WorkError::Fenced(_))), "{refused:?}");
        assert_eq!(remove_passed(&database, &awake, 2, old, 10).await?, 1);
        Ok(())
    })
    .await
}
