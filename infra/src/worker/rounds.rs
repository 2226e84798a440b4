//! The jobs of a worker, each with leases of its own.

use std::{collections::BTreeSet, time::Duration};

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
    outbox::{Backlog, CacheRepair, relay, remove_passed},
    relation::RelationKeeper,
};

/// Rows of one bucket that one transaction of the relay numbers, or one call of the repair reads.
const OUTBOX_PAGE: u32 = 256;
/// Pause of the outbox while there is something to do but no full page.
pub(super) const BUSY_PAUSE: Duration = Duration::from_millis(100);
/// Pause of retention when nothing is left to remove.
const RETENTION_PAUSE: Duration = Duration::from_mins(1);
/// The oldest numbers of one bucket that one transaction of retention looks at.
const RETENTION_PAGE: u32 = 1_000;

/// Numbers the outbox, repairs the cache, keeps the relations and counts the boards, bucket by bucket.
pub(super) struct OutboxJob {
    pub(super) database: Database,
    pub(super) repair: CacheRepair,
    pub(super) relations: RelationKeeper,
    pub(super) boards: BoardKeeper,
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
            self.registered = true;
        }
        let backlogs =
            [self.repair.backlog().await?, self.relations.backlog().await?, self.boards.backlog().await?];
        measure(&backlogs);
        let waits = |waiting: &&Backlog| waiting.unnumbered > 0 || waiting.unread > 0;
        let mut buckets: BTreeSet<i16> =
            backlogs.iter().flatten().filter(waits).map(|waiting| waiting.bucket).collect();
        buckets.extend(self.boards.waiting().await?);
        let mut progress = Progress::Nothing;
        let mut failure = None;
        for bucket in buckets {
            // One bucket's failure does not keep the others waiting.
            match self.bucket(bucket).await {
                Ok(done) => progress = progress.max(done),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match (failure, progress) {
            (Some(error), _) => Err(error),
            (None, Progress::FullPage) => Ok(Duration::ZERO),
            (None, Progress::Some) => Ok(BUSY_PAUSE.min(self.interval)),
            (None, Progress::Nothing) => Ok(self.interval),
        }
    }

    async fn end(mut self) {
        self.keeper.release(self.clock.now()).await;
    }
}

impl OutboxJob {
    async fn bucket(&mut self, bucket: i16) -> Result<Progress, WorkError> {
        let name = format!("outbox:{bucket}");
        let now = self.clock.now();
        let Some(lease) = self.keeper.lease(&name, now).await? else { return Ok(Progress::Nothing) };
        let done = self.relay_and_consume(&lease, bucket, now).await;
        forget_if_fenced(&mut self.keeper, &name, done)
    }

    async fn relay_and_consume(
        &self,
        lease: &Lease,
        bucket: i16,
        now: Instant,
    ) -> Result<Progress, WorkError> {
        let numbered = relay(&self.database, lease, bucket, now, OUTBOX_PAGE).await?;
        metrics::counter!("amvaj_outbox_relayed_rows_total").increment(count(numbered.rows));
        // A cache that does not answer keeps nobody from a relation.
        let repaired = self.repair.repair(lease, bucket, now, OUTBOX_PAGE).await;
        let kept = self.relations.keep(lease, bucket, OUTBOX_PAGE).await?;
        metrics::counter!("amvaj_outbox_kept_rows_total").increment(count(kept));
        let counted = self.boards.keep(lease, bucket, OUTBOX_PAGE).await?;
        metrics::counter!("amvaj_outbox_counted_rows_total").increment(count(counted));
        let recounted = self.boards.recount(lease, bucket).await?;
        let repaired = repaired?;
        metrics::counter!("amvaj_outbox_repaired_rows_total").increment(count(repaired));
        let is_full = |rows: usize| u32::try_from(rows).is_ok_and(|rows| rows >= OUTBOX_PAGE);
        let full = numbered.more || is_full(repaired) || is_full(kept) || is_full(counted) || recounted;
        Ok(match (full, numbered.rows + repaired + kept + counted) {
            (true, _) => Progress::FullPage,
            (false, 0) => Progress::Nothing,
            (false, _) => Progress::Some,
        })
    }
}

/// Ends holds, activates and expires points, and posts waiting refunds.
pub(super) struct SweepJob {
    pub(super) sweep: Sweep,
    pub(super) clock: Clock,
    pub(super) keeper: Keeper,
    pub(super) interval: Duration,
}

impl Job for SweepJob {
    const NAME: &'static str = "sweep";

    async fn round(&mut self) -> Result<Duration, WorkError> {
        let now = self.clock.now();
        if self.keeper.lease("sweep", now).await?.is_none() {
            return Ok(self.interval);
        }
        let report = self.sweep.sweep_once(now).await?;
        let done = report.hold_ends + report.activations + report.expiries + report.refunds;
        Ok(if report.more && done > 0 { Duration::ZERO } else { self.interval })
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
        let most = forget_if_fenced(&mut self.keeper, Self::NAME, removed)?;
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
pub(super) fn forget_if_fenced<T>(
    keeper: &mut Keeper,
    name: &str,
    done: Result<T, WorkError>,
) -> Result<T, WorkError> {
    if matches!(done, Err(WorkError::Fenced(_))) {
        keeper.forget(name);
    }
    done
}

fn measure([repair, relations, boards]: &[Vec<Backlog>; 3]) {
    let lag = |backlog: &[Backlog], of: fn(&Backlog) -> i64| gauge(backlog.iter().map(of).sum());
    metrics::gauge!("amvaj_outbox_lag_rows", "stage" => "relay")
        .set(lag(repair, |waiting| waiting.unnumbered));
    metrics::gauge!("amvaj_outbox_lag_rows", "stage" => "cache_repair")
        .set(lag(repair, |waiting| waiting.unread));
    metrics::gauge!("amvaj_outbox_lag_rows", "stage" => "relations")
        .set(lag(relations, |waiting| waiting.unread));
    metrics::gauge!("amvaj_outbox_lag_rows", "stage" => "boards").set(lag(boards, |waiting| waiting.unread));
}

/// A count as a metric value; one beyond the range shows as its end.
fn gauge(count: i64) -> f64 {
    f64::from(u32::try_from(count.max(0)).unwrap_or(u32::MAX))
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
