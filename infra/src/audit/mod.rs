//! The audit log in the database: who did what with a privilege, in a chain that shows every later change.
//!
//! What changes something commits together with its entry: such work is done in a [`Unit`], whose only way to commit
//! adds the entry. What changes nothing (a look at a person, a failed log-in) goes through [`AuditLog::record`], which
//! commits the entries of many callers at once.

mod chain;
mod reader;
mod recorder;
mod repeats;
mod unit;

use amvaj_domain::audit::Act;

use crate::clock::Clock;
use crate::db::Database;
use recorder::Recorder;

pub(crate) use chain::record;
pub use reader::{AuditFilter, Entry};
pub(crate) use unit::Unit;

/// What is to be told of a piece of work that may or may not use a privilege.
#[derive(Debug, Clone, Copy)]
pub enum Audit<'a> {
    /// It uses one: its entry is committed with it.
    Entry(&'a Act),
    /// It uses none, such as a merchant's own business.
    Ordinary,
}

/// The audit log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AuditLog {
    db: Database,
    recorder: Recorder,
}

impl AuditLog {
    /// The log in a database. Starts to write on the runtime that calls.
    pub fn start(db: Database, clock: &Clock) -> Self {
        Self { recorder: Recorder::start(db.clone(), clock.clone()), db }
    }
}
