//! Reading the journal: operations in pages, and what explains each of them.

use std::{collections::HashMap, sync::Arc};

use amvaj_domain::{
    id::{BranchId, MerchantId, WalletId},
    ledger::{
        AccountKind, Entry, Hold, Lot, LotUse, LotUseKind, OpKind, OpRecord, Purchase, ReceiptKey, Redemption,
    },
    text::ReceiptNumber,
    time::Instant,
};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, ExprTrait as _, FromQueryResult, Order,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
    sea_query::{Expr, SimpleExpr},
};
use uuid::Uuid;

use super::{keys::Keys, read::receipt_key, reader::LedgerReader, rows};
use crate::{
    db::{
        StoreError,
        entity::{entry, hold, lot, lot_use, op, purchase, purchase_line, receipt_redemption},
    },
    page::{Page, PageEnd, PageRequest},
};

/// An operation's place: its wallet and its sequence number.
pub type OperationKey = (WalletId, i64);

/// The place of an operation in a list, newest first: when it was recorded, its wallet, its sequence number.
pub type HistoryKey = (i64, Uuid, i64);

/// An operation in the journal with its wallet.
#[derive(Debug, Clone)]
pub struct StoredOperation {
    /// Its wallet.
    pub wallet: WalletId,
    /// Its record.
    pub op: OpRecord,
}

impl StoredOperation {
    /// Its place in a list.
    pub fn history_key(&self) -> HistoryKey {
        (self.op.recorded_at.micros(), self.wallet.uuid(), self.op.seq)
    }
}

/// Which operations to list. What is absent does not matter.
#[derive(Debug, Clone, Default)]
pub struct OperationFilter {
    /// Of this wallet.
    pub wallet: Option<WalletId>,
    /// Of this merchant.
    pub merchant: Option<MerchantId>,
    /// At this branch.
    pub branch: Option<BranchId>,
    /// Of these kinds; empty means all.
    pub kinds: Vec<OpKind>,
    /// With this receipt.
    pub receipt: Option<ReceiptNumber>,
    /// Whether refused ones, or applied ones.
    pub rejected: Option<bool>,
    /// Recorded at or after.
    pub from: Option<Instant>,
    /// Recorded before.
    pub until: Option<Instant>,
}

/// A lot with how an operation used it.
#[derive(Debug, Clone)]
pub struct UsedLot {
    /// How.
    pub used: LotUse,
    /// The lot as it is now.
    pub lot: Lot,
}

/// A purchase with its receipt and the points that paid for it.
#[derive(Debug, Clone)]
pub struct StoredPurchase {
    /// The wallet that earned.
    pub wallet: WalletId,
    /// The receipt.
    pub receipt: ReceiptKey,
    /// The purchase.
    pub purchase: Purchase,
    /// The redemptions that paid for it, without their lots.
    pub redemptions: Vec<Redemption>,
}

/// Whose part of the ledger is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerScope {
    /// All of it: the operator's.
    Network,
    /// What a merchant did.
    Merchant(MerchantId),
    /// What a merchant did at some of its branches: those that one of its people leads.
    Branches(MerchantId, Arc<[BranchId]>),
    /// What happened on one wallet: its member's.
    Wallet(WalletId),
}

impl LedgerScope {
    /// Whether an operation is in the scope.
    pub fn shows(&self, operation: &StoredOperation) -> bool {
        self.holds(operation.wallet, operation.op.merchant, operation.op.branch)
    }

    /// Whether something on this wallet, done by this merchant at this branch, is in the scope.
    pub(crate) fn holds(
        &self,
        wallet: WalletId,
        merchant: Option<MerchantId>,
        branch: Option<BranchId>,
    ) -> bool {
        match self {
            Self::Network => true,
            Self::Merchant(own) => merchant == Some(*own),
            Self::Branches(own, branches) => {
                merchant == Some(*own) && branch.is_some_and(|branch| branches.contains(&branch))
            }
            Self::Wallet(own) => wallet == *own,
        }
    }
}

/// Reads of the ledger within a scope. What lies outside is not found.
#[derive(Debug, Clone)]
pub struct ScopedLedger<'a> {
    pub(super) reader: &'a LedgerReader,
    pub(super) scope: LedgerScope,
}

