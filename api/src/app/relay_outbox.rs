//! Relays the whole outbox at once, for programs that write much history and end: what a server's worker does in
//! passing is done before they do, so that nothing waits for the next server.

use amvaj_domain::id::OUTBOX_BUCKETS;
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::board::BoardKeeper;
use amvaj_infra::db::StoreError;
use amvaj_infra::outbox::{Backlog, Buckets, CacheRepair, relay};
use amvaj_infra::relation::RelationKeeper;
use amvaj_infra::reward::RewardKeeper;
use amvaj_infra::webhook::WebhookKeeper;
use amvaj_infra::worker::{WorkError, acquire};

use super::App;
use crate::random;

/// Rows of one transaction.
const PAGE: u32 = 1_000;
/// How long a bucket's lease lasts; it is given up as soon as everything is relayed.
const LEASE: Span = Span::minutes(1);

/// Numbers what waits in the outbox, takes what it makes outdated out of the cache, writes the relations that it began,
/// counts it on the leaderboards, lets redemptions follow their holds, and queues what merchants are to be told. Buckets that
/// a worker has are left to it. `now` is the real time, whatever clock the ledger's writer goes by: leases and retention rest
/// on it.
///
/// # Errors
/// When the database fails. A lost lease or a Redis that does not answer is no error: the next worker goes on.
pub async fn relay_outbox(app: &App, now: Instant) -> Result<(), StoreError> {
    let repair = CacheRepair::new(app.db.clone(), app.balances.clone());
    let relations = RelationKeeper::new(app.db.clone());
    let boards = BoardKeeper::new(app.db.clone());
    let rewards = app.rewards.keeper();
    let webhooks = app.webhooks.keeper();
    repair.register().await?;
    relations.register().await?;
    boards.register().await?;
    rewards.register().await?;
    webhooks.register().await?;
    let backlogs = [
        repair.backlog().await?,
        relations.backlog().await?,
        boards.backlog().await?,
        rewards.backlog().await?,
        webhooks.backlog().await?,
    ];
    let waits = |of: &Backlog| of.unnumbered > 0 || of.unread > 0;
    // Where nothing waits, not even a lease is written: whoever compares two states of a database sees no difference.
    if !backlogs.iter().flatten().any(waits) && boards.waiting().await?.is_empty() {
        return Ok(());
    }
    let holder = random::uuid(now);
    let mut held = Vec::new();
    for bucket in 0..OUTBOX_BUCKETS {
        let lease = acquire(&app.db, &Buckets::lease_name(bucket), holder, now, LEASE).await?;
        held.extend(lease.map(|lease| (bucket, lease)));
    }
    let consumers = Consumers { repair, relations, boards, rewards, webhooks };
    let relayed = relay_buckets(app, &consumers, &held.iter().cloned().collect(), now).await;
    for (_, lease) in held {
        lease.release(&app.db, now).await?;
    }
    match relayed {
        Ok(()) => {}
        Err(WorkError::Store(error)) => return Err(error),
        Err(error) => tracing::warn!(%error, "the outbox is left to the next worker"),
    }
    Ok(())
}

/// Who reads the outbox.
struct Consumers {
    repair: CacheRepair,
    relations: RelationKeeper,
    boards: BoardKeeper,
    rewards: RewardKeeper,
    webhooks: WebhookKeeper,
}

async fn relay_buckets(
    app: &App,
    Consumers { repair, relations, boards, rewards, webhooks }: &Consumers,
    held: &Buckets,
    now: Instant,
) -> Result<(), WorkError> {
    if held.is_empty() {
        return Ok(());
    }
    while relay(&app.db, held, now, PAGE).await?.more {}
    while relations.keep(held, PAGE).await? > 0 {}
    while boards.keep(held, PAGE).await? > 0 {}
    while boards.recount(held).await? {}
    while rewards.keep(held, PAGE).await? > 0 {}
    while webhooks.keep(held, now, PAGE).await? > 0 {}
    while repair.repair(held, now, PAGE).await? > 0 {}
    Ok(())
}
