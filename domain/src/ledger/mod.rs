//! The points ledger: what an operation does to a wallet.
//!
//! [`apply`] is the one function that decides. Both databases, the tests and the audit use it: it takes the
//! wallet's state and an operation, and either records rows in the state's [`Journal`] or answers a
//! [`Rejection`]. It never awaits and never reads a clock.
//!
//! - [`Operation`], [`Command`]: what can be asked; [`Rejection`]: how it can be refused
//! - [`WalletState`]: the wallet with the lots, holds, receipts and caps that a decision reads
//! - [`Journal`]: the append-only facts of a decision (operations, entries, allocation of lots); [`chain`]: what seals them

mod apply;
mod capture;
pub mod chain;
mod due;
mod earn;
mod fault;
mod hold;
mod idempotency;
#[cfg(any(test, feature = "testing"))]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what overflows or is missing fails a test as it should"
)]
pub mod invariants;
mod journal;
mod lot;
mod operation;
mod posting;
mod receipt;
mod refund;
mod rejection;
mod spend;
mod state;

pub use apply::{Outcome, apply, settle};
pub use due::needs_detail;
pub use fault::Fault;
pub use hold::{Hold, HoldState};
pub use idempotency::{Body, Digest, Idem, Tenant};
pub(crate) use journal::stored;
pub use journal::{AccountKind, Balances, Entry, Journal, LotUse, LotUseKind, OpKind, OpRecord};
pub use lot::{Lot, LotState};
pub use operation::{
    Command, CommandEarn, CommandHold, CommandRedeem, CommandRefund, Operation, Prices, RefundSpec, Window,
};
pub use receipt::{Purchase, ReceiptFile, ReceiptKey, Redemption};
pub use rejection::Rejection;
pub use state::{Changes, Wallet, WalletState, WalletStatus};

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "an overflow fails a test as it should")]
mod tests;
