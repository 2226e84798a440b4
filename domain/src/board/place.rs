//! Who stands above whom.

use std::cmp::{Ordering, Reverse};

use crate::{id::WalletId, time::Instant};

/// What decides where a wallet stands: the higher score first, then the earlier one, then the lower id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The score.
    pub total: i64,
    /// When it was reached.
    pub reached_at: Instant,
    /// The wallet.
    pub wallet: WalletId,
}

/// A place with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Standing {
    /// 1 for the first, and no two have the same.
    pub position: u64,
    /// One more than stand above by score: equal scores share a rank, and the ranks after it are left out (1, 1, 3).
    pub rank: u64,
    /// The place.
    pub place: Place,
}

impl Place {
    /// Before every place with this score, after every one with a higher.
    pub const fn first_with(total: i64) -> Self {
        let wallet = WalletId::new(uuid::Uuid::nil());
        Self { total, reached_at: Instant::from_micros(i64::MIN), wallet }
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |place: &Self| (Reverse(place.total), place.reached_at, place.wallet);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Numbers places that follow each other on a board: `before` stand in front of the first of them, of which `above` have
/// a higher score than it.
pub fn standings(places: impl IntoIterator<Item = Place>, before: u64, above: u64) -> Vec<Standing> {
    let mut rank = above.saturating_add(1);
    let mut last: Option<i64> = None;
    let numbered = (before.saturating_add(1)..).zip(places).map(|(position, place)| {
        if last.is_some_and(|total| total != place.total) {
            rank = position;
        }
        last = Some(place.total);
        Standing { position, rank, place }
    });
    numbered.collect()
}
