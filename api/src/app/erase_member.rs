//! Erasure of a member: the identity goes for good, and the ledger stays, balanced, under a pseudonym.

use amvaj_domain::access::{Caller, Identity, Scope, Subject};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{MemberId, WalletId};
use amvaj_domain::ledger::HoldState;
use amvaj_domain::member::{Member, MemberLookup, MemberStatus};
use amvaj_domain::time::Span;

use super::set_member_status::{block_for_good, block_wallet, follow_row};
use super::{App, AppError, Stopped};

/// How long ago a member may have logged in that erases itself.
const FRESH: Span = Span::minutes(10);

/// Why nobody was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EraseRefused {
    /// There is no such member for the caller.
    MemberNotFound,
    /// Points are reserved, so that a merchant still has something to take or to give back.
    HoldsOpen,
    /// The member did not log in just now.
    LogInAgain,
}

/// Erases a member: for itself, when it has just logged in, or for an operator who manages members. Erasing it again
/// changes nothing; whatever stopped on the way is finished then.
///
/// The wallet is blocked first, so that nothing begins there any more. Then the identity goes, with all that lets the
/// member in. Then the wallet is blocked once more, so that whoever was about to reopen it comes too late.
pub async fn erase_member(
    app: &App,
    identity: &Identity,
    author: &Author,
    member: Option<MemberId>,
) -> Result<Member, Stopped<EraseRefused>> {
    use EraseRefused::{HoldsOpen, MemberNotFound};
    let member = allowed(app, identity, member).await?;
    let found = app.directory.members(Caller::Operator).find(&MemberLookup::Id(member)).await?;
    let found = found.ok_or(Stopped::Refused(MemberNotFound))?;
    if found.status != MemberStatus::Erased {
        if holds_are_open(app, found.wallet).await? {
            return Err(Stopped::Refused(HoldsOpen));
        }
        block_wallet(app, found.wallet).await?;
        // A hold may have come before the block.
        if holds_are_open(app, found.wallet).await? {
            follow_row(app, member).await?;
            return Err(Stopped::Refused(HoldsOpen));
        }
    }
    let erased = erase(app, author, member).await?.ok_or(Stopped::Refused(MemberNotFound))?;
    if found.status == MemberStatus::Erased {
        follow_row(app, member).await?;
    } else {
        block_for_good(app, found.wallet).await?;
    }
    Ok(erased)
}

/// Erases a member that had been erased before a backup was put back, whatever is in its wallet. Answers whether there is
/// such a member.
pub async fn erase_again(app: &App, author: &Author, member: MemberId) -> Result<bool, AppError> {
    let Some(wallet) = app.directory.wallet_of(member).await? else { return Ok(false) };
    block_wallet(app, wallet).await?;
    let erased = erase(app, author, member).await?.is_some();
    follow_row(app, member).await?;
    Ok(erased)
}

async fn erase(app: &App, author: &Author, member: MemberId) -> Result<Option<Member>, AppError> {
    let act = Act::new(author, ActKind::MemberErased, Target::Member(member), app.now());
    Ok(app.directory.erase_member(member, &app.sessions, &act).await?)
}

/// Whom the caller may erase.
async fn allowed(
    app: &App,
    identity: &Identity,
    named: Option<MemberId>,
) -> Result<MemberId, Stopped<EraseRefused>> {
    let not_found = Stopped::Refused(EraseRefused::MemberNotFound);
    match identity.caller {
        Caller::Operator if identity.may(Scope::MembersManage) => named.ok_or(not_found),
        Caller::Member(own) if named.is_none_or(|named| named == own) => {
            if has_just_logged_in(app, identity, own).await? {
                Ok(own)
            } else {
                Err(Stopped::Refused(EraseRefused::LogInAgain))
            }
        }
        Caller::Member(_) => Err(not_found),
        Caller::Operator | Caller::Agent | Caller::Merchant(_) => Err(AppError::Forbidden.into()),
    }
}

/// Whether the request was made in a session that has just begun, with a code that was sent to the member's number.
async fn has_just_logged_in(app: &App, identity: &Identity, member: MemberId) -> Result<bool, AppError> {
    let Some(session) = identity.session else { return Ok(false) };
    let now = app.now();
    let sessions = app.sessions.list(Subject::Member(member), now).await?;
    let this = sessions.iter().find(|known| known.id == session);
    Ok(this.is_some_and(|this| now <= this.created_at.plus(FRESH)))
}

async fn holds_are_open(app: &App, wallet: WalletId) -> Result<bool, AppError> {
    let state = app.reader.wallet(wallet, app.ledger_now()).await?.ok_or(AppError::NotFound)?;
    Ok(state.holds.values().any(|hold| hold.state == HoldState::Open))
}
