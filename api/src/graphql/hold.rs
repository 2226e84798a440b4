//! Holds: points reserved for a merchant.

use amvaj_domain::{
    id::WalletId,
    ledger::{self, HoldState},
    text::ReceiptNumber,
};
use amvaj_infra::ledger::LedgerScope;
use async_graphql::{Context, Enum, ID, Object, Result};

use super::{
    branch::Branch,
    context::{app, require_merchant},
    error::fault,
    global_id::GlobalId,
    ledger_loader::HoldOf,
    loader::ledger_loader,
    merchant::Merchant,
    scalar::{DateTime, PointsScalar},
};

/// Points that a merchant has reserved until it captures or releases them, or their time is over.
pub struct Hold {
    wallet: WalletId,
    hold: ledger::Hold,
}

/// Where a hold stands. Every state but `OPEN` is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum HoldStatus {
    /// The points are reserved.
    Open,
    /// The merchant took all or a part; the rest is free again.
    Captured,
    /// The merchant gave all back.
    Released,
    /// Its time was over; all is free again.
    Expired,
}

impl Hold {
    /// A hold of a wallet.
    pub const fn new(wallet: WalletId, hold: ledger::Hold) -> Self {
        Self { wallet, hold }
    }

    /// The hold, when the caller may see it.
    pub async fn find(ctx: &Context<'_>, wallet: WalletId, seq: i64) -> Result<Option<Self>> {
        let found = ledger_loader(ctx)?.load_one(HoldOf(wallet, seq)).await.map_err(fault)?;
        Ok(found.map(|hold| Self { wallet, hold }))
    }

    /// The hold of the merchant that has just made it or may end it, whether or not the caller may read others.
    pub async fn at_hand(ctx: &Context<'_>, wallet: WalletId, seq: i64) -> Result<Option<Self>> {
        let scope = LedgerScope::Merchant(require_merchant(ctx)?);
        let found = app(ctx)?.reader.within(scope).hold((wallet, seq)).await.map_err(fault)?;
        Ok(found.map(|hold| Self { wallet, hold }))
    }
}

/// Points that a merchant has reserved until it captures or releases them, or their time is over.
#[Object]
impl Hold {
    /// The global id; `captureHold` and `releaseHold` take it.
    pub async fn id(&self) -> ID {
        GlobalId::Hold(self.wallet, self.hold.seq).write()
    }

    /// Where it stands. A hold whose time is over reads as expired, whether or not that is recorded yet.
    async fn status(&self, ctx: &Context<'_>) -> Result<HoldStatus> {
        let now = app(ctx)?.ledger_now();
        Ok(match self.hold.state {
            HoldState::Open if self.hold.expires_at > now => HoldStatus::Open,
            HoldState::Open | HoldState::Expired => HoldStatus::Expired,
            HoldState::Captured => HoldStatus::Captured,
            HoldState::Released => HoldStatus::Released,
        })
    }

    /// Points that it reserved.
    async fn points(&self) -> PointsScalar {
        self.hold.amount.into()
    }

    /// Points that its capture took.
    async fn captured(&self) -> PointsScalar {
        self.hold.captured.into()
    }

    /// The first moment at which it is over.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.hold.expires_at)
    }

    /// The merchant that may end it.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        Merchant::load(ctx, self.hold.merchant).await
    }

    /// The branch where it was made.
    async fn branch(&self, ctx: &Context<'_>) -> Result<Option<Branch>> {
        match self.hold.branch {
            Some(branch) => Branch::load(ctx, branch).await,
            None => Ok(None),
        }
    }

    /// The receipt that a capture pays for.
    async fn receipt_number(&self) -> Option<&str> {
        self.hold.receipt.as_ref().map(ReceiptNumber::as_str)
    }
}
