//! `earnPoints` and `quoteEarn`: a merchant issues points for a purchase.

pub mod bulk;

use amvaj_domain::{
    access::Scope,
    earn::{Basket, BasketLine, InvalidBasket},
    id::MerchantId,
    text::ReceiptNumber,
};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{
    context::{app, identity, require_merchant},
    error::fault,
    explanation::EarnArithmetic,
    member::MemberRef,
    operation::Operation,
    points_error::{InputProblem, PointsUserError, points_errors},
    points_input::{InputReader, PointsAnswer, refusal_error},
    scalar::{DateTime, MinorUnits, PointsScalar},
    value::MoneyInput,
    wallet::Wallet,
};
use crate::app::{
    Stopped,
    earn_points::{EarnPoints, earn_points},
    points::PointsRequest,
    quote_earn::{EarnQuote as Quote, QuoteEarn, quote_earn},
};
use crate::language::Message;

/// One line of a basket.
#[derive(Debug, InputObject)]
pub struct BasketLineInput {
    /// Number of the line on the receipt; 1, 2, 3 … in the order given when absent from all lines.
    pub line: Option<i32>,
    /// Your product code. Example: `"4006381333931"`.
    #[graphql(validator(max_length = 128))]
    pub product: Option<String>,
    /// Your product category; a rule may exclude it from earning. Example: `"gift-card"`.
    #[graphql(validator(max_length = 64))]
    pub category: Option<String>,
    /// Price of the whole line in minor units of the amount's currency, zero or more.
    pub amount: MinorUnits,
    /// Units bought, one or more.
    #[graphql(default = 1)]
    pub quantity: i32,
}

/// A purchase that earns points.
#[derive(Debug, InputObject)]
pub struct EarnPointsInput {
    /// Your key of this request: 1 to 64 visible ASCII characters. Send the same one on every retry.
    pub idempotency_key: String,
    /// Who bought.
    pub member: MemberRef,
    /// Your receipt number: 1 to 64 characters, one earn each. Example: `"POS7-000123"`.
    pub receipt_number: String,
    /// Price of the whole basket.
    pub amount: MoneyInput,
    /// The lines of the basket, at most 2,000; they add up to the amount. Without lines the whole amount may earn,
    /// and refunds name the whole purchase or an amount.
    pub lines: Option<Vec<BasketLineInput>>,
    /// The branch where it was bought.
    pub branch_id: Option<ID>,
    /// When it was bought; now when absent. Rules, caps and expiry go by it.
    pub occurred_at: Option<DateTime>,
}

points_errors! {
    /// Why `earnPoints` issued nothing.
    EarnPointsUserError, EarnPointsErrorCode {
        InvalidIdempotencyKey IdempotencyMismatch InvalidBranchId BranchNeeded BranchNotYours InvalidMember MemberNotFound InvalidReceiptNumber
        InvalidAmount InvalidBasket MerchantBlocked BranchNotFound BranchClosed MemberBlocked CurrencyMismatch
        NoEarnRule OccurredInFuture OccurredTooLongAgo ReceiptAlreadyUsed ReceiptOfAnotherMember AmountTooLarge
    }
}

/// What became of an earn.
#[derive(SimpleObject)]
pub struct EarnPointsPayload {
    /// The earn; null when nothing was issued, except that `RECEIPT_ALREADY_USED` shows the earn which has the
    /// receipt.
    pub operation: Option<Operation>,
    /// The wallet right after it; null when no wallet was reached, and when a refused merchant does not see it.
    pub wallet: Option<Wallet>,
    /// Whether this is the answer of an earlier request with the same key.
    pub replayed: bool,
    /// Why nothing was issued; empty when points were.
    pub user_errors: Vec<EarnPointsUserError>,
}

