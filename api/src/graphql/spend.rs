//! `redeemPoints`, `holdPoints`, `captureHold` and `releaseHold`: a member's points are spent or reserved.

use amvaj_domain::access::Scope;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{
    context::{app, identity, require_merchant},
    hold::Hold,
    member::MemberRef,
    operation::Operation,
    points_error::{InputProblem, points_errors},
    points_input::{InputReader, PointsAnswer},
    scalar::{DateTime, PointsScalar},
    wallet::Wallet,
};
use crate::app::{
    end_hold::{EndHold, HoldEnd, end_hold},
    hold_points::{HoldPoints, LONGEST_HOLD_SECONDS, USUAL_HOLD_SECONDS, hold_points},
    redeem_points::{RedeemPoints, redeem_points},
};

/// Points that a member pays with.
#[derive(Debug, InputObject)]
pub struct RedeemPointsInput {
    /// Your key of this request: 1 to 64 visible ASCII characters. Send the same one on every retry.
    pub idempotency_key: String,
    /// Who pays.
    pub member: MemberRef,
    /// How many points, above zero. Example: `"200"`.
    pub points: PointsScalar,
    /// The receipt that they pay for; the part of a basket that is paid with points earns none.
    pub receipt_number: Option<String>,
    /// The branch where it happens.
    pub branch_id: Option<ID>,
    /// When it happened; now when absent.
    pub occurred_at: Option<DateTime>,
}

points_errors! {
    /// Why `redeemPoints` spent nothing.
    RedeemPointsUserError, RedeemPointsErrorCode {
        InvalidIdempotencyKey IdempotencyMismatch InvalidBranchId BranchNeeded BranchNotYours InvalidMember MemberNotFound InvalidReceiptNumber
        InvalidPoints MerchantBlocked BranchNotFound BranchClosed MemberBlocked OccurredInFuture OccurredTooLongAgo
        ReceiptOfAnotherMember InsufficientPoints AmountTooLarge
    }
}

/// What became of a redemption.
#[derive(SimpleObject)]
pub struct RedeemPointsPayload {
    /// The redemption; null when nothing was spent.
    pub operation: Option<Operation>,
    /// The wallet right after it; null when no wallet was reached, and when a refused merchant does not see it.
    pub wallet: Option<Wallet>,
    /// Whether this is the answer of an earlier request with the same key.
    pub replayed: bool,
    /// Why nothing was spent; empty when points were.
    pub user_errors: Vec<RedeemPointsUserError>,
}

/// Points to reserve.
#[derive(Debug, InputObject)]
pub struct HoldPointsInput {
    /// Your key of this request: 1 to 64 visible ASCII characters. Send the same one on every retry.
    pub idempotency_key: String,
    /// Whose points.
    pub member: MemberRef,
    /// How many points, above zero. Example: `"200"`.
    pub points: PointsScalar,
    /// For how many seconds, 1 to 2,592,000 (30 days); a quarter of an hour when absent.
    pub seconds: Option<i32>,
    /// The receipt that a capture will pay for.
    pub receipt_number: Option<String>,
    /// The branch where it happens.
    pub branch_id: Option<ID>,
    /// When it happened; now when absent.
    pub occurred_at: Option<DateTime>,
}

points_errors! {
    /// Why `holdPoints` reserved nothing.
    HoldPointsUserError, HoldPointsErrorCode {
        InvalidIdempotencyKey IdempotencyMismatch InvalidBranchId BranchNeeded BranchNotYours InvalidMember MemberNotFound InvalidReceiptNumber
        InvalidPoints InvalidSeconds MerchantBlocked BranchNotFound BranchClosed MemberBlocked OccurredInFuture
        OccurredTooLongAgo ReceiptOfAnotherMember InsufficientPoints
    }
}

/// What became of a request to reserve points.
#[derive(SimpleObject)]
pub struct HoldPointsPayload {
    /// The hold as it is now; null when nothing was reserved.
    pub hold: Option<Hold>,
    /// The operation that made it; null when nothing was reserved.
    pub operation: Option<Operation>,
    /// The wallet right after it; null when no wallet was reached, and when a refused merchant does not see it.
    pub wallet: Option<Wallet>,
    /// Whether this is the answer of an earlier request with the same key.
    pub replayed: bool,
    /// Why nothing was reserved; empty when points were.
    pub user_errors: Vec<HoldPointsUserError>,
}

