//! Reading on and on through the journal, a page after the other, for whoever needs all of it.
//!
//! A page begins after the place of the last one and goes by an index, so it costs the same wherever it lies: a merchant's
//! operations in the order of their time, a wallet's in their own, the network's wallet by wallet. Nobody waits for such a
//! page, so no limit of time cuts it off.

use sea_orm::{
    ExprTrait as _, Order, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, SimpleExpr},
};

use super::history::{HistoryKey, LedgerScope, OperationFilter, ScopedLedger, StoredOperation, stored};
use crate::db::{StoreError, entity::op};

/// The order in which operations are read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Within one wallet.
    Wallet,
    /// By the time of their recording.
    Time,
    /// Wallet after wallet.
    Shards,
}

impl Way {
    const fn columns(self) -> &'static [op::Column] {
        match self {
            Self::Wallet => &[op::Column::Seq],
            Self::Time => &[op::Column::RecordedAt, op::Column::WalletId, op::Column::Seq],
            Self::Shards => &[op::Column::ShardNo, op::Column::WalletId, op::Column::Seq],
        }
    }

    fn place(self) -> SimpleExpr {
        match self {
            Self::Wallet => Expr::col(op::Column::Seq),
            Self::Time | Self::Shards => Expr::tuple(self.columns().iter().map(|column| Expr::col(*column))),
        }
    }

    fn place_of(self, (recorded_at, wallet, seq): HistoryKey) -> SimpleExpr {
        let shard = amvaj_domain::id::WalletId::new(wallet).shard_no();
        match self {
            Self::Wallet => Expr::val(seq),
            Self::Time => Expr::tuple([Expr::val(recorded_at), Expr::val(wallet), Expr::val(seq)]),
            Self::Shards => Expr::tuple([Expr::val(shard), Expr::val(wallet), Expr::val(seq)]),
        }
    }
}

impl ScopedLedger<'_> {
    /// The next operations after a place, at most `limit` of them.
    ///
    /// # Errors
    /// When the database fails, or a row cannot be read.
    pub async fn onward(
        &self,
        filter: &OperationFilter,
        after: Option<HistoryKey>,
        limit: u64,
    ) -> Result<Vec<StoredOperation>, StoreError> {
        let way = self.way(filter);
        let mut select = self.filtered(filter).limit(limit);
        if let Some(after) = after {
            select = select.filter(way.place().gt(way.place_of(after)));
        }
        for column in way.columns() {
            select = select.order_by(*column, Order::Asc);
        }
        let rows = select.all(self.reader.database.for_outbox()).await?;
        rows.iter().map(stored).collect()
    }

    /// How many operations there are. Unlike a page, counting them all may take long, so it has the limit of other reads.
    ///
    /// # Errors
    /// When the database fails, or takes too long.
    pub async fn count(&self, filter: &OperationFilter) -> Result<u64, StoreError> {
        Ok(self.filtered(filter).count(self.reader.database.reader()).await?)
    }

    const fn way(&self, filter: &OperationFilter) -> Way {
        match (&self.scope, filter.wallet, filter.merchant) {
            (LedgerScope::Wallet(_), _, _) | (_, Some(_), _) => Way::Wallet,
            (LedgerScope::Network, None, None) => Way::Shards,
            _ => Way::Time,
        }
    }
}
