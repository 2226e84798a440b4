//! `createReward`.

use amvaj_domain::reward::{self, InvalidTerms, RewardTerms, USUAL_RESERVE};
use amvaj_domain::text::{Description, IdempotencyKey, Name};
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::{Reward, RewardKind, input::reserve};
use crate::app::rewards::offer::{CreateReward, CreateRewardRefused, create_reward};
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::scalar::{DateTime, PointsScalar};
use crate::graphql::user_error::{Problems, UserErrorCode as _, user_errors};

/// A reward to offer.
#[derive(Debug, InputObject)]
pub struct CreateRewardInput {
    /// Your key of this request: 1 to 64 visible ASCII characters. Send the same one on every retry.
    pub idempotency_key: String,
    /// What kind of thing it is.
    pub kind: RewardKind,
    /// What it is called, 1 to 120 characters. Example: `"یک فنجان قهوه"`.
    pub title: String,
    /// What people are to know of it, 1 to 2000 characters, with line breaks if you like.
    pub description: Option<String>,
    /// What it costs, above zero. Example: `"200"`.
    pub points: PointsScalar,
    /// How many pieces there are, 0 to 1,000,000,000; left out, it never runs out.
    pub stock: Option<i32>,
    /// How often one member gets it, from 1 on; left out, as often as it can pay.
    pub limit_per_member: Option<i32>,
    /// The first moment at which it can be redeemed; at once when left out.
    pub valid_from: Option<DateTime>,
    /// The first moment at which it can no longer be redeemed; never when left out.
    pub valid_until: Option<DateTime>,
    /// For how many seconds points and piece are reserved for a redemption that nobody collects, 1 to 2,592,000 (30 days); a
    /// week when left out.
    pub reserve_seconds: Option<i32>,
}

/// What `createReward` did.
#[derive(Default, SimpleObject)]
pub struct CreateRewardPayload {
    /// The reward as it is now; null when none was offered.
    pub reward: Option<Reward>,
    /// Whether this is the answer of an earlier request with the same key.
    pub replayed: bool,
    /// Why no reward was offered; empty when one was.
    pub user_errors: Vec<CreateRewardUserError>,
}

user_errors! {
    /// Why `createReward` offered nothing.
    CreateRewardUserError, CreateRewardErrorCode {
        /// The idempotency key is empty, longer than 64 characters, or not of visible ASCII characters.
        InvalidIdempotencyKey,
        /// The idempotency key was used before with another input. Nothing was done now.
        IdempotencyMismatch,
        /// The operator blocked the merchant.
        MerchantBlocked,
        /// The title is empty, too long, or has control characters.
        InvalidTitle,
        /// The description is empty, too long, or has control characters.
        InvalidDescription,
        /// The points are zero, negative, or above the limit.
        InvalidPoints,
        /// The stock is negative or above 1,000,000,000.
        InvalidStock,
        /// The limit is below 1 or above 1,000,000,000.
        InvalidLimit,
        /// The window ends before it begins.
        InvalidWindow,
        /// The points would be reserved for less than one second or more than 30 days.
        InvalidReserve,
    }
}

/// The mutation.
#[derive(Default)]
pub struct CreateRewardMutation;

#[Object]
impl CreateRewardMutation {
    /// Offers a reward of the calling merchant to all members (an owner, a manager of all branches, or a key with
    /// `rewards:manage`).
    async fn create_reward(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The reward.")] input: CreateRewardInput,
    ) -> Result<CreateRewardPayload> {
        let request = match read(&input) {
            Ok(request) => request,
            Err(user_errors) => return Ok(CreateRewardPayload { user_errors, ..Default::default() }),
        };
        let made = create_reward(app(ctx)?, identity(ctx)?, &author(ctx)?, request).await;
        Ok(match refusal_or_fault(made)? {
            Ok((reward, replayed)) => {
                CreateRewardPayload { reward: Some(Reward(reward)), replayed, user_errors: Vec::new() }
            }
            Err(refused) => CreateRewardPayload { user_errors: vec![told(refused)], ..Default::default() },
        })
    }
}

fn read(input: &CreateRewardInput) -> Result<CreateReward, Vec<CreateRewardUserError>> {
    use CreateRewardErrorCode as Code;
    let mut problems = Problems::new();
    let key = IdempotencyKey::parse(&input.idempotency_key);
    let key = problems.take(key, Code::InvalidIdempotencyKey, "input.idempotencyKey");
    let title = problems.take(Name::parse(&input.title), Code::InvalidTitle, "input.title");
    let description = input.description.as_deref().map(Description::parse).transpose();
    let description = problems.take(description, Code::InvalidDescription, "input.description");
    let points = problems.take(input.points.points(), Code::InvalidPoints, "input.points");
    let reserve = input.reserve_seconds.map_or(Ok(USUAL_RESERVE), reserve);
    let reserve = problems.take(reserve, Code::InvalidReserve, "input.reserveSeconds");
    match (key, title, description, points, reserve) {
        (Some(key), Some(title), Some(description), Some(points), Some(reserve)) => {
            let terms = RewardTerms {
                kind: reward::RewardKind::from(input.kind),
                title,
                description,
                points,
                limit_per_member: input.limit_per_member,
                valid_from: input.valid_from.map(|DateTime(at)| at),
                valid_until: input.valid_until.map(|DateTime(at)| at),
                reserve,
            };
            Ok(CreateReward { key, terms, stock: input.stock.map(i64::from) })
        }
        _ => Err(problems.into_errors()),
    }
}

fn told(refused: CreateRewardRefused) -> CreateRewardUserError {
    use CreateRewardErrorCode as Code;
    match refused {
        CreateRewardRefused::MerchantBlocked => Code::MerchantBlocked.at(""),
        CreateRewardRefused::Terms(InvalidTerms::Points) => Code::InvalidPoints.at("input.points"),
        CreateRewardRefused::Terms(InvalidTerms::LimitPerMember) => {
            Code::InvalidLimit.at("input.limitPerMember")
        }
        CreateRewardRefused::Terms(InvalidTerms::Window) => Code::InvalidWindow.at("input.validUntil"),
        CreateRewardRefused::Terms(InvalidTerms::Reserve) => Code::InvalidReserve.at("input.reserveSeconds"),
        CreateRewardRefused::Stock => Code::InvalidStock.at("input.stock"),
        CreateRewardRefused::Mismatch => Code::IdempotencyMismatch.at("input.idempotencyKey"),
    }
}
