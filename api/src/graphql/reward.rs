//! Rewards: what points buy.

pub mod create;
pub mod input;
pub mod status;
pub mod stock;
pub mod update;

use amvaj_domain::id::RewardId;
use amvaj_domain::reward;
use amvaj_domain::text::Description;
use amvaj_infra::reward::RewardFilter;
use async_graphql::{Context, Enum, ID, InputObject, MergedObject, Object, Result};

use super::connection::{PageArguments, connection};
use super::context::{app, caller};
use super::error::{Code, fault};
use super::global_id::GlobalId;
use super::loader::loader;
use super::merchant::Merchant;
use super::scalar::{DateTime, PointsScalar};
use crate::app::rewards::{closed_rewards_for, sees_reward};
use crate::language::Message;

/// What kind of thing a reward is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "reward::RewardKind")]
pub enum RewardKind {
    /// A thing to take home.
    Item,
    /// Something that is done for the member.
    Service,
    /// A gift to somebody else.
    Charity,
}

/// Whether a reward can be redeemed at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "reward::RewardStatus")]
pub enum RewardStatus {
    /// It can, within its window and while there is stock.
    Active,
    /// It cannot. What was redeemed before goes on.
    Closed,
}

/// Which rewards to list. What is left out does not matter.
#[derive(Debug, Default, InputObject)]
pub struct RewardsFilter {
    /// Global id of the merchant that gives them.
    pub merchant_id: Option<ID>,
    /// Only those with this status.
    pub status: Option<RewardStatus>,
}

connection! {
    /// Rewards, a page at a time, in the order in which they were first offered.
    RewardConnection, RewardEdge, Reward
}

/// Something that a merchant gives for points.
#[derive(Debug, Clone)]
pub struct Reward(pub reward::Reward);

/// Queries about rewards.
#[derive(Default)]
pub struct RewardQueries;

/// Mutations of rewards.
#[derive(Default, MergedObject)]
pub struct RewardMutations(
    create::CreateRewardMutation,
    update::UpdateRewardMutation,
    stock::ChangeRewardStockMutation,
    status::RewardStatusMutations,
);

#[Object]
impl RewardQueries {
    /// A reward by its id; null when there is none. Closed ones are shown to their merchant and the operator.
    async fn reward(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The reward's global id.")] id: ID,
    ) -> Result<Option<Reward>> {
        caller(ctx)?;
        match GlobalId::reward(&id) {
            Some(id) => Reward::find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The rewards of the network, in the order in which they were first offered. Any caller with a token may ask; closed
    /// ones are shown to their merchant and the operator.
    async fn rewards(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which rewards; all when left out.")] filter: Option<RewardsFilter>,
    ) -> Result<RewardConnection> {
        let caller = caller(ctx)?;
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        let filter = filter.unwrap_or_default();
        let merchant = filter.merchant_id.map(|id| {
            let no_merchant = || Code::BadUserInput.saying(Message::new("argument-no-merchant-id"));
            GlobalId::merchant(&id).ok_or_else(no_merchant)
        });
        let filter = RewardFilter {
            merchant: merchant.transpose()?,
            status: filter.status.map(reward::RewardStatus::from),
            closed: closed_rewards_for(caller),
        };
        let page = app(ctx)?.rewards.page(&filter, &request).await.map_err(fault)?;
        Ok(RewardConnection::new(page, |reward| reward.id.uuid(), Reward))
    }
}

impl Reward {
    /// The reward of this id, for those who see it.
    pub async fn find(ctx: &Context<'_>, id: RewardId) -> Result<Option<Self>> {
        let caller = caller(ctx)?;
        let found = loader(ctx)?.load_one(id).await.map_err(fault)?;
        Ok(found.filter(|reward| sees_reward(caller, reward)).map(Self))
    }

    /// The reward of a redemption that the caller sees, closed or not.
    pub async fn redeemed(ctx: &Context<'_>, id: RewardId) -> Result<Option<Self>> {
        Ok(loader(ctx)?.load_one(id).await.map_err(fault)?.map(Self))
    }
}

/// Something that a merchant gives for points: a thing, a service, or a gift to somebody else.
#[Object]
impl Reward {
    /// The reward's global id; `redeemReward` takes it.
    pub async fn id(&self) -> ID {
        GlobalId::Reward(self.0.id).write()
    }

    /// The merchant that gives it.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        Merchant::load(ctx, self.0.merchant).await
    }

    /// What kind of thing it is.
    async fn kind(&self) -> RewardKind {
        self.0.terms.kind.into()
    }

    /// What it is called. Example: `"یک فنجان قهوه"`.
    async fn title(&self) -> &str {
        self.0.terms.title.as_str()
    }

    /// What people are to know of it, in one line or some.
    async fn description(&self) -> Option<&str> {
        self.0.terms.description.as_ref().map(Description::as_str)
    }

    /// What it costs. A redemption keeps the price of its beginning.
    async fn points(&self) -> PointsScalar {
        self.0.terms.points.into()
    }

    /// Pieces that are left; null when it never runs out.
    async fn stock(&self) -> Option<i32> {
        self.0.stock.map(|pieces| i32::try_from(pieces).unwrap_or(i32::MAX))
    }

    /// How often one member gets it; null when as often as it can pay. What was released or expired does not count.
    async fn limit_per_member(&self) -> Option<i32> {
        self.0.terms.limit_per_member
    }

    /// The first moment at which it can be redeemed; null when from its beginning on.
    async fn valid_from(&self) -> Option<DateTime> {
        self.0.terms.valid_from.map(DateTime)
    }

    /// The first moment at which it can no longer be redeemed; null when that never comes.
    async fn valid_until(&self) -> Option<DateTime> {
        self.0.terms.valid_until.map(DateTime)
    }

    /// For how many seconds points and piece are reserved for a redemption that nobody collects.
    async fn reserve_seconds(&self) -> i32 {
        let seconds = self.0.terms.reserve.micros() / 1_000_000;
        i32::try_from(seconds).unwrap_or(i32::MAX)
    }

    /// Whether it can be redeemed at all.
    async fn status(&self) -> RewardStatus {
        self.0.status.into()
    }

    /// How often its merchant has changed it, its beginning included; `updateReward` takes it. Stock does not count.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was first offered.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}
