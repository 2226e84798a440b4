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
    let of_wallets = OF_WALLETS.map(|table| {
        let on = "t.shard_no = scope.shard_no and t.wallet_id = scope.wallet_id";
        format!("{table} as (select t.* from {})", look_up(backend, "scope", table, on))
    });
    let named = "(select merchant_id, receipt_no from purchase \
         union select merchant_id, receipt_no from receipt_redemption) as named";
    let on = "t.merchant_id = named.merchant_id and t.receipt_no = named.receipt_no";
    format!(
        "scope as (select * from {{k}}), {}, claim as (select t.* from {}), receipt as (select t.* from {})",
        of_wallets.join(", "),
        look_up(backend, "op", "claim", "t.idem = op.idem"),
        look_up(backend, named, "receipt", on),
    )
}

/// The rows `t` of a real table that `keys` lead to. PostgreSQL takes a wallet to have one row in each table, and would compare
/// all rows of the wallets with all others in every check. So a check may not join row by row (`enable_nestloop`), except here,
/// where each row is found by its key.
fn look_up(backend: DbBackend, keys: &str, table: &str, on: &str) -> String {
    if backend == DbBackend::Postgres {
        format!("{keys} cross join lateral (select * from {table} as t where {on} offset 0) as t")
    } else {
        // Within its own definition SQLite takes the name for the definition itself.
        format!("{keys} join main.{table} as t on {on}")
    }
}