/// A purchase to be quoted.
#[derive(Debug, InputObject)]
pub struct QuoteEarnInput {
    /// Who buys; without one the cap of the member's day is not looked at.
    pub member: Option<MemberRef>,
    /// Price of the whole basket.
    pub amount: MoneyInput,
    /// The lines of the basket, at most 2,000; they add up to the amount.
    pub lines: Option<Vec<BasketLineInput>>,
    /// The branch.
    pub branch_id: Option<ID>,
    /// When it is bought; now when absent.
    pub occurred_at: Option<DateTime>,
}

points_errors! {
    /// Why `quoteEarn` quotes nothing.
    QuoteEarnUserError, QuoteEarnErrorCode {
        InvalidBranchId BranchNeeded BranchNotYours InvalidMember MemberNotFound InvalidAmount InvalidBasket MerchantBlocked BranchNotFound
        BranchClosed CurrencyMismatch NoEarnRule OccurredInFuture OccurredTooLongAgo AmountTooLarge
    }
}

/// What a purchase would earn.
#[derive(SimpleObject)]
pub struct EarnQuote {
    /// Points that it would earn.
    pub points: PointsScalar,
    /// How they come about.
    pub arithmetic: EarnArithmetic,
    /// First moment at which they could be spent.
    pub active_from: DateTime,
    /// Last moment at which they could be spent; null when they never expire.
    pub expires_at: Option<DateTime>,
}

/// A quote, or why there is none.
#[derive(SimpleObject)]
pub struct QuoteEarnPayload {
    /// The quote; null when there are user errors.
    pub quote: Option<EarnQuote>,
    /// Why there is no quote; empty when there is.
    pub user_errors: Vec<QuoteEarnUserError>,
}

/// Queries about earning.
#[derive(Default)]
pub struct EarnQuery;

#[Object]
impl EarnQuery {
    /// What a purchase of yours would earn, by the formula that `earnPoints` itself uses. Merchants only.
    async fn quote_earn(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The purchase.")] input: QuoteEarnInput,
    ) -> Result<QuoteEarnPayload> {
        let merchant = require_merchant(ctx)?;
        let mut reader = InputReader::<QuoteEarnUserError>::default();
        // A quote moves nothing, so its key is of no account.
        let request = reader.request(
            (identity(ctx)?, Scope::PointsEarn),
            "quote",
            input.branch_id.as_ref(),
            input.occurred_at,
        );
        let member = match &input.member {
            Some(member) => reader.member(member, merchant).map(Some),
            None => Some(None),
        };
        let basket = basket(&mut reader, input.amount, input.lines);
        let (Some(request), Some(member), Some(basket)) = (request, member, basket) else {
            return Ok(QuoteEarnPayload { quote: None, user_errors: reader.into_errors()? });
        };
        match quote_earn(app(ctx)?, merchant, &QuoteEarn { request, member, basket }).await {
            Ok(quote) => Ok(QuoteEarnPayload { quote: Some(quote.into()), user_errors: Vec::new() }),
            Err(Stopped::Refused(refusal)) => {
                Ok(QuoteEarnPayload { quote: None, user_errors: vec![refusal_error(refusal)?] })
            }
            Err(Stopped::Failed(error)) => Err(fault(error)),
        }
    }
}

/// Mutations that earn.
#[derive(Default)]
pub struct EarnMutation;

#[Object]
impl EarnMutation {
    /// Issues points for a purchase. Merchants only. One receipt earns once; a retry with the same key answers what
    /// the first one did.
    async fn earn_points(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The purchase.")] input: EarnPointsInput,
    ) -> Result<EarnPointsPayload> {
        earn(ctx, require_merchant(ctx)?, input).await
    }
}

