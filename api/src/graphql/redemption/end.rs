//! `captureRedemption` and `releaseRedemption`.

use amvaj_domain::access::{Caller, Scope};
use amvaj_domain::id::RedemptionId;
use amvaj_domain::ledger::Rejection;
use amvaj_domain::reward::VoucherCode;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::Redemption;
use crate::app::Stopped;
use crate::app::points::{PointsRefusal, PointsRequest};
use crate::app::rewards::end::{EndRefused, Ended, capture_redemption, release_redemption};
use crate::graphql::context::{app, caller, identity, require_merchant};
use crate::graphql::error::{Code, refusal_or_fault};
use crate::graphql::global_id::GlobalId;
use crate::graphql::points_error::{InputProblem, PointsUserError, points_errors};
use crate::graphql::points_input::InputReader;
use crate::graphql::user_error::UserErrorCode;
use crate::graphql::wallet::Wallet;

/// A redemption that somebody comes to collect.
#[derive(Debug, InputObject)]
pub struct CaptureRedemptionInput {
    /// Your key of this request: 1 to 64 visible ASCII characters. Send the same one on every retry.
    pub idempotency_key: String,
    /// The twelve digits that the member shows, in Persian, Arabic or ASCII digits, with spaces and dashes anywhere.
    pub voucher_code: String,
    /// The branch where it happens.
    pub branch_id: Option<ID>,
}

points_errors! {
    /// Why `captureRedemption` took nothing.
    CaptureRedemptionUserError, CaptureRedemptionErrorCode {
        InvalidIdempotencyKey IdempotencyMismatch InvalidBranchId BranchNeeded BranchNotYours InvalidVoucherCode BranchNotFound
        RedemptionNotFound RedemptionExpired RedemptionReleased RedemptionCaptured AmountTooLarge
    }
}

/// What became of a request to take the points of a redemption.
#[derive(SimpleObject)]
pub struct CaptureRedemptionPayload {
    /// The redemption as it is now; null when there is none for the caller.
    pub redemption: Option<Redemption>,
    /// The wallet right after it; null when no wallet was reached, and when a refused merchant does not see it.
    pub wallet: Option<Wallet>,
    /// Whether this is the answer of an earlier request with the same key.
    pub replayed: bool,
    /// Why nothing was taken; empty when the points were, and the reward is to be given.
    pub user_errors: Vec<CaptureRedemptionUserError>,
}

/// A redemption to call off.
#[derive(Debug, InputObject)]
pub struct ReleaseRedemptionInput {
    /// Your key of this request: 1 to 64 visible ASCII characters. Send the same one on every retry.
    pub idempotency_key: String,
    /// The redemption's global id.
    pub redemption_id: ID,
    /// The branch where it happens; for merchants only.
    pub branch_id: Option<ID>,
}

points_errors! {
    /// Why `releaseRedemption` freed nothing.
    ReleaseRedemptionUserError, ReleaseRedemptionErrorCode {
        InvalidIdempotencyKey IdempotencyMismatch InvalidBranchId BranchNeeded BranchNotYours BranchNotFound RedemptionNotFound
        RedemptionExpired RedemptionReleased RedemptionCaptured
    }
}

/// What became of a request to call a redemption off.
#[derive(SimpleObject)]
pub struct ReleaseRedemptionPayload {
    /// The redemption as it is now; null when there is none for the caller.
    pub redemption: Option<Redemption>,
    /// The wallet right after it; null when no wallet was reached, and when a refused merchant does not see it.
    pub wallet: Option<Wallet>,
    /// Whether this is the answer of an earlier request with the same key.
    pub replayed: bool,
    /// Why nothing was freed; empty when piece and points were.
    pub user_errors: Vec<ReleaseRedemptionUserError>,
}

/// The mutations.
#[derive(Default)]
pub struct EndRedemptionMutations;

#[Object]
impl EndRedemptionMutations {
    /// Takes the points of the redemption whose voucher code a member shows; the merchant gives the reward. Merchants only,
    /// for their own rewards; people of some branches for what was asked for there, or at no branch.
    async fn capture_redemption(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The voucher.")] input: CaptureRedemptionInput,
    ) -> Result<CaptureRedemptionPayload> {
        let merchant = require_merchant(ctx)?;
        let mut reader = InputReader::default();
        let request = reader.request(
            (identity(ctx)?, Scope::PointsRedeem),
            &input.idempotency_key,
            input.branch_id.as_ref(),
            None,
        );
        let code = VoucherCode::parse(&input.voucher_code);
        let code = reader.take(code, InputProblem::InvalidVoucherCode, "input.voucherCode");
        let answer = match (request, code) {
            (Some(request), Some(code)) => {
                let ended = capture_redemption(app(ctx)?, merchant, &request, &code).await;
                Answer::of(ctx, ended, "input.voucherCode").await?
            }
            _ => Answer::refused(reader.into_errors()?),
        };
        let Answer { redemption, wallet, replayed, user_errors } = answer;
        Ok(CaptureRedemptionPayload { redemption, wallet, replayed, user_errors })
    }

