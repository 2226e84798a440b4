//! `closeReward` and `reopenReward`.

use amvaj_domain::reward::RewardStatus;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::Reward;
use crate::app::rewards::change::set_reward_status;
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, user_errors};

/// A reward to close.
#[derive(Debug, InputObject)]
pub struct CloseRewardInput {
    /// The reward's global id.
    pub reward_id: ID,
}

/// A reward to open again.
#[derive(Debug, InputObject)]
pub struct ReopenRewardInput {
    /// The reward's global id.
    pub reward_id: ID,
}

/// What `closeReward` did.
#[derive(SimpleObject)]
pub struct CloseRewardPayload {
    /// The reward as it is now; null when there is none.
    pub reward: Option<Reward>,
    /// Why nothing changed; empty when the reward is closed.
    pub user_errors: Vec<CloseRewardUserError>,
}

/// What `reopenReward` did.
#[derive(SimpleObject)]
pub struct ReopenRewardPayload {
    /// The reward as it is now; null when there is none.
    pub reward: Option<Reward>,
    /// Why nothing changed; empty when the reward is open.
    pub user_errors: Vec<ReopenRewardUserError>,
}

user_errors! {
    /// Why `closeReward` changed nothing.
    CloseRewardUserError, CloseRewardErrorCode {
        /// The merchant has no such reward.
        RewardNotFound,
    }
}

user_errors! {
    /// Why `reopenReward` changed nothing.
    ReopenRewardUserError, ReopenRewardErrorCode {
        /// The merchant has no such reward.
        RewardNotFound,
    }
}

/// The mutations.
#[derive(Default)]
pub struct RewardStatusMutations;

#[Object]
impl RewardStatusMutations {
    /// Closes a reward of the calling merchant: nobody redeems it any more, and what was redeemed before goes on. One that is
    /// closed already stays so (an owner, a manager of all branches, or a key with `rewards:manage`).
    async fn close_reward(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The reward.")] input: CloseRewardInput,
    ) -> Result<CloseRewardPayload> {
        let reward = set(ctx, &input.reward_id, RewardStatus::Closed).await?;
        let user_errors = match &reward {
            Some(_) => Vec::new(),
            None => Problems::one(CloseRewardErrorCode::RewardNotFound, "input.rewardId"),
        };
        Ok(CloseRewardPayload { reward, user_errors })
    }

    /// Opens a closed reward of the calling merchant again (an owner, a manager of all branches, or a key with
    /// `rewards:manage`).
    async fn reopen_reward(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The reward.")] input: ReopenRewardInput,
    ) -> Result<ReopenRewardPayload> {
        let reward = set(ctx, &input.reward_id, RewardStatus::Active).await?;
        let user_errors = match &reward {
            Some(_) => Vec::new(),
            None => Problems::one(ReopenRewardErrorCode::RewardNotFound, "input.rewardId"),
        };
        Ok(ReopenRewardPayload { reward, user_errors })
    }
}

/// The reward with this status; nothing when the caller has no such reward.
async fn set(ctx: &Context<'_>, id: &ID, status: RewardStatus) -> Result<Option<Reward>> {
    let Some(id) = GlobalId::reward(id) else { return Ok(None) };
    let set = set_reward_status(app(ctx)?, identity(ctx)?, &author(ctx)?, (id, status)).await;
    Ok(set.map_err(fault)?.map(Reward))
}
