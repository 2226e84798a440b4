//! Texts in this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use amvaj_domain::id::MerchantId;
use amvaj_domain::time::Instant;
use moka::policy::EvictionPolicy;

use super::{Budget, RENEWED_AFTER, Sharers, TextHash};

/// What a text takes besides its own bytes.
const OVERHEAD: u64 = 200;

/// A text with whose it is: a merchant's, or that of all who share theirs.
type Key = (Option<MerchantId>, TextHash);

/// The texts of all callers, within the budgets of those who are signed in and of strangers.
#[derive(Debug, Clone)]
pub(super) struct NearTexts {
    signed_in: moka::sync::Cache<Key, Arc<Kept>>,
    strangers: moka::sync::Cache<Key, Arc<Kept>>,
}

/// A text, and when it was last seen to be in Redis.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) text: Arc<str>,
    renewed_at: AtomicI64,
}

/// A text that was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) kept: Arc<Kept>,
    /// The budget that it is in.
    pub(super) budget: Budget,
}

impl NearTexts {
    pub(super) fn new() -> Self {
        Self { signed_in: within(Budget::SIGNED_IN), strangers: within(Budget::STRANGERS) }
    }

    /// The text of a hash, as far as the sharers know it.
    pub(super) fn find(&self, sharers: Sharers, hash: TextHash) -> Option<Found> {
        let key = (sharers.merchant(), hash);
        if let Some(kept) = self.signed_in.get(&key) {
            return Some(Found { kept, budget: Budget::SIGNED_IN });
        }
        let kept = if sharers.are_alone() { None } else { self.strangers.get(&key) };
        kept.map(|kept| Found { kept, budget: Budget::STRANGERS })
    }

    /// Keeps a text for sharers. What strangers introduced and somebody signed in uses leaves the strangers' budget; what is
    /// in the other one they need not keep.
    pub(super) fn keep(&self, sharers: Sharers, hash: TextHash, text: Arc<str>, now: Instant) {
        let key = (sharers.merchant(), hash);
        let kept = Arc::new(Kept { text, renewed_at: AtomicI64::new(now.micros()) });
        if sharers == Sharers::Strangers {
            if !self.signed_in.contains_key(&key) {
                self.strangers.insert(key, kept);
            }
        } else {
            self.strangers.invalidate(&key);
            self.signed_in.insert(key, kept);
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> [u64; 2] {
        [&self.signed_in, &self.strangers].map(|texts| {
            texts.run_pending_tasks();
            texts.weighted_size()
        })
    }
}

impl Kept {
    /// Whether it is time to tell Redis that the text is in use; of many who ask at once one is told so.
    pub(super) fn is_to_renew(&self, now: Instant) -> bool {
        let last = self.renewed_at.load(Ordering::Relaxed);
        let is_time = now.since(Instant::from_micros(last)).micros() >= RENEWED_AFTER.micros();
        let order = Ordering::Relaxed;
        is_time && self.renewed_at.compare_exchange(last, now.micros(), order, order).is_ok()
    }
}

fn within(budget: Budget) -> moka::sync::Cache<Key, Arc<Kept>> {
    let weight = |_: &Key, kept: &Arc<Kept>| {
        let bytes = u64::try_from(kept.text.len()).unwrap_or(u64::MAX).saturating_add(OVERHEAD);
        u32::try_from(bytes).unwrap_or(u32::MAX)
    };
    moka::sync::Cache::builder()
        .max_capacity(budget.near)
        .weigher(weight)
        .eviction_policy(EvictionPolicy::lru())
        .build()
}
