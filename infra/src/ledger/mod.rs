//! The ledger's way to the database.
//!
//! [`LedgerWriter`] queues requests in lanes; a lane drains what waits, reads ([`read`]), decides ([`decide`], with
//! `amvaj_domain::ledger::apply`) and writes everything in one commit ([`postgres`], [`sqlite`]), then answers.

mod batch;
mod decide;
pub(crate) mod history;
pub(crate) mod keys;
mod lane;
mod load;
mod onward;
mod overload;
mod own;
mod postgres;
mod probe;
pub(crate) mod read;
mod reader;
mod request;
pub(crate) mod rows;
#[cfg(test)]
pub(crate) mod simulation;
mod source;
mod sqlite;
mod store;
pub(crate) mod touched;
mod waiting;
mod writer;

pub use history::{
    HistoryKey, LedgerScope, OperationFilter, OperationKey, ScopedLedger, StoredOperation, StoredPurchase,
    UsedLot,
};
pub use load::{LoadError, Past, load, new_wallets};
pub use reader::LedgerReader;
pub use request::{Answer, Recorded, Request, SubmitError};
pub use touched::Touched;
pub(crate) use writer::WRITTEN_WITHIN;
pub use writer::{LedgerWriter, WriterSettings};
