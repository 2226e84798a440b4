//! `updateReward`.

use std::convert::Infallible;

use amvaj_domain::reward::{self, InvalidTerms};
use amvaj_domain::text::{Description, Name};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};

use super::input::{change, reserve};
use super::{Reward, RewardKind};
use crate::app::rewards::change::{Change, UpdateReward, UpdateRewardRefused, update_reward};
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::scalar::{DateTime, PointsScalar};
use crate::graphql::user_error::{Problems, UserErrorCode as _, user_errors};
use crate::language::Message;

/// A reward and what to change of it. Fields that are left out stay; `null` clears those that a reward may be without.
#[derive(Debug, InputObject)]
pub struct UpdateRewardInput {
    /// The reward's global id.
    pub reward_id: ID,
    /// The `version` of the reward that you have seen: if it was changed since, nothing is changed now.
    pub version: i32,
    /// What kind of thing it is.
    pub kind: Option<RewardKind>,
    /// What it is called, 1 to 120 characters.
    pub title: Option<String>,
    /// What people are to know of it, 1 to 2000 characters.
    pub description: MaybeUndefined<String>,
    /// What it costs from now on, above zero.
    pub points: Option<PointsScalar>,
    /// How often one member gets it, from 1 on; what members have had counts.
    pub limit_per_member: MaybeUndefined<i32>,
    /// The first moment at which it can be redeemed.
    pub valid_from: MaybeUndefined<DateTime>,
    /// The first moment at which it can no longer be redeemed.
    pub valid_until: MaybeUndefined<DateTime>,
    /// For how many seconds points and piece are reserved from now on, 1 to 2,592,000 (30 days).
    pub reserve_seconds: Option<i32>,
}

/// What `updateReward` did.
#[derive(Default, SimpleObject)]
pub struct UpdateRewardPayload {
    /// The reward as it is now; null when nothing changed.
    pub reward: Option<Reward>,
    /// Why nothing changed; empty when the reward is as it was asked for.
    pub user_errors: Vec<UpdateRewardUserError>,
}

user_errors! {
    /// Why `updateReward` changed nothing.
    UpdateRewardUserError, UpdateRewardErrorCode {
        /// The merchant has no such reward.
        RewardNotFound,
        /// The reward was changed since that version.
        VersionConflict,
        /// The title is empty, too long, or has control characters.
        InvalidTitle,
        /// The description is empty, too long, or has control characters.
        InvalidDescription,
        /// The points are zero, negative, or above the limit.
        InvalidPoints,
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
pub struct UpdateRewardMutation;

#[Object]
impl UpdateRewardMutation {
    /// Changes a reward of the calling merchant (an owner, a manager of all branches, or a key with `rewards:manage`). What
    /// was redeemed before keeps its price and its time.
    async fn update_reward(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The reward and what to change.")] input: UpdateRewardInput,
    ) -> Result<UpdateRewardPayload> {
        let request = match read(input) {
            Ok(request) => request,
            Err(user_errors) => return Ok(UpdateRewardPayload { user_errors, ..Default::default() }),
        };
        let changed = update_reward(app(ctx)?, identity(ctx)?, &author(ctx)?, request).await;
        Ok(match refusal_or_fault(changed)? {
            Ok(reward) => UpdateRewardPayload { reward: Some(Reward(reward)), user_errors: Vec::new() },
            Err(refused) => UpdateRewardPayload { user_errors: vec![told(refused)], ..Default::default() },
        })
    }
}

fn read(input: UpdateRewardInput) -> Result<UpdateReward, Vec<UpdateRewardUserError>> {
    use UpdateRewardErrorCode as Code;
    let mut problems = Problems::new();
    let id = GlobalId::reward(&input.reward_id).ok_or(());
    let id = problems.take(id, Code::RewardNotFound, "input.rewardId");
    let title = input.title.as_deref().map(Name::parse).transpose();
    let title = problems.take(title, Code::InvalidTitle, "input.title");
    let description = change(input.description, |text| Description::parse(&text));
    let description = problems.take(description, Code::InvalidDescription, "input.description");
    let points = input.points.map(PointsScalar::points).transpose();
    let points = problems.take(points, Code::InvalidPoints, "input.points");
    let reserve = input.reserve_seconds.map(reserve).transpose();
    let reserve = problems.take(reserve, Code::InvalidReserve, "input.reserveSeconds");
    match (id, title, description, points, reserve) {
        (Some(id), Some(title), Some(description), Some(points), Some(reserve)) => Ok(UpdateReward {
            id,
            version: input.version,
            kind: input.kind.map(reward::RewardKind::from),
            title,
            description,
            points,
            limit_per_member: plain(input.limit_per_member, |limit| limit),
            valid_from: plain(input.valid_from, |DateTime(at)| at),
            valid_until: plain(input.valid_until, |DateTime(at)| at),
            reserve,
        }),
        _ => Err(problems.into_errors()),
    }
}

/// A change of a field that can be read whatever it is.
fn plain<T, U>(field: MaybeUndefined<T>, read: impl FnOnce(T) -> U) -> Change<U> {
    let Ok(change) = change(field, |value| Ok::<U, Infallible>(read(value)));
    change
}

fn told(refused: UpdateRewardRefused) -> UpdateRewardUserError {
    use UpdateRewardErrorCode as Code;
    match refused {
        UpdateRewardRefused::RewardNotFound => Code::RewardNotFound.at("input.rewardId"),
        UpdateRewardRefused::Version(version) => {
            let message = Message::new("version-is").with("version", version);
            Code::VersionConflict.saying(message, "input.version")
        }
        UpdateRewardRefused::Terms(InvalidTerms::Points) => Code::InvalidPoints.at("input.points"),
        UpdateRewardRefused::Terms(InvalidTerms::LimitPerMember) => {
            Code::InvalidLimit.at("input.limitPerMember")
        }
        UpdateRewardRefused::Terms(InvalidTerms::Window) => Code::InvalidWindow.at("input.validUntil"),
        UpdateRewardRefused::Terms(InvalidTerms::Reserve) => Code::InvalidReserve.at("input.reserveSeconds"),
    }
}
