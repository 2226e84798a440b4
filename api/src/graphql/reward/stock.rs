//! `changeRewardStock`.

use amvaj_domain::text::IdempotencyKey;
use amvaj_infra::reward::StockRefused;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::Reward;
use crate::app::rewards::stock::{ChangeRewardStock, change_reward_stock};
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, UserErrorCode as _, user_errors};

/// A stock to change.
#[derive(Debug, InputObject)]
pub struct ChangeRewardStockInput {
    /// Your key of this request: 1 to 64 visible ASCII characters. Send the same one on every retry.
    pub idempotency_key: String,
    /// The reward's global id.
    pub reward_id: ID,
    /// How many pieces come, or go when negative: so nothing is lost of what is redeemed at the same moment. Example: `25`.
    pub change: i32,
}

/// What `changeRewardStock` did.
#[derive(Default, SimpleObject)]
pub struct ChangeRewardStockPayload {
    /// The reward as it is now; null when nothing changed.
    pub reward: Option<Reward>,
    /// Whether this is the answer of an earlier request with the same key.
    pub replayed: bool,
    /// Why nothing changed; empty when the stock did.
    pub user_errors: Vec<ChangeRewardStockUserError>,
}

user_errors! {
    /// Why `changeRewardStock` changed nothing.
    ChangeRewardStockUserError, ChangeRewardStockErrorCode {
        /// The idempotency key is empty, longer than 64 characters, or not of visible ASCII characters.
        InvalidIdempotencyKey,
        /// The idempotency key was used before with another input. Nothing was done now.
        IdempotencyMismatch,
        /// The merchant has no such reward.
        RewardNotFound,
        /// The reward never runs out, so there is no stock to change.
        StockUnlimited,
        /// Nothing comes or goes, more would go than is there, or the stock would be above 1,000,000,000.
        InvalidStock,
    }
}

/// The mutation.
#[derive(Default)]
pub struct ChangeRewardStockMutation;

#[Object]
impl ChangeRewardStockMutation {
    /// Adds pieces to the stock of a reward of the calling merchant, or takes some out (an owner, a manager of all branches,
    /// or a key with `rewards:manage`).
    async fn change_reward_stock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The reward and what comes or goes.")] input: ChangeRewardStockInput,
    ) -> Result<ChangeRewardStockPayload> {
        let request = match read(&input) {
            Ok(request) => request,
            Err(user_errors) => return Ok(ChangeRewardStockPayload { user_errors, ..Default::default() }),
        };
        let changed = change_reward_stock(app(ctx)?, identity(ctx)?, &author(ctx)?, &request).await;
        Ok(match refusal_or_fault(changed)? {
            Ok((reward, replayed)) => {
                ChangeRewardStockPayload { reward: Some(Reward(reward)), replayed, user_errors: Vec::new() }
            }
            Err(refused) => {
                ChangeRewardStockPayload { user_errors: vec![told(refused)], ..Default::default() }
            }
        })
    }
}

fn read(input: &ChangeRewardStockInput) -> Result<ChangeRewardStock, Vec<ChangeRewardStockUserError>> {
    use ChangeRewardStockErrorCode as Code;
    let mut problems = Problems::new();
    let key = IdempotencyKey::parse(&input.idempotency_key);
    let key = problems.take(key, Code::InvalidIdempotencyKey, "input.idempotencyKey");
    let id = GlobalId::reward(&input.reward_id).ok_or(());
    let id = problems.take(id, Code::RewardNotFound, "input.rewardId");
    let change = Some(i64::from(input.change)).filter(|change| *change != 0).ok_or(());
    let change = problems.take(change, Code::InvalidStock, "input.change");
    match (key, id, change) {
        (Some(key), Some(id), Some(change)) => Ok(ChangeRewardStock { key, id, change }),
        _ => Err(problems.into_errors()),
    }
}

fn told(refused: StockRefused) -> ChangeRewardStockUserError {
    use ChangeRewardStockErrorCode as Code;
    match refused {
        StockRefused::NoReward => Code::RewardNotFound.at("input.rewardId"),
        StockRefused::Mismatch => Code::IdempotencyMismatch.at("input.idempotencyKey"),
        StockRefused::Unlimited => Code::StockUnlimited.at("input.rewardId"),
        StockRefused::OutOfRange => Code::InvalidStock.at("input.change"),
    }
}
