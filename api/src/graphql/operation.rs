//! Operations: what happened in a wallet, each with what explains it.

use amvaj_domain::{
    access::Caller,
    id::WalletId,
    ledger::{OpKind, OpRecord, Rejection},
    text::ReceiptNumber,
};
use amvaj_infra::ledger::{HistoryKey, LedgerScope, OperationFilter, StoredOperation};
use async_graphql::{Context, Enum, Error, ID, InputObject, Object, Result, SimpleObject};

use super::{
    branch::Branch,
    connection::{PageArguments, connection},
    context::{app, caller, require_merchant},
    entry::{Entry, LotUse},
    error::{Code, fault},
    explanation::Explanation,
    global_id::GlobalId,
    ledger_loader::{EntriesOf, LotsOf, OperationOf},
    loader::{ledger_loader, loader},
    member::Member,
    merchant::Merchant,
    scalar::{DateTime, PointsScalar, Version},
    value::Money,
};
use crate::app::wallet::shows_wallet;
use crate::language::Message;

/// One thing that happened, or was refused, in one wallet. It never changes.
pub struct Operation {
    stored: StoredOperation,
}

/// What an operation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "OpKind")]
pub enum OperationKind {
    /// A merchant issued points for a purchase.
    Earn,
    /// A merchant reserved points.
    Hold,
    /// A merchant took reserved points; the rest of the hold became free.
    Capture,
    /// A merchant gave reserved points back.
    Release,
    /// The member paid with points.
    Redeem,
    /// A merchant took a purchase, or a part of it, back.
    Refund,
    /// The operator blocked the wallet.
    Block,
    /// The operator reopened the wallet.
    Unblock,
    /// Pending points became spendable.
    Activation,
    /// A hold's time was over.
    HoldEnd,
    /// Points lapsed.
    Expiry,
}

/// Whether an operation was done or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OperationStatus {
    /// It was done.
    Applied,
    /// It was refused: nothing moved.
    Rejected,
}

/// Why an operation was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Rejection")]
pub enum RejectionCode {
    /// The merchant is blocked by the operator.
    MerchantBlocked,
    /// The merchant has no such branch.
    BranchNotFound,
    /// The branch is closed.
    BranchClosed,
    /// The member is blocked by the operator.
    MemberBlocked,
    /// The amount is in another currency than the merchant's.
    CurrencyMismatch,
    /// No earn rule of the merchant held at the time of the purchase.
    NoEarnRule,
    /// The purchase would have occurred in the future.
    OccurredInFuture,
    /// The purchase occurred too long ago.
    OccurredTooLongAgo,
    /// Another earn has the receipt.
    ReceiptAlreadyUsed,
    /// The receipt belongs to another member.
    ReceiptOfAnotherMember,
    /// The wallet had fewer points that could be spent there.
    InsufficientPoints,
    /// The merchant had no such hold.
    HoldNotFound,
    /// The hold's time was over.
    HoldExpired,
    /// The hold was released.
    HoldReleased,
    /// The hold was captured.
    HoldCaptured,
    /// The capture asked for more than was held.
    CaptureExceedsHold,
    /// No purchase has the receipt.
    PurchaseNotFound,
    /// The purchase has no such line.
    LineNotFound,
    /// The refund asked for more than was kept.
    RefundExceedsPurchase,
    /// The amount would leave the range of points.
    AmountTooLarge,
}

/// A wallet's balances right after an operation.
#[derive(SimpleObject)]
pub struct BalanceAfter {
    /// Points in the wallet, those held included.
    pub posted: PointsScalar,
    /// Points that holds had reserved.
    pub held: PointsScalar,
    /// Points that could be spent.
    pub available: PointsScalar,
    /// Points that could not be spent yet.
    pub pending: PointsScalar,
    /// Points that the wallet owed.
    pub debt: PointsScalar,
}

/// Which operations to list. Fields that are absent do not matter.
#[derive(Debug, Default, InputObject)]
pub struct OperationsFilter {
    /// Only operations of these kinds.
    pub kinds: Option<Vec<OperationKind>>,
    /// Only those that were done, or only those that were refused.
    pub status: Option<OperationStatus>,
    /// Only operations at this branch.
    pub branch_id: Option<ID>,
    /// Only operations with this receipt number.
    pub receipt_number: Option<String>,
    /// Only operations that were recorded at this moment or later.
    pub recorded_from: Option<DateTime>,
    /// Only operations that were recorded before this moment.
    pub recorded_until: Option<DateTime>,
}

connection! {
    /// Operations in pages, newest first.
    OperationConnection, OperationEdge, Operation
}

