//! The demo's rewards: what the first merchant gives for points.

use amvaj_domain::{
    audit::{Act, ActKind, Author, Target},
    id::{MerchantId, RewardId},
    ledger::{Digest, Idem, Tenant},
    points::Points,
    reward::{Reward, RewardKind, RewardStatus, RewardTerms, USUAL_RESERVE},
    text::{Description, IdempotencyKey, Name},
};
use amvaj_infra::reward::Created;

use super::{cast::CastError, script::Script};
use crate::app::App;

/// A reward to be.
struct RewardPlan {
    key: &'static str,
    kind: RewardKind,
    title: &'static str,
    description: &'static str,
    points: i64,
    stock: Option<i64>,
    limit: Option<i32>,
}

/// The rewards.
const PLANS: [RewardPlan; 3] = [
    RewardPlan {
        key: "demo-reward-tote",
        kind: RewardKind::Item,
        title: "کیسهٔ خرید پارچه‌ای",
        description: "در هر شعبه تحویل بگیرید.",
        points: 50,
        stock: Some(200),
        limit: None,
    },
    RewardPlan {
        key: "demo-reward-delivery",
        kind: RewardKind::Service,
        title: "ارسال رایگان به خانه",
        description: "یک بار، برای خرید بعدی.",
        points: 120,
        stock: None,
        limit: Some(5),
    },
    RewardPlan {
        key: "demo-reward-tree",
        kind: RewardKind::Charity,
        title: "کاشت یک نهال",
        description: "به نام شما در جنگل‌های شمال کاشته می‌شود.",
        points: 300,
        stock: None,
        limit: None,
    },
];

/// The reward of a merchant that its first plan makes.
pub fn first_reward(merchant: MerchantId) -> RewardId {
    PLANS.first().map_or_else(|| id(merchant, ""), |plan| id(merchant, plan.key))
}

/// Has the first merchant offer its rewards. Those that are there stay.
///
/// # Errors
/// When a reward of the demo's own list makes no sense, or the database fails.
pub async fn make(app: &App, script: &Script) -> Result<(), CastError> {
    let Some(shop) = script.shops.first() else { return Ok(()) };
    for plan in &PLANS {
        let reward = planned(app, shop.merchant, plan)?;
        let key = IdempotencyKey::parse(plan.key).map_err(|_| CastError::Reward(plan.key))?;
        let idem = Idem::of(Tenant::Merchant(shop.merchant), &key);
        let body = Digest::of([plan.key.as_bytes()]);
        let at = reward.created_at;
        let act = Act::new(&Author::console(), ActKind::RewardMade, Target::Reward(reward.id), at)
            .detail("title", plan.title);
        if matches!(app.rewards.create(&reward, (idem, body), &act).await?, Created::Mismatch) {
            return Err(CastError::Reward(plan.key));
        }
    }
    Ok(())
}

fn planned(app: &App, merchant: MerchantId, plan: &RewardPlan) -> Result<Reward, CastError> {
    let wrong = || CastError::Reward(plan.key);
    Ok(Reward {
        id: id(merchant, plan.key),
        merchant,
        terms: RewardTerms {
            kind: plan.kind,
            title: Name::parse(plan.title).map_err(|_| wrong())?,
            description: Some(Description::parse(plan.description).map_err(|_| wrong())?),
            points: Points::new(plan.points).map_err(|_| wrong())?,
            limit_per_member: plan.limit,
            valid_from: None,
            valid_until: None,
            reserve: USUAL_RESERVE,
        },
        stock: plan.stock,
        status: RewardStatus::Active,
        version: 1,
        created_at: app.now(),
    })
}

/// The same for the same merchant and plan, so that the guide knows it beforehand.
fn id(merchant: MerchantId, key: &str) -> RewardId {
    RewardId::new(Digest::of([merchant.uuid().as_bytes().as_slice(), key.as_bytes()]).uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reward_can_be_offered() {
        for plan in &PLANS {
            assert!(Name::parse(plan.title).is_ok() && Description::parse(plan.description).is_ok());
            assert!(IdempotencyKey::parse(plan.key).is_ok() && plan.points > 0);
        }
    }
}
