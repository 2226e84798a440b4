//! `changePassword`, `replaceRecoveryCodes` and `resetTotp`: what a user changes of its own.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::{TotpEnrolment, origin, second_factor};
use crate::app::users::own::{self, OwnRefused};
use crate::app::users::password_message;
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::scalar::DateTime;
use crate::graphql::session::SessionTokens;
use crate::graphql::user_error::{Problems, UserErrorCode, user_errors};

/// A password to change.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The password until now.
    pub password: String,
    /// The password to have from now on: 12 to 128 characters of any kind, without your name and nothing well known.
    pub new_password: String,
}

/// What `changePassword` did.
#[derive(Default, SimpleObject)]
pub struct ChangePasswordPayload {
    /// The tokens of a session that begins with this; all others have ended. Null when nothing changed.
    pub tokens: Option<SessionTokens>,
    /// Why nothing changed; empty when the password is the new one.
    pub user_errors: Vec<ChangePasswordUserError>,
}

/// Who replaces recovery codes: give `code` or `recoveryCode`, one of them.
#[derive(InputObject)]
pub struct ReplaceRecoveryCodesInput {
    /// The password.
    pub password: String,
    /// The code that the authenticator app shows. Example: `"287082"`.
    pub code: Option<String>,
    /// One of the recovery codes, in place of a code. Example: `"k7mw-3xqa-p9ce"`.
    pub recovery_code: Option<String>,
}

/// What `replaceRecoveryCodes` did.
#[derive(Default, SimpleObject)]
pub struct ReplaceRecoveryCodesPayload {
    /// Ten new codes, shown now and never again; older ones are void. Null when nothing changed.
    pub recovery_codes: Option<Vec<String>>,
    /// Why nothing changed; empty when there are new codes.
    pub user_errors: Vec<ReplaceRecoveryCodesUserError>,
}

/// Who sets up an authenticator app again: give `code` or `recoveryCode`, one of them.
#[derive(InputObject)]
pub struct ResetTotpInput {
    /// The password.
    pub password: String,
    /// The code that the authenticator app shows until now. Example: `"287082"`.
    pub code: Option<String>,
    /// One of the recovery codes, when the app is lost. Example: `"k7mw-3xqa-p9ce"`.
    pub recovery_code: Option<String>,
}

/// What `resetTotp` gave.
#[derive(Default, SimpleObject)]
pub struct ResetTotpPayload {
    /// What to give to an authenticator app. The old secret stays good until `confirmTotp`.
    pub totp: Option<TotpEnrolment>,
    /// What `confirmTotp` takes with the first code.
    pub invitation: Option<String>,
    /// Until when: for two days.
    pub expires_at: Option<DateTime>,
    /// Why there is no new secret; empty when there is one.
    pub user_errors: Vec<ResetTotpUserError>,
}

user_errors! {
    /// Why `changePassword` changed nothing.
    ChangePasswordUserError, ChangePasswordErrorCode {
        /// This is not the password.
        WrongPassword,
        /// The new password is too short, too long, or would be guessed soon.
        InvalidPassword,
    }
}

user_errors! {
    /// Why `replaceRecoveryCodes` changed nothing.
    ReplaceRecoveryCodesUserError, ReplaceRecoveryCodesErrorCode {
        /// Password or code are wrong, or the code was used before.
        InvalidCredentials,
        /// Neither a code nor a recovery code was given, or both.
        CodeOrRecoveryCode,
    }
}

user_errors! {
    /// Why `resetTotp` gave no secret.
    ResetTotpUserError, ResetTotpErrorCode {
        /// Password or code are wrong, or the code was used before.
        InvalidCredentials,
        /// Neither a code nor a recovery code was given, or both.
        CodeOrRecoveryCode,
    }
}

/// The mutations.
#[derive(Default)]
pub struct ChangeOwn;

#[Object]
impl ChangeOwn {
    /// Changes the caller's own password (an operator or agent who logged in). All sessions end, and one begins.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password until now, and from now on.")] input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload> {
        use ChangePasswordErrorCode as Code;
        let passwords = (input.password.as_str(), input.new_password.as_str());
        let agent = origin(ctx)?.user_agent;
        let changed = own::change_password(app(ctx)?, identity(ctx)?, &author(ctx)?, passwords, agent).await;
        let error = match refusal_or_fault(changed)? {
            Ok(tokens) => {
                return Ok(ChangePasswordPayload { tokens: Some(tokens.into()), user_errors: Vec::new() });
            }
            Err(OwnRefused::NotProven) => Code::WrongPassword.at("input.password"),
            Err(OwnRefused::Password(refused)) => {
                Code::InvalidPassword.saying(password_message(refused), "input.newPassword")
            }
        };
        Ok(ChangePasswordPayload { tokens: None, user_errors: vec![error] })
    }

    /// Replaces the caller's own recovery codes (an operator or agent who logged in).
    async fn replace_recovery_codes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Password and code.")] input: ReplaceRecoveryCodesInput,
    ) -> Result<ReplaceRecoveryCodesPayload> {
        use ReplaceRecoveryCodesErrorCode as Code;
        let refused = |code| {
            Ok(ReplaceRecoveryCodesPayload { recovery_codes: None, user_errors: Problems::one(code, "") })
        };
        let Some(factor) = second_factor(input.code.as_deref(), input.recovery_code.as_deref()) else {
            return refused(Code::CodeOrRecoveryCode);
        };
        let (app, identity, author) = (app(ctx)?, identity(ctx)?, author(ctx)?);
        let replaced = own::replace_recovery_codes(app, identity, &author, &input.password, factor).await;
        match refusal_or_fault(replaced)? {
            Ok(codes) => {
                Ok(ReplaceRecoveryCodesPayload { recovery_codes: Some(codes), user_errors: Vec::new() })
            }
            Err(OwnRefused::NotProven | OwnRefused::Password(_)) => refused(Code::InvalidCredentials),
        }
    }

    /// Begins to set up the caller's own authenticator app again (an operator or agent who logged in).
    async fn reset_totp(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Password and code.")] input: ResetTotpInput,
    ) -> Result<ResetTotpPayload> {
        use ResetTotpErrorCode as Code;
        let refused = |code| {
            Ok(ResetTotpPayload { user_errors: Problems::one(code, ""), ..ResetTotpPayload::default() })
        };
        let Some(factor) = second_factor(input.code.as_deref(), input.recovery_code.as_deref()) else {
            return refused(Code::CodeOrRecoveryCode);
        };
        let (app, identity, author) = (app(ctx)?, identity(ctx)?, author(ctx)?);
        match refusal_or_fault(own::reset_totp(app, identity, &author, &input.password, factor).await)? {
            Ok(begun) => Ok(ResetTotpPayload {
                totp: Some(begun.enrolment.into()),
                invitation: Some(begun.invitation),
                expires_at: Some(DateTime(begun.expires_at)),
                user_errors: Vec::new(),
            }),
            Err(OwnRefused::NotProven | OwnRefused::Password(_)) => refused(Code::InvalidCredentials),
        }
    }
}
