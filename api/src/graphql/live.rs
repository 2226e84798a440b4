//! Subscriptions: what the journal gets and how leaderboards move, as it happens.
//!
//! Every event has a cursor. Whoever comes back with the last one is told first what was missed, each thing once.

mod cursor;
mod redemption;

use std::sync::Arc;
use std::time::Duration;

use amvaj_domain::access::Caller;
use amvaj_domain::board::Standing;
use amvaj_domain::id::{BoardId, MerchantId, WalletId};
use amvaj_infra::board::Window;
use amvaj_infra::ledger::{LedgerScope, StoredOperation};
use amvaj_infra::live::{ListenError, Listener, Topic};
use async_graphql::{Context, Error, ID, Result, SimpleObject, Subscription};
use futures_util::stream::{self, BoxStream, StreamExt as _};

use super::context::{caller, require_merchant};
use super::error::{Code, fault};
use super::global_id::GlobalId;
use super::leaderboard::Leaderboard;
use super::operation::{self, Operation};
use super::wallet::Wallet;
use crate::app::{App, AppError};
use crate::language::Message;
use cursor::{OperationCursor, WalletCursor};
use redemption::{RedemptionChange, WatchedRedemptions};

/// How often a leaderboard is looked at; a page of it is kept for as long.
const LOOK: Duration = Duration::from_secs(1);
/// Most places of a leaderboard that can be watched.
const MOST_PLACES: i32 = 100;

/// A wallet that has changed.
#[derive(SimpleObject)]
pub struct WalletChange {
    /// Where this change stands among all of the wallet. Send the last one that you have as `after` to be told what you
    /// missed.
    pub cursor: String,
    /// The wallet as it is now.
    pub wallet: Wallet,
    /// What changed it; null in the first event of those who come without a cursor, and where the caller may not see the
    /// operation, as one of another merchant.
    pub operation: Option<Operation>,
}

/// An operation that has been recorded.
#[derive(SimpleObject)]
pub struct OperationRecorded {
    /// Where it stands among all of the merchant. Send the last one that you have as `after` to be told what you missed; it
    /// is good for seven days unless the operator keeps events for another time.
    pub cursor: String,
    /// The operation, applied or refused.
    pub operation: Operation,
}

/// What can be listened to, over a WebSocket (`graphql-transport-ws`) or as server-sent events.
#[derive(Default)]
pub struct LiveSubscriptions;

/// What can be listened to, over a WebSocket (`graphql-transport-ws`) or as server-sent events. Events come in order and
/// each once; a cursor brings back what was missed.
#[Subscription(name = "Subscription")]
impl LiveSubscriptions {
    /// A wallet, each time that an operation was recorded in it. Without a cursor the first event comes at once and shows the
    /// wallet as it is. The stream ends with `NOT_FOUND` when the caller may not see the wallet any more.
    async fn wallet_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the wallet.")] wallet_id: ID,
        #[graphql(desc = "Cursor of the last change that the caller has; left out, what comes from now on.")]
        after: Option<String>,
    ) -> Result<BoxStream<'static, Result<WalletChange>>> {
        let Some(GlobalId::Wallet(wallet)) = GlobalId::read(&wallet_id) else {
            return Err(Code::NotFound.error());
        };
        let after = after.map(|after| WalletCursor::read(&after, wallet)).transpose()?;
        let had = after.as_ref().map(|after| after.seq);
        let app = Arc::clone(ctx.data::<Arc<App>>()?);
        let shown = Wallet::seen_by(&app, caller(ctx)?, wallet, had).await?;
        let shown = shown.ok_or_else(|| Code::NotFound.error())?;
        let seq = match had {
            // Nothing comes behind an operation that the wallet has not had: a backup was put back, or it was made up.
            Some(had) if had > shown.last_operation() => return Err(cursor::unreadable()),
            Some(had) => had,
            None => shown.last_operation(),
        };
        let watched = WatchedWallet {
            listener: app.live.listener(Topic::Wallet(wallet)).after_operation(seq),
            caller: caller(ctx)?,
            scope: operation::scope(ctx).await?,
            first: had.is_none().then_some(shown),
            app,
            wallet,
        };
        Ok(events(watched))
    }

    /// Every operation of the calling merchant, applied or refused, from every till and node; those in one wallet in their
    /// order (merchant). People who lead branches are told of those at their branches.
    async fn operation_recorded(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Cursor of the last operation that the caller has; left out, what comes from now on."
        )]
        after: Option<String>,
    ) -> Result<BoxStream<'static, Result<OperationRecorded>>> {
        let merchant = require_merchant(ctx)?;
        let scope = operation::scope(ctx).await?.ok_or_else(|| Code::NotFound.error())?;
        let listener = ctx.data::<Arc<App>>()?.live.listener(Topic::Merchant(merchant));
        let listener = match after {
            None => listener.from_now().await.map_err(stored)?,
            Some(after) => {
                let place = OperationCursor::read(&after, merchant)?;
                listener.after_place(place).await.map_err(not_listened)?
            }
        };
        Ok(events(WatchedMerchant { listener, scope, merchant }))
    }

    /// Redemptions, each time that one was reserved, captured, released or over: a member's own, or those of the calling
    /// merchant's rewards. People who lead branches are told of those that were asked for at their branches.
    async fn redemption_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Cursor of the last change that the caller has; left out, what comes from now on.")]
        after: Option<String>,
    ) -> Result<BoxStream<'static, Result<RedemptionChange>>> {
        Ok(events(WatchedRedemptions::begin(ctx, after).await?))
    }

    /// A leaderboard in its present period, at once and then each time that one of its first places has changed, at most
    /// once a second. The stream ends with `NOT_FOUND` when the caller may not see the leaderboard any more.
    async fn leaderboard_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the leaderboard.")] id: ID,
        #[graphql(desc = "How many of the first places to watch, 1 to 100.", default = 10)] places: i32,
    ) -> Result<BoxStream<'static, Result<Leaderboard>>> {
        let count = u64::try_from(places).ok().filter(|_| (1..=MOST_PLACES).contains(&places));
        let count = count.ok_or_else(|| {
            Code::BadUserInput
                .saying(Message::new("places-out-of-range").with("limit", i64::from(MOST_PLACES)))
        })?;
        let id = GlobalId::leaderboard(&id).ok_or_else(|| Code::NotFound.error())?;
        let (app, caller) = (Arc::clone(ctx.data::<Arc<App>>()?), caller(ctx)?);
        let window = Window::First { skip: 0, count, before: None };
        Leaderboard::find(ctx, id).await?.ok_or_else(|| Code::NotFound.error())?;
        Ok(events(WatchedBoard { app, caller, id, window, seen: None }))
    }
}

