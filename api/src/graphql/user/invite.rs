//! `inviteUser` and `renewInvitation`.

use amvaj_domain::access::{Scope, Scopes};
use amvaj_domain::audit::ActKind;
use amvaj_domain::text::Name;
use amvaj_domain::user::UserName;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{User, UserRole};
use crate::app::users::invite::{self, InviteRefused};
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::scalar::DateTime;
use crate::graphql::user_error::{Problems, user_errors};

/// Somebody to invite.
#[derive(Debug, InputObject)]
pub struct InviteUserInput {
    /// The name to log in with, such as an e-mail address: 3 to 100 English letters, digits and `. _ - + @`. Small and
    /// capital letters are the same. Example: `"mina@club.example"`.
    pub name: String,
    /// The name to show, 1 to 120 characters. Example: `"مینا کریمی"`.
    pub display_name: String,
    /// What the user is to be.
    pub role: UserRole,
    /// The only scopes that the user is to have; all of the role when left out. Nobody gives more than it has.
    /// Example: `["members:read", "operations:read"]`.
    pub scopes: Option<Vec<String>>,
}

/// What `inviteUser` did.
#[derive(Default, SimpleObject)]
pub struct InviteUserPayload {
    /// The new user; null when nobody was invited.
    pub user: Option<User>,
    /// The invitation, shown now and never again: hand it over in a way that only the invited reads. `acceptInvitation`
    /// takes it, once.
    pub invitation: Option<String>,
    /// Until when it can be accepted: for two days.
    pub expires_at: Option<DateTime>,
    /// Why nobody was invited; empty when somebody was.
    pub user_errors: Vec<InviteUserUserError>,
}

/// Somebody to invite again.
#[derive(Debug, InputObject)]
pub struct RenewInvitationInput {
    /// Global id of the user, who has not accepted an invitation yet.
    pub user_id: ID,
}

/// What `renewInvitation` did.
#[derive(Default, SimpleObject)]
pub struct RenewInvitationPayload {
    /// The user; null when there is no new invitation.
    pub user: Option<User>,
    /// The invitation, shown now and never again. The one before it is void.
    pub invitation: Option<String>,
    /// Until when it can be accepted: for two days.
    pub expires_at: Option<DateTime>,
    /// Why there is no new invitation; empty when there is one.
    pub user_errors: Vec<RenewInvitationUserError>,
}

user_errors! {
    /// Why `inviteUser` invited nobody.
    InviteUserUserError, InviteUserErrorCode {
        /// The name is too short or too long, or has other characters than a user name may have.
        InvalidUserName,
        /// The name to show is empty, too long, or has control characters.
        InvalidName,
        /// There is no scope of this name, or none is given.
        InvalidScopes,
        /// Another user has the name.
        UserNameTaken,
        /// The user would be allowed more than whoever invites is.
        ScopesTooWide,
    }
}

user_errors! {
    /// Why `renewInvitation` made no invitation.
    RenewInvitationUserError, RenewInvitationErrorCode {
        /// There is no such user.
        UserNotFound,
        /// The user has accepted an invitation and needs none. What was lost is reset on the command line.
        UserJoined,
        /// The user is allowed more than whoever invites is.
        ScopesTooWide,
    }
}

/// The mutations.
#[derive(Default)]
pub struct InviteUser;

#[Object]
impl InviteUser {
    /// Invites an operator or an agent (operator, scope `users:manage`).
    async fn invite_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to invite.")] input: InviteUserInput,
    ) -> Result<InviteUserPayload> {
        use InviteUserErrorCode as Code;
        let refused = |user_errors| Ok(InviteUserPayload { user_errors, ..InviteUserPayload::default() });
        let invited = match read(&input) {
            Ok(invited) => invited,
            Err(errors) => return refused(errors),
        };
        let (app, identity, author) = (app(ctx)?, identity(ctx)?, author(ctx)?);
        let made = invite::invite(app, identity, &author, ActKind::UserInvited, invited).await;
        match refusal_or_fault(made)? {
            Ok(made) => Ok(InviteUserPayload {
                user: Some(User(made.user)),
                invitation: Some(made.invitation),
                expires_at: Some(DateTime(made.expires_at)),
                user_errors: Vec::new(),
            }),
            Err(InviteRefused::ScopesTooWide) => refused(Problems::one(Code::ScopesTooWide, "input.scopes")),
            // Whoever is invited is new, so the name is all that can be in the way.
            Err(InviteRefused::NameTaken | InviteRefused::NotFound | InviteRefused::Joined) => {
                refused(Problems::one(Code::UserNameTaken, "input.name"))
            }
        }
    }

    /// Makes a new invitation for somebody who has not accepted one yet (operator, scope `users:manage`).
    async fn renew_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to invite again.")] input: RenewInvitationInput,
    ) -> Result<RenewInvitationPayload> {
        use RenewInvitationErrorCode as Code;
        let refused = |code| {
            let user_errors = Problems::one(code, "input.userId");
            Ok(RenewInvitationPayload { user_errors, ..RenewInvitationPayload::default() })
        };
        let Some(user) = GlobalId::user(&input.user_id) else { return refused(Code::UserNotFound) };
        let made = invite::renew(app(ctx)?, identity(ctx)?, &author(ctx)?, user).await;
        match refusal_or_fault(made)? {
            Ok(made) => Ok(RenewInvitationPayload {
                user: Some(User(made.user)),
                invitation: Some(made.invitation),
                expires_at: Some(DateTime(made.expires_at)),
                user_errors: Vec::new(),
            }),
            Err(InviteRefused::ScopesTooWide) => refused(Code::ScopesTooWide),
            Err(InviteRefused::Joined) => refused(Code::UserJoined),
            Err(InviteRefused::NotFound | InviteRefused::NameTaken) => refused(Code::UserNotFound),
        }
    }
}

fn read(input: &InviteUserInput) -> Result<invite::InviteUser, Vec<InviteUserUserError>> {
    use InviteUserErrorCode::{InvalidName, InvalidScopes, InvalidUserName};
    let mut problems = Problems::new();
    let name = problems.take(UserName::parse(&input.name), InvalidUserName, "input.name");
    let display_name = problems.take(Name::parse(&input.display_name), InvalidName, "input.displayName");
    let limit = problems.take(scopes(input.scopes.as_deref()), InvalidScopes, "input.scopes");
    match (name, display_name, limit) {
        (Some(name), Some(display_name), Some(limit)) => {
            Ok(invite::InviteUser { name, display_name, role: input.role.into(), limit })
        }
        _ => Err(problems.into_errors()),
    }
}

/// The set of these names, when each is a scope's and there is one.
fn scopes(names: Option<&[String]>) -> Result<Option<Scopes>, ()> {
    let Some(names) = names else { return Ok(None) };
    let scopes: Option<Vec<Scope>> = names.iter().map(|name| Scope::parse(name)).collect();
    match scopes {
        Some(scopes) if !scopes.is_empty() => Ok(Some(Scopes::of(&scopes))),
        Some(_) | None => Err(()),
    }
}
