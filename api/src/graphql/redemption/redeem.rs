//! `redeemReward`.

use amvaj_domain::access::{Caller, Scope};
use amvaj_domain::ledger::Rejection;
use amvaj_domain::reward::Unavailable;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::Redemption;
use crate::app::points::PointsRequest;
use crate::app::rewards::redeem::{RedeemRefused, RedeemReward, Redeemed, Redeemer, redeem_reward};
use crate::graphql::context::{app, identity};
use crate::graphql::error::{Code, refusal_or_fault};
use crate::graphql::global_id::GlobalId;
use crate::graphql::member::MemberRef;
use crate::graphql::points_error::{InputProblem, PointsUserError, Refused, points_errors};
use crate::graphql::points_input::{InputReader, refusal_error};
use crate::graphql::scalar::PointsScalar;
use crate::graphql::user_error::UserErrorCode as _;
use crate::graphql::wallet::Wallet;
use crate::language::Message;

/// A reward to redeem.
#[derive(Debug, InputObject)]
pub struct RedeemRewardInput {
    /// Your key of this request: 1 to 64 visible ASCII characters. Send the same one on every retry.
    pub idempotency_key: String,
    /// The reward's global id.
    pub reward_id: ID,
    /// Who redeems: a merchant names the member, a member leaves it out.
    pub member: Option<MemberRef>,
    /// The branch where it happens; for merchants only.
    pub branch_id: Option<ID>,
    /// The price that the member has seen. When the reward costs something else at the moment of the redemption, nothing is
    /// redeemed and the error `REWARD_CHANGED` names the price. Absent: whatever it costs.
    pub points: Option<PointsScalar>,
}

points_errors! {
    /// Why `redeemReward` redeemed nothing.
    RedeemRewardUserError, RedeemRewardErrorCode {
        InvalidIdempotencyKey IdempotencyMismatch InvalidBranchId BranchNeeded BranchNotYours InvalidMember
        InvalidPoints MemberNotFound RewardNotFound RewardClosed RewardNotYetAvailable RewardNoLongerAvailable RewardOutOfStock
        RewardLimitReached RewardChanged MerchantBlocked BranchNotFound BranchClosed MemberBlocked OccurredInFuture
        OccurredTooLongAgo InsufficientPoints
    }
}

/// What became of a request to redeem a reward.
#[derive(Default, SimpleObject)]
pub struct RedeemRewardPayload {
    /// The redemption as it is now; null when nothing was redeemed.
    pub redemption: Option<Redemption>,
    /// The wallet right after it; null when no wallet was reached, and when a refused merchant does not see it.
    pub wallet: Option<Wallet>,
    /// Whether this is the answer of an earlier request with the same key.
    pub replayed: bool,
    /// Why nothing was redeemed; empty when the reward was.
    pub user_errors: Vec<RedeemRewardUserError>,
}

/// The mutation.
#[derive(Default)]
pub struct RedeemRewardMutation;

#[Object]
impl RedeemRewardMutation {
    /// Redeems a reward: puts a piece aside and reserves its points, until the merchant takes them against the voucher code.
    /// A member redeems for itself; a merchant for a member at its till, and only what the merchant itself gives. Who has too
    /// few points puts nothing aside, and may ask again with the same key.
    async fn redeem_reward(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The reward, and who redeems.")] input: RedeemRewardInput,
    ) -> Result<RedeemRewardPayload> {
        let mut reader = InputReader::default();
        let Some(request) = read(ctx, &mut reader, &input)? else {
            return Ok(RedeemRewardPayload { user_errors: reader.into_errors()?, ..Default::default() });
        };
        match refusal_or_fault(redeem_reward(app(ctx)?, &request).await)? {
            Ok(redeemed) => answer(ctx, redeemed).await,
            Err(RedeemRefused::TooFewPoints { wallet, price, spendable }) => {
                let wallet = Wallet::find(ctx, wallet, None).await?;
                let refused = Refused::short(price, spendable, wallet.is_some());
                Ok(RedeemRewardPayload {
                    wallet,
                    user_errors: vec![rejected(refused)?],
                    ..Default::default()
                })
            }
            Err(refused) => {
                Ok(RedeemRewardPayload { user_errors: vec![told(refused)?], ..Default::default() })
            }
        }
    }
}

