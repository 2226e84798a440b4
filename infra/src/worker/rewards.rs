//! The job that finishes redemptions which a crash has left without a hold.

use std::time::Duration;

use super::{WorkError, job::Job, keeper::Keeper, rounds::BUSY_PAUSE};
use crate::{
    clock::Clock,
    reward::{Finisher, Rewards},
};

/// Finishes what was begun. Asking the ledger twice for one hold does no harm, so nothing is fenced.
pub(super) struct RedemptionJob {
    rewards: Rewards,
    finisher: Finisher,
    clock: Clock,
    keeper: Keeper,
    interval: Duration,
}

impl RedemptionJob {
    pub(super) fn new(rewards: Rewards, clock: Clock, keeper: Keeper, interval: Duration) -> Self {
        Self { rewards, finisher: Finisher::default(), clock, keeper, interval }
    }
}

impl Job for RedemptionJob {
    const NAME: &'static str = "redemptions";

    async fn round(&mut self) -> Result<Duration, WorkError> {
        if self.keeper.lease(Self::NAME, self.clock.now()).await?.is_none() {
            return Ok(self.interval);
        }
        let round = self.rewards.finish(&mut self.finisher).await?;
        metrics::counter!("amvaj_redemptions_finished_total")
            .increment(u64::try_from(round.finished).unwrap_or(u64::MAX));
        Ok(if round.finished > 0 || round.goes_on { BUSY_PAUSE.min(self.interval) } else { self.interval })
    }

    async fn end(mut self) {
        self.keeper.release(self.clock.now()).await;
    }
}
