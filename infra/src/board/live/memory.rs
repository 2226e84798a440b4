//! Copies in the memory of this process.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use amvaj_domain::{
    board::{Place, Ranking},
    id::WalletId,
};
use moka::sync::Cache;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{BoardKey, Positions, Scored, Slice, Window};

/// How long a copy is answered from before somebody looks whether it has fallen behind.
const FRESH: Duration = Duration::from_millis(250);
/// How long a copy is kept that nobody looks at.
const IDLE: Duration = Duration::from_hours(1);
/// Most periods of which copies are kept, in about 150 bytes for each wallet on them.
const MOST_COPIES: u64 = 200;

/// Copies in memory.
#[derive(Debug)]
pub struct MemoryBoards {
    copies: Cache<BoardKey, Arc<RwLock<Scores>>>,
    fresh: Cache<BoardKey, ()>,
    turns: Cache<BoardKey, Arc<Mutex<()>>>,
}

/// The scores of one period.
#[derive(Debug, Default)]
pub(in crate::board) struct Scores {
    ranking: Ranking<Place>,
    /// What is known of each wallet: the operation that changed it, and where it stands.
    known: HashMap<WalletId, (i64, Option<Place>)>,
    positions: Positions,
}

impl MemoryBoards {
    pub(super) fn new() -> Self {
        Self {
            copies: Cache::builder().max_capacity(MOST_COPIES).time_to_idle(IDLE).build(),
            fresh: Cache::builder().max_capacity(MOST_COPIES).time_to_live(FRESH).build(),
            turns: Cache::builder().max_capacity(MOST_COPIES).time_to_idle(IDLE).build(),
        }
    }

    /// Whether a copy was brought forward a moment ago.
    pub(in crate::board) fn is_fresh(&self, key: BoardKey) -> bool {
        self.fresh.contains_key(&key) && self.copies.contains_key(&key)
    }

    /// Notes that a copy was brought forward.
    pub(in crate::board) fn refreshed(&self, key: BoardKey) {
        self.fresh.insert(key, ());
    }

    /// The turn to bring a copy forward: one at a time.
    pub(in crate::board) async fn turn(&self, key: BoardKey) -> OwnedMutexGuard<()> {
        self.turns.get_with(key, Arc::default).lock_owned().await
    }

    pub(super) fn part(&self, key: BoardKey, window: Window) -> Option<Slice> {
        let copy = self.copies.get(&key)?;
        Some(read(&copy).part(window))
    }

    pub(super) fn positions(&self, key: BoardKey) -> Option<Positions> {
        let copy = self.copies.get(&key)?;
        Some(read(&copy).positions)
    }

    pub(super) fn apply(&self, key: BoardKey, scores: &[Scored], moved: Option<(&Positions, &Positions)>) {
        let Some(copy) = self.copies.get(&key) else { return };
        let mut copy = write(&copy);
        for score in scores {
            copy.take(score);
        }
        if let Some((_, to)) = moved.filter(|(from, _)| copy.positions == **from) {
            copy.positions = *to;
        }
    }

    pub(super) fn publish(&self, key: BoardKey, mut copy: Scores, positions: &Positions) {
        copy.positions = *positions;
        self.copies.insert(key, Arc::new(RwLock::new(copy)));
    }

    pub(super) fn known(&self, key: BoardKey) -> Option<Vec<Scored>> {
        let copy = self.copies.get(&key)?;
        let copy = read(&copy);
        let scored = |(wallet, (seq, place)): (&WalletId, &(i64, Option<Place>))| {
            let place = place.as_ref();
            Scored {
                wallet: *wallet,
                seq: *seq,
                total: place.map_or(0, |place| place.total),
                reached_at: place.map_or(super::Instant::from_micros(0), |place| place.reached_at),
            }
        };
        Some(copy.known.iter().map(scored).collect())
    }
}

impl Scores {
    /// Takes over a score, unless one of a later operation is known.
    pub(super) fn take(&mut self, score: &Scored) {
        let before = self.known.get(&score.wallet).copied();
        if before.is_some_and(|(seq, _)| seq >= score.seq) {
            return;
        }
        if let Some((_, Some(place))) = before {
            self.ranking.remove(&place);
        }
        let place = score.place();
        if let Some(place) = place {
            self.ranking.insert(place);
        }
        self.known.insert(score.wallet, (score.seq, place));
    }

    fn part(&self, window: Window) -> Slice {
        let size = count(self.ranking.len());
        let (start, end) = match window {
            Window::Around { wallet, distance } => {
                let own = self.known.get(&wallet).and_then(|(_, place)| *place);
                let Some(own) = own else { return Slice { size, ..Slice::default() } };
                let position = count(self.ranking.count_below(&own));
                let end = position.saturating_add(distance).saturating_add(1).min(size);
                (position.saturating_sub(distance), end)
            }
            Window::First { .. } | Window::Last { .. } => window.bounds(size),
        };
        let (skip, most) = (index(start), index(end.saturating_sub(start)));
        let places: Vec<Place> = self.ranking.range(skip, most).collect();
        let above = places
            .first()
            .map_or(0, |first| count(self.ranking.count_below(&Place::first_with(first.total))));
        Slice { size, before: start, above, places }
    }
}

fn read(copy: &RwLock<Scores>) -> RwLockReadGuard<'_, Scores> {
    // A panic in between could leave a wallet without its place; the next operation of it mends that.
    copy.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(copy: &RwLock<Scores>) -> RwLockWriteGuard<'_, Scores> {
    copy.write().unwrap_or_else(PoisonError::into_inner)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
