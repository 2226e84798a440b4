//! The operator blocks a member or opens the account again.
//!
//! The member's row says what people see; the wallet has a status of its own, which the ledger's decisions read and
//! which follows the row.

use amvaj_domain::access::{Caller, EndReason, Subject};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{MemberId, WalletId};
use amvaj_domain::ledger::{Command, Digest, Idem, Operation, Prices, Tenant, WalletStatus};
use amvaj_domain::member::{Member, MemberLookup, MemberStatus};
use amvaj_infra::ledger::{Answer, Request};

use super::access::operator_only;
use super::{App, AppError};
use crate::random;

/// How often a wallet is looked at anew that others change at the same moment.
const ROUNDS: u32 = 20;

/// Sets a member's status; that the member has it already is no fault.
///
/// Of a block the wallet comes first: from its commit on the ledger refuses. Then comes the member's row, which decides
/// between those who change it at the same moment; and the wallet is made what the row says ([`follow_row`]). A blocked
/// member's sessions end last: a log-in that is under way reads the row after its session has begun (see
/// [`super::sessions`]), so either it is ended here or it ends itself. If the process ends in between, asking again does
/// what is left.
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
    let kind = match status {
        MemberStatus::Open => ActKind::MemberUnblocked,
        MemberStatus::Blocked => ActKind::MemberBlocked,
        MemberStatus::Erased => return Err(AppError::Forbidden),
    };
    if status == MemberStatus::Blocked {
        block_wallet(app, found.wallet).await?;
    }
    let act = Act::new(author, kind, Target::Member(member), app.now());
    let changed = app.directory.set_member_status(member, status, &act).await?;
    follow_row(app, member).await?;
    if status == MemberStatus::Blocked {
        app.sessions.end_all(Subject::Member(member), EndReason::Blocked, app.now()).await?;
    }
    // Whoever was erased meanwhile is not there for anybody.
    changed.ok_or(AppError::NotFound)
}

/// Blocks a wallet, if it is open.
pub(super) async fn block_wallet(app: &App, wallet: WalletId) -> Result<(), AppError> {
    let (status, _) = app.reader.standing(wallet).await?.ok_or(AppError::NotFound)?;
    match status {
        WalletStatus::Open => block_for_good(app, wallet).await,
        WalletStatus::Blocked => Ok(()),
    }
}

/// Blocks a wallet, whether or not it is open: whoever was about to reopen it comes too late.
pub(super) async fn block_for_good(app: &App, wallet: WalletId) -> Result<(), AppError> {
    match submit(app, wallet, Command::SetStatus(WalletStatus::Blocked)).await? {
        Answer::Recorded(recorded) if recorded.op.rejection.is_none() => Ok(()),
        _ => Err(AppError::OutcomeUnknown),
    }
}

/// Makes a member's wallet what the member's row says: open for an open member, and blocked for any other.
///
/// Whoever changes the row or the wallet looks at both again after it, so the last of them leaves them alike. A wallet
/// is reopened only as it was before the row was read: so none is that an erasure has blocked since, even if this
/// process ends before it looks again.
pub(super) async fn follow_row(app: &App, member: MemberId) -> Result<(), AppError> {
    for _ in 0..ROUNDS {
        let wallet = app.directory.wallet_of(member).await?.ok_or(AppError::NotFound)?;
        let (status, after) = app.reader.standing(wallet).await?.ok_or(AppError::NotFound)?;
        let row = app.directory.members(Caller::Operator).find(&MemberLookup::Id(member)).await?;
        let command = match (row.ok_or(AppError::NotFound)?.status, status) {
            (MemberStatus::Open, WalletStatus::Open)
            | (MemberStatus::Blocked | MemberStatus::Erased, WalletStatus::Blocked) => return Ok(()),
            (MemberStatus::Open, WalletStatus::Blocked) => Command::Reopen { after },
            (MemberStatus::Blocked | MemberStatus::Erased, WalletStatus::Open) => {
                Command::SetStatus(WalletStatus::Blocked)
            }
        };
        submit(app, wallet, command).await?;
    }
    Err(AppError::OutcomeUnknown)
}

/// Has the ledger change the status of a wallet.
async fn submit(app: &App, wallet: WalletId, command: Command) -> Result<Answer, AppError> {
    let now = app.ledger_now();
    let operation = Operation {
        wallet,
        tenant: Tenant::Network,
        idem: Idem::stored(random::uuid(now)),
        body: Digest::NONE.into(),
        merchant: None,
        branch: None,
        occurred_at: now,
        window: app.window,
        prices: Prices::default(),
        refusal: None,
        command,
    };
    Ok(app.ledger.submit(Request::Apply(operation)).await?)
}
