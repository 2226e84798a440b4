//! Showing a part of a board: from what was rendered within the last second, else from a copy, else from the database.

use amvaj_domain::{
    board::{Period, Place, standings},
    calendar::LocalDay,
    id::{BoardId, WalletId},
    time::Instant,
};
use sea_orm::EntityTrait as _;

use super::{BoardKey, Boards, Cell, Kept, faces::Seats, stored};
use crate::db::{StoreError, entity::board_period};

/// Which part of a board to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// The first so many behind the first `skip`, and in front of the position `before` if it is given.
    First {
        /// How many to leave out.
        skip: u64,
        /// The most to show.
        count: u64,
        /// The first position that is not to be shown.
        before: Option<u64>,
    },
    /// The last so many in front of the position `before`, or of all, but none of the first `skip`.
    Last {
        /// How many to leave out.
        skip: u64,
        /// The most to show.
        count: u64,
        /// The first position that is not to be shown.
        before: Option<u64>,
    },
    /// A wallet with up to so many on either side; none when it is not on the board.
    Around {
        /// The wallet.
        wallet: WalletId,
        /// How many on each side.
        distance: u64,
    },
}

/// A part of a board without the members on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Slice {
    /// How many stand on the board.
    pub(super) size: u64,
    /// How many stand in front of the part.
    pub(super) before: u64,
    /// How many of them have a higher score than the first of the part.
    pub(super) above: u64,
    /// The part.
    pub(super) places: Vec<Place>,
}

/// How far a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is counted, or nothing has happened in it.
    Counted,
    /// Nothing is counted any more, but its snapshot is not whole yet.
    Closed,
    /// Its snapshot is final.
    Frozen {
        /// When that came to be.
        at: Instant,
        /// How many stand on it.
        size: u64,
    },
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PageKey {
    key: BoardKey,
    frozen: bool,
    window: Window,
}

/// A part of a board as it is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// How many stand on the board.
    pub size: u64,
    /// Those who stand on the part.
    pub seats: Seats,
    /// The window's first position less one.
    pub before: u64,
}

impl Window {
    /// The positions, counted from 0, from and up to which it reaches on a board of so many.
    pub(super) fn bounds(self, size: u64) -> (u64, u64) {
        match self {
            Self::First { skip, count, before } => {
                let end = before.map_or(size, |before| size.min(before.saturating_sub(1)));
                (skip.min(end), end.min(skip.saturating_add(count)))
            }
            Self::Last { skip, count, before } => {
                let end = before.map_or(size, |before| size.min(before.saturating_sub(1)));
                (end.saturating_sub(count).max(skip).min(end), end)
            }
            Self::Around { .. } => (0, 0),
        }
    }
}

impl Boards {
    /// A part of a period of a board, at most a second behind what is known of it. A page is kept for as long; of neighbours,
    /// which are others for each member, only who they are.
    pub async fn show(&self, kept: &Kept, period: Period, window: Window) -> Result<Shown, StoreError> {
        let stage = self.stage(kept.board.id, period.first).await?;
        let frozen = matches!(stage, Stage::Frozen { .. });
        let page = PageKey { key: Self::key(kept, period), frozen, window };
        let render = async |faces| {
            let slice = self.slice(kept, period, stage, window).await?;
            self.seats(slice, faces).await
        };
        match (&self.shown, window) {
            (None, _) => render(None).await.map(|seats| seats.shown()),
            (Some(recently), Window::Around { .. }) => {
                render(Some(&recently.faces)).await.map(|seats| seats.shown())
            }
            (Some(recently), Window::First { .. } | Window::Last { .. }) => {
                let cell: Cell<Seats> = recently.pages.get_with(page, Cell::default);
                cell.get_or_try_init(|| render(None)).await.map(Seats::shown)
            }
        }
    }

    /// When a period was frozen; nothing while it is not.
    pub async fn frozen_at(&self, kept: &Kept, period: Period) -> Result<Option<Instant>, StoreError> {
        Ok(match self.stage(kept.board.id, period.first).await? {
            Stage::Frozen { at, .. } => Some(at),
            Stage::Counted | Stage::Closed => None,
        })
    }

    async fn slice(
        &self,
        kept: &Kept,
        period: Period,
        stage: Stage,
        window: Window,
    ) -> Result<Slice, StoreError> {
        let key = Self::key(kept, period);
        if let Stage::Frozen { size, .. } = stage {
            return stored::of_snapshot(&self.db, key, size, window).await;
        }
        if stage == Stage::Counted
            && !kept.recounting
            && let Some(slice) = self.copied(key, window).await?
        {
            return Ok(slice);
        }
        stored::of_totals(&self.db, key, window).await
    }

    /// How far a period is, at most a second old.
    async fn stage(&self, board: BoardId, period: LocalDay) -> Result<Stage, StoreError> {
        let cell: Cell<Stage> = self.stages.get_with((board, period), Cell::default);
        let read = async || {
            let key = (board.uuid(), period.days());
            let row = board_period::Entity::find_by_id(key).one(self.db.reader()).await?;
            Ok(row.as_ref().map_or(Stage::Counted, Stage::of))
        };
        cell.get_or_try_init(read).await.copied()
    }
}

impl Stage {
    fn of(row: &board_period::Model) -> Self {
        match (row.closed_at, row.frozen_at) {
            (_, Some(at)) => Self::Frozen {
                at: Instant::from_micros(at),
                size: row.entries.and_then(|entries| u64::try_from(entries).ok()).unwrap_or_default(),
            },
            (Some(_), None) => Self::Closed,
            (None, None) => Self::Counted,
        }
    }
}

impl Slice {
    /// The places with their numbers.
    pub(super) fn standings(&self) -> Vec<amvaj_domain::board::Standing> {
        standings(self.places.iter().copied(), self.before, self.above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_stays_on_the_board() {
        let first = |skip, count, before| Window::First { skip, count, before };
        let last = |skip, count, before| Window::Last { skip, count, before };
        for (window, bounds) in [
            (first(0, 3, None), (0, 3)),
            (first(9, 3, None), (9, 10)),
            (first(20, 3, None), (10, 10)),
            (first(2, 9, Some(5)), (2, 4)),
            (first(6, 9, Some(5)), (4, 4)),
            (last(0, 3, None), (7, 10)),
            (last(0, 3, Some(5)), (1, 4)),
            (last(3, 3, Some(5)), (3, 4)),
            (last(0, 30, None), (0, 10)),
            (last(0, 3, Some(0)), (0, 0)),
        ] {
            assert_eq!(window.bounds(10), bounds, "{window:?}");
        }
    }
}
