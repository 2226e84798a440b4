//! The job that makes files of exports, and removes them when their time is over.

use std::time::Duration;

use amvaj_domain::time::{Instant, Span};

use super::{
    WorkError,
    job::Job,
    keeper::Keeper,
    rounds::{BUSY_PAUSE, forget_if_fenced},
};
use crate::{clock::Clock, export::ExportMaker};

/// How long one turn may take. A page is read in moments, where it has to look far in minutes.
const LONGEST_TURN: Duration = Duration::from_mins(30);
/// How often old files are looked for.
const PURGE_EVERY: Span = Span::minutes(1);

/// Makes and removes files. One node at a time makes all of them.
pub(super) struct ExportJob {
    maker: ExportMaker,
    clock: Clock,
    ledger: Clock,
    keeper: Keeper,
    interval: Duration,
    /// When old files are to be looked for again.
    purge_at: Instant,
}

impl Job for ExportJob {
    const NAME: &'static str = "exports";

    async fn round(&mut self) -> Result<Duration, WorkError> {
        let now = self.clock.now();
        let Some(lease) = self.keeper.lease(Self::NAME, now).await? else { return Ok(self.interval) };
        // A page may take longer than a lease lasts.
        let made = tokio::select! {
            biased;
            made = self.maker.turn(&lease, now, self.ledger.now()) => made,
            lost = self.keeper.keep(&lease, &self.clock, LONGEST_TURN) => Err(lost),
        };
        let made = forget_if_fenced(&mut self.keeper, made)?;
        let more = self.purge(now).await?;
        Ok(match (made, more) {
            (true, _) => Duration::ZERO,
            (false, true) => BUSY_PAUSE.min(self.interval),
            (false, false) => self.interval,
        })
    }

    async fn end(mut self) {
        self.keeper.release(self.clock.now()).await;
    }
}

impl ExportJob {
    pub(super) fn new(
        maker: ExportMaker,
        (clock, ledger): (&Clock, &Clock),
        keeper: Keeper,
        interval: Duration,
    ) -> Self {
        Self { maker, clock: clock.clone(), ledger: ledger.clone(), keeper, interval, purge_at: clock.now() }
    }

    /// Removes a page of old chunks now and then, and answers whether there may be more.
    async fn purge(&mut self, now: Instant) -> Result<bool, WorkError> {
        if now < self.purge_at {
            return Ok(false);
        }
        let removed = self.maker.purge(now).await?;
        metrics::counter!("amvaj_export_removed_chunks_total").increment(removed);
        if removed == 0 {
            self.purge_at = now.plus(PURGE_EVERY);
        }
        Ok(removed > 0)
    }
}
