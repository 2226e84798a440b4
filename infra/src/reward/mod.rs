//! Rewards and their redemptions.
//!
//! | step | where | what it does |
//! |---|---|---|
//! | begin | `begin` | in one transaction: the idempotency key, a piece of the stock, the member's count, a voucher, and the redemption as pending |
//! | place | `place` | asks the ledger for the hold under a key that follows from the redemption, and notes its answer |
//! | follow | [`RewardKeeper`], a consumer of the outbox | notes how holds ended, and gives pieces back |
//! | finish | `finish`, a job of the worker | places again what a crash left pending, page by page |
//!
//! The ledger alone decides. Whoever places a hold again gets the answer that it gave before, so a redemption is never
//! given up by the clock: what a crash left is carried to its end, reserved or refused. Where a redemption stands is read
//! from its hold; the stored state says what was done about the stock.

mod begin;
mod catalogue;
mod finish;
mod follow;
mod keeper;
mod place;
mod read;
mod rows;

pub use begin::{Begin, BeginRefused, Begun};
pub use catalogue::{ChangeRefused, ClosedRewards, Created, RewardFilter, StockChange, StockRefused};
pub(crate) use finish::Finisher;
pub use keeper::RewardKeeper;
pub use read::RedemptionFilter;
pub(crate) use read::redemptions_of_wallet;

use amvaj_domain::ledger::Window;

use crate::clock::Clock;
use crate::db::{Database, entity::redemption, gathered::Gathered};
use crate::directory::Directory;
use crate::ledger::{LedgerReader, LedgerWriter, OperationKey};

/// The rewards in a database, and their redemptions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Rewards {
    db: Database,
    directory: Directory,
    reader: LedgerReader,
    of_hold: Gathered<OperationKey, redemption::Model>,
    writer: LedgerWriter,
    window: Window,
    clock: Clock,
}

impl Rewards {
    /// The rewards in a database, whose holds `writer` places and `reader` reads. Look-ups go together on the runtime that
    /// calls.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn new(
        db: Database,
        directory: Directory,
        (reader, writer): (LedgerReader, LedgerWriter),
        window: Window,
        clock: Clock,
    ) -> Self {
        let of_hold = Gathered::new(db.clone(), read::look_up_of_holds);
        Self { db, directory, reader, of_hold, writer, window, clock }
    }

    /// The consumer of the outbox that follows holds.
    pub fn keeper(&self) -> RewardKeeper {
        RewardKeeper::new(self.clone())
    }
}
