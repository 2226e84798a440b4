//! The jobs that tell merchants what they are to be told, and forget what became of it.

use std::time::Duration;

use super::{
    WorkError,
    job::Job,
    keeper::Keeper,
    rounds::{BUSY_PAUSE, RETENTION_PAUSE},
};
use crate::{
    clock::Clock,
    db::Database,
    webhook::{Couriers, REMOVED_AT_ONCE, WebhookSettings, due, purge},
};

/// Endpoints that one node sends to at a time.
const MOST_BUSY: usize = 256;
/// Endpoints that one round begins with; of what is left other nodes have their part.
const PER_ROUND: usize = 16;

/// Sends out couriers to where something is due.
pub(super) struct WebhookJob {
    pub(super) database: Database,
    pub(super) couriers: Couriers,
    pub(super) clock: Clock,
    pub(super) interval: Duration,
}

impl Job for WebhookJob {
    const NAME: &'static str = "webhooks";

    async fn round(&mut self) -> Result<Duration, WorkError> {
        let endpoints = due(&self.database, self.clock.now()).await?;
        let room = MOST_BUSY.saturating_sub(self.couriers.busy()).min(PER_ROUND);
        let sent = self.couriers.send_out(endpoints, room);
        metrics::gauge!("amvaj_webhook_endpoints_busy")
            .set(f64::from(u32::try_from(self.couriers.busy()).unwrap_or(u32::MAX)));
        Ok(if sent > 0 { BUSY_PAUSE.min(self.interval) } else { self.interval })
    }

    async fn end(self) {
        self.couriers.come_home().await;
    }
}

/// Removes what became of old events.
pub(super) struct WebhookRetentionJob {
    pub(super) database: Database,
    pub(super) settings: WebhookSettings,
    pub(super) clock: Clock,
    pub(super) keeper: Keeper,
}

impl Job for WebhookRetentionJob {
    const NAME: &'static str = "webhook retention";

    async fn round(&mut self) -> Result<Duration, WorkError> {
        let now = self.clock.now();
        if self.keeper.lease(Self::NAME, now).await?.is_none() {
            return Ok(RETENTION_PAUSE);
        }
        let removed = purge(&self.database, self.settings.oldest(now), now).await?;
        metrics::counter!("amvaj_webhook_removed_rows_total").increment(removed);
        Ok(if removed >= u64::from(REMOVED_AT_ONCE) { BUSY_PAUSE } else { RETENTION_PAUSE })
    }

    async fn end(mut self) {
        self.keeper.release(self.clock.now()).await;
    }
}
