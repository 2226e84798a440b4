//! The clock: the only place that reads the ambient time. Everything else takes `now`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use amvaj_domain::time::{Instant, Span};
use tokio::sync::Notify;

/// Where the current time comes from. Cheap to clone; clones of a manual clock show the same time.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until somebody moves it: microseconds since the epoch. An import drives it along
    /// its file, and tests drive it past expiries.
    Manual(Arc<AtomicI64>),
    /// Another clock, with how far this one is ahead of it: the ledger's in a sandbox.
    Ahead {
        /// The other clock.
        of: Box<Self>,
        /// How far.
        by: Arc<Offset>,
    },
    /// The clock of a simulated node: it goes with the time of the runtime, which a test may have paused, and is off
    /// by some microseconds that the test changes, so that it may also jump back.
    #[cfg(test)]
    Simulated {
        /// What the clock would show at `origin` if it were not off.
        start: Instant,
        /// When the runtime's time began.
        origin: tokio::time::Instant,
        /// How far the clock is ahead of the others.
        off: Arc<AtomicI64>,
    },
}

/// How far a clock is ahead of another; it only grows.
#[derive(Debug, Default)]
pub struct Offset {
    micros: AtomicI64,
    grown: Notify,
}

impl Offset {
    pub(crate) fn get(&self) -> Span {
        Span::from_micros(self.micros.load(Ordering::SeqCst))
    }

    /// Grows to so much, unless it is as much already.
    pub(crate) fn grow_to(&self, ahead: Span) {
        if self.micros.fetch_max(ahead.micros(), Ordering::SeqCst) < ahead.micros() {
            self.grown.notify_one();
        }
    }
}

impl Clock {
    /// A clock that shows `start` until it is moved.
    pub fn manual(start: Instant) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.micros())))
    }

    /// A clock that is so far ahead of this one.
    pub(crate) fn ahead_by(&self, by: Arc<Offset>) -> Self {
        Self::Ahead { of: Box::new(self.clone()), by }
    }

    /// How far it is ahead of the present.
    pub(crate) fn ahead(&self) -> Span {
        match self {
            Self::Ahead { by, .. } => by.get(),
            _ => Span::seconds(0),
        }
    }

    /// Waits until it has made a step. One at a time may wait for it, and is told of a step that was made meanwhile.
    pub(crate) async fn stepped(&self) {
        match self {
            Self::Ahead { by, .. } => by.grown.notified().await,
            _ => std::future::pending().await,
        }
    }

    /// The current time.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    pub fn now(&self) -> Instant {
        match self {
            Self::System => Instant::from_micros(micros_since_epoch(SystemTime::now())),
            Self::Manual(micros) => Instant::from_micros(micros.load(Ordering::SeqCst)),
            Self::Ahead { of, .. } => of.now().plus(self.ahead()),
            #[cfg(test)]
            Self::Simulated { start, origin, off } => {
                let passed = i64::try_from(origin.elapsed().as_micros()).unwrap_or(i64::MAX);
                Instant::from_micros(start.micros() + passed + off.load(Ordering::SeqCst))
            }
        }
    }

    /// Moves a manual clock forward to `instant`; it never goes back. The machine's clock is not ours to move, so
    /// for it nothing happens.
    pub fn advance_to(&self, instant: Instant) {
        match self {
            Self::System => {}
            Self::Manual(micros) => {
                micros.fetch_max(instant.micros(), Ordering::SeqCst);
            }
            Self::Ahead { of, .. } => {
                of.advance_to(instant.plus(Span::from_micros(self.ahead().micros().saturating_neg())));
            }
            #[cfg(test)]
            Self::Simulated { .. } => {}
        }
    }
}

/// Microseconds since the epoch; a machine whose clock stands before 1970 reads as the epoch.
fn micros_since_epoch(time: SystemTime) -> i64 {
    let elapsed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_forward_only_and_its_clones_with_it() {
        let clock = Clock::manual(Instant::from_micros(10));
        let clone = clock.clone();
        clock.advance_to(Instant::from_micros(25));
        clock.advance_to(Instant::from_micros(20));
        assert_eq!(clone.now(), Instant::from_micros(25));
    }

    #[test]
    fn the_system_clock_is_past_2020() {
        assert!(Clock::System.now() > Instant::from_micros(1_577_836_800_000_000));
    }
}
