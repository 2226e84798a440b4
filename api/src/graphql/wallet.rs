//! Wallets: the points of a member, what is held of them, and what expires when.

use amvaj_domain::{
    access::Caller,
    id::WalletId,
    ledger::{HoldState, Lot, LotState, WalletState},
};
use amvaj_infra::{cache::Balance, ledger::Recorded};
use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::{
    connection::PageArguments,
    context::{app, caller},
    error::{Code, fault},
    global_id::GlobalId,
    hold::Hold,
    ledger_loader::BalanceOf,
    loader::{ledger_loader, loader},
    member::Member,
    merchant::Merchant,
    operation::{OperationConnection, OperationsFilter, operations_page},
    scalar::{DateTime, PointsScalar, Version},
};
use crate::app::App;
use crate::app::wallet::{own_wallet, shows_wallet, wallet_balance, wallet_detail};
use crate::language::Message;

/// The account of points of one member, usable at every merchant of the network.
pub struct Wallet {
    balance: Balance,
}

impl Wallet {
    /// The wallet as it is now, when the caller may see it: a member its own, a merchant those of members that relation
    /// and consent show it.
    pub async fn find(
        ctx: &Context<'_>,
        wallet: WalletId,
        at_least: Option<Version>,
    ) -> Result<Option<Self>> {
        let at_least = at_least.and_then(|version| i64::try_from(version.0).ok());
        Self::seen_by(app(ctx)?, caller(ctx)?, wallet, at_least).await
    }

    /// The wallet as it is now with at least so many operations, when this caller may see it.
    pub async fn seen_by(
        app: &App,
        caller: Caller,
        wallet: WalletId,
        at_least: Option<i64>,
    ) -> Result<Option<Self>> {
        if !shows_wallet(app, caller, wallet).await.map_err(fault)? {
            return Ok(None);
        }
        let balance = wallet_balance(app, wallet, at_least).await.map_err(fault)?;
        Ok(balance.map(|balance| Self { balance }))
    }

    /// The number of its last operation.
    pub const fn last_operation(&self) -> i64 {
        self.balance.version
    }

    /// Like [`Self::find`], read together with others that are asked for at the same moment.
    pub async fn load(ctx: &Context<'_>, wallet: WalletId) -> Result<Option<Self>> {
        let balance = ledger_loader(ctx)?.load_one(BalanceOf(wallet)).await.map_err(fault)?;
        Ok(balance.map(|balance| Self { balance }))
    }

    /// The wallet as an operation left it. Whoever had points earned or spent is told so whatever else it sees; a refusal
    /// is no way to look into a wallet, so what it left is told only to whom [`Self::find`] would tell it.
    pub async fn after(ctx: &Context<'_>, recorded: &Recorded) -> Result<Option<Self>> {
        let told = recorded.op.rejection.is_none()
            || shows_wallet(app(ctx)?, caller(ctx)?, recorded.wallet).await.map_err(fault)?;
        Ok(told.then(|| Self::left_by(recorded)))
    }

    fn left_by(recorded: &Recorded) -> Self {
        let op = &recorded.op;
        Self {
            balance: Balance {
                wallet: recorded.wallet,
                version: op.seq,
                posted: op.after.posted,
                held: op.after.held,
                pending: op.after.pending,
                debt: op.after.debt,
                blocked: false,
                valid_until: Balance::FOREVER,
                as_of: op.recorded_at,
            },
        }
    }

    /// The lots and holds as they are now. Other members' and issuers' business is not for merchants.
    async fn detail(&self, ctx: &Context<'_>) -> Result<WalletState> {
        if let Caller::Merchant(_) = caller(ctx)? {
            return Err(Code::Forbidden.saying(Message::new("wallet-detail-is-private")));
        }
        let detail = wallet_detail(app(ctx)?, self.balance.wallet).await.map_err(fault)?;
        detail.ok_or_else(|| Code::NotFound.error())
    }
}

