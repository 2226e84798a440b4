//! `earnPointsBulk`: many purchases in one request, each with an answer of its own.

use std::borrow::Cow;
use std::time::Duration;

use amvaj_domain::id::MerchantId;
use async_graphql::registry::Registry;
use async_graphql::{
    Context, Error, InputObject, InputType, InputValueResult, Object, Pos, Result, SimpleObject, Value,
};
use futures_util::{StreamExt as _, stream};

use tokio::time::Instant;

use super::{EarnPointsInput, EarnPointsPayload, earn};
use crate::graphql::context::require_merchant;
use crate::graphql::error::{Code, innermost};
use crate::graphql::points_error::PointsUserError as _;
use crate::graphql::user_error::{UserErrorCode as _, user_errors};
use crate::language::Message;

/// How many purchases are under way at once: enough to fill the ledger's batches, few enough to leave room for tills.
const UNDER_WAY: usize = 32;
/// After this no further purchase is begun, so that a ledger that hangs does not hold a request for minutes.
const PATIENCE: Duration = Duration::from_secs(8);

/// Purchases that earn points, each by itself.
#[derive(Debug, InputObject)]
pub struct EarnPointsBulkInput {
    /// The purchases, 1 to 500, each with its own idempotency key and receipt number. They are independent of each
    /// other, and in which order they are done is not said. Send fewer at a time when they have many lines: a request has
    /// 256 KiB and 20,000 values at most.
    pub purchases: Vec<Purchase>,
}

/// A purchase as it was sent, or why it cannot be read: one that cannot leaves the others as they are.
#[derive(Debug)]
pub struct Purchase(Result<EarnPointsInput, String>);

impl InputType for Purchase {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        EarnPointsInput::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        EarnPointsInput::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let read = EarnPointsInput::parse(value);
        Ok(Self(read.map_err(|error| error.into_server_error(Pos::default()).message)))
    }

    fn to_value(&self) -> Value {
        self.0.as_ref().map_or(Value::Null, InputType::to_value)
    }

    fn federation_fields() -> Option<String> {
        EarnPointsInput::federation_fields()
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

user_errors! {
    /// Why `earnPointsBulk` did nothing at all.
    EarnPointsBulkUserError, EarnPointsBulkErrorCode {
        /// The list of purchases is empty.
        NoPurchases,
    }
}

/// What became of many earns.
#[derive(SimpleObject)]
pub struct EarnPointsBulkPayload {
    /// One for each purchase, in the order in which they were sent; null for a purchase that met a fault, which `errors`
    /// tells with its path: those that were not begun in time are `OVERLOADED`, and those whose member may not be looked for
    /// now, because too many before were not there, are `THROTTLED`. Send what may be repeated again as it was: what was
    /// done is not done twice.
    pub results: Vec<Option<Result<EarnPointsPayload>>>,
    /// Why nothing was done at all. What is wrong with one purchase its own result says.
    pub user_errors: Vec<EarnPointsBulkUserError>,
}

/// The mutation that earns for many.
#[derive(Default)]
pub struct EarnBulkMutation;

#[Object]
impl EarnBulkMutation {
    /// Issues points for up to 500 purchases, each as `earnPoints` would: one that is refused or fails leaves the others as
    /// they are. Merchants only. Cheaper than as many requests: each purchase costs 2 besides its answer.
    async fn earn_points_bulk(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The purchases.")] input: EarnPointsBulkInput,
    ) -> Result<EarnPointsBulkPayload> {
        let merchant = require_merchant(ctx)?;
        if input.purchases.is_empty() {
            let user_errors = vec![EarnPointsBulkErrorCode::NoPurchases.at("input.purchases")];
            return Ok(EarnPointsBulkPayload { results: Vec::new(), user_errors });
        }
        let end = Instant::now() + PATIENCE;
        let purchases = stream::iter(input.purchases.into_iter().enumerate());
        let answers = purchases.map(|(at, purchase)| {
            Box::pin(async move {
                // Nothing of it was done yet.
                if Instant::now() >= end {
                    Err(Code::Overloaded.error())
                } else {
                    one_of_many(ctx, merchant, at, purchase).await
                }
            })
        });
        let results = answers.buffered(UNDER_WAY).map(Some).collect().await;
        Ok(EarnPointsBulkPayload { results, user_errors: Vec::new() })
    }
}

/// The answer of the purchase at this place, whose user errors name the field as it is in the whole input.
async fn one_of_many(
    ctx: &Context<'_>,
    merchant: MerchantId,
    at: usize,
    Purchase(purchase): Purchase,
) -> Result<EarnPointsPayload> {
    let place = format!("input.purchases.{at}");
    let purchase = purchase.map_err(|cause| unreadable(&place, &cause))?;
    let mut payload = earn(ctx, merchant, purchase).await?;
    payload.user_errors = payload.user_errors.into_iter().map(|error| error.moved_to(&place)).collect();
    Ok(payload)
}

/// The error of a purchase that cannot be read.
fn unreadable(place: &str, cause: &str) -> Error {
    let code = Code::BadUserInput;
    code.saying(Message::of_code_with_detail(code.as_str(), &format!("{place}: {}", innermost(cause))))
}
