//! How often an event is tried, and when an endpoint is left alone.
//!
//! An event that is not taken is tried again after pauses that grow fourfold up to eight hours, sixteen times in about three
//! days; then it is a dead letter. An endpoint that takes nothing five times in a row is tried with one event at a time, after
//! pauses that grow as well, up to an hour: the breaker. When it has taken nothing for five days it is disabled.

use crate::time::{Instant, Span};

/// Tries of one event.
pub const MOST_TRIES: i32 = 16;
/// Failures in a row after which an endpoint is tried with one event at a time.
const BREAKER: i32 = 5;
/// How long an endpoint may take nothing before it is disabled.
const PATIENCE: Span = Span::days(5);

const FIRST_PAUSE: Span = Span::seconds(5);
const LONGEST_PAUSE: Span = Span::minutes(8 * 60);
const LONGEST_BREAK: Span = Span::minutes(60);

/// The pause after so many tries failed. `jitter` is a number of 0 to 255 drawn for it: it makes the pause up to a quarter
/// longer, so that what failed together is not tried again together.
pub fn pause(tries: i32, jitter: u8) -> Span {
    grown(tries, LONGEST_PAUSE, jitter)
}

fn grown(times: i32, longest: Span, jitter: u8) -> Span {
    let doublings = times.clamp(1, 16).saturating_sub(1).saturating_mul(2);
    let factor = 1_i64.checked_shl(doublings.unsigned_abs()).unwrap_or(i64::MAX);
    let pause = FIRST_PAUSE.micros().saturating_mul(factor).min(longest.micros());
    let more = pause.div_euclid(4 * 255).saturating_mul(jitter.into());
    Span::from_micros(pause.saturating_add(more))
}

/// How an endpoint has answered lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// Failures since it last took something.
    pub failures: i32,
    /// When the first of them was.
    pub failing_since: Option<Instant>,
    /// Until when nothing is sent.
    pub paused_until: Option<Instant>,
}

impl Health {
    /// After it took something.
    pub const GOOD: Self = Self { failures: 0, failing_since: None, paused_until: None };

    /// After one more failure at `now`.
    #[must_use]
    pub fn failed(self, now: Instant, jitter: u8) -> Self {
        let failures = self.failures.saturating_add(1);
        let beyond = failures.saturating_sub(BREAKER);
        let paused_until =
            (beyond >= 0).then(|| now.plus(grown(beyond.saturating_add(1), LONGEST_BREAK, jitter)));
        Self { failures, failing_since: self.failing_since.or(Some(now)), paused_until }
    }

    /// Whether the breaker is open: one event at a time is sent, when the pause is over.
    pub const fn is_broken(self) -> bool {
        self.failures >= BREAKER
    }

    /// Whether nothing is sent at `now`.
    pub fn is_paused(self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }

    /// Whether it has taken nothing for so long that nothing more is sent.
    pub fn is_hopeless(self, now: Instant) -> bool {
        self.is_broken() && self.failing_since.is_some_and(|since| now >= since.plus(PATIENCE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_eight_hours_and_all_of_them_take_three_days() {
        let seconds = |tries| pause(tries, 0).micros() / 1_000_000;
        assert_eq!([1, 2, 3, 4].map(seconds), [5, 20, 80, 320]);
        assert_eq!([8, 15, i32::MAX].map(seconds), [28_800; 3]);
        let all: i64 = (1..MOST_TRIES).map(seconds).sum();
        assert!((60 * 3_600..84 * 3_600).contains(&all), "{all} seconds");
        assert_eq!(pause(1, 255).micros() / 10_000, 624, "a quarter more at most");
    }

    #[test]
    fn the_breaker_opens_at_the_fifth_failure_in_a_row_and_one_success_closes_it() {
        let now = Instant::from_micros(0);
        let mut health = Health::GOOD;
        for _ in 0..4 {
            health = health.failed(now, 0);
            assert!(!health.is_broken() && !health.is_paused(now));
        }
        health = health.failed(now, 0);
        assert!(health.is_broken() && health.is_paused(now));
        assert_eq!(health.paused_until, Some(now.plus(Span::seconds(5))));
        for _ in 0..40 {
            health = health.failed(now, 0);
        }
        assert_eq!(health.paused_until, Some(now.plus(Span::minutes(60))), "an hour at most");
        assert!(!health.is_hopeless(now.plus(Span::days(4))));
        assert!(health.is_hopeless(now.plus(Span::days(5))));
        assert!(!Health::GOOD.is_hopeless(now.plus(Span::days(9))));
    }
}