/// Points that expire together.
#[derive(SimpleObject)]
pub struct ExpiringPoints {
    /// The last moment at which they can be spent.
    pub expires_at: DateTime,
    /// How many points, those held included.
    pub points: PointsScalar,
}

/// Points that become spendable together.
#[derive(SimpleObject)]
pub struct PendingPoints {
    /// The first moment at which they can be spent.
    pub active_from: DateTime,
    /// How many points.
    pub points: PointsScalar,
}

/// Points that were earned together and expire together.
pub struct WalletLot(Lot);

/// Points that were earned together and expire together.
#[Object]
impl WalletLot {
    /// Number of the lot in its wallet, from 1. Example: `17`.
    async fn number(&self) -> i32 {
        i32::try_from(self.0.lot_no).unwrap_or(i32::MAX)
    }

    /// The merchant that issued the points.
    async fn issuer(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        Merchant::load(ctx, self.0.issuer).await
    }

    /// Points at issue.
    async fn original(&self) -> PointsScalar {
        self.0.original.into()
    }

    /// Points that are left, those held included.
    async fn remaining(&self) -> PointsScalar {
        self.0.remaining.into()
    }

    /// Points of `remaining` that holds have reserved.
    async fn held(&self) -> PointsScalar {
        self.0.reserved.into()
    }

    /// Whether the points cannot be spent yet.
    async fn pending(&self) -> bool {
        self.0.state == LotState::Pending
    }

    /// First moment at which the points can be spent.
    async fn active_from(&self) -> DateTime {
        DateTime(self.0.active_from)
    }

    /// Last moment at which the points can be spent; null when they never expire.
    async fn expires_at(&self) -> Option<DateTime> {
        expiry(&self.0)
    }

    /// The only merchant where the points can be spent; null when they can be spent at all of them.
    async fn only_at(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        match self.0.restriction {
            Some(merchant) => Merchant::load(ctx, merchant).await,
            None => Ok(None),
        }
    }

    /// Version of the issuer's earn rule that gave the points.
    async fn rule_version(&self) -> i32 {
        self.0.rule_version
    }
}

impl From<Lot> for WalletLot {
    fn from(lot: Lot) -> Self {
        Self(lot)
    }
}

fn expiry(lot: &Lot) -> Option<DateTime> {
    (lot.expires_at.micros() != i64::MAX).then_some(DateTime(lot.expires_at))
}

/// The account of points of one member, usable at every merchant of the network.
#[Object]
impl Wallet {
    /// The global id.
    pub async fn id(&self) -> ID {
        GlobalId::Wallet(self.balance.wallet).write()
    }

    /// The member whose wallet it is.
    async fn member(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        Ok(loader(ctx)?.load_one(self.balance.wallet).await.map_err(fault)?.map(Member))
    }

    /// Number of the wallet's last operation. Send it back as `atLeast` to read what you wrote.
    async fn version(&self) -> Version {
        self.balance.version.into()
    }

    /// Points that are in the wallet, those held included, those pending not. Example: `"1250"`.
    async fn posted(&self) -> PointsScalar {
        self.balance.posted.into()
    }

    /// Points of `posted` that open holds have reserved.
    async fn held(&self) -> PointsScalar {
        self.balance.held.into()
    }

    /// Points that can be spent now: `posted` less `held`.
    async fn available(&self) -> PointsScalar {
        self.balance.available().into()
    }

    /// Points that were earned and cannot be spent yet.
    async fn pending(&self) -> PointsScalar {
        self.balance.pending.into()
    }

    /// Points that the wallet owes because a refund took back what was spent already; the next points repay them.
    async fn debt(&self) -> PointsScalar {
        self.balance.debt.into()
    }

    /// When these figures were read. They may come from a cache and be up to a minute old unless `atLeast` was sent.
    async fn as_of(&self) -> DateTime {
        DateTime(self.balance.as_of)
    }

