//! `rateLimit`: how much the caller may still ask for.

use std::sync::Arc;

use async_graphql::{Context, Object, Result, SimpleObject};

use super::context::app;
use super::scalar::DateTime;
use crate::throttle::Bucket;

/// What the present request has been charged so far, and from which bucket.
#[derive(Debug, Clone)]
pub struct Charged {
    bucket: Arc<Bucket>,
    cost: u64,
}

impl Charged {
    /// So much from this bucket.
    pub fn new((bucket, cost): &(Arc<Bucket>, u64)) -> Self {
        Self { bucket: Arc::clone(bucket), cost: *cost }
    }
}

/// How much the caller may ask for. Each request costs what it asks for: 1 for each object that it may return, times the
/// length of the page that it is on, and 10 more for each mutation; it costs at least 1, and what it did not need is given
/// back. The cost of a request and what is left are in `extensions.cost` of every answer.
#[derive(SimpleObject)]
pub struct RateLimit {
    /// The most that can be asked for at once. Example: `50000`.
    pub capacity: i32,
    /// What can be asked for at this moment, this request already taken off. Example: `49987`.
    pub remaining: i32,
    /// What comes back each second. Example: `10000`.
    pub restores_per_second: i32,
    /// When all of the capacity is back, if nothing is asked for until then.
    pub full_at: DateTime,
    /// What this request costs by estimate, 1 or more. Example: `13`.
    pub cost: i32,
}

/// The query about limits.
#[derive(Default)]
pub struct RateLimitQuery;

#[Object]
impl RateLimitQuery {
    /// How much the caller may still ask for, as a merchant, member, operator or agent; without a token, from its address.
    /// Whoever asks for more is answered `THROTTLED`, with the seconds to wait in `extensions.retryAfter`. Needs no token.
    async fn rate_limit(&self, ctx: &Context<'_>) -> Result<RateLimit> {
        let charged = ctx.data::<Charged>()?;
        let (now, rate) = (app(ctx)?.now(), charged.bucket.rate());
        let standing = charged.bucket.standing(now).await;
        let whole = |number: u64| i32::try_from(number).unwrap_or(i32::MAX);
        Ok(RateLimit {
            capacity: whole(rate.capacity),
            remaining: whole(standing.remaining),
            restores_per_second: whole(rate.per_second),
            full_at: DateTime(now.plus(standing.full_in)),
            cost: whole(charged.cost),
        })
    }
}
