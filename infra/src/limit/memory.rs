//! Buckets in the memory of this process.

use super::{Limit, Standing, Taken, bucket::Level};
use amvaj_domain::time::Instant;
use moka::policy::EvictionPolicy;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// Each bucket is the instant at which it is empty, in microseconds.
#[derive(Debug)]
pub(super) struct MemoryBuckets {
    buckets: moka::sync::Cache<String, Arc<AtomicI64>>,
}

impl MemoryBuckets {
    pub(super) fn new(capacity: u64) -> Self {
        // The usual policy keeps a newcomer out while others are used more; its bucket would then never fill.
        let buckets = moka::sync::Cache::builder()
            .max_capacity(capacity)
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { buckets }
    }

    pub(super) fn take(&self, limit: &Limit, key: String, cost: u64, now: Instant) -> Taken {
        let poured = self.change(key, |empty_at| {
            let level = Level::at(limit, empty_at, now);
            level.pour(limit, cost, now).ok_or(level)
        });
        match poured {
            Ok(level) => Taken::granted(level, limit, now),
            Err(level) => Taken::refused(level, limit, cost, now),
        }
    }

    pub(super) fn give_back(&self, limit: &Limit, key: String, cost: u64, taken: Instant, now: Instant) {
        let units = limit.unleaked(cost, taken, now);
        let _ =
            self.change(key, |empty_at| Ok::<_, Level>(Level::at(limit, empty_at, now).less(limit, units)));
    }

    pub(super) fn peek(&self, limit: &Limit, key: String, now: Instant) -> Standing {
        let bucket = self.bucket(key);
        let empty_at = Instant::from_micros(bucket.load(Ordering::Acquire));
        Level::at(limit, empty_at, now).standing(limit, now)
    }

    /// Changes a bucket in one step, or leaves it when the change is refused.
    fn change(&self, key: String, change: impl Fn(Instant) -> Result<Level, Level>) -> Result<Level, Level> {
        let bucket = self.bucket(key);
        let mut kept = bucket.load(Ordering::Acquire);
        loop {
            let level = change(Instant::from_micros(kept))?;
            let next = level.empty_at().micros();
            match bucket.compare_exchange_weak(kept, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(level),
                Err(other) => kept = other,
            }
        }
    }

    fn bucket(&self, key: String) -> Arc<AtomicI64> {
        self.buckets.get_with(key, || Arc::new(AtomicI64::new(i64::MIN)))
    }

    /// How many buckets are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> u64 {
        self.buckets.run_pending_tasks();
        self.buckets.entry_count()
    }
}
