//! What operators and agents do with themselves and with each other: they are invited, log in, and change what they log
//! in with.

pub mod accept;
pub mod invite;
pub mod log_in;
pub mod own;
pub mod status;
mod throttle;

use std::net::IpAddr;

use amvaj_domain::access::Actor;
use amvaj_domain::audit::Author;
use amvaj_domain::time::Instant;
use amvaj_domain::user::User;
use amvaj_infra::users::{Credential, Proof};

use super::{App, AppError};
use crate::auth::{HashError, Totp, one_time};
use crate::language::Message;

/// Where somebody who is not known yet comes from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The address; of IPv6 the network that it is in.
    pub network: IpAddr,
    /// What the client calls itself.
    pub user_agent: &'a str,
    /// The id of the request.
    pub request_id: &'a str,
}

/// What somebody gives beside a password.
#[derive(Debug, Clone, Copy)]
pub enum SecondFactor<'a> {
    /// A one-time code.
    Code(&'a str),
    /// A recovery code.
    RecoveryCode(&'a str),
}

/// A one-time code or recovery code that was looked at.
#[derive(Debug)]
struct Looked {
    /// The step of a right code that was not used; nothing for a wrong one.
    step: Option<i64>,
    /// The hash of the recovery code.
    recovery: Option<[u8; 32]>,
    /// Whether it is a right one.
    right: bool,
    /// Whether it would be right, had it not been used.
    used: bool,
}

impl SecondFactor<'_> {
    /// What is stored of a recovery code.
    fn recovery_hash(self, app: &App, user: Option<&User>) -> Option<[u8; 32]> {
        match self {
            Self::Code(_) => None,
            Self::RecoveryCode(code) => {
                let user = user.map(|user| user.id);
                Some(one_time::recovery_code_hash(&app.credentials.secret, user, code))
            }
        }
    }

    /// Looks whether it is right. The same is computed for somebody who has no secret, or does not exist.
    fn look(self, app: &App, user: Option<&User>, credential: &Credential, now: Instant) -> Looked {
        let recovery = self.recovery_hash(app, user);
        let Self::Code(code) = self else {
            return Looked { step: None, recovery, right: credential.has_recovery_code, used: false };
        };
        let sealed = credential.totp_secret.as_deref();
        let opened = sealed.zip(user).and_then(|(sealed, user)| {
            let opened = Totp::open(&app.credentials.secret, user.id, sealed);
            if opened.is_none() {
                tracing::error!(user = %user.id, "a secret of one-time codes was sealed by another server secret");
            }
            opened
        });
        let somebodys = opened.is_some();
        let step = opened.or_else(Totp::generate).and_then(|totp| totp.step_of(code, now));
        let step = step.filter(|_| somebodys);
        let used = step.is_some_and(|step| step <= credential.totp_step);
        let step = step.filter(|_| !used);
        Looked { step, recovery: None, right: step.is_some(), used }
    }
}

impl Looked {
    /// What it proves, to be used up.
    fn proof<'a>(&'a self, credential: &'a Credential) -> Option<Proof<'a>> {
        match (self.step, credential.totp_secret.as_deref(), &self.recovery) {
            (Some(step), Some(secret), None) => Some(Proof::Code { secret, step }),
            (_, _, Some(hash)) if self.right => Some(Proof::RecoveryCode(hash)),
            _ => None,
        }
    }
}

/// Who a user is in the audit log.
fn author_of(user: &User, request_id: &str) -> Author {
    Author {
        caller: Some(user.role.caller()),
        actor: Some(Actor::User(user.id)),
        ..Author::unknown(request_id)
    }
}

/// What the authenticator app calls the network.
fn issuer(app: &App) -> &str {
    // Apps show Persian names badly in the middle of an English label, and some not at all.
    &app.network.name_en
}

/// No randomness is nothing to work with, and may be there in a moment.
fn random<T>(made: Option<T>) -> Result<T, AppError> {
    made.ok_or(AppError::Overloaded)
}

impl From<HashError> for AppError {
    fn from(error: HashError) -> Self {
        if error == HashError::System {
            tracing::error!("the system could not hash a password");
        }
        Self::Overloaded
    }
}

/// What a refused password lacks, for people.
pub fn password_message(refused: amvaj_domain::user::PasswordRefused) -> Message {
    use amvaj_domain::user::PasswordRefused as Refused;
    match refused {
        Refused::TooShort => Message::new("password-too-short"),
        Refused::TooLong => Message::new("password-too-long"),
        Refused::Unreadable => Message::new("password-unreadable"),
        Refused::Guessable => Message::new("password-guessable"),
    }
}