    /// What expires when, soonest first, at most 100 dates. Points that never expire are not listed.
    async fn expiring(&self, ctx: &Context<'_>) -> Result<Vec<ExpiringPoints>> {
        let mut dates: std::collections::BTreeMap<i64, i64> = std::collections::BTreeMap::new();
        for lot in self.detail(ctx).await?.lots.values().filter(|lot| lot.state == LotState::Active) {
            if let Some(DateTime(at)) = expiry(lot).filter(|_| !lot.remaining.is_zero()) {
                let points = dates.entry(at.micros()).or_default();
                *points = points.saturating_add(lot.remaining.get());
            }
        }
        let dates = dates.into_iter().take(100);
        Ok(dates
            .map(|(at, points)| ExpiringPoints {
                expires_at: DateTime(amvaj_domain::time::Instant::from_micros(at)),
                points: points.into(),
            })
            .collect())
    }

    /// When pending points become spendable, soonest first, at most 100 dates.
    async fn activating(&self, ctx: &Context<'_>) -> Result<Vec<PendingPoints>> {
        let mut lots: Vec<Lot> =
            self.detail(ctx).await?.lots.into_values().filter(|lot| lot.state == LotState::Pending).collect();
        lots.retain(|lot| !lot.remaining.is_zero());
        lots.sort_by_key(|lot| lot.active_from);
        let dates = lots.into_iter().take(100);
        Ok(dates
            .map(|lot| PendingPoints { active_from: DateTime(lot.active_from), points: lot.remaining.into() })
            .collect())
    }

    /// The lots that have points left, in the order in which they will be spent, at most 100.
    async fn lots(&self, ctx: &Context<'_>) -> Result<Vec<WalletLot>> {
        let mut lots: Vec<Lot> = self.detail(ctx).await?.lots.into_values().collect();
        lots.retain(|lot| !lot.remaining.is_zero());
        lots.sort_by_key(Lot::spending_order);
        Ok(lots.into_iter().take(100).map(WalletLot).collect())
    }

    /// The holds that are open now, oldest first.
    async fn open_holds(&self, ctx: &Context<'_>) -> Result<Vec<Hold>> {
        let holds = self.detail(ctx).await?.holds.into_values();
        let open = holds.filter(|hold| hold.state == HoldState::Open);
        Ok(open.map(|hold| Hold::new(self.balance.wallet, hold)).collect())
    }

    /// What happened in the wallet, newest first. A merchant sees its own operations only.
    async fn operations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the newest, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the oldest, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which of them.")] filter: Option<OperationsFilter>,
    ) -> Result<OperationConnection> {
        let page = PageArguments { first, after, last, before };
        operations_page(ctx, &page, filter, Some(self.balance.wallet)).await
    }
}

/// Queries about wallets.
#[derive(Default)]
pub struct WalletQueries;

#[Object]
impl WalletQueries {
    /// A wallet: the caller's own when a member calls without an id; null when there is none that the caller may see, as
    /// for a merchant without a relation to the member.
    async fn wallet(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The wallet; a member may leave it out.")] id: Option<ID>,
        #[graphql(
            desc = "The answer must not be older than this version; send the one that a mutation gave you."
        )]
        at_least: Option<Version>,
    ) -> Result<Option<Wallet>> {
        let wallet = match (id, caller(ctx)?) {
            (Some(id), _) => match GlobalId::read(&id) {
                Some(GlobalId::Wallet(wallet)) => Some(wallet),
                _ => None,
            },
            (None, Caller::Member(member)) => own_wallet(app(ctx)?, member).await.map_err(fault)?,
            (None, Caller::Operator | Caller::Agent | Caller::Merchant(_)) => {
                return Err(Code::BadUserInput.saying(Message::new("wallet-id-needed")));
            }
        };
        match wallet {
            Some(wallet) => Wallet::find(ctx, wallet, at_least).await,
            None => Ok(None),
        }
    }
}
