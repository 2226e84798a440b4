//! A member redeems a reward, by itself or at a till of the merchant that gives it.

use amvaj_domain::id::{MemberId, MerchantId, RedemptionId, RewardId, WalletId};
use amvaj_domain::ledger::{Body, Idem, Tenant};
use amvaj_domain::member::MemberLookup;
use amvaj_domain::points::Points;
use amvaj_domain::reward::{Redemption, Reward, Unavailable, VoucherCode};
use amvaj_domain::time::Instant;
use amvaj_infra::ledger::{LedgerScope, Recorded, SubmitError};
use amvaj_infra::reward::{Begin, BeginRefused, Begun};

use crate::app::fingerprint::Fingerprint;
use crate::app::look_up::Purpose;
use crate::app::points::{Acting, PointsRefusal, PointsRequest};
use crate::app::{App, AppError, Stopped};
use crate::auth::ServerSecret;
use crate::random;

/// Codes that are drawn for one redemption. Of a million million hardly any is taken.
const CODES: usize = 4;

/// A reward to redeem.
#[derive(Debug, Clone)]
pub struct RedeemReward {
    /// Key and branch.
    pub request: PointsRequest,
    /// The reward.
    pub reward: RewardId,
    /// Who redeems.
    pub redeemer: Redeemer,
    /// The price that was seen, when only that is to be paid.
    pub price: Option<Points>,
}

/// Who redeems, and on whose behalf it is asked for.
#[derive(Debug, Clone)]
pub enum Redeemer {
    /// The member that calls.
    Itself(MemberId),
    /// Somebody at a till of this merchant.
    AtTill(MerchantId, MemberLookup),
}

/// A redemption as it is now, with the operation that reserved its points or refused to.
#[derive(Debug, Clone)]
pub struct Redeemed {
    /// The redemption.
    pub redemption: Redemption,
    /// The operation; `replayed` says whether an earlier request with the key began the redemption.
    pub recorded: Recorded,
}

/// Why nothing was redeemed. Refusals of the ledger are in the operation's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedeemRefused {
    /// No member is named, or the key was used with another input.
    Points(PointsRefusal),
    /// There is no such reward, or it is another merchant's than the till's.
    RewardNotFound,
    /// The reward cannot be redeemed now.
    Unavailable(Unavailable),
    /// The member has had it so often as one may.
    LimitReached(i32),
    /// It costs something else than was seen: so much.
    Changed(Points),
    /// The wallet has fewer points for it.
    TooFewPoints {
        /// The wallet.
        wallet: WalletId,
        /// What the reward costs.
        price: Points,
        /// What can be spent of the wallet at the merchant.
        spendable: i64,
    },
}

/// Redeems a reward: puts a piece aside, then has the ledger reserve its price. The ledger's answer is the redemption's.
pub async fn redeem_reward(app: &App, input: &RedeemReward) -> Result<Redeemed, Stopped<RedeemRefused>> {
    let tenant = input.redeemer.tenant();
    let key = (Idem::of(tenant, &input.request.key), input.body(&app.credentials.secret));
    if let Some(redeemed) = begun_before(app, key).await? {
        return Ok(redeemed);
    }
    let reward = app.rewards.by_id(&[input.reward]).await?.pop();
    let reward = reward.filter(|reward| input.redeemer.may_have_of(reward.merchant));
    let reward = reward.ok_or(Stopped::Refused(RedeemRefused::RewardNotFound))?;
    let (wallet, now) = (wallet(app, input).await?, app.ledger_now());
    if let Some(refused) = refused_at_door(app, input, &reward, wallet, now).await? {
        // What stands against it may be what a request with the same key has just begun.
        return begun_before(app, key).await?.ok_or(Stopped::Refused(refused));
    }
    let vouchers: Option<Vec<VoucherCode>> =
        (0..CODES).map(|_| random::secret_uuid().map(VoucherCode::from_random)).collect();
    let begin = Begin {
        id: RedemptionId::in_wallet(random::uuid(now), wallet),
        key,
        tenant,
        reward: reward.id,
        wallet,
        branch: input.request.branch,
        price: input.price,
        vouchers: vouchers.ok_or(AppError::Overloaded)?,
        now,
    };
    // Begun, it would keep a piece of the stock until a worker finished it.
    if app.ledger.is_overloaded(begin.wallet) {
        return Err(AppError::Overloaded.into());
    }
    match app.rewards.begin(&begin).await? {
        Begun::Pending(redemption) => Ok(placed(app, &redemption, false).await?),
        Begun::Claimed => Ok(begun_before(app, key).await?.ok_or(AppError::OutcomeUnknown)?),
        Begun::Refused(refused) => Err(told(refused)),
    }
}

