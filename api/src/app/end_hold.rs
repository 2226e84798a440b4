//! A merchant ends a hold: it captures points, all or a part, or releases them.

use amvaj_domain::{id::MerchantId, ledger::Command, points::Points};
use amvaj_infra::ledger::{OperationKey, Recorded};

use super::{
    App,
    error::Stopped,
    fingerprint::Fingerprint,
    points::{Acting, PointsRefusal, PointsRequest, submit_now},
};

/// How a hold is to end.
#[derive(Debug, Clone)]
pub struct EndHold {
    /// Key, branch and time.
    pub request: PointsRequest,
    /// The hold.
    pub hold: OperationKey,
    /// How.
    pub end: HoldEnd,
}

/// The two ways a merchant ends a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldEnd {
    /// Take so many points, all when absent, and give the rest back.
    Capture(Option<Points>),
    /// Give all back.
    Release,
}

/// Ends a hold.
///
/// # Errors
/// [`PointsRefusal::HoldNotFound`], [`PointsRefusal::IdempotencyMismatch`]; all other refusals are recorded.
pub async fn end_hold(
    app: &App,
    merchant: MerchantId,
    input: &EndHold,
) -> Result<Recorded, Stopped<PointsRefusal>> {
    let acting = Acting::load(app, merchant, &input.request).await?;
    acting.find_hold(app, input.hold, matches!(input.end, HoldEnd::Capture(_))).await?;
    let (wallet, hold) = input.hold;
    let (kind, command, amount) = match input.end {
        HoldEnd::Capture(amount) => ("capture", Command::Capture { hold, amount }, amount),
        HoldEnd::Release => ("release", Command::Release { hold }, None),
    };
    let body = Fingerprint::of(kind, &input.request).hold(wallet, hold).points(amount).digest();
    submit_now(app, acting.operation(app, wallet, body, acting.ending(), command)).await
}
