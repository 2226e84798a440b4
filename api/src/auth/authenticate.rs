//! From what a client sends to who it is.

use std::sync::Arc;

use amvaj_domain::access::Identity;
use amvaj_domain::network::NetworkMode;
use amvaj_domain::time::Instant;
use amvaj_infra::access::Revocations;
use jsonwebtoken::jwk::JwkSet;
use thiserror::Error;

use super::api_key;
use super::issuer::Issuers;
use super::key_ring::{KeyError, KeyRing};
use super::token::{TokenError, Tokens};
use crate::language::Message;

/// Finds out who sends a credential. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator {
    tokens: Tokens,
    revocations: Revocations,
    keys: Option<KeyRing>,
    issuers: Option<Issuers>,
    twin: Option<Arc<str>>,
}

/// Why a credential is refused; shown in English where HTTP allows nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthError {
    /// It is no good token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It is no good key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It is for the network's other installation.
    #[error("the credential is for {of}, and this is another installation")]
    OtherMode {
        /// Which one it is for.
        of: NetworkMode,
        /// Where that is, if it is known.
        twin: Option<Arc<str>>,
    },
    /// It was good and has been ended: a log-out, a blocked account, a revoked key.
    #[error("the access token has been revoked; log in again")]
    Revoked,
}

impl AuthError {
    /// What to tell whoever sent the credential.
    pub fn message(&self) -> Message {
        match self {
            Self::Token(error) => error.message(),
            Self::Key(error) => error.message(),
            Self::OtherMode { of: NetworkMode::Live, twin: Some(twin) } => {
                Message::new("credential-of-live-at").with("place", &**twin)
            }
            Self::OtherMode { of: NetworkMode::Sandbox, twin: Some(twin) } => {
                Message::new("credential-of-sandbox-at").with("place", &**twin)
            }
            Self::OtherMode { of, twin: None } => KeyError::Mode(*of).message(),
            Self::Revoked => Message::new("token-revoked"),
        }
    }

    /// Whether nothing is wrong with the credential, as far as is known, and it can only not be checked now.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Key(KeyError::Unavailable) | Self::Token(TokenError::Unavailable))
    }
}

impl Authenticator {
    /// Knows tokens, and what of them was revoked.
    pub const fn new(tokens: Tokens, revocations: Revocations) -> Self {
        Self { tokens, revocations, keys: None, issuers: None, twin: None }
    }

    /// Knows API keys as well, and where the network's other installation is.
    #[must_use]
    pub fn with_keys(self, keys: KeyRing, twin: Option<&str>) -> Self {
        Self { keys: Some(keys), twin: twin.map(Arc::from), ..self }
    }

    /// Knows tokens of outside issuers as well.
    #[must_use]
    pub fn with_issuers(self, issuers: Option<Issuers>) -> Self {
        Self { issuers, ..self }
    }

    /// The keys by which others can verify our tokens.
    pub fn public_keys(&self) -> JwkSet {
        self.tokens.keys().set().public()
    }

    /// Who sends `credential`, at `now`.
    pub async fn identify(&self, credential: &str, now: Instant) -> Result<Identity, AuthError> {
        if api_key::is_meant(credential) {
            let keys = self.keys.as_ref().ok_or(KeyError::Unknown)?;
            let key = keys.identify(credential, now).await;
            return Ok(key.map_err(|error| self.refusal_of_key(error))?.identity());
        }
        let bearer = match (self.tokens.verify(credential, now), &self.issuers) {
            (Err(error), Some(issuers)) => issuers.verify(credential, now).await.unwrap_or(Err(error)),
            (verified, _) => verified,
        };
        let bearer = bearer.map_err(|error| self.refusal_of_token(error))?;
        if self.revocations.refuse(&bearer.identity, bearer.issued_at) {
            return Err(AuthError::Revoked);
        }
        Ok(bearer.identity)
    }

    /// Whether what was made for `identity` at `made_at` is good no more: of a session that has ended, or of somebody who was
    /// blocked or given other rights since.
    pub fn is_revoked(&self, identity: &Identity, made_at: Instant) -> bool {
        // A session that ended long ago is forgotten; what has ended all of a person's is not.
        let person = Identity { session: None, ..identity.clone() };
        self.revocations.refuse(identity, made_at) || self.revocations.refuse(&person, made_at)
    }

    fn refusal_of_key(&self, error: KeyError) -> AuthError {
        match error {
            KeyError::Mode(of) => AuthError::OtherMode { of, twin: self.twin.clone() },
            other => AuthError::Key(other),
        }
    }

    fn refusal_of_token(&self, error: TokenError) -> AuthError {
        match error {
            TokenError::Mode(of) => AuthError::OtherMode { of, twin: self.twin.clone() },
            other => AuthError::Token(other),
        }
    }
}
