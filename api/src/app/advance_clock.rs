//! Whoever builds against a sandbox lets its time pass.

use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::network::NetworkMode;
use amvaj_domain::sandbox::Advance;
use amvaj_domain::text::IdempotencyKey;
use amvaj_infra::ledger_time::{Shown, Step, StepRefused};

use super::{App, AppError, Stopped};

/// How far time is to go on.
#[derive(Debug, Clone)]
pub struct AdvanceClock {
    /// Under which it goes on once.
    pub key: IdempotencyKey,
    /// How far.
    pub advance: Advance,
}

/// Why it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdvanceRefused {
    /// This is the live network.
    NotASandbox,
    /// The step is refused.
    Step(StepRefused),
}

/// Lets the ledger's time pass for all of the sandbox. What is due by then happens at once: to whoever asks, when it is asked
/// for, and in the background in the worker's next round.
pub async fn advance_clock(
    app: &App,
    identity: &Identity,
    author: &Author,
    request: &AdvanceClock,
) -> Result<Shown, Stopped<AdvanceRefused>> {
    if app.mode != NetworkMode::Sandbox {
        return Err(Stopped::Refused(AdvanceRefused::NotASandbox));
    }
    let merchant = match identity.caller {
        Caller::Operator => None,
        Caller::Merchant(merchant) => Some(merchant),
        Caller::Agent | Caller::Member(_) => return Err(AppError::Forbidden.into()),
    };
    let target = merchant.map_or(Target::Nothing, Target::Merchant);
    let act = Act::new(author, ActKind::ClockAdvanced, target, app.now());
    let step = Step { merchant, key: &request.key, advance: request.advance };
    let made = app.ledger_time.step(&step, &act).await?;
    made.map_err(|refused| Stopped::Refused(AdvanceRefused::Step(refused)))
}

/// The ledger's time in a sandbox; the live network has none of its own.
pub fn ledger_clock(app: &App) -> Option<Shown> {
    (app.mode == NetworkMode::Sandbox).then(|| app.ledger_time.shown())
}
