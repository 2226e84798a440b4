//! The time of a sandbox: ahead of everybody else's by as much as its integrators have let pass.

use crate::time::{Instant, Span};

/// Most that a sandbox can be ahead: five years.
pub const FARTHEST: Span = Span::days(1_826);

/// How far time is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// By so much.
    By(Span),
    /// Until then.
    Until(Instant),
}

/// Why time does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CannotAdvance {
    /// It would stand still or go back.
    NotForward,
    /// It would be further ahead than it can be.
    TooFar,
}

impl Advance {
    /// How far ahead of `wall` a time is after this that was `ahead` of it before.
    pub fn from(self, wall: Instant, ahead: Span) -> Result<Span, CannotAdvance> {
        let step = match self {
            Self::By(span) => span,
            Self::Until(end) => end.since(wall.plus(ahead)),
        };
        if step <= Span::seconds(0) {
            return Err(CannotAdvance::NotForward);
        }
        let after = Span::from_micros(ahead.micros().saturating_add(step.micros()));
        if after > FARTHEST { Err(CannotAdvance::TooFar) } else { Ok(after) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: Instant = Instant::from_micros(1_800_000_000_000_000);
    const DAY: Span = Span::days(1);

    #[test]
    fn steps_add_up_and_an_end_counts_from_the_time_that_is() {
        assert_eq!(Advance::By(DAY).from(WALL, Span::seconds(0)), Ok(DAY));
        assert_eq!(Advance::By(DAY).from(WALL, DAY), Ok(Span::days(2)));
        assert_eq!(Advance::Until(WALL.plus(Span::days(3))).from(WALL, DAY), Ok(Span::days(3)));
    }

    #[test]
    fn time_neither_stands_still_nor_goes_back_nor_runs_away() {
        let wrong = [
            (Advance::By(Span::seconds(0)), CannotAdvance::NotForward),
            (Advance::By(Span::seconds(-1)), CannotAdvance::NotForward),
            (Advance::By(Span::from_micros(i64::MIN)), CannotAdvance::NotForward),
            (Advance::Until(WALL), CannotAdvance::NotForward),
            (Advance::Until(WALL.plus(DAY)), CannotAdvance::NotForward),
            (Advance::Until(Instant::from_micros(i64::MIN)), CannotAdvance::NotForward),
            (Advance::By(FARTHEST), CannotAdvance::TooFar),
            (Advance::By(Span::from_micros(i64::MAX)), CannotAdvance::TooFar),
            (Advance::Until(Instant::from_micros(i64::MAX)), CannotAdvance::TooFar),
        ];
        for (advance, reason) in wrong {
            assert_eq!(advance.from(WALL, DAY), Err(reason), "{advance:?}");
        }
        assert_eq!(Advance::By(FARTHEST).from(WALL, Span::seconds(0)), Ok(FARTHEST));
    }
}
