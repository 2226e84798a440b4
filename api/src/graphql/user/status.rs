//! `disableUser` and `enableUser`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::User;
use crate::app::users::status;
use crate::app::{AppError, Stopped};
use crate::graphql::context::{app, author};
use crate::graphql::error::fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, user_errors};

/// A user to disable.
#[derive(Debug, InputObject)]
pub struct DisableUserInput {
    /// The user's global id.
    pub user_id: ID,
}

/// What `disableUser` did.
#[derive(Default, SimpleObject)]
pub struct DisableUserPayload {
    /// The user, disabled; null when nothing changed.
    pub user: Option<User>,
    /// Why nothing changed; empty when the user is disabled.
    pub user_errors: Vec<DisableUserUserError>,
}

/// A user to enable.
#[derive(Debug, InputObject)]
pub struct EnableUserInput {
    /// The user's global id.
    pub user_id: ID,
}

/// What `enableUser` did.
#[derive(Default, SimpleObject)]
pub struct EnableUserPayload {
    /// The user, who can log in again, or accept an invitation; null when there is none.
    pub user: Option<User>,
    /// Why nothing changed; empty when the user is not disabled any more.
    pub user_errors: Vec<EnableUserUserError>,
}

user_errors! {
    /// Why `disableUser` changed nothing.
    DisableUserUserError, DisableUserErrorCode {
        /// There is no such user.
        UserNotFound,
        /// Nobody would be left who may invite and enable users.
        LastUserManager,
    }
}

user_errors! {
    /// Why `enableUser` changed nothing.
    EnableUserUserError, EnableUserErrorCode {
        /// There is no such user.
        UserNotFound,
    }
}

/// The mutations.
#[derive(Default)]
pub struct SetUserStatus;

#[Object]
impl SetUserStatus {
    /// Disables an operator or an agent (operator, scope `users:manage`): every session ends, at once here and within a
    /// second on every other server. Disabling one that is disabled changes nothing.
    async fn disable_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user.")] input: DisableUserInput,
    ) -> Result<DisableUserPayload> {
        use DisableUserErrorCode as Code;
        let refused =
            |code| Ok(DisableUserPayload { user: None, user_errors: Problems::one(code, "input.userId") });
        let Some(id) = GlobalId::user(&input.user_id) else { return refused(Code::UserNotFound) };
        match status::disable(app(ctx)?, &author(ctx)?, id, true).await {
            Ok(user) => Ok(DisableUserPayload { user: Some(User(user)), user_errors: Vec::new() }),
            Err(Stopped::Refused(_)) => refused(Code::LastUserManager),
            Err(Stopped::Failed(AppError::NotFound)) => refused(Code::UserNotFound),
            Err(Stopped::Failed(error)) => Err(fault(error)),
        }
    }

    /// Lets a disabled user log in again (operator, scope `users:manage`). Enabling one that is not disabled changes
    /// nothing.
    async fn enable_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user.")] input: EnableUserInput,
    ) -> Result<EnableUserPayload> {
        let refused = || {
            let user_errors = Problems::one(EnableUserErrorCode::UserNotFound, "input.userId");
            Ok(EnableUserPayload { user: None, user_errors })
        };
        let Some(id) = GlobalId::user(&input.user_id) else { return refused() };
        match status::enable(app(ctx)?, &author(ctx)?, id).await {
            Ok(user) => Ok(EnableUserPayload { user: Some(User(user)), user_errors: Vec::new() }),
            Err(AppError::NotFound) => refused(),
            Err(error) => Err(fault(error)),
        }
    }
}