/// The part of the ledger that the caller may see; nothing for a member without a wallet.
pub async fn scope(ctx: &Context<'_>) -> Result<Option<LedgerScope>> {
    caller(ctx)?;
    ledger_loader(ctx)?.loader().scope().await.map_err(fault)
}

/// A page of the operations that the caller may see.
pub async fn operations_page(
    ctx: &Context<'_>,
    page: &PageArguments,
    filter: Option<OperationsFilter>,
    wallet: Option<WalletId>,
) -> Result<OperationConnection> {
    let request = page.read::<HistoryKey>(ctx)?;
    let scope = scope(ctx).await?.ok_or_else(|| Code::NotFound.error())?;
    let filter = read_filter(filter.unwrap_or_default(), wallet)?;
    let found = app(ctx)?.reader.within(scope).operations(&filter, &request).await.map_err(fault)?;
    Ok(OperationConnection::new(found, StoredOperation::history_key, Operation::from))
}

fn read_filter(filter: OperationsFilter, wallet: Option<WalletId>) -> Result<OperationFilter> {
    let branch = filter
        .branch_id
        .map(|id| GlobalId::branch(&id).ok_or_else(|| bad(Message::new("argument-no-branch-id"))))
        .transpose()?;
    let receipt = filter
        .receipt_number
        .map(|number| ReceiptNumber::parse(&number).map_err(|_| bad(Message::new("invalid-receipt-number"))))
        .transpose()?;
    Ok(OperationFilter {
        wallet,
        merchant: None,
        branch,
        kinds: filter.kinds.unwrap_or_default().into_iter().map(OpKind::from).collect(),
        receipt,
        rejected: filter.status.map(|status| status == OperationStatus::Rejected),
        from: filter.recorded_from.map(|DateTime(from)| from),
        until: filter.recorded_until.map(|DateTime(until)| until),
    })
}

fn bad(what: Message) -> Error {
    Code::BadUserInput.saying(what)
}

impl From<StoredOperation> for Operation {
    fn from(stored: StoredOperation) -> Self {
        Self { stored }
    }
}

impl Operation {
    /// An operation of a wallet.
    pub const fn new(wallet: WalletId, op: OpRecord) -> Self {
        Self { stored: StoredOperation { wallet, op } }
    }

    /// The operation, when the caller may see it.
    pub async fn find(ctx: &Context<'_>, wallet: WalletId, seq: i64) -> Result<Option<Self>> {
        let found = ledger_loader(ctx)?.load_one(OperationOf(wallet, seq)).await.map_err(fault)?;
        Ok(found.map(|op| Self::new(wallet, op)))
    }

    /// The operation of the calling merchant that its request led to, whether or not the caller may read others.
    pub async fn at_hand(ctx: &Context<'_>, wallet: WalletId, seq: i64) -> Result<Option<Self>> {
        let scope = LedgerScope::Merchant(require_merchant(ctx)?);
        let mut found =
            app(ctx)?.reader.within(scope).operations_by_key(&[(wallet, seq)]).await.map_err(fault)?;
        Ok(found.remove(&(wallet, seq)).map(|op| Self::new(wallet, op)))
    }

    /// Its wallet.
    pub const fn wallet(&self) -> WalletId {
        self.stored.wallet
    }

    /// Its sequence number.
    pub const fn seq(&self) -> i64 {
        self.stored.op.seq
    }

    /// Whether it may tell what is in the wallet: a refusal is no way to look into one.
    async fn tells_balance(&self, ctx: &Context<'_>) -> Result<bool> {
        let applied = self.op().rejection.is_none();
        Ok(applied || shows_wallet(app(ctx)?, caller(ctx)?, self.wallet()).await.map_err(fault)?)
    }

    fn op(&self) -> &OpRecord {
        &self.stored.op
    }

    fn key(&self) -> (WalletId, i64) {
        (self.stored.wallet, self.op().seq)
    }
}

/// One thing that happened, or was refused, in one wallet. It never changes.
#[Object]
impl Operation {
    /// The global id.
    pub async fn id(&self) -> ID {
        GlobalId::Operation(self.stored.wallet, self.op().seq).write()
    }

    /// Its place in the wallet's history, from 1 without gaps; the wallet's version right after it.
    async fn sequence(&self) -> Version {
        self.op().seq.into()
    }

    /// What it did.
    async fn kind(&self) -> OperationKind {
        self.op().kind.into()
    }

    /// Whether it was done or refused.
    async fn status(&self) -> OperationStatus {
        if self.op().rejection.is_some() { OperationStatus::Rejected } else { OperationStatus::Applied }
    }

    /// Why it was refused; null when it was done.
    async fn rejection(&self) -> Option<RejectionCode> {
        self.op().rejection.map(RejectionCode::from)
    }

