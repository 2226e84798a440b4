//! `redemptionChanged`: redemptions, as the operations on their holds are recorded.

use std::sync::Arc;

use amvaj_domain::access::Caller;
use amvaj_domain::id::{MerchantId, WalletId};
use amvaj_domain::ledger::OpKind;
use amvaj_domain::reward;
use amvaj_infra::ledger::{LedgerScope, StoredOperation};
use amvaj_infra::live::{Listener, Topic};
use async_graphql::{Context, Result, SimpleObject};

use super::super::context::{caller, require_merchant};
use super::super::error::Code;
use super::super::operation;
use super::super::redemption::Redemption;
use super::super::wallet::Wallet;
use super::cursor::{OperationCursor, WalletCursor, unreadable};
use super::{Watched, not_listened, stored};
use crate::app::App;

/// A redemption that has changed.
#[derive(SimpleObject)]
pub(super) struct RedemptionChange {
    /// Where this change stands among all that the caller is told of. Send the last one that you have as `after` to be told
    /// what you missed; a merchant's is good for seven days unless the operator keeps events for another time.
    pub cursor: String,
    /// The redemption as it is now.
    pub redemption: Redemption,
}

/// Somebody who watches redemptions.
pub(super) struct WatchedRedemptions {
    app: Arc<App>,
    listener: Listener,
    scope: LedgerScope,
    of: Whose,
}

/// Whose redemptions are watched.
enum Whose {
    Wallet(WalletId),
    Merchant(MerchantId),
}

impl WatchedRedemptions {
    /// Begins to watch what the caller sees, from behind a cursor or from now on.
    pub(super) async fn begin(ctx: &Context<'_>, after: Option<String>) -> Result<Self> {
        let app = Arc::clone(ctx.data::<Arc<App>>()?);
        let scope = operation::scope(ctx).await?.ok_or_else(|| Code::NotFound.error())?;
        let (listener, of) = match caller(ctx)? {
            member @ Caller::Member(id) => {
                let wallet = app.directory.wallet_of(id).await.map_err(stored)?;
                let wallet = wallet.ok_or_else(|| Code::NotFound.error())?;
                (of_wallet(&app, member, wallet, after).await?, Whose::Wallet(wallet))
            }
            Caller::Operator | Caller::Agent | Caller::Merchant(_) => {
                let merchant = require_merchant(ctx)?;
                (of_merchant(&app, merchant, after).await?, Whose::Merchant(merchant))
            }
        };
        Ok(Self { app, listener, scope, of })
    }

    /// The redemption that an operation did something to, if there is one that the watcher sees.
    async fn changed(&self, operation: &StoredOperation) -> Result<Option<reward::Redemption>> {
        let op = &operation.op;
        let hold = match op.kind {
            OpKind::Hold => Some(op.seq),
            OpKind::Capture | OpKind::Release | OpKind::HoldEnd => op.ref_seq,
            OpKind::Earn
            | OpKind::Redeem
            | OpKind::Refund
            | OpKind::Block
            | OpKind::Unblock
            | OpKind::Activation
            | OpKind::Expiry => None,
        };
        let Some(hold) = hold.filter(|_| op.rejection.is_none()) else { return Ok(None) };
        let (rewards, now) = (&self.app.rewards, self.app.ledger_now());
        let found = rewards.redemption_of_hold((operation.wallet, hold), now).await.map_err(stored)?;
        Ok(found.filter(|redemption| self.scope.shows_redemption(redemption)))
    }

    fn cursor(&self, operation: &StoredOperation) -> String {
        match self.of {
            Whose::Wallet(wallet) => WalletCursor { wallet, seq: operation.op.seq }.write(),
            Whose::Merchant(merchant) => {
                let place = self.listener.merchant_place();
                place.map(|place| OperationCursor::write(merchant, place)).unwrap_or_default()
            }
        }
    }
}

impl Watched for WatchedRedemptions {
    type Event = RedemptionChange;

    async fn next(&mut self) -> Result<RedemptionChange> {
        loop {
            let operation = self.listener.next().await.map_err(stored)?;
            if let Some(redemption) = self.changed(&operation).await? {
                let cursor = self.cursor(&operation);
                return Ok(RedemptionChange { cursor, redemption: Redemption::new(redemption) });
            }
        }
    }
}

async fn of_wallet(app: &App, caller: Caller, wallet: WalletId, after: Option<String>) -> Result<Listener> {
    let had = after.map(|after| WalletCursor::read(&after, wallet)).transpose()?.map(|after| after.seq);
    let shown = Wallet::seen_by(app, caller, wallet, had).await?.ok_or_else(|| Code::NotFound.error())?;
    let last = shown.last_operation();
    if had.is_some_and(|had| had > last) {
        return Err(unreadable());
    }
    Ok(app.live.listener(Topic::Wallet(wallet)).after_operation(had.unwrap_or(last)))
}

async fn of_merchant(app: &App, merchant: MerchantId, after: Option<String>) -> Result<Listener> {
    let listener = app.live.listener(Topic::Merchant(merchant));
    match after {
        None => listener.from_now().await.map_err(stored),
        Some(after) => {
            let place = OperationCursor::read(&after, merchant)?;
            listener.after_place(place).await.map_err(not_listened)
        }
    }
}
