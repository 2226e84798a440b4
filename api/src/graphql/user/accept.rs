//! `acceptInvitation` and `confirmTotp`.

use amvaj_domain::user::PasswordRefused;
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::{TotpEnrolment, User, origin};
use crate::app::users::accept::{self, AcceptRefused};
use crate::app::users::password_message;
use crate::graphql::context::app;
use crate::graphql::error::refusal_or_fault;
use crate::graphql::session::SessionTokens;
use crate::graphql::user_error::{UserErrorCode, user_errors};

/// An invitation to accept.
#[derive(InputObject)]
pub struct AcceptInvitationInput {
    /// The invitation, as it was handed over. Example: `"amvaj_invitation_…"`.
    pub invitation: String,
    /// The password to have from now on: 12 to 128 characters of any kind, without your name and nothing well known. When
    /// only your one-time codes were reset, the password that you have.
    pub password: String,
}

/// What `acceptInvitation` did.
#[derive(Default, SimpleObject)]
pub struct AcceptInvitationPayload {
    /// Who was invited; null when nothing was accepted.
    pub user: Option<User>,
    /// What to give to an authenticator app; `confirmTotp` takes the first code, and until then nothing has changed. Null
    /// when only the password was reset: it has changed then.
    pub totp: Option<TotpEnrolment>,
    /// Why nothing was accepted; empty when it was.
    pub user_errors: Vec<AcceptInvitationUserError>,
}

/// The first code of a new secret.
#[derive(InputObject)]
pub struct ConfirmTotpInput {
    /// The invitation that was accepted, or what `resetTotp` gave. Example: `"amvaj_invitation_…"`.
    pub invitation: String,
    /// The code that the authenticator app shows now, in Persian, Arabic or ASCII digits. Example: `"287082"`.
    pub code: String,
}

/// What `confirmTotp` gave.
#[derive(Default, SimpleObject)]
pub struct ConfirmTotpPayload {
    /// The user; null when nothing was confirmed.
    pub user: Option<User>,
    /// Ten codes that stand in for the authenticator app, each once. They are shown now and never again; older ones are
    /// void.
    pub recovery_codes: Option<Vec<String>>,
    /// The tokens of a session that begins with this; all others have ended.
    pub tokens: Option<SessionTokens>,
    /// Marks this device: keep it and send it with the next `logIn`.
    pub device_token: Option<String>,
    /// Why nothing was confirmed; empty when it was.
    pub user_errors: Vec<ConfirmTotpUserError>,
}

user_errors! {
    /// Why `acceptInvitation` accepted nothing.
    AcceptInvitationUserError, AcceptInvitationErrorCode {
        /// There is no such invitation, or it is over: accepted, replaced by a newer one, older than two days.
        InvitationOver,
        /// The password is too short, too long, or would be guessed soon.
        InvalidPassword,
        /// Only the codes were reset, and this is not the password that the user has.
        WrongPassword,
    }
}

user_errors! {
    /// Why `confirmTotp` confirmed nothing.
    ConfirmTotpUserError, ConfirmTotpErrorCode {
        /// There is no such invitation, or it is over: confirmed, replaced by a newer one, older than two days.
        InvitationOver,
        /// The invitation has to be accepted first.
        NothingToConfirm,
        /// The code is wrong: wait for the next one, and check the clock of the device.
        WrongCode,
    }
}

/// The mutations.
#[derive(Default)]
pub struct AcceptInvitation;

#[Object]
impl AcceptInvitation {
    /// Accepts an invitation to be an operator or an agent, or to set again what was reset. Sending it again before
    /// `confirmTotp` begins anew.
    async fn accept_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The invitation and a password.")] input: AcceptInvitationInput,
    ) -> Result<AcceptInvitationPayload> {
        let accepted = accept::accept(app(ctx)?, &input.invitation, &input.password, origin(ctx)?);
        match refusal_or_fault(accepted.await)? {
            Ok(accepted) => Ok(AcceptInvitationPayload {
                user: Some(User(accepted.user)),
                totp: accepted.enrolment.map(Into::into),
                user_errors: Vec::new(),
            }),
            Err(refused) => Ok(AcceptInvitationPayload {
                user_errors: vec![accept_error(refused)],
                ..AcceptInvitationPayload::default()
            }),
        }
    }

    /// Takes the first code of a new secret. With it the password and the secret become good, and a session begins.
    async fn confirm_totp(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The invitation and the code.")] input: ConfirmTotpInput,
    ) -> Result<ConfirmTotpPayload> {
        let confirmed = accept::confirm(app(ctx)?, &input.invitation, &input.code, origin(ctx)?);
        match refusal_or_fault(confirmed.await)? {
            Ok(confirmed) => Ok(ConfirmTotpPayload {
                user: Some(User(confirmed.user)),
                recovery_codes: Some(confirmed.recovery_codes),
                tokens: Some(confirmed.tokens.into()),
                device_token: Some(confirmed.device),
                user_errors: Vec::new(),
            }),
            Err(refused) => Ok(ConfirmTotpPayload {
                user_errors: vec![confirm_error(refused)],
                ..ConfirmTotpPayload::default()
            }),
        }
    }
}

fn accept_error(refused: AcceptRefused) -> AcceptInvitationUserError {
    use AcceptInvitationErrorCode as Code;
    match refused {
        AcceptRefused::Password(refused) => invalid_password(refused),
        AcceptRefused::WrongPassword => Code::WrongPassword.at("input.password"),
        AcceptRefused::Over | AcceptRefused::NothingToConfirm | AcceptRefused::WrongCode => {
            Code::InvitationOver.at("input.invitation")
        }
    }
}

fn invalid_password(refused: PasswordRefused) -> AcceptInvitationUserError {
    AcceptInvitationErrorCode::InvalidPassword.saying(password_message(refused), "input.password")
}

fn confirm_error(refused: AcceptRefused) -> ConfirmTotpUserError {
    use ConfirmTotpErrorCode as Code;
    match refused {
        AcceptRefused::WrongCode => Code::WrongCode.at("input.code"),
        AcceptRefused::NothingToConfirm => Code::NothingToConfirm.at("input.invitation"),
        AcceptRefused::Over | AcceptRefused::Password(_) | AcceptRefused::WrongPassword => {
            Code::InvitationOver.at("input.invitation")
        }
    }
}
