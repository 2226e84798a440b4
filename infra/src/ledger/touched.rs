//! The payload of an outbox row: which wallets a batch touched, and which of their operations are new.

use std::collections::BTreeMap;

use amvaj_domain::{id::WalletId, ledger::AccountKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The account kinds that belong to merchants and are totalled per merchant.
pub(crate) const MERCHANT_ACCOUNTS: [i16; 3] = [
    AccountKind::MerchantIssue.stored(),
    AccountKind::MerchantRedeem.stored(),
    AccountKind::Breakage.stored(),
];

/// One wallet that a batch touched, with its first and last new operation. On the wire a triple
/// `["wallet", first, last]`, which PostgreSQL writes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched(Uuid, i64, i64);

impl Touched {
    /// The wallet.
    pub const fn wallet(self) -> WalletId {
        WalletId::new(self.0)
    }

    /// Sequence number of the first new operation.
    pub const fn first(self) -> i64 {
        self.1
    }

    /// Sequence number of the last new operation, which is the wallet's version after the batch.
    pub const fn last(self) -> i64 {
        self.2
    }
}

/// The payload for wallets with their first and last new operations.
pub(super) fn outbox_payload(wallets: &BTreeMap<Uuid, (i64, i64)>) -> String {
    let touched: Vec<Touched> =
        wallets.iter().map(|(wallet, (first, last))| Touched(*wallet, *first, *last)).collect();
    // A list of plain numbers and texts always has a JSON form.
    serde_json::to_string(&touched).unwrap_or_default()
}

/// Reads a payload.
pub(crate) fn touched_from(payload: &str) -> Option<Vec<Touched>> {
    serde_json::from_str(payload).ok()
}
