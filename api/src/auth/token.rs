//! Access tokens: JSON Web Tokens signed with Ed25519. The time is always given, never read.

use std::sync::Arc;
use std::time::Duration;

use amvaj_domain::access::Caller;
use amvaj_domain::id::{MemberId, MerchantId};
use amvaj_domain::time::{Instant, Span};
use jsonwebtoken::{Algorithm, Header, Validation};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;

use super::key::KeySet;
use crate::config::AuthConfig;

/// How far two machines' clocks may differ.
const SKEW: Span = Span::seconds(60);
/// How many verified tokens are remembered.
const REMEMBERED: u64 = 10_000;
/// Longer than any token of ours; what is longer is refused before anything is computed.
const LONGEST: usize = 4_096;

/// Makes and verifies access tokens. Cheap to clone.
#[derive(Clone)]
pub struct Tokens {
    keys: Arc<KeySet>,
    issuer: Arc<str>,
    audience: Arc<str>,
    /// Verified tokens by SHA-256, because a signature costs more to check than a request has time for.
    verified: Cache<[u8; 32], Verified>,
}

#[derive(Debug, Clone, Copy)]
struct Verified {
    caller: Caller,
    not_before: Instant,
    expires: Instant,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It is not a token of ours at all, or a part of it is missing.
    #[error("the access token is malformed")]
    Malformed,
    /// It is signed in a way that we do not accept.
    #[error("the access token is not signed with EdDSA")]
    Algorithm,
    /// It names a key that we do not have.
    #[error("the access token is signed with an unknown key")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the access token's signature is wrong")]
    Signature,
    /// Somebody else made it.
    #[error("the access token is from another issuer")]
    Issuer,
    /// It is meant for somebody else.
    #[error("the access token is for another audience")]
    Audience,
    /// Its time has not come.
    #[error("the access token is not valid yet")]
    NotYetValid,
    /// Its time is over.
    #[error("the access token has expired; get a new one")]
    Expired,
    /// Role and subject do not name one caller.
    #[error("the access token's role and subject do not fit together")]
    Subject,
}

/// A token could not be made.
#[derive(Debug, Error)]
#[error("the access token could not be signed: {0}")]
pub struct MintError(#[from] jsonwebtoken::errors::Error);

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    role: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
}

impl Tokens {
    /// Tokens of the configured issuer and audience, signed with the set's signing key.
    pub fn new(keys: KeySet, config: &AuthConfig) -> Self {
        Self {
            keys: Arc::new(keys),
            issuer: config.issuer.as_str().into(),
            audience: config.audience.as_str().into(),
            verified: Cache::new(REMEMBERED),
        }
    }

    /// A token for `caller` from `now` on and for `ttl`, to whole seconds.
    pub fn mint(&self, caller: Caller, ttl: Duration, now: Instant) -> Result<String, MintError> {
        let issued = seconds(now);
        let lifetime = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
        let (sub, role) = subject(caller);
        let claims = Claims {
            iss: self.issuer.to_string(),
            aud: self.audience.to_string(),
            sub,
            role: role.to_owned(),
            iat: issued,
            nbf: issued,
            exp: issued.saturating_add(lifetime),
            jti: crate::random::uuid(now).to_string(),
        };
        let key = self.keys.signing();
        let header = Header { kid: Some(key.id().to_owned()), ..Header::new(Algorithm::EdDSA) };
        Ok(jsonwebtoken::encode(&header, &claims, key.encoding())?)
    }

    /// The caller that a token stands for at `now`.
    pub fn verify(&self, token: &str, now: Instant) -> Result<Caller, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Malformed);
        }
        let fingerprint: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(known) = self.verified.get(&fingerprint) {
            return known.at(now);
        }
        let verified = self.check(token)?;
        let caller = verified.at(now)?;
        self.verified.insert(fingerprint, verified);
        Ok(caller)
    }

    /// Checks everything but the time. The library would compare with the machine's clock, so that is left to us.
    fn check(&self, token: &str) -> Result<Verified, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| refusal(&error))?;
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::Algorithm);
        }
        let key = header.kid.as_deref().and_then(|id| self.keys.find(id)).ok_or(TokenError::UnknownKey)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.validate_exp = false;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        let claims = jsonwebtoken::decode::<Claims>(token, key.decoding(), &validation)
            .map_err(|error| refusal(&error))?
            .claims;
        Ok(Verified {
            caller: caller(&claims.sub, &claims.role).ok_or(TokenError::Subject)?,
            not_before: instant(claims.nbf),
            expires: instant(claims.exp),
        })
    }
}

impl Verified {
    fn at(self, now: Instant) -> Result<Caller, TokenError> {
        if now.plus(SKEW) < self.not_before {
            Err(TokenError::NotYetValid)
        } else if now >= self.expires.plus(SKEW) {
            Err(TokenError::Expired)
        } else {
            Ok(self.caller)
        }
    }
}

fn seconds(instant: Instant) -> i64 {
    instant.micros().div_euclid(1_000_000)
}

fn instant(seconds: i64) -> Instant {
    Instant::from_micros(0).plus(Span::seconds(seconds))
}

/// The claims `sub` and `role` of a caller.
fn subject(caller: Caller) -> (String, &'static str) {
    match caller {
        Caller::Operator => ("operator".to_owned(), "operator"),
        Caller::Merchant(id) => (format!("merchant:{id}"), "merchant"),
        Caller::Member(id) => (format!("member:{id}"), "member"),
    }
}

/// The caller of the claims `sub` and `role`.
fn caller(sub: &str, role: &str) -> Option<Caller> {
    match (role, sub.split_once(':')) {
        ("operator", None) if sub == "operator" => Some(Caller::Operator),
        ("merchant", Some(("merchant", id))) => Some(Caller::Merchant(MerchantId::new(parse_uuid(id)?))),
        ("member", Some(("member", id))) => Some(Caller::Member(MemberId::new(parse_uuid(id)?))),
        _ => None,
    }
}

fn parse_uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok()
}

fn refusal(error: &jsonwebtoken::errors::Error) -> TokenError {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::InvalidIssuer => TokenError::Issuer,
        ErrorKind::InvalidAudience => TokenError::Audience,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => TokenError::Algorithm,
        _ => TokenError::Malformed,
    }
}

#[cfg(test)]
mod tests;
