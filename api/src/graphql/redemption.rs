//! Redemptions: rewards that members have asked for.

pub mod end;
pub mod redeem;

use amvaj_domain::access::Caller;
use amvaj_domain::id::{RedemptionId, WalletId};
use amvaj_domain::reward::{self, RedemptionState};
use amvaj_infra::reward::RedemptionFilter;
use async_graphql::{Context, Enum, ID, MergedObject, Object, Result};

use super::branch::Branch;
use super::connection::{PageArguments, connection};
use super::context::{app, caller, caller_if_any};
use super::error::{Code, fault};
use super::global_id::GlobalId;
use super::hold::Hold;
use super::loader::{ledger_loader, loader};
use super::member::Member;
use super::merchant::Merchant;
use super::operation;
use super::reward::Reward;
use super::scalar::{DateTime, PointsScalar};
use crate::language::Message;

/// Where a redemption stands. All but the first two are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum RedemptionStatus {
    /// A piece is put aside, and the points are about to be reserved: ask again in a moment.
    Pending,
    /// Piece and points are reserved, until it is captured or released or the time is over.
    Reserved,
    /// The points are taken, and the merchant gave the reward.
    Captured,
    /// The merchant or the member called it off; piece and points are free again.
    Released,
    /// Nobody collected it in time; piece and points are free again.
    Expired,
}

connection! {
    /// Redemptions, a page at a time, in the order in which they were asked for; `last` gives the newest.
    RedemptionConnection, RedemptionEdge, Redemption
}

/// A reward that a member has asked for.
#[derive(Debug, Clone)]
pub struct Redemption {
    redemption: reward::Redemption,
    /// Whether the caller is the till that has just asked for it, which hands the code to the member.
    is_at_hand: bool,
}

/// Queries about redemptions.
#[derive(Default)]
pub struct RedemptionQueries;

/// Mutations of redemptions.
#[derive(Default, MergedObject)]
pub struct RedemptionMutations(redeem::RedeemRewardMutation, end::EndRedemptionMutations);

#[Object]
impl RedemptionQueries {
    /// The redemptions that the caller sees, in the order in which they were asked for: a member its own, a merchant those of
    /// its rewards, the operator and its agents all. People who lead branches see those that were asked for there.
    async fn redemptions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Global id of a reward: only its redemptions.")] reward_id: Option<ID>,
    ) -> Result<RedemptionConnection> {
        let reward = reward_id.map(|id| {
            let no_reward = || Code::BadUserInput.saying(Message::new("argument-no-reward-id"));
            GlobalId::reward(&id).ok_or_else(no_reward)
        });
        let filter = RedemptionFilter { reward: reward.transpose()?, wallet: None };
        page(ctx, &PageArguments { first, after, last, before }, filter).await
    }
}

impl Redemption {
    /// A redemption that the caller may see.
    pub const fn new(redemption: reward::Redemption) -> Self {
        Self { redemption, is_at_hand: false }
    }

    /// A redemption that the caller has just asked for.
    const fn at_hand(redemption: reward::Redemption) -> Self {
        Self { redemption, is_at_hand: true }
    }

    /// The redemption of this id, when the caller may see it.
    pub async fn find(ctx: &Context<'_>, id: RedemptionId) -> Result<Option<Self>> {
        let found = ledger_loader(ctx)?.load_one(id).await.map_err(fault)?;
        Ok(found.filter(|found| found.state != RedemptionState::Refused).map(Self::new))
    }

    /// A page of the redemptions of a wallet that the caller may see.
    pub async fn of_wallet(
        ctx: &Context<'_>,
        arguments: &PageArguments,
        wallet: WalletId,
    ) -> Result<RedemptionConnection> {
        page(ctx, arguments, RedemptionFilter { reward: None, wallet: Some(wallet) }).await
    }

    /// Whether the caller is told the code: the member whose redemption it is, and the till that hands it over.
    fn tells_code(&self, ctx: &Context<'_>) -> bool {
        self.is_at_hand || matches!(caller_if_any(ctx), Some(Caller::Member(_)))
    }
}

/// A reward that a member has asked for: piece and points are reserved at once, and the merchant takes the points when it
/// gives the reward.
#[Object]
impl Redemption {
    /// The redemption's global id; `releaseRedemption` takes it.
    pub async fn id(&self) -> ID {
        GlobalId::Redemption(self.redemption.id).write()
    }

    /// The reward, which may be closed by now.
    async fn reward(&self, ctx: &Context<'_>) -> Result<Option<Reward>> {
        Reward::redeemed(ctx, self.redemption.reward).await
    }

    /// The merchant that gives it.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        Merchant::load(ctx, self.redemption.merchant).await
    }

    /// Who redeems; null where the caller may not see the member.
    async fn member(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        Ok(loader(ctx)?.load_one(self.redemption.wallet).await.map_err(fault)?.map(Member))
    }

    /// The branch whose till asked for it; null when the member did.
    async fn branch(&self, ctx: &Context<'_>) -> Result<Option<Branch>> {
        match self.redemption.branch {
            Some(branch) => Branch::load(ctx, branch).await,
            None => Ok(None),
        }
    }

    /// What it costs, as the reward did when it was asked for.
    async fn points(&self) -> PointsScalar {
        self.redemption.points.into()
    }

    /// Where it stands now.
    async fn status(&self) -> RedemptionStatus {
        match self.redemption.state {
            // One that was refused is shown to nobody.
            RedemptionState::Pending | RedemptionState::Refused => RedemptionStatus::Pending,
            RedemptionState::Reserved => RedemptionStatus::Reserved,
            RedemptionState::Captured => RedemptionStatus::Captured,
            RedemptionState::Released => RedemptionStatus::Released,
            RedemptionState::Expired => RedemptionStatus::Expired,
        }
    }

    /// Twelve digits that the member shows to the merchant, who takes the points with them (`captureRedemption`). Told to the
    /// member, and to the till that asks for the member with `redeemReward`. Example: `"482910375566"`.
    async fn voucher_code(&self, ctx: &Context<'_>) -> Option<&str> {
        self.tells_code(ctx).then(|| self.redemption.voucher.as_str())
    }

    /// The hold that reserves the points; null while they are not reserved yet, and where the caller may not see it.
    async fn hold(&self, ctx: &Context<'_>) -> Result<Option<Hold>> {
        match self.redemption.hold {
            Some(seq) => Hold::find(ctx, self.redemption.wallet, seq).await,
            None => Ok(None),
        }
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        DateTime(self.redemption.created_at)
    }

    /// The first moment at which piece and points are free again unless it was captured; null while it is pending.
    async fn expires_at(&self) -> Option<DateTime> {
        self.redemption.expires_at.map(DateTime)
    }

    /// When it was captured, released or over; null before, and for a moment afterwards.
    async fn ended_at(&self) -> Option<DateTime> {
        self.redemption.ended_at.map(DateTime)
    }
}

async fn page(
    ctx: &Context<'_>,
    arguments: &PageArguments,
    filter: RedemptionFilter,
) -> Result<RedemptionConnection> {
    caller(ctx)?;
    let request = arguments.read(ctx)?;
    let scope = operation::scope(ctx).await?.ok_or_else(|| Code::NotFound.error())?;
    let app = app(ctx)?;
    let page = app.rewards.redemptions(&scope, &filter, &request, app.ledger_now()).await.map_err(fault)?;
    Ok(RedemptionConnection::new(page, |redemption| redemption.id.uuid(), Redemption::new))
}