fn read(
    ctx: &Context<'_>,
    reader: &mut InputReader<RedeemRewardUserError>,
    input: &RedeemRewardInput,
) -> Result<Option<RedeemReward>> {
    let reward = GlobalId::reward(&input.reward_id).ok_or(());
    let reward = reader.take(reward, InputProblem::RewardNotFound, "input.rewardId");
    let price = input.points.map_or(Some(None), |points| reader.points(points).map(Some));
    let (request, redeemer) = match identity(ctx)?.caller {
        Caller::Member(member) => (own(reader, input), Some(Redeemer::Itself(member))),
        Caller::Merchant(merchant) => {
            let request = reader.request(
                (identity(ctx)?, Scope::PointsRedeem),
                &input.idempotency_key,
                input.branch_id.as_ref(),
                None,
            );
            let member = if let Some(reference) = &input.member {
                reader.member(reference, merchant)
            } else {
                let message = Message::new("redeemer-not-named");
                reader.problem_saying(InputProblem::InvalidMember, message, "input.member");
                None
            };
            (request, member.map(|member| Redeemer::AtTill(merchant, member)))
        }
        Caller::Operator | Caller::Agent => return Err(Code::Forbidden.error()),
    };
    Ok(match (request, reward, redeemer, price) {
        (Some(request), Some(reward), Some(redeemer), Some(price)) => {
            Some(RedeemReward { request, reward, redeemer, price })
        }
        _ => None,
    })
}

/// The request of a member, who is nobody's till.
fn own(reader: &mut InputReader<RedeemRewardUserError>, input: &RedeemRewardInput) -> Option<PointsRequest> {
    let key = reader.key(&input.idempotency_key);
    if input.branch_id.is_some() {
        reader.problem(InputProblem::BranchNotYours, "input.branchId");
    }
    if input.member.is_some() {
        let message = Message::new("redeemer-is-caller");
        reader.problem_saying(InputProblem::InvalidMember, message, "input.member");
    }
    let is_alone = input.branch_id.is_none() && input.member.is_none();
    key.filter(|_| is_alone).map(|key| PointsRequest::at(key, None, None))
}

async fn answer(ctx: &Context<'_>, redeemed: Redeemed) -> Result<RedeemRewardPayload> {
    let Redeemed { redemption, recorded } = redeemed;
    let wallet = Wallet::after(ctx, &recorded).await?;
    let replayed = recorded.replayed;
    Ok(match Refused::recorded(&recorded.op, wallet.is_some()) {
        None => RedeemRewardPayload {
            redemption: Some(Redemption::at_hand(redemption)),
            wallet,
            replayed,
            user_errors: Vec::new(),
        },
        Some(refused) => {
            let user_errors = vec![rejected(refused)?];
            RedeemRewardPayload { redemption: None, wallet, replayed, user_errors }
        }
    })
}

/// What the ledger refused, told of the fields that this mutation has.
fn rejected(refused: Refused) -> Result<RedeemRewardUserError> {
    let name = refused.code_name();
    let code = <RedeemRewardUserError as PointsUserError>::code(&name);
    let code = code.ok_or_else(|| Code::internal(format!("redeemReward has no code for {name}")))?;
    let field = match refused.rejection() {
        Rejection::InsufficientPoints => "input.rewardId",
        Rejection::OccurredInFuture | Rejection::OccurredTooLongAgo => "",
        _ => refused.field(),
    };
    Ok(code.saying(refused.say(code.message()), field))
}

fn told(refused: RedeemRefused) -> Result<RedeemRewardUserError> {
    use RedeemRewardErrorCode as Code;
    let code = match refused {
        RedeemRefused::Points(refusal) => return refusal_error(refusal),
        RedeemRefused::LimitReached(limit) => {
            let message = Message::new("reward-limit-of").with("limit", limit);
            return Ok(Code::RewardLimitReached.saying(message, "input.rewardId"));
        }
        RedeemRefused::Changed(price) => {
            let message = Message::new("reward-price-is").with("points", price);
            return Ok(Code::RewardChanged.saying(message, "input.points"));
        }
        RedeemRefused::TooFewPoints { .. } => Code::InsufficientPoints,
        RedeemRefused::RewardNotFound => Code::RewardNotFound,
        RedeemRefused::Unavailable(Unavailable::Closed) => Code::RewardClosed,
        RedeemRefused::Unavailable(Unavailable::NotYet) => Code::RewardNotYetAvailable,
        RedeemRefused::Unavailable(Unavailable::Over) => Code::RewardNoLongerAvailable,
        RedeemRefused::Unavailable(Unavailable::OutOfStock) => Code::RewardOutOfStock,
    };
    Ok(code.at("input.rewardId"))
}
