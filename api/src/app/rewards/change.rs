//! A merchant changes a reward, closes it or opens it again.

use amvaj_domain::access::Identity;
use amvaj_domain::audit::{ActKind, Author};
use amvaj_domain::id::RewardId;
use amvaj_domain::points::Points;
use amvaj_domain::reward::{InvalidTerms, Reward, RewardKind, RewardStatus, RewardTerms};
use amvaj_domain::text::{Description, Name};
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::reward::ChangeRefused;

use super::{managed, own_reward, told};
use crate::app::{App, AppError, Stopped};

/// What to change of a reward. What is absent stays; of what can be absent itself the inner value says so.
#[derive(Debug, Clone)]
pub struct UpdateReward {
    /// The reward.
    pub id: RewardId,
    /// The version that the caller has seen.
    pub version: i32,
    /// Its kind.
    pub kind: Option<RewardKind>,
    /// Its title.
    pub title: Option<Name>,
    /// Its description.
    pub description: Change<Description>,
    /// Its price.
    pub points: Option<Points>,
    /// How often one member gets it.
    pub limit_per_member: Change<i32>,
    /// When its window begins.
    pub valid_from: Change<Instant>,
    /// When its window ends.
    pub valid_until: Change<Instant>,
    /// How long points stay reserved.
    pub reserve: Option<Span>,
}

/// A change of something that a reward may have or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays.
    Keep,
    /// It goes.
    Clear,
    /// It becomes this.
    Set(T),
}

/// Why a reward was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateRewardRefused {
    /// The merchant has no such reward.
    RewardNotFound,
    /// It was changed since: this is its version.
    Version(i32),
    /// The terms would be none that can be offered.
    Terms(InvalidTerms),
}

impl<T> Change<T> {
    fn over(self, present: Option<T>) -> Option<T> {
        match self {
            Self::Keep => present,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// Changes a reward of the merchant that calls. What was redeemed before keeps its price.
pub async fn update_reward(
    app: &App,
    identity: &Identity,
    author: &Author,
    request: UpdateReward,
) -> Result<Reward, Stopped<UpdateRewardRefused>> {
    let merchant = managed(identity)?;
    let (id, version) = (request.id, request.version);
    let reward = own_reward(app, merchant, id).await?;
    let reward = reward.ok_or(Stopped::Refused(UpdateRewardRefused::RewardNotFound))?;
    if reward.version != version {
        return Err(Stopped::Refused(UpdateRewardRefused::Version(reward.version)));
    }
    let terms = changed(reward.terms.clone(), request);
    terms.validate().map_err(|invalid| Stopped::Refused(UpdateRewardRefused::Terms(invalid)))?;
    let act = told(author, ActKind::RewardChanged, &reward, app.now())
        .detail("newTitle", terms.title.as_str())
        .detail("newPoints", terms.points.get());
    let changed = app.rewards.change((merchant, id), version, &terms, &act).await?;
    changed.map_err(|refused| {
        Stopped::Refused(match refused {
            ChangeRefused::NoReward => UpdateRewardRefused::RewardNotFound,
            ChangeRefused::Version(version) => UpdateRewardRefused::Version(version),
        })
    })
}

/// Closes a reward of the merchant that calls, or opens it again. What was redeemed before goes on. Nothing when the
/// merchant has no such reward.
pub async fn set_reward_status(
    app: &App,
    identity: &Identity,
    author: &Author,
    (id, status): (RewardId, RewardStatus),
) -> Result<Option<Reward>, AppError> {
    let merchant = managed(identity)?;
    let Some(reward) = own_reward(app, merchant, id).await? else { return Ok(None) };
    let kind = match status {
        RewardStatus::Closed => ActKind::RewardClosed,
        RewardStatus::Active => ActKind::RewardReopened,
    };
    let act = told(author, kind, &reward, app.now());
    Ok(app.rewards.set_status((merchant, id), status, &act).await?)
}

fn changed(terms: RewardTerms, request: UpdateReward) -> RewardTerms {
    RewardTerms {
        kind: request.kind.unwrap_or(terms.kind),
        title: request.title.unwrap_or(terms.title),
        description: request.description.over(terms.description),
        points: request.points.unwrap_or(terms.points),
        limit_per_member: request.limit_per_member.over(terms.limit_per_member),
        valid_from: request.valid_from.over(terms.valid_from),
        valid_until: request.valid_until.over(terms.valid_until),
        reserve: request.reserve.unwrap_or(terms.reserve),
    }
}
