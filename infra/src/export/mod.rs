//! Exports: files of the journal, or of all that is held about a member, made in the background.
//!
//! | step | where | what it does |
//! |---|---|---|
//! | ask | [`Exports::ask`] | writes down what is wanted, under the caller's idempotency key and in one of its few slots |
//! | make | [`ExportMaker`], under a lease | writes a page after the other: its bytes and the place that it came to are one transaction |
//! | fetch | [`Exports::part`] | reads the finished bytes, from any place in the file |
//! | forget | [`Exports::purge`] | removes files whose time is over |
//!
//! Of a file no more than a page is in memory, however long it is. Whoever takes over from a maker that was killed goes on
//! at the place that was written last, so that no row is missing and none comes twice. What a file shows is what its owner
//! sees: pages are read through the same readers as answers.

mod ask;
mod held;
mod maker;
mod pages;
mod pen;
mod read;
mod retention;
mod row;
mod settled;

pub use ask::{AskRefused, Asked};
pub use maker::ExportMaker;
pub use pen::{Held, Pen, ShownOperation};

use std::sync::Arc;

use crate::access::Sessions;
use crate::db::Database;

/// Exports in a database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Exports {
    db: Database,
}

impl Exports {
    /// The exports in a database.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }

    /// Who makes the files, in the words of a pen.
    pub fn maker(&self, sessions: Sessions, pen: Arc<dyn Pen>) -> ExportMaker {
        ExportMaker::new(self.db.clone(), sessions, pen)
    }
}
