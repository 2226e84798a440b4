//! The operator ends the sessions of somebody else.

use amvaj_domain::access::{Caller, Identity, Scope, Subject};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::member::MemberLookup;

use super::access::operator_only;
use super::{App, AppError};

/// Ends every session of a member or of one of a merchant's people, and says how many those were. Every token that was made
/// for them before is refused: at once here, and within a second on every other node.
/// [`AppError::NotFound`] when there is nobody like that.
pub async fn end_sessions_of(
    app: &App,
    identity: &Identity,
    author: &Author,
    subject: Subject,
) -> Result<usize, AppError> {
    operator_only(author)?;
    let (scope, target, known) = match subject {
        Subject::Member(id) => {
            let found = app.directory.members(Caller::Operator).find(&MemberLookup::Id(id)).await?;
            (Scope::MembersManage, Target::Member(id), found.is_some())
        }
        Subject::Staff(id) => {
            let found = app.directory.staff_by_id(&[id]).await?;
            (Scope::StaffManage, Target::Staff(id), !found.is_empty())
        }
        Subject::User(_) => return Err(AppError::NotFound),
    };
    if !identity.may(scope) {
        return Err(AppError::Forbidden);
    }
    if !known {
        return Err(AppError::NotFound);
    }
    let act = Act::new(author, ActKind::SessionEnded, target, app.now());
    Ok(app.sessions.end_all_told(subject, &act).await?)
}
