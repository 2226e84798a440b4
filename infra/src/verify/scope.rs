//! Checks of some wallets only: the same queries, in which the tables have only these wallets' rows.
//!
//! A query that begins with `with op as (select … from op …)` sees the wallets' operations wherever it says `op`. So a
//! check of a wallet is written once, for the whole ledger and for the wallets that were touched last.

use amvaj_domain::id::WalletId;
use sea_orm::{DbBackend, Statement};

use crate::ledger::keys::Keys;

/// Which rows a check looks at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope<'a> {
    /// All.
    Everything,
    /// Those of these wallets.
    Wallets(&'a [WalletId]),
}

/// The tables that begin with a wallet's key.
const OF_WALLETS: [&str; 10] = [
    "wallet",
    "op",
    "entry",
    "lot",
    "lot_use",
    "hold",
    "purchase",
    "purchase_line",
    "receipt_redemption",
    "cap_used",
];

impl Scope<'_> {
    /// A query over these rows. It may not use the name `scope` for anything.
    pub(super) fn statement(self, backend: DbBackend, sql: &str) -> Statement {
        match self {
            Self::Everything => Statement::from_string(backend, sql),
            Self::Wallets(wallets) => {
                Keys::wallets(backend, wallets).statement(&format!("with {} {sql}", tables(backend)))
            }
        }
    }
}

/// The tables in place of the real ones. What a table says about keys and receipts is looked up by those of the wallets.
fn tables(backend: DbBackend) -> String {
    // Within its own definition SQLite takes the name for the definition itself.
    let real = if backend == DbBackend::Postgres { "" } else { "main." };
    let of_wallets = OF_WALLETS.map(|table| {
        format!(
            "{table} as (select t.* from scope join {real}{table} as t \
             on t.shard_no = scope.shard_no and t.wallet_id = scope.wallet_id)"
        )
    });
    format!(
        "scope as (select * from {{k}}), {}, \
         claim as (select t.* from op join {real}claim as t on t.idem = op.idem), \
         receipt as (select t.* from (select merchant_id, receipt_no from purchase \
         union select merchant_id, receipt_no from receipt_redemption) as named join {real}receipt as t \
         on t.merchant_id = named.merchant_id and t.receipt_no = named.receipt_no)",
        of_wallets.join(", ")
    )
}