    /// Calls a redemption off before it is captured: piece and points are free again. A member its own, a merchant those of
    /// its rewards, and people of some branches those that were asked for there.
    async fn release_redemption(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The redemption.")] input: ReleaseRedemptionInput,
    ) -> Result<ReleaseRedemptionPayload> {
        let mut reader = InputReader::default();
        let answer = match read(ctx, &mut reader, &input)? {
            Some((request, id)) => {
                let ended = release_redemption(app(ctx)?, caller(ctx)?, &request, id).await;
                Answer::of(ctx, ended, "input.redemptionId").await?
            }
            None => Answer::refused(reader.into_errors()?),
        };
        let Answer { redemption, wallet, replayed, user_errors } = answer;
        Ok(ReleaseRedemptionPayload { redemption, wallet, replayed, user_errors })
    }
}

fn read(
    ctx: &Context<'_>,
    reader: &mut InputReader<ReleaseRedemptionUserError>,
    input: &ReleaseRedemptionInput,
) -> Result<Option<(PointsRequest, RedemptionId)>> {
    let identity = identity(ctx)?;
    let request = if matches!(identity.caller, Caller::Member(_)) {
        if input.branch_id.is_some() {
            reader.problem(InputProblem::BranchNotYours, "input.branchId");
        }
        let key = reader.key(&input.idempotency_key).filter(|_| input.branch_id.is_none());
        key.map(|key| PointsRequest::at(key, None, None))
    } else {
        let by = (identity, Scope::PointsRedeem);
        reader.request(by, &input.idempotency_key, input.branch_id.as_ref(), None)
    };
    let id = GlobalId::redemption(&input.redemption_id).ok_or(());
    let id = reader.take(id, InputProblem::RedemptionNotFound, "input.redemptionId");
    Ok(request.zip(id))
}

/// What both mutations answer.
struct Answer<E> {
    redemption: Option<Redemption>,
    wallet: Option<Wallet>,
    replayed: bool,
    user_errors: Vec<E>,
}

impl<E: PointsUserError> Answer<E> {
    const fn refused(user_errors: Vec<E>) -> Self {
        Self { redemption: None, wallet: None, replayed: false, user_errors }
    }

    async fn of(ctx: &Context<'_>, ended: Result<Ended, Stopped<EndRefused>>, field: &str) -> Result<Self> {
        let Ended { redemption, recorded } = match refusal_or_fault(ended)? {
            Ok(ended) => ended,
            Err(EndRefused::RedemptionNotFound) => {
                return Ok(Self::refused(vec![told("RedemptionNotFound", field)?]));
            }
            Err(EndRefused::Points(PointsRefusal::IdempotencyMismatch)) => {
                let error = told("IdempotencyMismatch", "input.idempotencyKey")?;
                return Ok(Self::refused(vec![error]));
            }
            Err(EndRefused::Points(refusal)) => {
                return Err(Code::internal(format!("the end of a redemption was refused by {refusal:?}")));
            }
        };
        let user_errors = match recorded.op.rejection {
            Some(rejection) => vec![rejected(rejection, field)?],
            None => Vec::new(),
        };
        let wallet = Wallet::after(ctx, &recorded).await?;
        let (redemption, replayed) = (Some(Redemption::new(redemption)), recorded.replayed);
        Ok(Self { redemption, wallet, replayed, user_errors })
    }
}

/// A refusal of the ledger, which speaks of the hold, told of the redemption.
fn rejected<E: PointsUserError>(rejection: Rejection, field: &str) -> Result<E> {
    match rejection {
        Rejection::HoldNotFound => told("RedemptionNotFound", field),
        Rejection::HoldExpired => told("RedemptionExpired", field),
        Rejection::HoldReleased => told("RedemptionReleased", field),
        Rejection::HoldCaptured => told("RedemptionCaptured", field),
        Rejection::BranchNotFound => told("BranchNotFound", "input.branchId"),
        other => told(&format!("{other:?}"), ""),
    }
}

fn told<E: PointsUserError>(name: &str, field: &str) -> Result<E> {
    let code = E::code(name).ok_or_else(|| Code::internal(format!("a mutation has no code for {name}")))?;
    Ok(code.at(field))
}