/// A hold to be captured.
#[derive(Debug, InputObject)]
pub struct CaptureHoldInput {
    /// Your key of this request: 1 to 64 visible ASCII characters. Send the same one on every retry.
    pub idempotency_key: String,
    /// The hold.
    pub hold_id: ID,
    /// How many points to take, at most those held; all of them when absent. The rest becomes free.
    pub points: Option<PointsScalar>,
    /// The branch where it happens.
    pub branch_id: Option<ID>,
    /// When it happened; now when absent.
    pub occurred_at: Option<DateTime>,
}

points_errors! {
    /// Why `captureHold` took nothing.
    CaptureHoldUserError, CaptureHoldErrorCode {
        InvalidIdempotencyKey IdempotencyMismatch InvalidBranchId BranchNeeded BranchNotYours InvalidHoldId InvalidPoints BranchNotFound
        OccurredInFuture OccurredTooLongAgo HoldNotFound HoldExpired HoldReleased HoldCaptured CaptureExceedsHold
        ReceiptOfAnotherMember AmountTooLarge
    }
}

/// What became of a capture.
#[derive(SimpleObject)]
pub struct CaptureHoldPayload {
    /// The hold as it is now; null when there is no such hold.
    pub hold: Option<Hold>,
    /// The capture; null when nothing was taken.
    pub operation: Option<Operation>,
    /// The wallet right after it; null when no wallet was reached, and when a refused merchant does not see it.
    pub wallet: Option<Wallet>,
    /// Whether this is the answer of an earlier request with the same key.
    pub replayed: bool,
    /// Why nothing was taken; empty when points were.
    pub user_errors: Vec<CaptureHoldUserError>,
}

/// A hold to be released.
#[derive(Debug, InputObject)]
pub struct ReleaseHoldInput {
    /// Your key of this request: 1 to 64 visible ASCII characters. Send the same one on every retry.
    pub idempotency_key: String,
    /// The hold.
    pub hold_id: ID,
    /// The branch where it happens.
    pub branch_id: Option<ID>,
    /// When it happened; now when absent.
    pub occurred_at: Option<DateTime>,
}

points_errors! {
    /// Why `releaseHold` freed nothing.
    ReleaseHoldUserError, ReleaseHoldErrorCode {
        InvalidIdempotencyKey IdempotencyMismatch InvalidBranchId BranchNeeded BranchNotYours InvalidHoldId BranchNotFound OccurredInFuture
        OccurredTooLongAgo HoldNotFound HoldExpired HoldReleased HoldCaptured
    }
}

/// What became of a release.
#[derive(SimpleObject)]
pub struct ReleaseHoldPayload {
    /// The hold as it is now; null when there is no such hold.
    pub hold: Option<Hold>,
    /// The release; null when nothing was freed.
    pub operation: Option<Operation>,
    /// The wallet right after it; null when no wallet was reached, and when a refused merchant does not see it.
    pub wallet: Option<Wallet>,
    /// Whether this is the answer of an earlier request with the same key.
    pub replayed: bool,
    /// Why nothing was freed; empty when points were.
    pub user_errors: Vec<ReleaseHoldUserError>,
}

/// Mutations that spend or reserve.
#[derive(Default)]
pub struct SpendMutation;

#[Object]
impl SpendMutation {
    /// Takes points of a member as payment, in one step. Merchants only. The points that expire first go first.
    async fn redeem_points(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment.")] input: RedeemPointsInput,
    ) -> Result<RedeemPointsPayload> {
        let merchant = require_merchant(ctx)?;
        let mut reader = InputReader::default();
        let request = reader.request(
            (identity(ctx)?, Scope::PointsRedeem),
            &input.idempotency_key,
            input.branch_id.as_ref(),
            input.occurred_at,
        );
        let member = reader.member(&input.member, merchant);
        let amount = reader.points(input.points);
        let receipt = reader.optional_receipt(input.receipt_number.as_deref());
        let answer = match (request, member, amount, receipt) {
            (Some(request), Some(member), Some(amount), Some(receipt)) => {
                let redeem = RedeemPoints { request, member, amount, receipt };
                PointsAnswer::of(ctx, redeem_points(app(ctx)?, merchant, &redeem).await).await?
            }
            _ => PointsAnswer::unread(reader)?,
        };
        let PointsAnswer { operation, wallet, replayed, user_errors } = answer;
        Ok(RedeemPointsPayload { operation, wallet, replayed, user_errors })
    }

