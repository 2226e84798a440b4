//! One message's way: tries, pauses that grow, and the point at which it is given up.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant as Stopwatch},
};

use amvaj_domain::time::{Instant, Span};
use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::{sync::Mutex, time};

use super::{Carrier, Message, Shared};

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The panel took it.
    Delivered,
    /// The panel will never take it.
    Refused,
    /// The panel took it at none of the tries.
    Failed,
    /// Its time was over before the panel took it.
    Expired,
    /// The server stopped before the panel took it.
    Abandoned,
    /// There was no room for it.
    Dropped,
}

/// How one try ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Try {
    /// The panel took the message.
    Delivered,
    /// The panel will never take it, and why.
    Refused(String),
    /// Another try may go better.
    Failed {
        /// What went wrong.
        why: String,
        /// How long the panel asks to be left alone.
        retry_after: Option<Duration>,
    },
}

/// Spaces the tries of all messages.
#[derive(Debug)]
pub(super) struct Pace {
    apart: Duration,
    next: Mutex<time::Instant>,
}

impl Outcome {
    /// The outcome's name in metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Abandoned => "abandoned",
            Self::Dropped => "dropped",
        }
    }
}

impl Shared {
    /// Tries until the panel takes the message, refuses it, or there is no use in another try.
    pub(super) async fn deliver(&self, message: &Message) -> Outcome {
        let begun = Stopwatch::now();
        let outcome = tokio::select! {
            outcome = self.tries(message) => outcome,
            () = self.stop.cancelled() => Outcome::Abandoned,
        };
        let kind = message.kind.name();
        if outcome != Outcome::Delivered {
            tracing::warn!(reference = %message.id, kind, outcome = outcome.name(), "a message did not arrive");
        }
        count(kind, outcome);
        metrics::histogram!("amvaj_message_seconds", "kind" => kind).record(begun.elapsed().as_secs_f64());
        outcome
    }

    async fn tries(&self, message: &Message) -> Outcome {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(self.limits.first_pause)
            .with_max_delay(self.limits.longest_pause)
            .without_max_times()
            .with_jitter()
            .build();
        for number in 1..=self.limits.tries {
            let ended = {
                // The semaphore is never closed, so an error cannot come; without a place nothing is sent.
                let Ok(_place) = self.in_flight.acquire().await else { return Outcome::Abandoned };
                self.pace.wait().await;
                if self.clock.now() >= message.good_until {
                    return Outcome::Expired;
                }
                self.attempt(message).await
            };
            let (why, retry_after) = match ended {
                Try::Delivered => return Outcome::Delivered,
                Try::Refused(why) => {
                    tracing::warn!(reference = %message.id, why, "the SMS panel refuses a message");
                    return Outcome::Refused;
                }
                Try::Failed { why, retry_after } => (why, retry_after),
            };
            tracing::warn!(reference = %message.id, number, why, "the SMS panel did not take a message");
            metrics::counter!("amvaj_message_tries_failed_total").increment(1);
            if number < self.limits.tries {
                let pause =
                    pauses.next().unwrap_or(self.limits.longest_pause).max(retry_after.unwrap_or_default());
                if later(self.clock.now(), pause) >= message.good_until {
                    return Outcome::Expired;
                }
                time::sleep(pause).await;
            }
        }
        Outcome::Failed
    }

    async fn attempt(&self, message: &Message) -> Try {
        match &self.carrier {
            Carrier::Log => {
                tracing::info!(to = message.to.as_str(), text = message.text, "message");
                Try::Delivered
            }
            Carrier::Http(panel) => panel.attempt(message).await,
        }
    }
}

impl Pace {
    pub(super) fn new(per_second: Option<NonZeroU32>) -> Self {
        let apart = per_second.map_or(Duration::ZERO, |count| Duration::from_secs(1) / count.get());
        Self { apart, next: Mutex::new(time::Instant::now()) }
    }

    /// Waits until this try may begin.
    async fn wait(&self) {
        if self.apart.is_zero() {
            return;
        }
        let turn = {
            let mut next = self.next.lock().await;
            let turn = (*next).max(time::Instant::now());
            *next = turn + self.apart;
            turn
        };
        time::sleep_until(turn).await;
    }
}

/// Counts what became of a message.
pub(super) fn count(kind: &'static str, outcome: Outcome) {
    metrics::counter!("amvaj_messages_total", "kind" => kind, "outcome" => outcome.name()).increment(1);
}

fn later(now: Instant, pause: Duration) -> Instant {
    now.plus(Span::from_micros(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX)))
}
