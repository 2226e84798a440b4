//! The statements of READ, each beside the function that answers it from the tables of the simulation.

use std::marker::PhantomData;

use amvaj_domain::{
    calendar::LocalDay,
    id::{MerchantId, WalletId},
    ledger::ReceiptKey,
};
use sea_orm::{DatabaseConnection, DbBackend, FromQueryResult};
use sqlx::{Postgres, Sqlite};
use tokio::sync::Mutex;
use uuid::Uuid;

#[cfg(test)]
use super::simulation::{answers, store::SimulatedStore, tables::Tables};
use super::{keys::Keys, own::Own};
use crate::db::{
    StoreError,
    entity::{
        cap_used, claim, hold, lot, lot_use, op, purchase, purchase_line, receipt, receipt_redemption,
        refund_waiting, wallet,
    },
};

/// Where the rows are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// In a database, on any of its connections.
    Sql(&'a DatabaseConnection),
    /// In PostgreSQL, on a lane's own connection: one question after the other.
    Postgres(&'a Mutex<Own<Postgres>>),
    /// The same in SQLite.
    Sqlite(&'a Mutex<Own<Sqlite>>),
    /// In the tables of the simulation.
    #[cfg(test)]
    Simulated(&'a SimulatedStore),
}

/// Asks for the rows `M` that a list of keys `K` leads to.
pub(super) struct Question<M, K> {
    /// The keys as the table `k` that the statement joins with.
    pub(super) keys: fn(DbBackend, &[K]) -> Keys,
    /// The statement.
    pub(super) sql: &'static str,
    /// The kind of row that answers it.
    pub(super) row: PhantomData<M>,
    /// The answer from the tables of the simulation.
    #[cfg(test)]
    pub(super) simulated: fn(&Tables, &[K]) -> Vec<M>,
}

/// A question by its table of keys, its statement, and the function that answers it in the simulation.
macro_rules! question {
    ($keys:expr, $sql:expr, $simulated:expr) => {
        $crate::ledger::source::Question {
            keys: $keys,
            sql: $sql,
            row: std::marker::PhantomData,
            #[cfg(test)]
            simulated: $simulated,
        }
    };
}
pub(super) use question;

impl Source<'_> {
    /// Asks a question; an empty list of keys needs no round trip.
    pub(super) async fn find<M: FromQueryResult, K>(
        self,
        question: &Question<M, K>,
        keys: &[K],
    ) -> Result<Vec<M>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Self::Sql(connection) => {
                let keys = (question.keys)(connection.get_database_backend(), keys);
                Ok(M::find_by_statement(keys.statement(question.sql)).all(connection).await?)
            }
            // Whoever asks several questions side by side would otherwise carry both ways of each about.
            Self::Postgres(own) => Box::pin(own.lock().await.find(question, keys)).await,
            Self::Sqlite(own) => Box::pin(own.lock().await.find(question, keys)).await,
            #[cfg(test)]
            Self::Simulated(store) => store.select(|tables| (question.simulated)(tables, keys)).await,
        }
    }
}

/// A wallet and a number in it.
type Numbered = (WalletId, i64);

pub(super) const WALLETS: Question<wallet::Model, WalletId> = question!(
    Keys::wallets,
    "select t.* from {k} join wallet t on t.shard_no = k.shard_no and t.wallet_id = k.wallet_id",
    answers::wallets
);
pub(super) const CLAIMS: Question<claim::Model, Uuid> =
    question!(Keys::uuids, "select t.* from {k} join claim t on t.idem = k.id", answers::claims);
pub(super) const RECEIPTS: Question<receipt::Model, ReceiptKey> = question!(
    Keys::receipts,
    "select t.* from {k} join receipt t on t.merchant_id = k.merchant_id and t.receipt_no = k.receipt_no",
    answers::receipts
);
pub(super) const REDEMPTIONS: Question<receipt_redemption::Model, ReceiptKey> = question!(
    Keys::receipts,
    "select t.* from {k} join receipt_redemption t \
     on t.merchant_id = k.merchant_id and t.receipt_no = k.receipt_no",
    answers::redemptions
);
pub(super) const WAITING: Question<refund_waiting::Model, ReceiptKey> = question!(
    Keys::receipts,
    "select t.* from {k} join refund_waiting t \
     on t.merchant_id = k.merchant_id and t.receipt_no = k.receipt_no where t.state = 1",
    answers::still_waiting
);
pub(super) const WAITING_BY_KEY: Question<refund_waiting::Model, Uuid> = question!(
    Keys::uuids,
    "select t.* from {k} join refund_waiting t on t.idem = k.id",
    answers::waiting_by_key
);
pub(super) const HOLDS: Question<hold::Model, Numbered> = question!(
    Keys::numbered,
    "select t.* from {k} join hold t on t.shard_no = k.shard_no and t.wallet_id = k.wallet_id and t.seq = k.n",
    answers::holds
);
pub(super) const CAPS: Question<cap_used::Model, (WalletId, MerchantId, LocalDay)> = question!(
    Keys::caps,
    "select t.* from {k} join cap_used t on t.shard_no = k.shard_no and t.wallet_id = k.wallet_id \
     and t.rule_id = k.rule_id and t.day = k.day",
    answers::caps
);
pub(super) const OPEN_LOTS: Question<lot::Model, WalletId> = question!(
    Keys::wallets,
    "select t.* from {k} join lot t on t.shard_no = k.shard_no and t.wallet_id = k.wallet_id \
     and t.remaining > 0",
    answers::open_lots
);
pub(super) const OPEN_HOLDS: Question<hold::Model, WalletId> = question!(
    Keys::wallets,
    "select t.* from {k} join hold t on t.shard_no = k.shard_no and t.wallet_id = k.wallet_id \
     and t.state = 1",
    answers::open_holds
);
pub(super) const OPS: Question<op::Model, Numbered> = question!(
    Keys::numbered,
    "select t.* from {k} join op t on t.shard_no = k.shard_no and t.wallet_id = k.wallet_id and t.seq = k.n",
    answers::ops
);
pub(super) const PURCHASES: Question<purchase::Model, Numbered> = question!(
    Keys::numbered,
    "select t.* from {k} join purchase t \
     on t.shard_no = k.shard_no and t.wallet_id = k.wallet_id and t.seq = k.n",
    answers::purchases
);
pub(super) const LINES: Question<purchase_line::Model, Numbered> = question!(
    Keys::numbered,
    "select t.* from {k} join purchase_line t \
     on t.shard_no = k.shard_no and t.wallet_id = k.wallet_id and t.seq = k.n order by t.line_no",
    answers::lines
);
pub(super) const ALLOCATIONS: Question<lot_use::Model, Numbered> = question!(
    Keys::numbered,
    "select t.* from {k} join lot_use t \
     on t.shard_no = k.shard_no and t.wallet_id = k.wallet_id and t.seq = k.n and t.kind in (1, 2)",
    answers::allocations
);
pub(super) const LOTS: Question<lot::Model, Numbered> = question!(
    Keys::numbered,
    "select t.* from {k} join lot t \
     on t.shard_no = k.shard_no and t.wallet_id = k.wallet_id and t.lot_no = k.n",
    answers::lots
);
