//! Entries and lot uses: how an operation moved points, and which points they were.

use amvaj_domain::{
    access::Caller,
    id::MerchantId,
    ledger::{self, AccountKind as DomainAccountKind, LotUseKind as DomainLotUseKind},
};
use amvaj_infra::ledger::UsedLot;
use async_graphql::{Context, Enum, Object, Result};

use super::{context::caller, merchant::Merchant, scalar::PointsScalar, wallet::WalletLot};

/// A ledger account by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainAccountKind")]
pub enum AccountKind {
    /// The wallet's points.
    Wallet,
    /// The wallet's points that cannot be spent yet.
    Pending,
    /// Points that the merchant issued; below zero.
    MerchantIssue,
    /// Points that the merchant accepted.
    MerchantRedeem,
    /// Points that the wallet owes; below zero.
    Debt,
    /// Points that lapsed, by their issuer.
    Breakage,
    /// Points on their way between two wallets.
    Transit,
    /// Corrections by the operator.
    Adjustment,
}

/// How an operation used a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainLotUseKind")]
pub enum LotUseKind {
    /// Spent.
    Spend,
    /// Reserved by a hold.
    Reserve,
    /// No longer reserved.
    Release,
    /// Given back by a refund.
    Restore,
    /// Lapsed.
    Expire,
    /// Taken to repay debt.
    Repay,
    /// Taken back by a refund.
    Clawback,
    /// Taken back before they could be spent.
    Cancel,
    /// Moved to another lot.
    Transfer,
}

/// One leg of a movement of points.
pub struct Entry(ledger::Entry);

impl From<ledger::Entry> for Entry {
    fn from(entry: ledger::Entry) -> Self {
        Self(entry)
    }
}

/// One leg of a movement of points.
#[Object]
impl Entry {
    /// The kind of account.
    async fn account(&self) -> AccountKind {
        self.0.account_kind.into()
    }

    /// The merchant whose account it is; null on the wallet's own accounts, and for merchants on others' accounts.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        match self.0.account_kind {
            DomainAccountKind::MerchantIssue
            | DomainAccountKind::MerchantRedeem
            | DomainAccountKind::Breakage => {
                let merchant = MerchantId::new(self.0.account);
                // Who else issued points tells where a member collects, which is not for merchants.
                match caller(ctx)? {
                    Caller::Merchant(own) if own != merchant => Ok(None),
                    Caller::Operator | Caller::Agent | Caller::Merchant(_) | Caller::Member(_) => {
                        Merchant::load(ctx, merchant).await
                    }
                }
            }
            DomainAccountKind::Wallet
            | DomainAccountKind::Pending
            | DomainAccountKind::Debt
            | DomainAccountKind::Transit
            | DomainAccountKind::Adjustment => Ok(None),
        }
    }

    /// Points that the account gained; below zero when it lost them. Example: `"-120"`.
    async fn points(&self) -> PointsScalar {
        self.0.amount.into()
    }
}

/// How an operation used points of one lot.
pub struct LotUse(UsedLot);

impl From<UsedLot> for LotUse {
    fn from(used: UsedLot) -> Self {
        Self(used)
    }
}

/// How an operation used points of one lot.
#[Object]
impl LotUse {
    /// How.
    async fn kind(&self) -> LotUseKind {
        self.0.used.kind.into()
    }

    /// How many points.
    async fn points(&self) -> PointsScalar {
        self.0.used.quantity.into()
    }

    /// The lot as it is now.
    async fn lot(&self) -> WalletLot {
        self.0.lot.clone().into()
    }
}
