//! The time of a sandbox: `clock` and `advanceClock`.

use amvaj_domain::sandbox::{Advance, CannotAdvance};
use amvaj_domain::text::IdempotencyKey;
use amvaj_domain::time::Span;
use amvaj_infra::ledger_time::{Shown, StepRefused};
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::context::{app, author, identity};
use super::error::refusal_or_fault;
use super::scalar::DateTime;
use super::user_error::{Problems, user_errors};
use crate::app::advance_clock::{AdvanceClock, AdvanceRefused, advance_clock, ledger_clock};

/// Queries about a sandbox's time.
#[derive(Default)]
pub struct ClockQuery;

/// The time by which a sandbox counts points.
#[derive(Debug, Clone, Copy, SimpleObject)]
pub struct Clock {
    /// The time: purchases of now happen at it, and pending points, holds and expiry go by it. Keys, tokens and limits do
    /// not.
    now: DateTime,
    /// How many seconds it is ahead of the present. Example: `2592000`.
    offset_seconds: i32,
}

/// How far a sandbox's time is to go on: one of `seconds` and `until`.
#[derive(Debug, InputObject)]
pub struct AdvanceClockInput {
    /// 1 to 64 visible ASCII characters, a new one for each step; a retry with the same key makes the step once and is
    /// answered the same.
    pub idempotency_key: String,
    /// By so many seconds, 1 or more. Example: `86400`.
    pub seconds: Option<i32>,
    /// Until then, which has to be ahead of the sandbox's time. Example: `"2027-03-21T00:00:00Z"`.
    pub until: Option<DateTime>,
}

/// What `advanceClock` did.
#[derive(Default, SimpleObject)]
pub struct AdvanceClockPayload {
    /// The sandbox's time after the step; null when nothing changed.
    pub clock: Option<Clock>,
    /// Why nothing changed; empty when time has passed.
    pub user_errors: Vec<AdvanceClockUserError>,
}

user_errors! {
    /// Why `advanceClock` changed nothing.
    AdvanceClockUserError, AdvanceClockErrorCode {
        /// This is the live network, whose time is everybody's. `network` tells where its sandbox is.
        NotASandbox,
        /// The idempotency key is empty, longer than 64 characters, or not of visible ASCII characters.
        InvalidIdempotencyKey,
        /// The idempotency key was used before for another step. Nothing was done now.
        IdempotencyMismatch,
        /// None of `seconds` and `until` is there, or both are.
        ClockStepUnclear,
        /// Time would stand still or go back.
        ClockNotForward,
        /// The sandbox would be more than five years ahead.
        ClockTooFar,
    }
}

/// The mutation.
#[derive(Default)]
pub struct ClockMutation;

impl From<Shown> for Clock {
    fn from(shown: Shown) -> Self {
        let seconds = shown.ahead.micros() / Span::seconds(1).micros();
        Self { now: DateTime(shown.now), offset_seconds: i32::try_from(seconds).unwrap_or(i32::MAX) }
    }
}

#[Object]
impl ClockQuery {
    /// The time by which this sandbox counts points; null in the live network, whose time is everybody's.
    #[expect(clippy::unused_async, reason = "the library wants every resolver async")]
    async fn clock(&self, ctx: &Context<'_>) -> Result<Option<Clock>> {
        Ok(ledger_clock(app(ctx)?).map(Clock::from))
    }
}

#[Object]
impl ClockMutation {
    /// Lets the time of a sandbox pass (merchant, operator), for all of the sandbox at once: pending points become available,
    /// holds end and points expire, as they would have when that time had come. It is at this server's when this is answered, and
    /// within half a second on every other. Time never goes back, and at most five years pass. Keys, tokens, sessions, limits
    /// and the tries of webhooks stay in the present.
    async fn advance_clock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How far.")] input: AdvanceClockInput,
    ) -> Result<AdvanceClockPayload> {
        use AdvanceClockErrorCode as Code;
        let request = match read(&input) {
            Ok(request) => request,
            Err(user_errors) => return Ok(AdvanceClockPayload { clock: None, user_errors }),
        };
        let step = if input.seconds.is_some() { "input.seconds" } else { "input.until" };
        let done = advance_clock(app(ctx)?, identity(ctx)?, &author(ctx)?, &request).await;
        let (code, path) = match refusal_or_fault(done)? {
            Ok(shown) => {
                return Ok(AdvanceClockPayload { clock: Some(shown.into()), user_errors: Vec::new() });
            }
            Err(AdvanceRefused::NotASandbox) => (Code::NotASandbox, ""),
            Err(AdvanceRefused::Step(StepRefused::KeyInUse)) => {
                (Code::IdempotencyMismatch, "input.idempotencyKey")
            }
            Err(AdvanceRefused::Step(StepRefused::CannotAdvance(CannotAdvance::NotForward))) => {
                (Code::ClockNotForward, step)
            }
            Err(AdvanceRefused::Step(StepRefused::CannotAdvance(CannotAdvance::TooFar))) => {
                (Code::ClockTooFar, step)
            }
        };
        Ok(AdvanceClockPayload { clock: None, user_errors: Problems::one(code, path) })
    }
}

fn read(input: &AdvanceClockInput) -> Result<AdvanceClock, Vec<AdvanceClockUserError>> {
    use AdvanceClockErrorCode as Code;
    let mut problems = Problems::new();
    let key = IdempotencyKey::parse(&input.idempotency_key);
    let key = problems.take(key, Code::InvalidIdempotencyKey, "input.idempotencyKey");
    let advance = match (input.seconds, input.until) {
        (Some(seconds), None) => Some(Advance::By(Span::seconds(seconds.into()))),
        (None, Some(DateTime(end))) => Some(Advance::Until(end)),
        (None, None) | (Some(_), Some(_)) => None,
    };
    if advance.is_none() {
        problems.add(Code::ClockStepUnclear, "input");
    }
    match (key, advance) {
        (Some(key), Some(advance)) => Ok(AdvanceClock { key, advance }),
        _ => Err(problems.into_errors()),
    }
}