/// A wallet that somebody watches.
struct WatchedWallet {
    app: Arc<App>,
    caller: Caller,
    scope: Option<LedgerScope>,
    wallet: WalletId,
    listener: Listener,
    /// What the first event shows before anything has happened.
    first: Option<Wallet>,
}

impl Watched for WatchedWallet {
    type Event = WalletChange;

    async fn next(&mut self) -> Result<WalletChange> {
        if let Some(wallet) = self.first.take() {
            let cursor = WalletCursor { wallet: self.wallet, seq: wallet.last_operation() }.write();
            return Ok(WalletChange { cursor, wallet, operation: None });
        }
        let operation = self.listener.next().await.map_err(stored)?;
        let seq = operation.op.seq;
        let wallet = Wallet::seen_by(&self.app, self.caller, self.wallet, Some(seq)).await?;
        let wallet = wallet.ok_or_else(|| Code::NotFound.error())?;
        let shows = self.scope.as_ref().is_some_and(|scope| scope.shows(&operation));
        Ok(WalletChange {
            cursor: WalletCursor { wallet: self.wallet, seq }.write(),
            wallet,
            operation: shows.then(|| Operation::from(operation)),
        })
    }
}

/// A merchant whose operations somebody watches.
struct WatchedMerchant {
    listener: Listener,
    scope: LedgerScope,
    merchant: MerchantId,
}

impl Watched for WatchedMerchant {
    type Event = OperationRecorded;

    async fn next(&mut self) -> Result<OperationRecorded> {
        loop {
            let operation: StoredOperation = self.listener.next().await.map_err(stored)?;
            if self.scope.shows(&operation) {
                let place = self.listener.merchant_place().cloned();
                let cursor = place.map(|place| OperationCursor::write(self.merchant, &place));
                return Ok(OperationRecorded {
                    cursor: cursor.unwrap_or_default(),
                    operation: operation.into(),
                });
            }
        }
    }
}

/// A leaderboard whose first places somebody watches.
struct WatchedBoard {
    app: Arc<App>,
    caller: Caller,
    id: BoardId,
    window: Window,
    /// The places of the last event.
    seen: Option<Vec<Standing>>,
}

impl Watched for WatchedBoard {
    type Event = Leaderboard;

    async fn next(&mut self) -> Result<Leaderboard> {
        loop {
            if self.seen.is_some() {
                tokio::time::sleep(LOOK).await;
            }
            let (board, places) = Leaderboard::watched(&self.app, self.caller, self.id, self.window).await?;
            if self.seen.as_ref() != Some(&places) {
                self.seen = Some(places);
                return Ok(board);
            }
        }
    }
}

/// Something that somebody watches.
trait Watched: Send + 'static {
    type Event: Send + 'static;

    /// Waits for the next event.
    fn next(&mut self) -> impl Future<Output = Result<Self::Event>> + Send;
}

/// The events of something watched, up to and including the first error.
fn events<W: Watched>(watched: W) -> BoxStream<'static, Result<W::Event>> {
    let next = async |watched: Option<W>| {
        let mut watched = watched?;
        match watched.next().await {
            Ok(event) => Some((Ok(event), Some(watched))),
            Err(error) => Some((Err(error), None)),
        }
    };
    stream::unfold(Some(watched), next).boxed()
}

fn stored(error: amvaj_infra::db::StoreError) -> Error {
    fault(AppError::from(error))
}

fn not_listened(error: ListenError) -> Error {
    match error {
        ListenError::Expired => Code::BadUserInput.saying(Message::new("live-cursor-expired")),
        ListenError::Unknown => Code::BadUserInput.saying(Message::new("live-cursor-unreadable")),
        ListenError::Store(error) => stored(error),
    }
}
