//! Look-ups of one caller that are under way at once on this node.
//!
//! Each takes a whole miss before its answer is known. Of many at once most find somebody and give theirs back a moment
//! later, so that they could use up what is left without anybody having missed. Whoever finds no room therefore waits for one
//! of the others to end before it is refused: who is refused while nobody else looks has no room indeed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Who looks at the moment. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Turns(Arc<Mutex<HashMap<String, UnderWay>>>);

/// The look-ups of one caller.
#[derive(Debug, Default)]
struct UnderWay {
    /// Those that look now.
    looking: usize,
    /// Those and the ones that wait.
    all: usize,
    ended: Arc<Notify>,
}

/// What became of waiting for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    /// One has ended.
    Ended,
    /// None goes on. One that went on when there was no room may have ended since.
    Alone,
    /// None has ended in time.
    InVain,
}

/// A look-up that is under way until this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    caller: String,
    ended: Arc<Notify>,
    is_looking: bool,
}

impl Turns {
    /// Begins a look-up.
    pub(super) fn begin(&self, caller: String) -> Turn {
        let ended = self.change(&caller, |under_way| {
            under_way.looking = under_way.looking.saturating_add(1);
            under_way.all = under_way.all.saturating_add(1);
            Arc::clone(&under_way.ended)
        });
        Turn { turns: self.clone(), caller, ended, is_looking: true }
    }

    fn change<T>(&self, caller: &str, change: impl FnOnce(&mut UnderWay) -> T) -> T {
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = callers.entry(caller.to_owned()).or_default();
        let changed = change(under_way);
        if under_way.all == 0 {
            callers.remove(caller);
        }
        changed
    }
}

impl Turn {
    /// Whose look-up it is.
    pub(super) fn caller(&self) -> &str {
        &self.caller
    }

    /// Steps aside until another look-up of the caller has ended, unless it is alone or none has ended until then.
    pub(super) async fn wait(&mut self, until: Instant) -> Waited {
        let ended = Arc::clone(&self.ended);
        let told = ended.notified();
        tokio::pin!(told);
        // Before it is looked whether others go on, so that none ends unnoticed in between.
        told.as_mut().enable();
        self.is_looking = false;
        let others = self.turns.change(&self.caller, |under_way| {
            under_way.looking = under_way.looking.saturating_sub(1);
            under_way.looking
        });
        let waited = if others == 0 {
            Waited::Alone
        } else if timeout_at(until, told).await.is_ok() {
            Waited::Ended
        } else {
            return Waited::InVain;
        };
        self.is_looking = true;
        self.turns.change(&self.caller, |under_way| under_way.looking = under_way.looking.saturating_add(1));
        waited
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let looking = usize::from(self.is_looking);
        self.turns.change(&self.caller, |under_way| {
            under_way.looking = under_way.looking.saturating_sub(looking);
            under_way.all = under_way.all.saturating_sub(1);
        });
        // One after the other, or all that wait would ask again for the room that one of them finds.
        self.ended.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[tokio::test]
    async fn who_looks_alone_waits_for_nobody_and_callers_do_not_wait_for_each_other() {
        let turns = Turns::default();
        let _other = turns.begin("other".to_owned());
        let mut turn = turns.begin("one".to_owned());
        assert_eq!(turn.wait(soon()).await, Waited::Alone);
        drop(turn);
        assert_eq!(turns.0.lock().unwrap().len(), 1, "who has ended is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_come_to_their_turn_and_the_last_one_is_told_that_there_is_no_room() {
        let turns = Turns::default();
        let first = turns.begin("one".to_owned());
        let waiting = (0..10).map(|_| {
            let mut turn = turns.begin("one".to_owned());
            tokio::spawn(async move {
                let until = soon();
                // Each finds no room, whoever has ended.
                while turn.wait(until).await == Waited::Ended {}
                Instant::now() < until
            })
        });
        let waiting: Vec<_> = waiting.collect();
        tokio::task::yield_now().await;
        drop(first);
        for one in waiting {
            assert!(one.await.unwrap(), "nobody waits for its patience to end");
        }
        assert!(turns.0.lock().unwrap().is_empty());
    }
}
