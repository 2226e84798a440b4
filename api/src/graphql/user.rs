//! Users: operators and agents, and how they log in.

pub mod accept;
pub mod invite;
pub mod log_in;
pub mod own;
pub mod status;

use amvaj_domain::access::{Actor, Scope};
use amvaj_domain::id::UserId;
use amvaj_domain::user;
use amvaj_infra::users;
use async_graphql::{Context, Enum, ID, InputObject, MergedObject, Object, Result, SimpleObject};

use super::connection::{PageArguments, connection};
use super::context::{app, client, identity, identity_if_any, request_id};
use super::error::fault;
use super::global_id::GlobalId;
use super::loader::loader;
use super::scalar::DateTime;
use crate::app::users::{Origin, SecondFactor};
use crate::auth::totp::Enrolment;

/// What a user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "user::UserRole")]
pub enum UserRole {
    /// Runs the network: registers merchants, sets rules, blocks.
    Operator,
    /// Looks after members: sees what the operator sees of them and changes nothing of the network.
    Agent,
}

/// Whether a user can log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "user::UserStatus")]
pub enum UserStatus {
    /// Invited, and has not accepted yet.
    Invited,
    /// Can log in.
    Active,
    /// Was disabled and cannot log in.
    Disabled,
}

/// Which users to list: those that meet all that is given.
#[derive(Debug, Default, InputObject)]
pub struct UserFilter {
    /// Only those with this role. Example: `OPERATOR`.
    pub role: Option<UserRole>,
    /// Only those with this status. Example: `ACTIVE`.
    pub status: Option<UserStatus>,
}

connection! {
    /// Users, a page at a time, in the order in which they were added.
    UserConnection, UserEdge, User
}

/// An operator or an agent: somebody who works for the party that runs the network, and logs in with a password and
/// one-time codes.
#[derive(Debug, Clone)]
pub struct User(pub user::User);

/// What an authenticator app is given, once: show the URI as a QR code, or have the secret typed.
#[derive(Debug, Clone, SimpleObject)]
pub struct TotpEnrolment {
    /// The URI that authenticator apps read from a QR code: SHA-1, 6 digits, 30 seconds.
    /// Example: `"otpauth://totp/Amvaj%20Club:mina?secret=…"`.
    pub uri: String,
    /// The secret in base32, 32 characters, for those who cannot show a QR code.
    pub secret: String,
}

/// Queries about users.
#[derive(Default)]
pub struct UserQueries;

/// Mutations of users.
#[derive(Default, MergedObject)]
pub struct UserMutations(
    log_in::LogIn,
    accept::AcceptInvitation,
    invite::InviteUser,
    status::SetUserStatus,
    own::ChangeOwn,
);

#[Object]
impl UserQueries {
    /// The operators and agents, in the order in which they were added (operator, scope `users:manage`).
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which users; all when left out.")] filter: Option<UserFilter>,
    ) -> Result<UserConnection> {
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        let filter = filter.unwrap_or_default();
        let filter = users::UserFilter {
            role: filter.role.map(user::UserRole::from),
            status: filter.status.map(user::UserStatus::from),
        };
        let page = app(ctx)?.users.page(filter, &request).await.map_err(fault)?;
        Ok(UserConnection::new(page, |user| user.id.uuid(), User))
    }
}

/// An operator or an agent.
#[Object]
impl User {
    /// The user's global id.
    pub async fn id(&self) -> ID {
        GlobalId::User(self.0.id).write()
    }

    /// The name to log in with, in small letters. Example: `"mina@club.example"`.
    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// The name to show. Example: `"مینا کریمی"`.
    async fn display_name(&self) -> &str {
        self.0.display_name.as_str()
    }

    /// What the user is.
    async fn role(&self) -> UserRole {
        self.0.role.into()
    }

    /// What the user may do, by the names of the scopes. Example: `["members:read", "operations:read"]`.
    async fn scopes(&self) -> Vec<&'static str> {
        self.0.scopes().iter().map(Scope::as_str).collect()
    }

    /// Whether the user can log in.
    async fn status(&self) -> UserStatus {
        self.0.status.into()
    }

    /// When the user was invited, or added on the command line.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When the user last logged in; null before the first time.
    async fn last_logged_in_at(&self) -> Option<DateTime> {
        self.0.logged_in_at.map(DateTime)
    }

    /// How many recovery codes the user has left, 0 to 10; `replaceRecoveryCodes` makes new ones. Only the user itself
    /// sees it; null for others. Example: `8`.
    async fn recovery_codes_left(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        if !is_own(ctx, self.0.id) {
            return Ok(None);
        }
        let left = app(ctx)?.users.recovery_codes_left(self.0.id).await.map_err(fault)?;
        Ok(i32::try_from(left).ok())
    }
}

impl User {
    /// The user of this id, if the caller may see it: itself, or as an operator who manages users or reads the audit
    /// log.
    pub async fn find(ctx: &Context<'_>, id: UserId) -> Result<Option<Self>> {
        let identity = identity(ctx)?;
        if !is_own(ctx, id) && !identity.may(Scope::UsersManage) && !identity.may(Scope::AuditRead) {
            return Ok(None);
        }
        Ok(loader(ctx)?.load_one(id).await.map_err(fault)?.map(Self))
    }
}

impl From<Enrolment> for TotpEnrolment {
    fn from(enrolment: Enrolment) -> Self {
        Self { uri: enrolment.uri, secret: enrolment.secret }
    }
}

fn is_own(ctx: &Context<'_>, id: UserId) -> bool {
    identity_if_any(ctx).is_some_and(|identity| identity.actor == Actor::User(id))
}

/// Where the request comes from.
fn origin<'a>(ctx: &Context<'a>) -> Result<Origin<'a>> {
    let client = client(ctx)?;
    Ok(Origin { network: client.network(), user_agent: &client.user_agent, request_id: request_id(ctx) })
}

/// The code that was given, when exactly one was.
fn second_factor<'a>(code: Option<&'a str>, recovery_code: Option<&'a str>) -> Option<SecondFactor<'a>> {
    match (code, recovery_code) {
        (Some(code), None) => Some(SecondFactor::Code(code)),
        (None, Some(code)) => Some(SecondFactor::RecoveryCode(code)),
        (Some(_), Some(_)) | (None, None) => None,
    }
}
