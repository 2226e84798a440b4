//! Somebody logs in with the code that was sent.

use std::net::IpAddr;

use amvaj_domain::access::Subject;
use amvaj_infra::access::{Challenge, ChallengeOutcome};
use uuid::Uuid;

use super::request_login_code::code_hash;
use super::sessions::{self, SessionTokens};
use super::{App, Stopped};

/// A code that is tried.
#[derive(Debug, Clone)]
pub struct VerifyLoginCode {
    /// The challenge that it answers.
    pub challenge: Uuid,
    /// Six ASCII digits.
    pub code: String,
    /// Where the request comes from.
    pub address: IpAddr,
    /// What the client calls itself.
    pub user_agent: String,
}

/// Why nobody is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyRefused {
    /// The code is wrong.
    Wrong {
        /// How often another one can be tried.
        tries_left: i16,
    },
    /// There is no such challenge, or it is over: used, tried too often, too late; or its owner was blocked meanwhile.
    Over,
}

/// Begins a session for whoever knows the code. A code is good once.
pub async fn verify_login_code(
    app: &App,
    tried: &VerifyLoginCode,
) -> Result<SessionTokens, Stopped<VerifyRefused>> {
    let now = app.now();
    app.login_limits.attempt(tried.address, now).await?;
    let code_hash = code_hash(&app.credentials.secret, tried.challenge, &tried.code);
    match app.login_codes.attempt(Challenge { id: tried.challenge, code_hash }, now).await? {
        ChallengeOutcome::Right { kind, subject } => {
            let tokens = sessions::begin(app, Subject::of(kind, subject), &tried.user_agent).await?;
            tokens.ok_or(Stopped::Refused(VerifyRefused::Over))
        }
        ChallengeOutcome::Wrong { tries_left } => Err(Stopped::Refused(VerifyRefused::Wrong { tries_left })),
        ChallengeOutcome::Over => Err(Stopped::Refused(VerifyRefused::Over)),
    }
}