    /// Reserves points of a member until they are captured or released, or the time is over. Merchants only.
    async fn hold_points(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to reserve.")] input: HoldPointsInput,
    ) -> Result<HoldPointsPayload> {
        let merchant = require_merchant(ctx)?;
        let mut reader = InputReader::default();
        let request = reader.request(
            (identity(ctx)?, Scope::PointsRedeem),
            &input.idempotency_key,
            input.branch_id.as_ref(),
            input.occurred_at,
        );
        let member = reader.member(&input.member, merchant);
        let amount = reader.points(input.points);
        let receipt = reader.optional_receipt(input.receipt_number.as_deref());
        let seconds = input.seconds.map_or(USUAL_HOLD_SECONDS, i64::from);
        let seconds = Some(seconds).filter(|seconds| (1..=LONGEST_HOLD_SECONDS).contains(seconds));
        if seconds.is_none() {
            reader.problem(InputProblem::InvalidSeconds, "input.seconds");
        }
        let answer = match (request, member, amount, seconds, receipt) {
            (Some(request), Some(member), Some(amount), Some(seconds), Some(receipt)) => {
                let hold = HoldPoints { request, member, amount, seconds, receipt };
                PointsAnswer::of(ctx, hold_points(app(ctx)?, merchant, &hold).await).await?
            }
            _ => PointsAnswer::unread(reader)?,
        };
        let PointsAnswer { operation, wallet, replayed, user_errors } = answer;
        let hold = match &operation {
            Some(operation) => Hold::at_hand(ctx, operation.wallet(), operation.seq()).await?,
            None => None,
        };
        Ok(HoldPointsPayload { hold, operation, wallet, replayed, user_errors })
    }

    /// Takes reserved points, all or a part; the rest becomes free. Merchants only, for their own holds.
    async fn capture_hold(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The hold.")] input: CaptureHoldInput,
    ) -> Result<CaptureHoldPayload> {
        let merchant = require_merchant(ctx)?;
        let mut reader = InputReader::default();
        let request = reader.request(
            (identity(ctx)?, Scope::PointsRedeem),
            &input.idempotency_key,
            input.branch_id.as_ref(),
            input.occurred_at,
        );
        let hold = reader.hold(&input.hold_id);
        let amount = input.points.map_or(Some(None), |points| reader.points(points).map(Some));
        let answer = match (request, hold, amount) {
            (Some(request), Some(hold), Some(amount)) => {
                let end = EndHold { request, hold, end: HoldEnd::Capture(amount) };
                PointsAnswer::of(ctx, end_hold(app(ctx)?, merchant, &end).await).await?
            }
            _ => PointsAnswer::unread(reader)?,
        };
        let PointsAnswer { operation, wallet, replayed, user_errors } = answer;
        let hold = find_hold(ctx, hold).await?;
        Ok(CaptureHoldPayload { hold, operation, wallet, replayed, user_errors })
    }

    /// Gives reserved points back. Merchants only, for their own holds.
    async fn release_hold(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The hold.")] input: ReleaseHoldInput,
    ) -> Result<ReleaseHoldPayload> {
        let merchant = require_merchant(ctx)?;
        let mut reader = InputReader::default();
        let request = reader.request(
            (identity(ctx)?, Scope::PointsRedeem),
            &input.idempotency_key,
            input.branch_id.as_ref(),
            input.occurred_at,
        );
        let hold = reader.hold(&input.hold_id);
        let answer = match (request, hold) {
            (Some(request), Some(hold)) => {
                let end = EndHold { request, hold, end: HoldEnd::Release };
                PointsAnswer::of(ctx, end_hold(app(ctx)?, merchant, &end).await).await?
            }
            _ => PointsAnswer::unread(reader)?,
        };
        let PointsAnswer { operation, wallet, replayed, user_errors } = answer;
        let hold = find_hold(ctx, hold).await?;
        Ok(ReleaseHoldPayload { hold, operation, wallet, replayed, user_errors })
    }
}

async fn find_hold(
    ctx: &Context<'_>,
    hold: Option<(amvaj_domain::id::WalletId, i64)>,
) -> Result<Option<Hold>> {
    match hold {
        Some((wallet, seq)) => Hold::at_hand(ctx, wallet, seq).await,
        None => Ok(None),
    }
}
