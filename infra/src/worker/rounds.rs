//! The jobs of a worker, each with leases of its own.

use std::time::Duration;

use amvaj_domain::{
    id::OUTBOX_BUCKETS,
    time::{Instant, Span},
};

use super::{WorkError, job::Job, keeper::Keeper, lease::Lease, sweep::Sweep};
use crate::{
    access::{LoginCodes, purge_sessions},
    board::BoardKeeper,
    clock::Clock,
    db::Database,
    outbox::{Backlog, Buckets, CacheRepair, relay, remove_passed},
    relation::RelationKeeper,
    reward::RewardKeeper,
    webhook::WebhookKeeper,
};

/// Rows of each bucket that one transaction of the relay numbers, or one call of a consumer reads.
const OUTBOX_PAGE: u32 = 256;
/// Pause of the outbox while there is something to do but no full page.
pub(super) const BUSY_PAUSE: Duration = Duration::from_millis(100);
/// Pause of retention when nothing is left to remove.
pub(super) const RETENTION_PAUSE: Duration = Duration::from_mins(1);
/// The oldest numbers of one bucket that one transaction of retention looks at.
const RETENTION_PAGE: u32 = 1_000;

/// Numbers the outbox, repairs the cache, keeps the relations, counts the boards, lets redemptions follow their holds and
/// queues events for merchants.
pub(super) struct OutboxJob {
    pub(super) database: Database,
    pub(super) repair: CacheRepair,
    pub(super) relations: RelationKeeper,
    pub(super) boards: BoardKeeper,
    pub(super) rewards: RewardKeeper,
    pub(super) webhooks: WebhookKeeper,
    pub(super) clock: Clock,
    pub(super) keeper: Keeper,
    pub(super) interval: Duration,
    /// Whether the cursors are known to exist.
    pub(super) registered: bool,
}

/// How much a bucket's turn did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    Nothing,
    Some,
    FullPage,
}

impl Job for OutboxJob {
    const NAME: &'static str = "outbox";

    async fn round(&mut self) -> Result<Duration, WorkError> {
        if !self.registered {
            self.repair.register().await?;
            self.relations.register().await?;
            self.boards.register().await?;
            self.rewards.register().await?;
            self.webhooks.register().await?;
            self.registered = true;
        }
        let backlogs = [
            self.repair.backlog().await?,
            self.relations.backlog().await?,
            self.boards.backlog().await?,
            self.rewards.backlog().await?,
            self.webhooks.backlog().await?,
        ];
        measure(&backlogs);
        let waits = |waiting: &Backlog| waiting.unnumbered > 0 || waiting.unread > 0;
        if !backlogs.iter().flatten().any(waits) && self.boards.waiting().await?.is_empty() {
            return Ok(self.interval);
        }
        let now = self.clock.now();
        let held = self.held(now).await?;
        match self.relay_and_consume(&held, now).await? {
            Progress::FullPage => Ok(Duration::ZERO),
            Progress::Some => Ok(BUSY_PAUSE.min(self.interval)),
            Progress::Nothing => Ok(self.interval),
        }
    }

    async fn end(mut self) {
        self.keeper.release(self.clock.now()).await;
    }
}

impl OutboxJob {
    /// The buckets whose leases this node has.
    async fn held(&mut self, now: Instant) -> Result<Buckets, WorkError> {
        let mut held = Vec::new();
        for bucket in 0..OUTBOX_BUCKETS {
            let lease = self.keeper.lease(&Buckets::lease_name(bucket), now).await?;
            held.extend(lease.map(|lease| (bucket, lease)));
        }
        Ok(held.into_iter().collect())
    }

    /// Works on all buckets at once; when the database refuses that, on each alone, so that a row which cannot be read keeps
    /// only its own bucket waiting.
    async fn relay_and_consume(&mut self, held: &Buckets, now: Instant) -> Result<Progress, WorkError> {
        if held.is_empty() {
            return Ok(Progress::Nothing);
        }
        let done = self.turn(held, now).await;
        match forget_if_fenced(&mut self.keeper, done) {
            Err(WorkError::Store(error)) if !error.retryable() => {}
            done => return done,
        }
        let mut progress = Progress::Nothing;
        let mut failure = None;
        for bucket in held.each() {
            let done = self.turn(&bucket, now).await;
            match forget_if_fenced(&mut self.keeper, done) {
                Ok(done) => progress = progress.max(done),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(progress), Err)
    }

    async fn turn(&self, held: &Buckets, now: Instant) -> Result<Progress, WorkError> {
        let numbered = relay(&self.database, held, now, OUTBOX_PAGE).await?;
        metrics::counter!("amvaj_outbox_relayed_rows_total").increment(count(numbered.rows));
        // A cache that does not answer keeps nobody from a relation.
        let repaired = self.repair.repair(held, now, OUTBOX_PAGE).await;
        let kept = self.relations.keep(held, OUTBOX_PAGE).await?;
        metrics::counter!("amvaj_outbox_kept_rows_total").increment(count(kept));
        let counted = self.boards.keep(held, OUTBOX_PAGE).await?;
        metrics::counter!("amvaj_outbox_counted_rows_total").increment(count(counted));
        let recounted = self.boards.recount(held).await?;
        let followed = self.rewards.keep(held, OUTBOX_PAGE).await?;
        metrics::counter!("amvaj_outbox_followed_rows_total").increment(count(followed));
        let queued = self.webhooks.keep(held, now, OUTBOX_PAGE).await?;
        metrics::counter!("amvaj_outbox_queued_rows_total").increment(count(queued));
        let repaired = repaired?;
        metrics::counter!("amvaj_outbox_repaired_rows_total").increment(count(repaired));
        let is_full = |rows: usize| u32::try_from(rows).is_ok_and(|rows| rows >= OUTBOX_PAGE);
        let passed = [repaired, kept, counted, followed, queued];
        let full = numbered.more || passed.into_iter().any(is_full) || recounted;
        Ok(match (full, numbered.rows + passed.iter().sum::<usize>()) {
            (true, _) => Progress::FullPage,
            (false, 0) => Progress::Nothing,
            (false, _) => Progress::Some,
        })
    }
}

/// Ends holds, activates and expires points, and posts waiting refunds.
pub(super) struct SweepJob {
    pub(super) sweep: Sweep,
    /// By which leases go.
    pub(super) clock: Clock,
    /// By which the ledger goes.
    pub(super) ledger: Clock,
    pub(super) keeper: Keeper,
    pub(super) interval: Duration,
}

impl Job for SweepJob {
    const NAME: &'static str = "sweep";

