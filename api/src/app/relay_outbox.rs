//! Relays the whole outbox at once, for programs that write much history and end: what a server's worker does in
//! passing is done before they do, so that nothing waits for the next server.

use amvaj_domain::id::OUTBOX_BUCKETS;
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::board::BoardKeeper;
use amvaj_infra::db::StoreError;
use amvaj_infra::outbox::{CacheRepair, relay};
use amvaj_infra::relation::RelationKeeper;
use amvaj_infra::worker::{Lease, WorkError, acquire};

use super::App;
use crate::random;

/// Rows of one transaction.
const PAGE: u32 = 1_000;
/// How long a bucket's lease lasts; it is given up as soon as the bucket is relayed.
const LEASE: Span = Span::minutes(1);

/// Numbers what waits in the outbox, takes what it makes outdated out of the cache, writes the relations that it began, and
/// counts it on the leaderboards. Buckets that a worker has are left to it. `now` is the real time, whatever clock the ledger's writer goes by: leases and retention rest on it.
///
/// # Errors
/// When the database fails. A lost lease or a Redis that does not answer is no error: the next worker goes on.
pub async fn relay_outbox(app: &App, now: Instant) -> Result<(), StoreError> {
    let repair = CacheRepair::new(app.db.clone(), app.balances.clone());
    let relations = RelationKeeper::new(app.db.clone());
    let boards = BoardKeeper::new(app.db.clone());
    repair.register().await?;
    relations.register().await?;
    boards.register().await?;
    let holder = random::uuid(now);
    let waiting = [repair.backlog().await?, relations.backlog().await?, boards.backlog().await?].concat();
    let recounting = boards.waiting().await?;
    let waits = |bucket: i16| {
        let unread = waiting.iter().any(|of| of.bucket == bucket && (of.unnumbered > 0 || of.unread > 0));
        unread || recounting.contains(&bucket)
    };
    for bucket in (0..OUTBOX_BUCKETS).filter(|bucket| waits(*bucket)) {
        let name = format!("outbox:{bucket}");
        let Some(lease) = acquire(&app.db, &name, holder, now, LEASE).await? else { continue };
        let relayed = relay_bucket(app, (&repair, &relations, &boards), &lease, bucket, now).await;
        lease.release(&app.db, now).await?;
        match relayed {
            Ok(()) => {}
            Err(WorkError::Store(error)) => return Err(error),
            Err(error) => tracing::warn!(%error, bucket, "a bucket of the outbox is left to the next worker"),
        }
    }
    Ok(())
}

async fn relay_bucket(
    app: &App,
    (repair, relations, boards): (&CacheRepair, &RelationKeeper, &BoardKeeper),
    lease: &Lease,
    bucket: i16,
    now: Instant,
) -> Result<(), WorkError> {
    while relay(&app.db, lease, bucket, now, PAGE).await?.more {}
    while relations.keep(lease, bucket, PAGE).await? > 0 {}
    while boards.keep(lease, bucket, PAGE).await? > 0 {}
    while boards.recount(lease, bucket).await? {}
    while repair.repair(lease, bucket, now, PAGE).await? > 0 {}
    Ok(())
}
