//! The operator blocks a member or opens the account again.
//!
//! The member's row says what people see; the wallet has a status of its own, which the ledger's decisions read.

use amvaj_domain::access::{Caller, EndReason, Subject};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{MemberId, WalletId};
use amvaj_domain::ledger::{Command, Digest, Idem, Operation, Prices, Tenant, WalletStatus};
use amvaj_domain::member::{Member, MemberLookup, MemberStatus};
use amvaj_infra::ledger::{Answer, Request};

use super::access::operator_only;
use super::{App, AppError};
use crate::random;

/// Sets a member's status; that the member has it already is no fault. The wallet comes first: from its commit on the
/// ledger refuses. Then comes the member's row, and a blocked member's sessions end last: a log-in that is under way
/// reads the row after its session has begun (see [`super::sessions`]), so either it is ended here or it ends itself. If
/// the process ends in between, asking again does what is left.
pub async fn set_member_status(
    app: &App,
    author: &Author,
    member: MemberId,
    status: MemberStatus,
) -> Result<Member, AppError> {
    operator_only(author)?;
    let found = app.directory.members(Caller::Operator).find(&MemberLookup::Id(member)).await?;
    // Of an erased member nothing changes any more.
    let found = found.filter(|member| member.status != MemberStatus::Erased).ok_or(AppError::NotFound)?;
    let (wallet_status, kind) = match status {
        MemberStatus::Open => (WalletStatus::Open, ActKind::MemberUnblocked),
        MemberStatus::Blocked => (WalletStatus::Blocked, ActKind::MemberBlocked),
        MemberStatus::Erased => return Err(AppError::Forbidden),
    };
    set_wallet_status(app, found.wallet, wallet_status).await?;
    let act = Act::new(author, kind, Target::Member(member), app.now());
    let changed = app.directory.set_member_status(member, status, &act).await?.ok_or(AppError::NotFound)?;
    if status == MemberStatus::Blocked {
        app.sessions.end_all(Subject::Member(member), EndReason::Blocked, app.now()).await?;
    }
    Ok(changed)
}

/// Sets the status of a wallet by an operation of the ledger; that it has it already is no fault.
pub(super) async fn set_wallet_status(
    app: &App,
    wallet: WalletId,
    status: WalletStatus,
) -> Result<(), AppError> {
    let now = app.ledger_now();
    let state = app.reader.wallet(wallet, now).await?.ok_or(AppError::NotFound)?;
    if state.wallet.status == status {
        return Ok(());
    }
    let key = random::uuid(now);
    let operation = Operation {
        wallet,
        tenant: Tenant::Network,
        idem: Idem::stored(key),
        body: Digest::NONE,
        merchant: None,
        branch: None,
        occurred_at: now,
        window: app.window,
        prices: Prices::default(),
        refusal: None,
        command: Command::SetStatus(status),
    };
    match app.ledger.submit(Request::Apply(operation)).await? {
        Answer::Recorded(recorded) if recorded.op.rejection.is_none() => Ok(()),
        _ => Err(AppError::OutcomeUnknown),
    }
}
