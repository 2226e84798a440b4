//! When a lane has more to do than it can: told by how long requests wait, not by how many do.
//!
//! A crowd that comes at once is taken in and worked off. A queue that stands makes everybody late and nobody is served
//! sooner for it, so while one stands new requests are refused at once, and those that are taken keep their latency. After
//! "Controlled Delay Active Queue Management" (RFC 8289), with a refusal in place of a drop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// The longest wait that a lane which keeps up may need: about two full batches.
const TARGET: Duration = Duration::from_millis(100);
/// For how long requests have to wait longer than that before it is a queue that stands.
const INTERVAL: Duration = Duration::from_millis(500);

/// Whether a lane refuses, for those who submit to it.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusing(Arc<AtomicBool>);

/// What a lane has seen of its queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    refusing: Refusing,
    /// When requests began to be late and when one last was.
    late: Option<(Instant, Instant)>,
}

impl Refusing {
    pub(super) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, on: bool) {
        self.0.store(on, Ordering::Relaxed);
    }
}

impl Queue {
    pub(super) fn refusing(&self) -> Refusing {
        self.refusing.clone()
    }

    /// Notes that a batch was taken, whose oldest request has waited so long. A batch that is not full has emptied the
    /// queue: then it is the database that takes its time, which refusing would not make faster.
    pub(super) fn taken(&mut self, is_full: bool, waited: Duration, now: Instant) {
        if !is_full || waited < TARGET {
            return self.refusing.set(false);
        }
        let this_was_late = now.checked_sub(waited.saturating_sub(TARGET)).unwrap_or(now);
        let before = self.late.filter(|(_, last)| now - *last < INTERVAL).map(|(began, _)| began);
        let began = before.map_or(this_was_late, |before| before.min(this_was_late));
        self.late = Some((began, now));
        self.refusing.set(now - began >= INTERVAL);
    }

    /// Notes that nothing waits any more.
    pub(super) fn ended(&self) {
        self.refusing.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(begin: Instant, millis: u64) -> Instant {
        begin + Duration::from_millis(millis)
    }

    #[test]
    fn a_crowd_is_taken_in_and_a_queue_that_stands_is_not() {
        let (begin, mut queue) = (Instant::now(), Queue::default());
        let refusing = queue.refusing();
        for millis in (0..500).step_by(50) {
            queue.taken(true, TARGET + Duration::from_millis(millis), after(begin, millis));
            assert!(!refusing.is_on(), "{millis}");
        }
        queue.taken(true, TARGET + INTERVAL, after(begin, 500));
        assert!(refusing.is_on());
        queue.taken(true, TARGET / 2, after(begin, 550));
        assert!(!refusing.is_on(), "what is taken is in time again");
        queue.taken(true, TARGET, after(begin, 600));
        assert!(refusing.is_on(), "it is the same queue");
        queue.ended();
        assert!(!refusing.is_on());
        queue.taken(true, TARGET, after(begin, 1_200));
        assert!(!refusing.is_on(), "it is another crowd");
        queue.taken(true, TARGET + INTERVAL, after(begin, 2_000));
        assert!(refusing.is_on(), "it has waited while the database stood still");
    }

    #[test]
    fn a_slow_database_alone_is_no_queue() {
        let (begin, mut queue) = (Instant::now(), Queue::default());
        for millis in (0..10_000).step_by(900) {
            queue.taken(false, TARGET * 9, after(begin, millis));
            assert!(!queue.refusing().is_on());
        }
    }
}
