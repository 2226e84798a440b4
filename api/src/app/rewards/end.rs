//! A redemption is collected, or called off. Either is asked of the ledger, which decides between the two.

use amvaj_domain::access::Caller;
use amvaj_domain::id::{MerchantId, RedemptionId};
use amvaj_domain::ledger::{Command, Digest, Idem, Tenant};
use amvaj_domain::reward::{Redemption, RedemptionState, VoucherCode};
use amvaj_infra::db::StoreError;
use amvaj_infra::ledger::{LedgerScope, Recorded};

use super::redeem::placed;
use crate::app::fingerprint::Fingerprint;
use crate::app::look_up::{Purpose, Seeker, look_up};
use crate::app::points::{Acting, PointsRefusal, PointsRequest, submit_now};
use crate::app::{App, AppError, Stopped};

/// A redemption that was asked to end, as it is now, with the operation that ended it or says why not.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The redemption.
    pub redemption: Redemption,
    /// The operation.
    pub recorded: Recorded,
}

/// Why a redemption was not ended. Refusals of the ledger are in the operation's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndRefused {
    /// There is no such redemption for the caller.
    RedemptionNotFound,
    /// The ledger has no record of the refusal.
    Points(PointsRefusal),
}

/// Takes the points of the redemption that a voucher code proves; the merchant gives the reward.
pub async fn capture_redemption(
    app: &App,
    merchant: MerchantId,
    request: &PointsRequest,
    code: &VoucherCode,
) -> Result<Ended, Stopped<EndRefused>> {
    // A code that nobody has is a miss, as a mobile that nobody has: whoever tries codes out is stopped.
    let seeker = Seeker::of_merchant(merchant, request.actor);
    let is_retry = is_in_use(app, Tenant::Merchant(merchant), request).await?;
    let search = async {
        let found = app.rewards.redemption_of_voucher(merchant, code, app.ledger_now()).await?;
        Ok::<_, StoreError>(found.filter(|redemption| is_retry || may_collect(merchant, request, redemption)))
    };
    let found = look_up(app, seeker, Purpose::Operate, search).await?;
    let body = Fingerprint::of("captureRedemption", request).line(Some(code.as_str())).digest();
    let command = |hold| Command::Capture { hold, amount: None };
    end(app, (Tenant::Merchant(merchant), request, body), found, command).await
}

/// Gives points and piece back, at the wish of the merchant or of the member. People of a branch do it for what they see in
/// the list of redemptions.
pub async fn release_redemption(
    app: &App,
    caller: Caller,
    request: &PointsRequest,
    id: RedemptionId,
) -> Result<Ended, Stopped<EndRefused>> {
    let (tenant, scope) = match caller {
        Caller::Merchant(merchant) => {
            let tenant = Tenant::Merchant(merchant);
            let is_retry = is_in_use(app, tenant, request).await?;
            (tenant, if is_retry { LedgerScope::Merchant(merchant) } else { request.scope(merchant) })
        }
        Caller::Member(member) => {
            let wallet = app.directory.wallet_of(member).await?.ok_or(AppError::NotFound)?;
            (Tenant::Member(member), LedgerScope::Wallet(wallet))
        }
        Caller::Operator | Caller::Agent => return Err(AppError::Forbidden.into()),
    };
    let found = app.rewards.redemptions_by_id(&scope, &[id], app.ledger_now()).await?.pop();
    let body = Fingerprint::of("releaseRedemption", request).id(id.uuid()).digest();
    end(app, (tenant, request, body), found, |hold| Command::Release { hold }).await
}

/// Whether the request's key is in use: then the ledger says what became of it, whatever the caller sees by now.
async fn is_in_use(app: &App, tenant: Tenant, request: &PointsRequest) -> Result<bool, StoreError> {
    Ok(app.reader.claimed_wallet(Idem::of(tenant, &request.key)).await?.is_some())
}

/// Whether the caller's till may give what a voucher proves: what was asked for at a branch of another's is given there; what
/// a member asked for by itself, wherever it comes.
fn may_collect(merchant: MerchantId, request: &PointsRequest, redemption: &Redemption) -> bool {
    redemption.branch.is_none() || request.scope(merchant).shows_redemption(redemption)
}

async fn end(
    app: &App,
    (tenant, request, body): (Tenant, &PointsRequest, Digest),
    found: Option<Redemption>,
    command: impl FnOnce(i64) -> Command,
) -> Result<Ended, Stopped<EndRefused>> {
    let not_found = Stopped::Refused(EndRefused::RedemptionNotFound);
    let Some(redemption) = reserved(app, found).await? else { return Err(not_found) };
    let Some(hold) = redemption.hold else { return Err(not_found) };
    let acting = Acting::on_behalf(app, redemption.merchant, tenant, request).await?;
    let operation = acting.operation(app, redemption.wallet, body, acting.ending(), command(hold));
    let recorded = submit_now(app, operation).await.map_err(|stopped| match stopped {
        Stopped::Refused(refusal) => Stopped::Refused(EndRefused::Points(refusal)),
        Stopped::Failed(error) => Stopped::Failed(error),
    })?;
    // What is done is done; if it cannot be noted now, it is when the outbox tells of it.
    if let Err(error) = app.rewards.note_end(redemption.id, redemption.wallet, hold).await {
        tracing::warn!(%error, redemption = %redemption.id, "the end of a redemption is noted later");
    }
    let now =
        app.rewards.redemptions_by_id(&LedgerScope::Network, &[redemption.id], app.ledger_now()).await?.pop();
    Ok(Ended { redemption: now.unwrap_or(redemption), recorded })
}

/// A redemption that has a hold; one that a crash left without gets its own first. Nothing for what was refused.
async fn reserved(app: &App, found: Option<Redemption>) -> Result<Option<Redemption>, AppError> {
    let found = match found {
        Some(pending) if pending.state == RedemptionState::Pending => {
            Some(placed(app, &pending, true).await?.redemption)
        }
        found => found,
    };
    Ok(found.filter(|redemption| redemption.state != RedemptionState::Refused))
}
