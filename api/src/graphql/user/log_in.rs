//! `logIn`.

use amvaj_domain::user::Password;
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::{User, origin, second_factor};
use crate::app::users::log_in::{LogInRefused, LogInRequest, log_in};
use crate::graphql::context::app;
use crate::graphql::error::refusal_or_fault;
use crate::graphql::session::SessionTokens;
use crate::graphql::user_error::{Problems, user_errors};

/// A user who logs in: give `code` or `recoveryCode`, one of them.
#[derive(InputObject)]
pub struct LogInInput {
    /// The name. Example: `"mina@club.example"`.
    pub name: String,
    /// The password.
    pub password: String,
    /// The code that the authenticator app shows, in Persian, Arabic or ASCII digits. It is good once.
    /// Example: `"۲۸۷ ۰۸۲"`.
    pub code: Option<String>,
    /// One of the recovery codes, in place of a code. It is good once. Example: `"k7mw-3xqa-p9ce"`.
    pub recovery_code: Option<String>,
    /// What an earlier log-in on this device gave as `deviceToken`. It replaces neither password nor code; with it, tries
    /// of strangers at the same name do not make this device wait.
    pub device_token: Option<String>,
}

/// What `logIn` gave.
#[derive(Default, SimpleObject)]
pub struct LogInPayload {
    /// The session's tokens; null when nobody was logged in.
    pub tokens: Option<SessionTokens>,
    /// Marks this device for 180 days: keep it and send it with the next log-in. Null when nobody was logged in.
    pub device_token: Option<String>,
    /// Who logged in; null when nobody did.
    pub user: Option<User>,
    /// Why nobody was logged in; empty when somebody was.
    pub user_errors: Vec<LogInUserError>,
}

user_errors! {
    /// Why `logIn` logged nobody in.
    LogInUserError, LogInErrorCode {
        /// Name, password or code are wrong, the code was used before, too many codes were tried, or the user cannot log
        /// in; it is not told which.
        InvalidCredentials,
        /// Neither a code nor a recovery code was given, or both.
        CodeOrRecoveryCode,
    }
}

/// The mutation.
#[derive(Default)]
pub struct LogIn;

#[Object]
impl LogIn {
    /// Logs an operator or an agent in. Whoever fails often has to wait, longer each time (`THROTTLED`, with
    /// `retryAfter` in seconds).
    async fn log_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name, password and code.")] input: LogInInput,
    ) -> Result<LogInPayload> {
        let refused =
            |code| Ok(LogInPayload { user_errors: Problems::one(code, ""), ..LogInPayload::default() });
        let Some(factor) = second_factor(input.code.as_deref(), input.recovery_code.as_deref()) else {
            return refused(LogInErrorCode::CodeOrRecoveryCode);
        };
        let request = LogInRequest {
            name: &input.name,
            password: Password::tried(&input.password),
            factor,
            device: input.device_token.as_deref(),
            origin: origin(ctx)?,
        };
        match refusal_or_fault(log_in(app(ctx)?, request).await)? {
            Ok(logged_in) => Ok(LogInPayload {
                tokens: Some(logged_in.tokens.into()),
                device_token: Some(logged_in.device),
                user: Some(User(logged_in.user)),
                user_errors: Vec::new(),
            }),
            Err(LogInRefused) => refused(LogInErrorCode::InvalidCredentials),
        }
    }
}