    async fn round(&mut self) -> Result<Duration, WorkError> {
        let now = self.clock.now();
        if self.keeper.lease(Self::NAME, now).await?.is_none() {
            return Ok(self.interval);
        }
        let report = self.sweep.sweep_once(self.ledger.now()).await?;
        let done = report.hold_ends + report.activations + report.expiries + report.refunds;
        Ok(if report.more && done > 0 { Duration::ZERO } else { self.interval })
    }

    async fn called(&self) {
        self.ledger.stepped().await;
    }

    async fn end(mut self) {
        self.keeper.release(self.clock.now()).await;
    }
}

/// Removes old rows of the outbox.
pub(super) struct RetentionJob {
    pub(super) database: Database,
    pub(super) clock: Clock,
    pub(super) keeper: Keeper,
    pub(super) retention: Span,
}

impl Job for RetentionJob {
    const NAME: &'static str = "retention";

    async fn round(&mut self) -> Result<Duration, WorkError> {
        let now = self.clock.now();
        let Some(lease) = self.keeper.lease(Self::NAME, now).await? else { return Ok(RETENTION_PAUSE) };
        let removed = self.remove(&lease, now).await;
        let most = forget_if_fenced(&mut self.keeper, removed)?;
        Ok(if most >= u64::from(RETENTION_PAGE) { BUSY_PAUSE } else { RETENTION_PAUSE })
    }

    async fn end(mut self) {
        self.keeper.release(self.clock.now()).await;
    }
}

impl RetentionJob {
    /// Goes through all buckets once and answers the most that was removed in one of them.
    async fn remove(&self, lease: &Lease, now: Instant) -> Result<u64, WorkError> {
        let before = now.plus(Span::from_micros(self.retention.micros().saturating_neg()));
        let mut most = 0;
        for bucket in 0..OUTBOX_BUCKETS {
            let removed = remove_passed(&self.database, lease, bucket, before, RETENTION_PAGE).await?;
            metrics::counter!("amvaj_outbox_removed_rows_total").increment(removed);
            most = removed.max(most);
        }
        Ok(most)
    }
}

/// Removes log-in codes and sessions that have been over for long. Removing them twice does no harm, so nothing is
/// fenced.
pub(super) struct AccessJob {
    pub(super) database: Database,
    pub(super) clock: Clock,
    pub(super) keeper: Keeper,
}

impl Job for AccessJob {
    const NAME: &'static str = "access";

    async fn round(&mut self) -> Result<Duration, WorkError> {
        let now = self.clock.now();
        if self.keeper.lease(Self::NAME, now).await?.is_some() {
            let codes = LoginCodes::new(self.database.clone()).purge(now).await?;
            let sessions = purge_sessions(&self.database, now).await?;
            metrics::counter!("amvaj_access_removed_rows_total").increment(codes.saturating_add(sessions));
        }
        Ok(RETENTION_PAUSE)
    }

    async fn end(mut self) {
        self.keeper.release(self.clock.now()).await;
    }
}

/// A lease that was lost is asked for anew, not used again.
pub(super) fn forget_if_fenced<T>(keeper: &mut Keeper, done: Result<T, WorkError>) -> Result<T, WorkError> {
    if let Err(WorkError::Fenced(name)) = &done {
        keeper.forget(name);
    }
    done
}

fn measure([repair, relations, boards, rewards, webhooks]: &[Vec<Backlog>; 5]) {
    let lag = |backlog: &[Backlog], of: fn(&Backlog) -> i64| gauge(backlog.iter().map(of).sum());
    metrics::gauge!("amvaj_outbox_lag_rows", "stage" => "relay")
        .set(lag(repair, |waiting| waiting.unnumbered));
    metrics::gauge!("amvaj_outbox_lag_rows", "stage" => "cache_repair")
        .set(lag(repair, |waiting| waiting.unread));
    metrics::gauge!("amvaj_outbox_lag_rows", "stage" => "relations")
        .set(lag(relations, |waiting| waiting.unread));
    metrics::gauge!("amvaj_outbox_lag_rows", "stage" => "boards").set(lag(boards, |waiting| waiting.unread));
    metrics::gauge!("amvaj_outbox_lag_rows", "stage" => "rewards")
        .set(lag(rewards, |waiting| waiting.unread));
    metrics::gauge!("amvaj_outbox_lag_rows", "stage" => "webhooks")
        .set(lag(webhooks, |waiting| waiting.unread));
}

/// A count as a metric value; one beyond the range shows as its end.
fn gauge(count: i64) -> f64 {
    f64::from(u32::try_from(count.max(0)).unwrap_or(u32::MAX))
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
