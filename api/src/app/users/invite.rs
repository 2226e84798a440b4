//! Users are invited, and invited again after a reset.

use amvaj_domain::access::{Identity, Scopes};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::UserId;
use amvaj_domain::text::Name;
use amvaj_domain::time::{Instant, Span};
use amvaj_domain::user::{User, UserName, UserRole, UserStatus};
use amvaj_infra::users::{NameTaken, NewInvitation, Renewed, Reset};

use super::random;
use crate::app::access::operator_only;
use crate::app::{App, AppError, Stopped};
use crate::auth::one_time;

/// For how long an invitation can be accepted.
pub const INVITATION_LIFE: Span = Span::days(2);

/// A user to invite.
#[derive(Debug, Clone)]
pub struct InviteUser {
    /// The name to log in with.
    pub name: UserName,
    /// The name to show.
    pub display_name: Name,
    /// What the user is to be.
    pub role: UserRole,
    /// What the user may do at most, where that is less than the role may.
    pub limit: Option<Scopes>,
}

/// An invitation to hand out. It is shown once and kept as a hash only.
#[derive(Debug, Clone)]
pub struct Invited {
    /// Who is invited.
    pub user: User,
    /// What the invited needs.
    pub invitation: String,
    /// Until when it can be accepted.
    pub expires_at: Instant,
}

/// Why nobody was invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InviteRefused {
    /// Another user has the name.
    #[error("another user has the name")]
    NameTaken,
    /// The user would be allowed more than whoever invites.
    #[error("nobody gives more than it has")]
    ScopesTooWide,
    /// There is no such user.
    #[error("there is no such user")]
    NotFound,
    /// The user has joined and needs no invitation.
    #[error("the user has joined")]
    Joined,
}

/// Invites somebody. `kind` says how it is told of: an operator invites, the command line adds.
pub async fn invite(
    app: &App,
    identity: &Identity,
    author: &Author,
    kind: ActKind,
    invited: InviteUser,
) -> Result<Invited, Stopped<InviteRefused>> {
    operator_only(author)?;
    let now = app.now();
    let user = User {
        id: UserId::new(crate::random::uuid(now)),
        name: invited.name,
        display_name: invited.display_name,
        role: invited.role,
        limit: invited.limit.map(|limit| limit.intersection(Scopes::of_role(invited.role.role()))),
        status: UserStatus::Invited,
        created_at: now,
        logged_in_at: None,
    };
    if !identity.scopes.contain_all(user.scopes()) {
        return Err(Stopped::Refused(InviteRefused::ScopesTooWide));
    }
    let (text, hash) = invitation(app)?;
    let expires_at = now.plus(INVITATION_LIFE);
    let act = Act::new(author, kind, Target::User(user.id), now)
        .detail("name", user.name.as_str())
        .detail("role", user.role.role().as_str())
        .detail("scopes", user.scopes().to_text().as_str());
    match app.users.invite(&user, NewInvitation { token_hash: &hash, expires_at }, &act).await? {
        Ok(()) => Ok(Invited { user, invitation: text, expires_at }),
        Err(NameTaken) => Err(Stopped::Refused(InviteRefused::NameTaken)),
    }
}

/// Replaces the invitation of somebody who has not joined.
pub async fn renew(
    app: &App,
    identity: &Identity,
    author: &Author,
    user: UserId,
) -> Result<Invited, Stopped<InviteRefused>> {
    operator_only(author)?;
    let found = app.users.by_id(&[user]).await?.pop().ok_or(Stopped::Refused(InviteRefused::NotFound))?;
    // Who sets the password of somebody who has joined could act as that person.
    if found.status != UserStatus::Invited {
        return Err(Stopped::Refused(InviteRefused::Joined));
    }
    if !identity.scopes.contain_all(found.scopes()) {
        return Err(Stopped::Refused(InviteRefused::ScopesTooWide));
    }
    put(app, author, ActKind::UserInvited, user, Reset::Nothing).await
}

/// Takes a user's password or codes away and invites the user to set them again. Only the command line does that: who
/// could do it over the network could become anybody.
pub async fn reset(
    app: &App,
    author: &Author,
    user: UserId,
    reset: Reset,
) -> Result<Invited, Stopped<InviteRefused>> {
    let kind = match reset {
        Reset::Nothing => ActKind::UserInvited,
        Reset::Password => ActKind::PasswordChanged,
        Reset::Totp => ActKind::TotpReset,
    };
    put(app, author, kind, user, reset).await
}

async fn put(
    app: &App,
    author: &Author,
    kind: ActKind,
    user: UserId,
    reset: Reset,
) -> Result<Invited, Stopped<InviteRefused>> {
    let now = app.now();
    let (text, hash) = invitation(app)?;
    let expires_at = now.plus(INVITATION_LIFE);
    let act = Act::new(author, kind, Target::User(user), now).detail("invitation", true);
    match app.users.reset(user, reset, NewInvitation { token_hash: &hash, expires_at }, &act).await? {
        Renewed::Done(user) => Ok(Invited { user, invitation: text, expires_at }),
        Renewed::NoSuchUser => Err(Stopped::Refused(InviteRefused::NotFound)),
        Renewed::LacksNothing => Err(Stopped::Refused(InviteRefused::Joined)),
    }
}

/// A new invitation and what is kept of it.
pub(super) fn invitation(app: &App) -> Result<(String, [u8; 32]), AppError> {
    let text = random(one_time::invitation())?;
    let hash = one_time::invitation_hash(&app.credentials.secret, &text);
    Ok((text, hash))
}
