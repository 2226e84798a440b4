//! A merchant offers a reward.

use amvaj_domain::access::Identity;
use amvaj_domain::audit::{ActKind, Author};
use amvaj_domain::id::RewardId;
use amvaj_domain::ledger::{Digest, Idem, Tenant};
use amvaj_domain::merchant::MerchantStatus;
use amvaj_domain::reward::{InvalidTerms, MOST_PIECES, Reward, RewardStatus, RewardTerms};
use amvaj_domain::text::{Description, IdempotencyKey};
use amvaj_domain::time::Instant;
use amvaj_infra::reward::Created;

use super::{managed, told};
use crate::app::fingerprint::Fingerprint;
use crate::app::points::PointsRequest;
use crate::app::{App, AppError, Stopped};
use crate::random;

/// A reward to offer.
#[derive(Debug, Clone)]
pub struct CreateReward {
    /// The merchant's idempotency key.
    pub key: IdempotencyKey,
    /// What is given, and for what.
    pub terms: RewardTerms,
    /// Pieces that there are; none when it never runs out.
    pub stock: Option<i64>,
}

/// Why no reward was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateRewardRefused {
    /// The merchant is blocked.
    MerchantBlocked,
    /// The terms are none that can be offered.
    Terms(InvalidTerms),
    /// The stock is negative, or too large.
    Stock,
    /// The key was used before with another input.
    Mismatch,
}

/// Offers a reward of the merchant that calls. Answers it with whether an earlier request with the key did.
pub async fn create_reward(
    app: &App,
    identity: &Identity,
    author: &Author,
    request: CreateReward,
) -> Result<(Reward, bool), Stopped<CreateRewardRefused>> {
    let merchant = managed(identity)?;
    let refused = |refused| Err(Stopped::Refused(refused));
    if let Err(invalid) = request.terms.validate() {
        return refused(CreateRewardRefused::Terms(invalid));
    }
    if request.stock.is_some_and(|pieces| !(0..=i64::from(MOST_PIECES)).contains(&pieces)) {
        return refused(CreateRewardRefused::Stock);
    }
    let file = app.directory.merchant_file(merchant).await?.ok_or(AppError::Forbidden)?;
    if file.merchant.status == MerchantStatus::Blocked {
        return refused(CreateRewardRefused::MerchantBlocked);
    }
    let now = app.now();
    let key = (Idem::of(Tenant::Merchant(merchant), &request.key), body(&request));
    let reward = Reward {
        id: RewardId::new(random::uuid(now)),
        merchant,
        terms: request.terms,
        stock: request.stock,
        status: RewardStatus::Active,
        version: 1,
        created_at: now,
    };
    let act = told(author, ActKind::RewardMade, &reward, now);
    match app.rewards.create(&reward, key, &act).await? {
        Created::Reward { reward, replayed } => Ok((*reward, replayed)),
        Created::Mismatch => refused(CreateRewardRefused::Mismatch),
    }
}

/// The fingerprint of what is offered.
fn body(request: &CreateReward) -> Digest {
    let terms = &request.terms;
    Fingerprint::of("createReward", &PointsRequest::at(request.key.clone(), None, None))
        .count(Some(terms.kind.stored().into()))
        .line(Some(terms.title.as_str()))
        .line(terms.description.as_ref().map(Description::as_str))
        .points(Some(terms.points))
        .count(terms.limit_per_member.map(i64::from))
        .count(terms.valid_from.map(Instant::micros))
        .count(terms.valid_until.map(Instant::micros))
        .count(Some(terms.reserve.micros()))
        .count(request.stock)
        .digest()
}
