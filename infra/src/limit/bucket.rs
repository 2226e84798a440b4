//! The arithmetic of one bucket. Its whole state is the instant at which it will have leaked empty; an amount in it is
//! the time that it takes to leak.

use super::{Limit, Standing};
use amvaj_domain::time::{Instant, Span};

/// How far the clock of one node may be ahead of another's. A bucket that would be fuller than its capacity by more
/// than this was written by a clock that is wrong; it counts as full, so that its subject is not locked out.
pub(super) const CLOCKS_DIFFER: Span = Span::seconds(60);

/// The longest time that any bucket takes to leak, about 35 years: within what the numbers of Lua hold exactly.
const LONGEST_LEAK: i64 = 1 << 50;

/// When a bucket will be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    empty_at: Instant,
}

impl Limit {
    /// The microseconds in which one unit leaks, 1 or more.
    pub(super) fn unit(&self) -> i64 {
        let restores = i64::try_from(self.restores).unwrap_or(i64::MAX).max(1);
        let every = self.every.micros().max(1);
        (every / restores + i64::from(every % restores != 0)).min(LONGEST_LEAK)
    }

    /// The microseconds in which so many units leak.
    pub(super) fn leak_time(&self, units: u64) -> i64 {
        i64::try_from(units).unwrap_or(i64::MAX).saturating_mul(self.unit()).min(LONGEST_LEAK)
    }

    /// The microseconds in which a full bucket leaks empty.
    pub(super) fn full(&self) -> i64 {
        self.leak_time(self.capacity)
    }

    /// The whole units that leak in so many microseconds.
    pub(super) fn leaked_in(&self, micros: i64) -> u64 {
        u64::try_from(micros / self.unit()).unwrap_or_default()
    }

    /// What is left at `now` of units that were taken at `taken`, when they leak before any others: so much can be
    /// given back without touching what others have poured in since.
    pub(super) fn unleaked(&self, units: u64, taken: Instant, now: Instant) -> u64 {
        let passed = now.since(taken).micros().max(0);
        self.leaked_in(self.leak_time(units).saturating_sub(passed))
    }
}

impl Level {
    /// The level of a bucket that is empty at `empty_at`, as far as that can be true at `now`.
    pub(super) fn at(limit: &Limit, empty_at: Instant, now: Instant) -> Self {
        let full = limit.full();
        let too_far = full.saturating_add(CLOCKS_DIFFER.micros());
        let empty_at = if empty_at.since(now).micros() > too_far {
            now.plus(Span::from_micros(full))
        } else {
            empty_at.max(now)
        };
        Self { empty_at }
    }

    /// When the bucket will be empty.
    pub(super) fn empty_at(self) -> Instant {
        self.empty_at
    }

    /// The level after so many units more, if there is room for them.
    pub(super) fn pour(self, limit: &Limit, units: u64, now: Instant) -> Option<Self> {
        (units <= self.room(limit, now)).then(|| self.moved(limit.leak_time(units)))
    }

    /// The level after so many units fewer.
    pub(super) fn less(self, limit: &Limit, units: u64) -> Self {
        self.moved(-limit.leak_time(units))
    }

    /// The whole units for which there is room.
    pub(super) fn room(self, limit: &Limit, now: Instant) -> u64 {
        limit.leaked_in(limit.full().saturating_sub(self.micros(now))).min(limit.capacity)
    }

    /// What the subject may be told.
    pub(super) fn standing(self, limit: &Limit, now: Instant) -> Standing {
        Standing { remaining: self.room(limit, now), full_in: Span::from_micros(self.micros(now)) }
    }

    /// The time until there is room for so many units; above zero.
    pub(super) fn until_it_fits(self, limit: &Limit, units: u64, now: Instant) -> Span {
        let over = self.micros(now).saturating_add(limit.leak_time(units)).saturating_sub(limit.full());
        Span::from_micros(over.max(1))
    }

    /// The microseconds until the bucket is empty.
    fn micros(self, now: Instant) -> i64 {
        self.empty_at.since(now).micros().max(0)
    }

    fn moved(self, micros: i64) -> Self {
        Self { empty_at: self.empty_at.plus(Span::from_micros(micros)) }
    }
}