/// The answer to a request whose key has begun a redemption before.
async fn begun_before(
    app: &App,
    (idem, body): (Idem, Body),
) -> Result<Option<Redeemed>, Stopped<RedeemRefused>> {
    let Some((id, before)) = app.rewards.claimed(idem).await? else { return Ok(None) };
    if !body.was_kept_as(before) {
        return Err(Stopped::Refused(RedeemRefused::Points(PointsRefusal::IdempotencyMismatch)));
    }
    let redemption = find(app, id).await?;
    Ok(Some(placed(app, &redemption, true).await?))
}

/// Has the ledger reserve the price, or repeat what it answered.
pub(super) async fn placed(app: &App, redemption: &Redemption, replayed: bool) -> Result<Redeemed, AppError> {
    let recorded = app.rewards.place(redemption).await.map_err(|error| match error {
        // It is begun, so a worker carries it on whether or not the client comes back.
        SubmitError::Overloaded => AppError::OutcomeUnknown,
        other => other.into(),
    })?;
    Ok(Redeemed { redemption: find(app, redemption.id).await?, recorded: Recorded { replayed, ..recorded } })
}

async fn find(app: &App, id: RedemptionId) -> Result<Redemption, AppError> {
    let found = app.rewards.redemptions_by_id(&LedgerScope::Network, &[id], app.ledger_now()).await?.pop();
    found.ok_or(AppError::OutcomeUnknown)
}

async fn wallet(app: &App, input: &RedeemReward) -> Result<WalletId, Stopped<RedeemRefused>> {
    let not_found = Stopped::Refused(RedeemRefused::Points(PointsRefusal::MemberNotFound));
    match &input.redeemer {
        Redeemer::Itself(member) => app.directory.wallet_of(*member).await?.ok_or(not_found),
        Redeemer::AtTill(merchant, member) => {
            let acting = Acting::load(app, *merchant, &input.request).await?;
            let named = acting.named(app, member, Purpose::Operate).await?;
            named.map(|named| named.wallet).ok_or(not_found)
        }
    }
}

/// What stands against a beginning as far as that can be read. Whoever is refused here is not let to the stock: a piece that
/// is put aside for who has too few points, until the ledger refuses, would be missing to others for that moment.
async fn refused_at_door(
    app: &App,
    input: &RedeemReward,
    reward: &Reward,
    wallet: WalletId,
    now: Instant,
) -> Result<Option<RedeemRefused>, AppError> {
    if let Some(why) = reward.unavailable(now) {
        return Ok(Some(RedeemRefused::Unavailable(why)));
    }
    let price = reward.terms.points;
    if input.price.is_some_and(|seen| seen != price) {
        return Ok(Some(RedeemRefused::Changed(price)));
    }
    let state = app.reader.wallet(wallet, now).await?.ok_or(AppError::NotFound)?;
    let spendable = state.spendable_at(Some(reward.merchant), now);
    let is_short = spendable < price.get();
    Ok(is_short.then_some(RedeemRefused::TooFewPoints { wallet, price, spendable }))
}

fn told(refused: BeginRefused) -> Stopped<RedeemRefused> {
    match refused {
        BeginRefused::NoReward => Stopped::Refused(RedeemRefused::RewardNotFound),
        BeginRefused::Unavailable(why) => Stopped::Refused(RedeemRefused::Unavailable(why)),
        BeginRefused::LimitReached(limit) => Stopped::Refused(RedeemRefused::LimitReached(limit)),
        BeginRefused::Changed(price) => Stopped::Refused(RedeemRefused::Changed(price)),
        BeginRefused::NoVoucher => AppError::Overloaded.into(),
    }
}

impl RedeemReward {
    fn body(&self, secret: &ServerSecret) -> Body {
        let request = Fingerprint::of("redeemReward", &self.request).id(self.reward.uuid());
        let request = match &self.redeemer {
            Redeemer::Itself(_) => request,
            Redeemer::AtTill(_, member) => request.member(member),
        };
        // Without a price it is what it was before there were any, because fingerprints are kept for ever.
        match self.price {
            None => request.body(secret),
            price => request.points(price).body(secret),
        }
    }
}

impl Redeemer {
    const fn tenant(&self) -> Tenant {
        match self {
            Self::Itself(member) => Tenant::Member(*member),
            Self::AtTill(merchant, _) => Tenant::Merchant(*merchant),
        }
    }

    /// A till gives what is its merchant's; a member may have what is anybody's.
    fn may_have_of(&self, merchant: MerchantId) -> bool {
        match self {
            Self::Itself(_) => true,
            Self::AtTill(own, _) => *own == merchant,
        }
    }
}
