//! What can be submitted to the ledger, and what it answers.

use amvaj_domain::{
    id::WalletId,
    ledger::{OpRecord, Operation, ReceiptKey, Rejection},
};

use crate::db::StoreError;

/// A request to the ledger.
#[derive(Debug, Clone)]
pub enum Request {
    /// An operation on the wallet that it names.
    Apply(Operation),
    /// A refund whose purchase is not known yet; the wallet it names is not read.
    AwaitPurchase(Operation),
    /// Whatever is due on a wallet, and the refunds that wait for one of its receipts.
    Tend {
        /// The wallet.
        wallet: WalletId,
        /// A receipt whose purchase has arrived.
        receipt: Option<ReceiptKey>,
    },
}

impl Request {
    /// The wallet that the request reads and writes.
    pub(super) const fn wallet(&self) -> Option<WalletId> {
        match self {
            Self::Apply(operation) => Some(operation.wallet),
            Self::AwaitPurchase(_) => None,
            Self::Tend { wallet, .. } => Some(*wallet),
        }
    }

    /// The operation that the request carries.
    pub(super) const fn operation(&self) -> Option<&Operation> {
        match self {
            Self::Apply(operation) | Self::AwaitPurchase(operation) => Some(operation),
            Self::Tend { .. } => None,
        }
    }

    /// The receipt that the request itself names; a capture's is named by its hold.
    pub(super) fn receipt(&self) -> Option<ReceiptKey> {
        match self {
            Self::Apply(operation) | Self::AwaitPurchase(operation) => receipt_of(operation),
            Self::Tend { receipt, .. } => receipt.clone(),
        }
    }
}

/// The receipt that an operation names.
pub(super) fn receipt_of(operation: &Operation) -> Option<ReceiptKey> {
    let number = operation.command.receipt()?.clone();
    Some(ReceiptKey { merchant: operation.merchant?, number })
}

/// What the ledger answers once it is committed.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The operation is in the journal, applied or rejected.
    Recorded(Box<Recorded>),
    /// The key was used before with another input.
    Mismatch,
    /// The refund waits for its purchase.
    Waiting {
        /// Whether an earlier request with this key made it wait.
        replayed: bool,
    },
    /// The refund waited, and was refused when its purchase came.
    RefusedLater(Rejection),
    /// The refusal of something that has no wallet to be recorded in, or of the ledger's own operation.
    Dismissed(Rejection),
    /// What was due is settled.
    Tended,
}

/// An operation in the journal.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its wallet.
    pub wallet: WalletId,
    /// Its record.
    pub op: OpRecord,
    /// Whether it was recorded by an earlier request with the same key.
    pub replayed: bool,
    /// For a receipt that is already used: the wallet and sequence number of the earn that has it.
    pub first: Option<(WalletId, i64)>,
}

/// Why the ledger cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The queue is full; nothing was done.
    #[error("the ledger has more to do than it can queue")]
    Overloaded,
    /// The time is over or the database went away after queueing: the operation may or may not be recorded. The
    /// same key finds out.
    #[error("the outcome is not known yet")]
    OutcomeUnknown,
    /// The wallet does not exist.
    #[error("wallet {0} does not exist")]
    NoSuchWallet(WalletId),
    /// The operation and the schema disagree; it was put aside and nothing was done.
    #[error("the operation was put aside: {0}")]
    Quarantined(String),
    /// The database failed before anything was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
