//! What is done over and over: told once, then counted, so that nobody can fill the log.

use std::collections::HashMap;

use amvaj_domain::access::{Actor, Caller};
use amvaj_domain::audit::{Act, ActKind, Detail, Target};
use amvaj_domain::time::{Instant, Span};

/// For how long repetitions of an act are only counted.
pub(super) const WINDOW: Span = Span::minutes(10);
/// Most different acts that are remembered.
const MOST: usize = 10_000;

/// What makes two acts the same: everything but the request and the time.
type Key = (Option<Actor>, Option<Caller>, ActKind, Target, Vec<(&'static str, String)>);

/// Acts of the last minutes, with how often each was repeated.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    seen: HashMap<Key, Seen>,
}

#[derive(Debug)]
struct Seen {
    since: Instant,
    /// The latest repetition, and how many there were since the entry.
    latest: Option<Act>,
    more: i64,
}

impl Repeats {
    /// What has to be recorded now that `act` was done: the act itself, unless it was recorded a moment ago.
    pub(super) fn admit(&mut self, act: Act) -> Vec<Act> {
        let key = key(&act);
        if let Some(seen) = self.seen.get_mut(&key).filter(|seen| act.at < seen.since.plus(WINDOW)) {
            seen.more = seen.more.saturating_add(1);
            seen.latest = Some(act);
            return Vec::new();
        }
        let mut record = if self.seen.len() < MOST { Vec::new() } else { self.take(|_| true) };
        let more = self.seen.get(&key).map_or(0, |seen| seen.more);
        self.seen.insert(key, Seen { since: act.at, latest: None, more: 0 });
        record.push(if more > 0 { act.detail("times", more.saturating_add(1)) } else { act });
        record
    }

    /// Repetitions whose time is over, one act each, which are recorded now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Act> {
        self.take(|seen| seen.since.plus(WINDOW) <= now)
    }

    /// All repetitions, whatever their time.
    pub(super) fn all(&mut self) -> Vec<Act> {
        self.take(|_| true)
    }

    /// Forgets that an act was recorded, because it was not.
    pub(super) fn forget(&mut self, act: &Act) {
        self.seen.remove(&key(act));
    }

    /// Forgets some, and gives what was counted of them.
    fn take(&mut self, which: impl Fn(&Seen) -> bool) -> Vec<Act> {
        let over = self.seen.extract_if(|_, seen| which(seen));
        let counted = over.filter_map(|(_, seen)| Some(seen.latest?.detail("times", seen.more)));
        let mut counted: Vec<Act> = counted.collect();
        counted.sort_by_key(|act| act.at);
        counted
    }
}

fn key(act: &Act) -> Key {
    let text = |detail: &Detail| match detail {
        Detail::Text(text) => text.clone(),
        Detail::Number(number) => number.to_string(),
        Detail::Flag(flag) => flag.to_string(),
    };
    let details = act.details.iter().filter(|(name, _)| *name != "times");
    let details = details.map(|(name, detail)| (*name, text(detail))).collect();
    (act.author.actor, act.author.caller, act.kind, act.target, details)
}

#[cfg(test)]
mod tests {
    use amvaj_domain::audit::Author;

    use super::*;

    fn failed(minute: i64, user: &str) -> Act {
        let at = Instant::from_micros(0).plus(Span::minutes(minute));
        let author = Author::unknown(&format!("r-{minute}"));
        Act::new(&author, ActKind::UserLogInFailed, Target::Nothing, at).detail("user", user)
    }

    fn times(acts: &[Act]) -> Vec<i64> {
        let times = |act: &Act| match act.details.last() {
            Some(("times", Detail::Number(times))) => *times,
            _ => 1,
        };
        acts.iter().map(times).collect()
    }

    #[test]
    fn the_first_is_recorded_at_once_and_the_others_are_counted() {
        let mut repeats = Repeats::default();
        assert_eq!(times(&repeats.admit(failed(0, "a"))), [1]);
        assert_eq!(times(&repeats.admit(failed(1, "b"))), [1], "another one is another act");
        for minute in 1..10 {
            assert_eq!(repeats.admit(failed(minute, "a")), []);
        }
        assert_eq!(times(&repeats.admit(failed(10, "a"))), [10], "nine that were counted, and this one");
        assert_eq!(repeats.admit(failed(11, "a")), []);
    }

    #[test]
    fn what_was_counted_is_recorded_when_its_time_is_over_or_at_the_end() {
        let mut repeats = Repeats::default();
        for minute in [0, 1, 2] {
            repeats.admit(failed(minute, "a"));
        }
        repeats.admit(failed(5, "b"));
        repeats.admit(failed(6, "b"));
        let at = |minute| Instant::from_micros(0).plus(Span::minutes(minute));
        assert_eq!(repeats.due(at(9)), []);
        assert_eq!(times(&repeats.due(at(10))), [2]);
        assert_eq!(times(&repeats.all()), [1]);
        assert_eq!(repeats.all(), []);
    }

    #[test]
    fn what_could_not_be_recorded_is_tried_again() {
        let mut repeats = Repeats::default();
        repeats.admit(failed(0, "a"));
        repeats.forget(&failed(0, "a"));
        assert_eq!(times(&repeats.admit(failed(1, "a"))), [1]);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_nothing_of_it_lost() {
        let mut repeats = Repeats::default();
        repeats.admit(failed(0, "a"));
        repeats.admit(failed(0, "a"));
        let mut recorded = 0;
        for number in 0..MOST {
            recorded += repeats.admit(failed(0, &number.to_string())).len();
        }
        assert_eq!(recorded, MOST + 1, "each of them, and the one that was counted");
        assert!(repeats.seen.len() <= MOST);
    }
}
