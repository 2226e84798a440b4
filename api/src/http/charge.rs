//! What a request is charged: 1 before its document is read, what it costs by estimate before it is executed, and what
//! it turned out to cost afterwards.

use std::sync::Arc;

use amvaj_domain::time::{Instant, Span};
use amvaj_infra::clock::Clock;
use amvaj_infra::limit::Taken;
use async_graphql::Value;
use serde::Serialize;

use crate::graphql::document::Asked;
use crate::throttle::Bucket;

/// The price of a request of which nothing else is known.
const ADMISSION: u64 = 1;

/// What has been taken from a bucket for one request.
#[derive(Debug)]
pub(super) struct Charge {
    bucket: Arc<Bucket>,
    clock: Clock,
    requested: u64,
    taken_at: Instant,
    remaining: u64,
}

/// A request for which there is no room.
#[derive(Debug)]
pub(super) struct Throttled {
    /// How long to wait for it.
    pub(super) retry_after: Span,
    /// What it would have cost.
    pub(super) cost: Cost,
}

/// The extension `cost` of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// What was estimated and taken before the request was executed.
    requested: u64,
    /// What it turned out to cost; nothing when it was not executed.
    actual: Option<u64>,
    throttle_status: ThrottleStatus,
}

/// How the caller's bucket stands after the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ThrottleStatus {
    capacity: u64,
    remaining: u64,
    restores_per_second: u64,
}

impl Charge {
    /// Takes the price of a request whose document has not been read.
    pub(super) async fn admit(bucket: Bucket, clock: &Clock) -> Result<Self, Throttled> {
        let taken_at = clock.now();
        let charge = Self {
            bucket: Arc::new(bucket),
            clock: clock.clone(),
            requested: ADMISSION,
            taken_at,
            remaining: 0,
        };
        charge.take(ADMISSION).await
    }

    /// Takes the rest of what the request costs by estimate.
    pub(super) async fn estimate(self, asked: Asked) -> Result<Self, Throttled> {
        let requested = asked.cost.max(ADMISSION);
        let more = requested.saturating_sub(self.requested);
        let charge = Self { requested, taken_at: self.clock.now(), ..self };
        if more == 0 { Ok(charge) } else { charge.take(more).await }
    }

    /// Whose bucket it is and how much is taken.
    pub(super) fn so_far(&self) -> (Arc<Bucket>, u64) {
        (Arc::clone(&self.bucket), self.requested)
    }

    /// Evens the estimate out with what the answer turned out to cost, and says so. What is missing for an answer that
    /// cost more is taken as far as there is room: the answer is there.
    pub(super) async fn settle(self, actual: u64) -> Cost {
        let actual = actual.max(ADMISSION);
        let now = self.clock.now();
        let remaining = if actual > self.requested {
            let more = actual.saturating_sub(self.requested);
            match self.bucket.take(more, now).await {
                Taken::Granted { remaining, .. } => remaining,
                Taken::Refused { remaining, .. } => {
                    self.bucket.take(remaining, now).await;
                    0
                }
            }
        } else {
            let less = self.requested.saturating_sub(actual);
            self.bucket.give_back(less, self.taken_at, now).await;
            self.remaining.saturating_add(less).min(self.bucket.rate().capacity)
        };
        self.told(Some(actual), remaining)
    }

    async fn take(self, cost: u64) -> Result<Self, Throttled> {
        match self.bucket.take(cost, self.taken_at).await {
            Taken::Granted { remaining, .. } => Ok(Self { remaining, ..self }),
            Taken::Refused { retry_after, remaining } => {
                Err(Throttled { retry_after, cost: self.told(None, remaining) })
            }
        }
    }

    fn told(&self, actual: Option<u64>, remaining: u64) -> Cost {
        let rate = self.bucket.rate();
        let throttle_status =
            ThrottleStatus { capacity: rate.capacity, remaining, restores_per_second: rate.per_second };
        Cost { requested: self.requested, actual, throttle_status }
    }
}

/// What an answer cost: its objects, or what was named one by one if that is more, as when nothing of it is there; without
/// what shows the schema; and what did not depend on the answer.
pub(super) fn actual(data: &Value, asked: Asked) -> u64 {
    if asked.introspects {
        // How much of the schema there is, is not the client's doing.
        return asked.cost;
    }
    objects(data).saturating_sub(1).max(asked.named).saturating_add(asked.base)
}

fn objects(value: &Value) -> u64 {
    match value {
        Value::Object(fields) => {
            fields.values().fold(1, |sum: u64, field| sum.saturating_add(objects(field)))
        }
        Value::List(items) => items.iter().fold(0, |sum: u64, item| sum.saturating_add(objects(item))),
        _ => 0,
    }
}