impl LedgerReader {
    /// Reads within a scope.
    pub fn within(&self, scope: LedgerScope) -> ScopedLedger<'_> {
        ScopedLedger { reader: self, scope }
    }

    /// Rows of a wallet-side table by wallet and number; `{same}` stands for the join on the wallet.
    async fn numbered<M: FromQueryResult>(
        &self,
        keys: &[OperationKey],
        sql: &str,
    ) -> Result<Vec<M>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let sql = sql.replace("{same}", "t.shard_no = k.shard_no and t.wallet_id = k.wallet_id");
        let statement = Keys::numbered(self.database.backend(), keys).statement(&sql);
        Ok(M::find_by_statement(statement).all(self.database.reader()).await?)
    }
}

impl ScopedLedger<'_> {
    /// A page of operations, newest first.
    pub async fn operations(
        &self,
        filter: &OperationFilter,
        page: &PageRequest<HistoryKey>,
    ) -> Result<Page<StoredOperation>, StoreError> {
        let connection = self.reader.database.reader();
        let select = self.filtered(filter);
        let total = if page.with_total { Some(select.clone().count(connection).await?) } else { None };
        let by_wallet = filter.wallet.is_some() || matches!(self.scope, LedgerScope::Wallet(_));
        let mut select = select.limit(page.rows());
        if let Some(after) = page.after {
            select = select.filter(place(by_wallet).lt(place_of(by_wallet, after)));
        }
        if let Some(before) = page.before {
            select = select.filter(place(by_wallet).gt(place_of(by_wallet, before)));
        }
        let order = if page.end == PageEnd::First { Order::Desc } else { Order::Asc };
        if !by_wallet {
            select = select
                .order_by(op::Column::RecordedAt, order.clone())
                .order_by(op::Column::WalletId, order.clone());
        }
        let rows = select.order_by(op::Column::Seq, order).all(connection).await?;
        let rows = rows.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
        Ok(page.page(rows, total))
    }

    /// Operations by their keys; unknown ones are absent.
    pub async fn operations_by_key(
        &self,
        keys: &[OperationKey],
    ) -> Result<HashMap<OperationKey, OpRecord>, StoreError> {
        let rows: Vec<op::Model> =
            self.reader.numbered(keys, "select t.* from {k} join op t on {same} and t.seq = k.n").await?;
        rows.iter()
            .filter(|row| {
                let (merchant, branch) =
                    (row.merchant_id.map(MerchantId::new), row.branch_id.map(BranchId::new));
                self.scope.holds(WalletId::new(row.wallet_id), merchant, branch)
            })
            .map(|row| Ok(((WalletId::new(row.wallet_id), row.seq), rows::op_from(row)?)))
            .collect()
    }

    /// The entries of operations that were read in this scope, by leg.
    pub async fn entries(
        &self,
        keys: &[OperationKey],
    ) -> Result<HashMap<OperationKey, Vec<Entry>>, StoreError> {
        let rows: Vec<entry::Model> = self
            .reader
            .numbered(keys, "select t.* from {k} join entry t on {same} and t.seq = k.n order by t.leg")
            .await?;
        let mut entries: HashMap<OperationKey, Vec<Entry>> = HashMap::new();
        for row in rows {
            let account_kind = AccountKind::from_stored(row.account_kind)
                .ok_or_else(|| corrupt("entry", row.wallet_id, row.seq, "account_kind"))?;
            entries.entry((WalletId::new(row.wallet_id), row.seq)).or_default().push(Entry {
                seq: row.seq,
                leg: row.leg,
                account_kind,
                account: row.account_id,
                amount: row.amount,
                value: row.value,
            });
        }
        Ok(entries)
    }

    /// How operations that were read in this scope used lots, in spending order.
    pub async fn lots_used(
        &self,
        keys: &[OperationKey],
    ) -> Result<HashMap<OperationKey, Vec<UsedLot>>, StoreError> {
        let uses: Vec<lot_use::Model> = self
            .reader
            .numbered(keys, "select t.* from {k} join lot_use t on {same} and t.seq = k.n")
            .await?;
        let lots: Vec<OperationKey> =
            uses.iter().map(|row| (WalletId::new(row.wallet_id), row.lot_no)).collect();
        let lots: Vec<lot::Model> = self
            .reader
            .numbered(&lots, "select distinct t.* from {k} join lot t on {same} and t.lot_no = k.n")
            .await?;
        let lots: HashMap<(Uuid, i64), Lot> = lots
            .iter()
            .map(|row| Ok(((row.wallet_id, row.lot_no), rows::lot_from(row)?)))
            .collect::<Result<_, StoreError>>()?;
        let mut used: HashMap<OperationKey, Vec<UsedLot>> = HashMap::new();
        for row in uses {
            let kind = LotUseKind::from_stored(row.kind)
                .ok_or_else(|| corrupt("lot_use", row.wallet_id, row.seq, "kind"))?;
            let lot = lots.get(&(row.wallet_id, row.lot_no)).cloned().ok_or_else(|| {
                corrupt("lot", row.wallet_id, row.lot_no, "a lot that an operation used is missing")
            })?;
            let quantity = rows::points(row.qty, "lot_use", row.wallet_id)?;
            let used_lot = UsedLot { used: LotUse { seq: row.seq, lot_no: row.lot_no, quantity, kind }, lot };
            used.entry((WalletId::new(row.wallet_id), row.seq)).or_default().push(used_lot);
        }
        for lots in used.values_mut() {
            lots.sort_by_key(|used| (used.lot.spending_order(), used.used.kind));
        }
        Ok(used)
    }

    /// Holds by their keys; unknown ones are absent. What they reserved is not read.
    pub async fn holds(&self, keys: &[OperationKey]) -> Result<HashMap<OperationKey, Hold>, StoreError> {
        let rows: Vec<hold::Model> =
            self.reader.numbered(keys, "select t.* from {k} join hold t on {same} and t.seq = k.n").await?;
        rows.iter()
            .filter(|row| self.shows_hold(row))
            .map(|row| Ok(((WalletId::new(row.wallet_id), row.seq), rows::hold_from(row)?)))
            .collect()
    }

    /// One hold.
    pub async fn hold(&self, key: OperationKey) -> Result<Option<Hold>, StoreError> {
        let row = self.reader.holds.find(key).await?;
        row.filter(|row| self.shows_hold(row)).as_ref().map(rows::hold_from).transpose()
    }

    fn shows_hold(&self, row: &hold::Model) -> bool {
        let branch = row.branch_id.map(BranchId::new);
        self.scope.holds(WalletId::new(row.wallet_id), Some(MerchantId::new(row.merchant_id)), branch)
    }

    /// The purchases of earns; operations that are no applied earns are absent.
    pub async fn purchases(
        &self,
        keys: &[OperationKey],
    ) -> Result<HashMap<OperationKey, StoredPurchase>, StoreError> {
        // Where a purchase was made stands in its earn.
        let at_branches: Vec<OperationKey> = match self.scope {
            LedgerScope::Branches(..) => self.operations_by_key(keys).await?.into_keys().collect(),
            LedgerScope::Network | LedgerScope::Merchant(_) | LedgerScope::Wallet(_) => keys.to_vec(),
        };
        let keys = &at_branches[..];
        let purchases: Vec<purchase::Model> = self
            .reader
            .numbered(keys, "select t.* from {k} join purchase t on {same} and t.seq = k.n")
            .await?;
        let lines: Vec<purchase_line::Model> = self
            .reader
            .numbered(
                keys,
                "select t.* from {k} join purchase_line t on {same} and t.seq = k.n order by t.line_no",
            )
            .await?;
        let mut lines_of: HashMap<(Uuid, i64), Vec<_>> = HashMap::new();
        for line in lines {
            lines_of.entry((line.wallet_id, line.seq)).or_default().push(rows::line_from(line));
        }
        let mut paid = self.redemptions(&purchases).await?;
        let mut found = HashMap::new();
        for row in purchases {
            let wallet = WalletId::new(row.wallet_id);
            let others = match &self.scope {
                LedgerScope::Network | LedgerScope::Branches(..) => false,
                LedgerScope::Merchant(own) => own.uuid() != row.merchant_id,
                LedgerScope::Wallet(own) => *own != wallet,
            };
            if others {
                continue;
            }
            let lines = lines_of.remove(&(row.wallet_id, row.seq)).unwrap_or_default();
            let receipt = receipt_key(row.merchant_id, &row.receipt_no, "purchase")?;
            let redemptions = paid.remove(&receipt).unwrap_or_default();
            let purchase = rows::purchase_from(&row, lines)?;
            found.insert((wallet, row.seq), StoredPurchase { wallet, receipt, purchase, redemptions });
        }
        Ok(found)
    }

    async fn redemptions(
        &self,
        purchases: &[purchase::Model],
    ) -> Result<HashMap<ReceiptKey, Vec<Redemption>>, StoreError> {
        let receipts = purchases
            .iter()
            .map(|row| receipt_key(row.merchant_id, &row.receipt_no, "purchase"))
            .collect::<Result<Vec<_>, _>>()?;
        if receipts.is_empty() {
            return Ok(HashMap::new());
        }
        let statement = Keys::receipts(self.reader.database.backend(), &receipts).statement(
            "select t.* from {k} join receipt_redemption t \
             on t.merchant_id = k.merchant_id and t.receipt_no = k.receipt_no order by t.seq",
        );
        let rows = receipt_redemption::Model::find_by_statement(statement)
            .all(self.reader.database.reader())
            .await?;
        let mut redemptions: HashMap<ReceiptKey, Vec<Redemption>> = HashMap::new();
        for row in &rows {
            let key = receipt_key(row.merchant_id, &row.receipt_no, "receipt_redemption")?;
            redemptions.entry(key).or_default().push(rows::redemption_from(row)?);
        }
        Ok(redemptions)
    }

    pub(super) fn filtered(&self, filter: &OperationFilter) -> Select<op::Entity> {
        let mut all = match &self.scope {
            LedgerScope::Network => Condition::all(),
            LedgerScope::Branches(own, branches) => Condition::all()
                .add(op::Column::MerchantId.eq(own.uuid()))
                .add(op::Column::BranchId.is_in(branches.iter().map(|branch| branch.uuid()))),
            LedgerScope::Merchant(own) => Condition::all().add(op::Column::MerchantId.eq(own.uuid())),
            LedgerScope::Wallet(own) => Condition::all()
                .add(op::Column::ShardNo.eq(own.shard_no()))
                .add(op::Column::WalletId.eq(own.uuid())),
        };
        if let Some(wallet) = filter.wallet {
            all = all
                .add(op::Column::ShardNo.eq(wallet.shard_no()))
                .add(op::Column::WalletId.eq(wallet.uuid()));
        }
        if let Some(merchant) = filter.merchant {
            all = all.add(op::Column::MerchantId.eq(merchant.uuid()));
        }
        if let Some(branch) = filter.branch {
            all = all.add(op::Column::BranchId.eq(branch.uuid()));
        }
        if !filter.kinds.is_empty() {
            all = all.add(op::Column::Kind.is_in(filter.kinds.iter().map(|kind| kind.stored())));
        }
        if let Some(receipt) = &filter.receipt {
            all = all.add(op::Column::ReceiptNo.eq(receipt.as_str()));
        }
        match filter.rejected {
            Some(true) => all = all.add(op::Column::RejectCode.is_not_null()),
            Some(false) => all = all.add(op::Column::RejectCode.is_null()),
            None => {}
        }
        if let Some(from) = filter.from {
            all = all.add(op::Column::RecordedAt.gte(from.micros()));
        }
        if let Some(until) = filter.until {
            all = all.add(op::Column::RecordedAt.lt(until.micros()));
        }
        op::Entity::find().filter(all)
    }
}

/// The columns that order a list: within one wallet its sequence alone.
fn place(by_wallet: bool) -> SimpleExpr {
    if by_wallet {
        Expr::col(op::Column::Seq)
    } else {
        Expr::tuple([
            Expr::col(op::Column::RecordedAt),
            Expr::col(op::Column::WalletId),
            Expr::col(op::Column::Seq),
        ])
    }
}

fn place_of(by_wallet: bool, (recorded_at, wallet, seq): HistoryKey) -> SimpleExpr {
    if by_wallet {
        Expr::val(seq)
    } else {
        Expr::tuple([Expr::val(recorded_at), Expr::val(wallet), Expr::val(seq)])
    }
}

pub(crate) fn stored(row: &op::Model) -> Result<StoredOperation, StoreError> {
    Ok(StoredOperation { wallet: WalletId::new(row.wallet_id), op: rows::op_from(row)? })
}

fn corrupt(table: &'static str, wallet: Uuid, number: i64, what: &'static str) -> StoreError {
    StoreError::CorruptRow { table, id: format!("{wallet}/{number}"), what }
}
