//! Merchants offer rewards, and members redeem them.

pub mod change;
pub mod end;
pub mod offer;
pub mod redeem;
pub mod stock;

use amvaj_domain::access::{Caller, Identity, Scope};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{MerchantId, RewardId};
use amvaj_domain::reward::{Reward, RewardStatus};
use amvaj_domain::time::Instant;
use amvaj_infra::reward::ClosedRewards;

use super::{App, AppError};

/// Whether the caller looks after this merchant's rewards: only the merchant itself does. Its staff need the scope for the
/// whole merchant, whose rewards know no branches.
pub fn manages_rewards_of(identity: &Identity, merchant: MerchantId) -> bool {
    identity.caller == Caller::Merchant(merchant) && identity.may_at(Scope::RewardsManage, None)
}

/// Which of the closed rewards the caller sees: a merchant its own, and the operator and its agents all.
pub const fn closed_rewards_for(caller: Caller) -> ClosedRewards {
    match caller {
        Caller::Operator | Caller::Agent => ClosedRewards::All,
        Caller::Merchant(own) => ClosedRewards::Of(own),
        Caller::Member(_) => ClosedRewards::None,
    }
}

/// Whether the caller sees the reward.
pub fn sees_reward(caller: Caller, reward: &Reward) -> bool {
    reward.status == RewardStatus::Active
        || match closed_rewards_for(caller) {
            ClosedRewards::All => true,
            ClosedRewards::Of(own) => own == reward.merchant,
            ClosedRewards::None => false,
        }
}

/// The merchant that calls, when the caller looks after its rewards.
fn managed(identity: &Identity) -> Result<MerchantId, AppError> {
    match identity.caller {
        Caller::Merchant(merchant) if manages_rewards_of(identity, merchant) => Ok(merchant),
        Caller::Merchant(_) | Caller::Operator | Caller::Agent | Caller::Member(_) => {
            Err(AppError::Forbidden)
        }
    }
}

/// A reward of the merchant; nothing when it has no such reward.
async fn own_reward(app: &App, merchant: MerchantId, id: RewardId) -> Result<Option<Reward>, AppError> {
    let found = app.rewards.by_id(&[id]).await?.pop();
    Ok(found.filter(|reward| reward.merchant == merchant))
}

/// What the audit log is told of a reward.
fn told(author: &Author, kind: ActKind, reward: &Reward, now: Instant) -> Act {
    Act::new(author, kind, Target::Reward(reward.id), now)
        .detail("merchant", reward.merchant.to_string().as_str())
        .detail("title", reward.terms.title.as_str())
        .detail("points", reward.terms.points.get())
}
