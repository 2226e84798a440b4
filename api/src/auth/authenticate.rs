//! From what a client sends to who it is.

use amvaj_domain::access::Identity;
use amvaj_domain::time::Instant;
use amvaj_infra::access::Revocations;
use thiserror::Error;

use super::token::{TokenError, Tokens};
use crate::language::Message;

/// Finds out who sends a credential. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator {
    tokens: Tokens,
    revocations: Revocations,
}

/// Why a credential is refused; shown in English where HTTP allows nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AuthError {
    /// It is no good token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It was good and has been ended: a log-out, a blocked account, a revoked key.
    #[error("the access token has been revoked; log in again")]
    Revoked,
}

impl AuthError {
    /// What to tell whoever sent the credential.
    pub const fn message(self) -> Message {
        match self {
            Self::Token(error) => error.message(),
            Self::Revoked => Message::new("token-revoked"),
        }
    }
}

impl Authenticator {
    /// Knows tokens, and what of them was revoked.
    pub const fn new(tokens: Tokens, revocations: Revocations) -> Self {
        Self { tokens, revocations }
    }

    /// Who sends `credential`, at `now`.
    pub fn identify(&self, credential: &str, now: Instant) -> Result<Identity, AuthError> {
        let bearer = self.tokens.verify(credential, now)?;
        if self.revocations.refuse(&bearer.identity, bearer.issued_at) {
            return Err(AuthError::Revoked);
        }
        Ok(bearer.identity)
    }
}