/// Reads one purchase and issues its points.
async fn earn(ctx: &Context<'_>, merchant: MerchantId, input: EarnPointsInput) -> Result<EarnPointsPayload> {
    let mut reader = InputReader::default();
    let request: Option<PointsRequest> = reader.request(
        (identity(ctx)?, Scope::PointsEarn),
        &input.idempotency_key,
        input.branch_id.as_ref(),
        input.occurred_at,
    );
    let member = reader.member(&input.member, merchant);
    let receipt: Option<ReceiptNumber> = reader.receipt(&input.receipt_number);
    let basket = basket(&mut reader, input.amount, input.lines);
    let answer = match (request, member, receipt, basket) {
        (Some(request), Some(member), Some(receipt), Some(basket)) => {
            let earn = EarnPoints { request, member, receipt, basket };
            PointsAnswer::of(ctx, earn_points(app(ctx)?, merchant, &earn).await).await?
        }
        _ => PointsAnswer::unread(reader)?,
    };
    let PointsAnswer { operation, wallet, replayed, user_errors } = answer;
    Ok(EarnPointsPayload { operation, wallet, replayed, user_errors })
}

/// Reads amount and lines.
fn basket<E: PointsUserError>(
    reader: &mut InputReader<E>,
    amount: MoneyInput,
    lines: Option<Vec<BasketLineInput>>,
) -> Option<Basket> {
    let total = reader.money(amount, "input.amount")?;
    let unnumbered = lines.iter().flatten().all(|line| line.line.is_none());
    let mut read = Vec::new();
    for (at, line) in lines.unwrap_or_default().into_iter().enumerate() {
        let ordinal = i32::try_from(at).unwrap_or(i32::MAX).saturating_add(1);
        let line_no = if unnumbered { Some(ordinal) } else { line.line };
        let texts = [line.product.as_deref(), line.category.as_deref()];
        let readable = texts.iter().flatten().all(|text| !text.chars().any(char::is_control));
        let (Some(line_no), Ok(amount), true) = (line_no, i64::try_from(line.amount.0), readable) else {
            let message = Message::new("basket-line-unreadable").with("line", ordinal);
            reader.problem_saying(InputProblem::InvalidBasket, message, "input.lines");
            return None;
        };
        read.push(BasketLine {
            line_no,
            product: line.product,
            category: line.category,
            amount,
            quantity: i64::from(line.quantity),
        });
    }
    match Basket::new(total, read) {
        Ok(basket) => Some(basket),
        Err(invalid) => {
            match invalid_basket(invalid) {
                Some(message) => reader.problem_saying(InputProblem::InvalidBasket, message, "input.lines"),
                None => reader.problem(InputProblem::InvalidAmount, "input.amount"),
            }
            None
        }
    }
}

/// What is wrong with the lines; nothing when the lines are in order and the amount is none.
fn invalid_basket(invalid: InvalidBasket) -> Option<Message> {
    match invalid {
        InvalidBasket::Empty => None,
        InvalidBasket::RepeatedLine(line) => Some(Message::new("basket-repeats-line").with("line", line)),
        InvalidBasket::LineAmount(line) => Some(Message::new("basket-line-amount").with("line", line)),
        InvalidBasket::Quantity(line) => Some(Message::new("basket-line-quantity").with("line", line)),
        InvalidBasket::Sum { lines, total } => {
            Some(Message::new("basket-sum").with("lines", lines).with("total", total))
        }
        InvalidBasket::TooManyLines => Some(Message::new("basket-too-long").with("limit", Basket::MAX_LINES)),
    }
}

impl From<Quote> for EarnQuote {
    fn from(quote: Quote) -> Self {
        let Quote { rule, kept, cap_left, active_from, expires_at } = quote;
        Self {
            points: kept.points.into(),
            arithmetic: EarnArithmetic {
                rule_version: rule.version,
                basket: kept.total.into(),
                eligible: kept.eligible.into(),
                earning: kept.earning.into(),
                rate_points: rule.rate.points.into(),
                rate_per: rule.rate.per.into(),
                below_minimum: kept.below_minimum,
                minimum_basket: rule.minimum_basket.into(),
                uncapped: kept.uncapped.into(),
                cap: cap_left.map(PointsScalar::from),
                points: kept.points.into(),
            },
            active_from: DateTime(active_from),
            expires_at: expires_at.map(DateTime),
        }
    }
}
