//! The jobs that audit: the wallets that were touched last, all the time; everything, once a night.

use std::time::Duration;

use amvaj_domain::{
    calendar::Zone,
    sealed::hex,
    time::{Instant, Span},
};
use tokio_util::sync::CancellationToken;

use super::{WorkError, job::Job, keeper::Keeper};
use crate::{
    clock::Clock,
    db::Database,
    verify::{Report, VerifyOptions, Watch, keep_verification, last_verified, verify, was_verified},
};

/// Pause between two looks at what was touched; longer after a look that took long.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(10);
/// A look takes one part in so many of the time, however much there is to look at: wallets with a long history would
/// otherwise cost their network more than its purchases.
const ONE_PART_IN: u32 = 20;
/// The longest pause, however long a look took.
const LONGEST_REST: Duration = Duration::from_mins(10);
/// Pause between two questions whether it is night, and before an audit that failed begins again.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
/// How long after its time an audit may still begin.
const LATEST: Span = Span::minutes(360);
/// What was audited, as the metrics call it.
const TOUCHED: &str = "touched";
const ALL: &str = "all";
/// What may be left undone for so long is not stuck.
const GRACE: Span = Span::minutes(60);
/// Rows that the log names of each check.
const NAMED: u32 = 20;

/// When everything is audited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nightly {
    /// The time zone of the nights.
    pub zone: Zone,
    /// How long after midnight.
    pub after_midnight: Span,
}

/// Audits the wallets that were touched last.
pub(super) struct WatchJob {
    pub(super) watch: Watch,
    pub(super) clock: Clock,
    pub(super) keeper: Keeper,
    /// Until when it rests after a look that took long. It keeps its lease meanwhile, or another node would look.
    pub(super) rests_until: Option<tokio::time::Instant>,
}

impl Job for WatchJob {
    const NAME: &'static str = "verify";

    async fn round(&mut self) -> Result<Duration, WorkError> {
        let now = self.clock.now();
        if self.keeper.lease(Self::NAME, now).await?.is_none() {
            return Ok(LOOK_EVERY);
        }
        if self.rests_until.is_some_and(|until| tokio::time::Instant::now() < until) {
            return Ok(LOOK_EVERY);
        }
        let began = tokio::time::Instant::now();
        let watched = self.watch.look(&options(now)).await?;
        metrics::counter!("amvaj_verify_wallets_total").increment(count(watched.wallets));
        let passed_over = watched.rows.saturating_sub(watched.audited_rows);
        metrics::counter!("amvaj_verify_passed_over_rows_total")
            .increment(u64::try_from(passed_over).unwrap_or_default());
        tell(&watched.report, TOUCHED);
        self.rests_until = Some(tokio::time::Instant::now() + rest_after(began.elapsed()));
        Ok(LOOK_EVERY)
    }

    async fn end(mut self) {
        self.keeper.release(self.clock.now()).await;
    }
}

/// Audits everything, once a night. A worker that stops leaves the audit to the next one.
pub(super) struct NightlyJob {
    pub(super) database: Database,
    pub(super) nightly: Nightly,
    pub(super) clock: Clock,
    pub(super) keeper: Keeper,
    pub(super) closing: CancellationToken,
}

impl Job for NightlyJob {
    const NAME: &'static str = "nightly verify";

    async fn round(&mut self) -> Result<Duration, WorkError> {
        let began_at = self.clock.now();
        // Every node says it, whichever did it, so that an alert is one of the network.
        let last = last_verified(&self.database).await?;
        metrics::gauge!("amvaj_verify_last_full_seconds").set(last.map_or(0.0, seconds));
        let day = self.nightly.zone.day_of(began_at);
        if !self.nightly.is_time(began_at)
            || was_verified(&self.database, day).await?
            || self.keeper.lease(Self::NAME, began_at).await?.is_none()
        {
            return Ok(PATIENCE);
        }
        let audit = verify(&self.database, options(began_at), |_| {});
        let report = tokio::select! {
            () = self.closing.cancelled() => return Ok(PATIENCE),
            report = audit => report?,
        };
        keep_verification(&self.database, day, (began_at, self.clock.now()), &report).await?;
        tell(&report, ALL);
        let heads: Vec<Option<String>> = report.heads.iter().map(|hash| hash.as_deref().map(hex)).collect();
        let (checks, violations) = (report.checks.len(), report.violations());
        tracing::info!(checks, violations, ?heads, "the ledger was audited");
        Ok(PATIENCE)
    }

    async fn end(mut self) {
        self.keeper.release(self.clock.now()).await;
    }
}

impl Nightly {
    /// Whether an audit may begin. One that was missed for long waits for the next night.
    fn is_time(&self, now: Instant) -> bool {
        let begin = self.zone.start_of_day(self.zone.day_of(now)).plus(self.after_midnight);
        begin <= now && now < begin.plus(LATEST)
    }
}

fn rest_after(look: Duration) -> Duration {
    look.saturating_mul(ONE_PART_IN - 1).min(LONGEST_REST)
}

/// Makes the counters that alerts watch, so that the first violation is a rise.
pub(super) fn announce() {
    for scope in [TOUCHED, ALL] {
        metrics::counter!("amvaj_verify_violations_total", "scope" => scope).increment(0);
    }
}

fn options(now: Instant) -> VerifyOptions {
    VerifyOptions { now, grace: GRACE, limit_per_check: NAMED, heads: Vec::new() }
}

/// Raises the alarm: an error in the log for each broken check, and what alerts are made of.
fn tell(report: &Report, scope: &'static str) {
    metrics::counter!("amvaj_verify_violations_total", "scope" => scope).increment(report.violations());
    for check in report.checks.iter().filter(|check| check.violations > 0) {
        let (number, name, violations, rows) = (check.number, check.name, check.violations, &check.rows);
        tracing::error!(number, name, violations, ?rows, scope, "an invariant of the ledger is broken");
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Seconds since the epoch as a metric value; exact for as long as they have 32 bits.
fn seconds(instant: Instant) -> f64 {
    f64::from(u32::try_from(instant.micros() / 1_000_000).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_take_a_bounded_part_of_the_time() {
        assert!(rest_after(Duration::from_millis(300)) < LOOK_EVERY);
        assert_eq!(rest_after(Duration::from_secs(4)), Duration::from_secs(76));
        assert_eq!(rest_after(Duration::from_mins(5)), LONGEST_REST);
    }
}
