//! The job that keeps boards beside their totals: shared copies, and the end of periods.

use std::time::Duration;

use super::{
    WorkError,
    job::Job,
    keeper::Keeper,
    rounds::{BUSY_PAUSE, forget_if_fenced},
};
use crate::{board::Boards, clock::Clock};

/// Brings shared copies forward, and closes and freezes periods.
pub(super) struct BoardJob {
    pub(super) boards: Boards,
    pub(super) clock: Clock,
    pub(super) keeper: Keeper,
    pub(super) interval: Duration,
}

impl Job for BoardJob {
    const NAME: &'static str = "boards";

    async fn round(&mut self) -> Result<Duration, WorkError> {
        let now = self.clock.now();
        let Some(lease) = self.keeper.lease(Self::NAME, now).await? else { return Ok(self.interval) };
        let ended = self.boards.end_periods(&lease, now).await;
        let ended = forget_if_fenced(&mut self.keeper, ended)?;
        let fed = self.boards.feed(now).await?;
        metrics::counter!("amvaj_board_scores_fed_total").increment(u64::try_from(fed).unwrap_or(u64::MAX));
        Ok(if ended || fed > 0 { BUSY_PAUSE.min(self.interval) } else { self.interval })
    }

    async fn end(mut self) {
        self.keeper.release(self.clock.now()).await;
    }
}
