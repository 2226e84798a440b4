//! What a node has drawn from one bucket in Redis and not spent yet, with what it last read of that bucket. For a
//! second it answers without Redis.

use super::{Limit, Taken, bucket::Level};
use amvaj_domain::time::{Instant, Span};

/// How long units that are drawn may be spent, and how long a level that was read is believed.
const FRESH: Span = Span::seconds(1);

/// The part of the capacity that is drawn ahead: one of so many.
const SLICES: u64 = 100;

/// A node's share of one bucket.
#[derive(Debug, Default)]
pub(super) struct Share {
    /// Units drawn and not spent.
    held: u64,
    /// From when on the oldest of them have been in the bucket without being spent.
    held_since: Option<Instant>,
    /// The instant at which the bucket is empty, and when that was read.
    read: Option<(Instant, Instant)>,
}

/// What a node asks of the bucket in Redis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draw {
    /// Units that go back.
    pub(super) returned: u64,
    /// The fewest units to draw; with fewer, nothing is drawn.
    pub(super) least: u64,
    /// The most units to draw.
    pub(super) most: u64,
}

impl Limit {
    /// The units that a node draws ahead: at most what leaks while they may be spent, or another node would wait for
    /// them.
    fn slice(&self) -> u64 {
        (self.capacity / SLICES).min(self.leaked_in(FRESH.micros()))
    }
}

impl Share {
    /// The answer to a take that needs no call: from what is held, or from what was read.
    pub(super) fn answer(&mut self, limit: &Limit, cost: u64, now: Instant) -> Option<Taken> {
        let level = self.level(limit, now)?;
        if cost <= self.held && self.held_since.is_some_and(|since| is_fresh(since, now)) {
            self.held -= cost;
            return Some(Taken::granted(self.without_held(limit, level, now), limit, now));
        }
        let all = self.without_held(limit, level, now);
        (cost > all.room(limit, now)).then(|| Taken::refused(all, limit, cost, now))
    }

    /// How the bucket stands as far as it was read lately, with what is held counted as free.
    pub(super) fn known(&self, limit: &Limit, now: Instant) -> Option<Level> {
        Some(self.without_held(limit, self.level(limit, now)?, now))
    }

    /// Gives up what is held and says what to ask for, so that `cost` can be spent.
    pub(super) fn draw(&mut self, limit: &Limit, cost: u64, now: Instant) -> Draw {
        let returned = self.give_up(limit, now);
        Draw { returned, least: cost, most: cost.saturating_add(limit.slice()) }
    }

    /// Gives up what is held and asks for the bucket's level only.
    pub(super) fn look(&mut self, limit: &Limit, now: Instant) -> Draw {
        Draw { returned: self.give_up(limit, now), least: 0, most: 0 }
    }

    /// Takes what Redis answered: the units drawn and when the bucket is empty.
    pub(super) fn fill(&mut self, drawn: u64, empty_at: Instant, now: Instant) {
        self.read = Some((empty_at, now));
        self.hold(drawn, now);
    }

    /// Spends of what is held.
    pub(super) fn spend(&mut self, cost: u64) {
        self.held = self.held.saturating_sub(cost);
    }

    /// Keeps units that were taken at `taken` and are not needed, for the next take.
    pub(super) fn keep(&mut self, limit: &Limit, units: u64, taken: Instant, now: Instant) {
        let held = self.give_up(limit, now);
        self.hold(held.saturating_add(limit.unleaked(units, taken, now)), now);
    }

    /// Forgets everything: the bucket in Redis is out of reach.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// What can still be returned to the bucket; after this nothing is held.
    fn give_up(&mut self, limit: &Limit, now: Instant) -> u64 {
        let held = std::mem::take(&mut self.held);
        self.held_since.take().map_or(0, |since| limit.unleaked(held, since, now))
    }

    fn hold(&mut self, units: u64, now: Instant) {
        self.held = units;
        self.held_since = Some(now);
    }

    fn level(&self, limit: &Limit, now: Instant) -> Option<Level> {
        let (empty_at, read_at) = self.read?;
        is_fresh(read_at, now).then(|| Level::at(limit, empty_at, now))
    }

    fn without_held(&self, limit: &Limit, level: Level, now: Instant) -> Level {
        let held = self.held_since.map_or(0, |since| limit.unleaked(self.held, since, now));
        level.less(limit, held)
    }
}

/// Within a second, whichever way: a clock that was set back does not make a share last for ever.
fn is_fresh(since: Instant, now: Instant) -> bool {
    now.since(since).micros().abs() < FRESH.micros()
}
