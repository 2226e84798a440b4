//! `refundPurchase`: a merchant takes a purchase back, or a part of it.

use amvaj_domain::access::Scope;
use amvaj_domain::ledger::RefundSpec;
use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject, Result, SimpleObject};

use super::{
    context::{app, identity, require_merchant},
    error::fault,
    operation::Operation,
    points_error::{InputProblem, points_errors},
    points_input::{InputReader, PointsAnswer},
    scalar::DateTime,
    value::MoneyInput,
    wallet::Wallet,
};
use crate::app::{
    Stopped,
    points::PointsOutcome,
    refund_purchase::{RefundPurchase, refund_purchase},
};

/// Units of one line that come back.
#[derive(Debug, InputObject)]
pub struct RefundLineInput {
    /// Number of the line, as in the earn.
    pub line: i32,
    /// How many units of it, one or more.
    #[graphql(default = 1)]
    pub quantity: i32,
}

/// Which part of a purchase comes back: exactly one of the fields.
#[derive(Debug, OneofObject)]
pub enum RefundWhatInput {
    /// `true`: all that is left of it.
    Whole(bool),
    /// Units of these lines.
    Lines(Vec<RefundLineInput>),
    /// So much money, of no line in particular.
    Amount(MoneyInput),
}

/// A purchase to be taken back.
#[derive(Debug, InputObject)]
pub struct RefundPurchaseInput {
    /// Your key of this request: 1 to 64 visible ASCII characters. Send the same one on every retry.
    pub idempotency_key: String,
    /// Your receipt number of the purchase. Example: `"POS7-000123"`.
    pub receipt_number: String,
    /// Which part comes back.
    pub what: RefundWhatInput,
    /// The branch where it happens.
    pub branch_id: Option<ID>,
    /// When it happened; now when absent.
    pub occurred_at: Option<DateTime>,
}

points_errors! {
    /// Why `refundPurchase` took nothing back.
    RefundPurchaseUserError, RefundPurchaseErrorCode {
        InvalidIdempotencyKey IdempotencyMismatch InvalidBranchId BranchNeeded BranchNotYours InvalidReceiptNumber InvalidAmount InvalidRefund
        BranchNotFound CurrencyMismatch OccurredInFuture OccurredTooLongAgo PurchaseNotFound LineNotFound
        RefundExceedsPurchase AmountTooLarge
    }
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum RefundStatus {
    /// It is done.
    Posted,
    /// Its purchase has not been reported yet; the refund is posted when it is. Ask again with the same key.
    WaitingForPurchase,
    /// It is refused.
    Rejected,
}

/// What became of a refund.
#[derive(SimpleObject)]
pub struct RefundPurchasePayload {
    /// Where it stands.
    pub status: RefundStatus,
    /// The refund; null when it is refused or waits.
    pub operation: Option<Operation>,
    /// The wallet right after it; null when no wallet was reached, and when a refused merchant does not see it.
    pub wallet: Option<Wallet>,
    /// Whether this is the answer of an earlier request with the same key.
    pub replayed: bool,
    /// Why nothing was taken back; empty when it was, or waits.
    pub user_errors: Vec<RefundPurchaseUserError>,
}

/// Mutations that take back.
#[derive(Default)]
pub struct RefundMutation;

#[Object]
impl RefundMutation {
    /// Takes a purchase back: whole, by lines or by amount. Merchants only, for their own receipts. What the kept
    /// part earns is recomputed under the rule of the sale, and points that had paid return to where they came from.
    async fn refund_purchase(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What comes back.")] input: RefundPurchaseInput,
    ) -> Result<RefundPurchasePayload> {
        let merchant = require_merchant(ctx)?;
        let mut reader = InputReader::default();
        let request = reader.request(
            (identity(ctx)?, Scope::PointsRefund),
            &input.idempotency_key,
            input.branch_id.as_ref(),
            input.occurred_at,
        );
        let receipt = reader.receipt(&input.receipt_number);
        let what = what(&mut reader, input.what);
        let (Some(request), Some(receipt), Some((what, currency))) = (request, receipt, what) else {
            return Ok(RefundPurchasePayload::from(PointsAnswer::unread(reader)?));
        };
        let refund = RefundPurchase { request, receipt, what, currency };
        let answer = match refund_purchase(app(ctx)?, merchant, &refund).await {
            Ok(PointsOutcome::Recorded(recorded)) => PointsAnswer::recorded(ctx, &recorded).await?,
            Ok(PointsOutcome::Waiting { replayed }) => return Ok(RefundPurchasePayload::waiting(replayed)),
            Err(Stopped::Refused(refusal)) => PointsAnswer::of(ctx, Err(Stopped::Refused(refusal))).await?,
            Err(Stopped::Failed(error)) => return Err(fault(error)),
        };
        Ok(answer.into())
    }
}

impl RefundPurchasePayload {
    const fn waiting(replayed: bool) -> Self {
        Self {
            status: RefundStatus::WaitingForPurchase,
            operation: None,
            wallet: None,
            replayed,
            user_errors: Vec::new(),
        }
    }
}

impl From<PointsAnswer<RefundPurchaseUserError>> for RefundPurchasePayload {
    fn from(answer: PointsAnswer<RefundPurchaseUserError>) -> Self {
        let PointsAnswer { operation, wallet, replayed, user_errors } = answer;
        let status = if user_errors.is_empty() { RefundStatus::Posted } else { RefundStatus::Rejected };
        Self { status, operation, wallet, replayed, user_errors }
    }
}

/// Reads what comes back, and the currency of an amount.
fn what(
    reader: &mut InputReader<RefundPurchaseUserError>,
    input: RefundWhatInput,
) -> Option<(RefundSpec, Option<amvaj_domain::money::Currency>)> {
    match input {
        RefundWhatInput::Whole(true) => Some((RefundSpec::Whole, None)),
        RefundWhatInput::Amount(money) => {
            let money = reader.money(money, "input.what.amount")?;
            Some((RefundSpec::Amount(money.minor_units()), Some(money.currency())))
        }
        RefundWhatInput::Lines(lines) if !lines.is_empty() && lines.iter().all(|line| line.quantity > 0) => {
            let lines = lines.iter().map(|line| (line.line, i64::from(line.quantity))).collect();
            Some((RefundSpec::Lines(lines), None))
        }
        RefundWhatInput::Whole(false) | RefundWhatInput::Lines(_) => {
            reader.problem(InputProblem::InvalidRefund, "input.what");
            None
        }
    }
}
