//! A merchant fills the stock of a reward, or takes something out of it.

use amvaj_domain::access::Identity;
use amvaj_domain::audit::{ActKind, Author};
use amvaj_domain::id::RewardId;
use amvaj_domain::ledger::{Idem, Tenant};
use amvaj_domain::reward::Reward;
use amvaj_domain::text::IdempotencyKey;
use amvaj_infra::reward::{StockChange, StockRefused};

use super::{managed, own_reward, told};
use crate::app::{App, Stopped};

/// A stock to change.
#[derive(Debug, Clone)]
pub struct ChangeRewardStock {
    /// The merchant's idempotency key.
    pub key: IdempotencyKey,
    /// The reward.
    pub id: RewardId,
    /// Pieces to add, or to take out when negative.
    pub change: i64,
}

/// Changes the stock of a reward of the merchant that calls. Answers the reward as it is now, and whether an earlier request
/// with the key did it.
pub async fn change_reward_stock(
    app: &App,
    identity: &Identity,
    author: &Author,
    request: &ChangeRewardStock,
) -> Result<(Reward, bool), Stopped<StockRefused>> {
    let merchant = managed(identity)?;
    let reward = own_reward(app, merchant, request.id).await?;
    let reward = reward.ok_or(Stopped::Refused(StockRefused::NoReward))?;
    let act = told(author, ActKind::RewardStockChanged, &reward, app.now()).detail("change", request.change);
    let asked = StockChange {
        merchant,
        reward: request.id,
        idem: Idem::of(Tenant::Merchant(merchant), &request.key),
        change: request.change,
    };
    app.rewards.change_stock(&asked, &act).await?.map_err(Stopped::Refused)
}
