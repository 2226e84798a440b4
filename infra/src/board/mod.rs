//! Boards: who has reached how much, kept in the database and shown from Redis or from memory.
//!
//! [`BoardKeeper`] follows the outbox and keeps the totals, [`Boards`] shows them and ends periods. The database is the
//! authority: Redis and memory hold copies that say themselves how far they are, so they can be emptied or go back in
//! time at any moment, and are only answered from while they are whole.
//!
//! | call | round trips to Redis | to the database |
//! |---|---|---|
//! | a page, kept for a second | 0 | 0 |
//! | the same from a copy | 1 | 1: the names of all members on it |
//! | the neighbours of a wallet from a copy | 1 | 1: the names of those not read within a second, none if there are none |
//! | the same without a copy, or of a frozen period | 1, none in memory | 2 to 4 |
//! | keeping 256 rows of the outbox | 0 | 10, whatever the number of boards |
//!
//! What belongs here is how totals are kept, copied, frozen and read. What counts, and for which period, is
//! `amvaj_domain::board`'s; who may look at which board is the application's.

mod count;
mod faces;
mod follow;
mod freeze;
mod journal;
mod kept;
mod live;
mod read;
mod recount;
mod stored;

pub use count::BoardKeeper;
pub use faces::{Face, Seat, ShownSeat};
pub(crate) use journal::{Counted, effects_of_shards};
pub(crate) use kept::board_from;
pub use kept::{BoardRefused, Kept};
pub use live::{LiveBoards, LiveDrift};
pub use read::{Shown, Window};

use std::sync::Arc;
use std::time::Duration;

use amvaj_domain::{board::Period, calendar::LocalDay, id::BoardId};
use moka::sync::Cache;

use crate::{db::Database, directory::Directory};
use faces::{Faces, Seats};
use kept::Listed;
use read::{PageKey, Stage};

/// The longest that anything shown may be behind: a second.
const LIFETIME: Duration = Duration::from_secs(1);
/// Most pages that are kept, in about 2 kB each.
const MOST_PAGES: u64 = 20_000;
/// Most periods of which is known how far they are.
const MOST_PERIODS: u64 = 10_000;

/// A period of a board as it was counted: what is counted anew gets another generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BoardKey {
    /// The board.
    pub board: BoardId,
    /// The first day of the period.
    pub period: LocalDay,
    /// How often it has been counted from the beginning.
    pub generation: i32,
}

/// A value that one of those who need it reads, and the others wait for. It is made before the read, so it is never older
/// than its age tells; forgetting it detaches it from a read that began before a write.
type Cell<T> = Arc<tokio::sync::OnceCell<T>>;

/// The boards. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Boards {
    db: Database,
    directory: Directory,
    live: Arc<LiveBoards>,
    listed: Cache<(), Cell<Listed>>,
    stages: Cache<(BoardId, LocalDay), Cell<Stage>>,
    shown: Option<RecentlyShown>,
}

/// What was shown within the last second, or less. A page is made of members that are read for it, and neighbours are not
/// kept as pages: so nothing adds up to more.
#[derive(Debug, Clone)]
struct RecentlyShown {
    pages: Cache<PageKey, Cell<Seats>>,
    faces: Faces,
}

impl Boards {
    /// The boards in a database, with copies in `live`. A rendered page is shown for `page_life`, at most a second.
    pub fn new(db: Database, directory: Directory, live: LiveBoards, page_life: Duration) -> Self {
        let shown = || {
            let life = page_life.min(LIFETIME);
            let pages = Cache::builder().max_capacity(MOST_PAGES).time_to_live(life).build();
            RecentlyShown { pages, faces: Faces::new(life) }
        };
        Self {
            db,
            directory,
            live: Arc::new(live),
            listed: Cache::builder().max_capacity(1).time_to_live(LIFETIME).build(),
            stages: Cache::builder().max_capacity(MOST_PERIODS).time_to_live(LIFETIME).build(),
            shown: (!page_life.is_zero()).then(shown),
        }
    }

    /// Where the copies are.
    pub fn live(&self) -> &LiveBoards {
        &self.live
    }

    fn key(kept: &Kept, period: Period) -> BoardKey {
        BoardKey { board: kept.board.id, period: period.first, generation: kept.generation }
    }
}
