//! How often somebody may do something: leaky buckets, one for each limit and subject.
//!
//! A bucket holds at most its capacity and leaks at a steady rate. A take pours its cost in, or is refused when that
//! would overflow, so that within any time `t` at most `capacity + rate × t` is granted.
//!
//! In Redis all nodes share a bucket. So that most requests need no call, a node draws a little more than it was asked
//! for, spends that for at most a second, and returns what it did not need; the refusals that follow from what it read
//! are its own for as long. Together the nodes may therefore grant what leaks in **one second** more than the bucket
//! allows, and may refuse for up to a second what another node has returned. A limit that leaks or holds so little
//! that a hundredth of its capacity, or what leaks in a second, is less than 1 is exact: nothing is drawn ahead.
//!
//! | call | round trips to Redis |
//! |---|---|
//! | `take` | 1 for each hundredth of the capacity, and 1 for each second, node and subject; none while Redis is away |
//! | `give_back` | 0: it goes with the next take |
//! | `peek` | 1, none within a second of another call |
//!
//! Nobody is refused because Redis is away: the node then counts in its own memory, from empty buckets.

mod bucket;
mod memory;
mod redis;
mod share;

use crate::link::LinkError;
use amvaj_domain::time::{Instant, Span};
use bucket::Level;
use memory::MemoryBuckets;
use redis::RedisBuckets;
use std::time::Duration;

/// Something that is limited, and how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Names the limit in keys and metrics: lower case words joined by hyphens, the same for ever.
    pub name: &'static str,
    /// The most that can be taken at once, 1 or more. A cost above it is never granted.
    pub capacity: u64,
    /// How much comes back `every` so often, 1 or more. One unit takes a whole number of microseconds, rounded up.
    pub restores: u64,
    /// The time in which `restores` come back, above zero.
    pub every: Span,
}

/// How a bucket stands for the one who takes from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What could be taken now.
    pub remaining: u64,
    /// The time after which all of the capacity can be taken again, if nobody takes before.
    pub full_in: Span,
}

/// The answer to a take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was taken.
    Granted {
        /// What could be taken after it.
        remaining: u64,
        /// The time after which all of the capacity can be taken again.
        full_in: Span,
    },
    /// Nothing was taken.
    Refused {
        /// The time after which the same take would be granted, if nobody else takes; above zero.
        retry_after: Span,
        /// What could be taken instead.
        remaining: u64,
    },
}

/// The buckets.
#[derive(Debug)]
pub struct Limiter(Store);

/// Where the buckets are kept.
#[derive(Debug)]
enum Store {
    Memory(MemoryBuckets),
    Redis(RedisBuckets),
}

impl Limiter {
    /// Buckets in this process's memory. Keeps up to `capacity` of them; beyond that the one that was used least
    /// recently is forgotten, and so becomes empty.
    pub fn memory(capacity: u64) -> Self {
        Self(Store::Memory(MemoryBuckets::new(capacity)))
    }

    /// Buckets in Redis, under keys of one database epoch, and in memory while Redis is away. Keeps up to `capacity`
    /// of them in memory.
    ///
    /// Starts without Redis when it is down, and finds it by itself later. Must be called within the runtime that
    /// outlives the limiter, because its connection is driven there.
    ///
    /// # Errors
    /// [`LinkError::Url`] when the URL is malformed, and nothing else.
    pub async fn redis(
        url: &str,
        epoch: &str,
        call_timeout: Duration,
        capacity: u64,
    ) -> Result<Self, LinkError> {
        Ok(Self(Store::Redis(RedisBuckets::connect(url, epoch, call_timeout, capacity).await?)))
    }

    /// Takes `cost` from the subject's bucket, or nothing when there is not enough room. Exact however many take at
    /// the same time; see the module for what several nodes may add.
    ///
    /// A subject is a text of at most about a hundred characters. What is personal, such as a mobile number, has to be
    /// hashed with a key before.
    pub async fn take(&self, limit: &Limit, subject: &str, cost: u64, now: Instant) -> Taken {
        let key = key(limit, subject);
        let taken = match &self.0 {
            Store::Memory(memory) => memory.take(limit, key, cost, now),
            Store::Redis(redis) => redis.take(limit, key, cost, now).await,
        };
        let outcome = match taken {
            Taken::Granted { .. } => "granted",
            Taken::Refused { .. } => "refused",
        };
        metrics::counter!("amvaj_limit_takes_total", "limit" => limit.name, "outcome" => outcome)
            .increment(1);
        taken
    }

    /// Gives back a part of what was taken at `taken`, because it was not needed. What has leaked since then has come
    /// back by itself and is not given back twice.
    pub async fn give_back(&self, limit: &Limit, subject: &str, cost: u64, taken: Instant, now: Instant) {
        if cost == 0 {
            return;
        }
        let key = key(limit, subject);
        match &self.0 {
            Store::Memory(memory) => memory.give_back(limit, key, cost, taken, now),
            Store::Redis(redis) => redis.give_back(limit, key, cost, taken, now).await,
        }
    }

    /// How the subject's bucket stands; takes nothing.
    pub async fn peek(&self, limit: &Limit, subject: &str, now: Instant) -> Standing {
        let key = key(limit, subject);
        match &self.0 {
            Store::Memory(memory) => memory.peek(limit, key, now),
            Store::Redis(redis) => redis.peek(limit, key, now).await,
        }
    }

    /// Whether the buckets can be reached where they are shared.
    pub async fn ping(&self) -> bool {
        match &self.0 {
            Store::Memory(_) => true,
            Store::Redis(redis) => redis.ping().await,
        }
    }
}

impl Taken {
    /// Whether it was taken.
    pub fn is_granted(self) -> bool {
        matches!(self, Self::Granted { .. })
    }

    fn granted(level: Level, limit: &Limit, now: Instant) -> Self {
        let Standing { remaining, full_in } = level.standing(limit, now);
        Self::Granted { remaining, full_in }
    }

    fn refused(level: Level, limit: &Limit, cost: u64, now: Instant) -> Self {
        let remaining = level.standing(limit, now).remaining;
        Self::Refused { retry_after: level.until_it_fits(limit, cost, now), remaining }
    }
}

/// The bucket's name among all.
fn key(limit: &Limit, subject: &str) -> String {
    format!("{}:{subject}", limit.name)
}

#[cfg(test)]
mod tests;