    /// Points that it issued, spent, reserved, freed or took back; of a refused one, the points asked for.
    async fn points(&self) -> PointsScalar {
        self.op().amount.into()
    }

    /// The basket of an earn, or the part of it that a refund took back; null on other kinds.
    async fn money(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let (Some(money), Some(merchant)) = (self.op().money, self.op().merchant) else { return Ok(None) };
        let merchant = loader(ctx)?.load_one(merchant).await.map_err(fault)?;
        Ok(merchant.map(|merchant| Money {
            amount: money.into(),
            currency: super::scalar::CurrencyCode(merchant.currency),
        }))
    }

    /// The merchant that acted; null for what time alone did to the wallet.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        match self.op().merchant {
            Some(merchant) => Merchant::load(ctx, merchant).await,
            None => Ok(None),
        }
    }

    /// The branch where it happened, when the merchant named one.
    async fn branch(&self, ctx: &Context<'_>) -> Result<Option<Branch>> {
        match self.op().branch {
            Some(branch) => Branch::load(ctx, branch).await,
            None => Ok(None),
        }
    }

    /// The member in whose wallet it happened.
    async fn member(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        Ok(loader(ctx)?.load_one(self.stored.wallet).await.map_err(fault)?.map(Member))
    }

    /// The merchant's receipt number. Example: `"POS7-000123"`.
    async fn receipt_number(&self) -> Option<&str> {
        self.op().receipt.as_ref().map(ReceiptNumber::as_str)
    }

    /// The operation that it follows: the hold of a capture or release, the earn of a refund.
    async fn follows(&self, ctx: &Context<'_>) -> Result<Option<Operation>> {
        match self.op().ref_seq {
            Some(seq) => Self::find(ctx, self.stored.wallet, seq).await,
            None => Ok(None),
        }
    }

    /// When it happened, by the caller.
    async fn occurred_at(&self) -> DateTime {
        DateTime(self.op().occurred_at)
    }

    /// When the ledger recorded it.
    async fn recorded_at(&self) -> DateTime {
        DateTime(self.op().recorded_at)
    }

    /// The wallet's balances right after it; null for a merchant that was refused and does not see the wallet.
    async fn balance_after(&self, ctx: &Context<'_>) -> Result<Option<BalanceAfter>> {
        let after = self.op().after;
        Ok(self.tells_balance(ctx).await?.then(|| BalanceAfter {
            posted: after.posted.into(),
            held: after.held.into(),
            available: after.available().into(),
            pending: after.pending.into(),
            debt: after.debt.into(),
        }))
    }

    /// The legs of the movement; they sum to zero. Empty when nothing moved.
    async fn entries(&self, ctx: &Context<'_>) -> Result<Vec<Entry>> {
        let (wallet, seq) = self.key();
        let entries = ledger_loader(ctx)?.load_one(EntriesOf(wallet, seq)).await.map_err(fault)?;
        Ok(entries.unwrap_or_default().into_iter().map(Entry::from).collect())
    }

    /// How lots were used, in spending order. Not shown to merchants: it tells where else a member collects.
    async fn lots(&self, ctx: &Context<'_>) -> Result<Vec<LotUse>> {
        if let Caller::Merchant(_) = caller(ctx)? {
            return Err(Code::Forbidden.saying(Message::new("lots-are-private")));
        }
        let (wallet, seq) = self.key();
        let lots = ledger_loader(ctx)?.load_one(LotsOf(wallet, seq)).await.map_err(fault)?;
        Ok(lots.unwrap_or_default().into_iter().map(LotUse::from).collect())
    }

    /// Why it came out as it did: the rule, the arithmetic and the rounding, or the reason of the refusal.
    async fn explanation(&self, ctx: &Context<'_>) -> Result<Explanation> {
        let tells_balance = self.tells_balance(ctx).await?;
        Explanation::of(ctx, self.stored.wallet, self.op(), tells_balance).await
    }
}

/// Whether an operation is one that a merchant can take back.
pub(super) fn is_applied_earn(op: &OpRecord) -> bool {
    op.kind == OpKind::Earn && op.rejection.is_none()
}

/// Queries about operations.
#[derive(Default)]
pub struct OperationQueries;

#[Object]
impl OperationQueries {
    /// The operations that the caller may see, newest first: a merchant its own (its people those at the branches that
    /// they lead), a member those of the own wallet, the operator all.
    async fn operations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the newest, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the oldest, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which operations; all when left out.")] filter: Option<OperationsFilter>,
    ) -> Result<OperationConnection> {
        operations_page(ctx, &PageArguments { first, after, last, before }, filter, None).await
    }
}
