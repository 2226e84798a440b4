//! Access tokens: JSON Web Tokens signed with Ed25519. The time is always given, never read.

use std::sync::Arc;
use std::time::Duration;

use amvaj_domain::access::{Actor, Caller, Identity, Post, Role, Scopes, StaffRole};
use amvaj_domain::id::{ApiKeyId, BranchId, MemberId, MerchantId, SessionId, StaffId, UserId};
use amvaj_domain::network::NetworkMode;
use amvaj_domain::time::{Instant, Span};
use jsonwebtoken::{Algorithm, Header, Validation};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;

use super::key::KeySet;
use super::live_keys::LiveKeys;
use crate::config::AuthConfig;
use crate::language::Message;

/// How far two machines' clocks may differ.
pub(super) const SKEW: Span = Span::seconds(60);
/// How many verified tokens are remembered.
const REMEMBERED: u64 = 10_000;
/// Longer than any token that is accepted; what is longer is refused before anything is computed.
pub(super) const LONGEST: usize = 8_192;

/// Makes and verifies access tokens. Cheap to clone.
#[derive(Clone)]
pub struct Tokens {
    keys: LiveKeys,
    issuer: Arc<str>,
    audience: Arc<str>,
    mode: NetworkMode,
    /// Verified tokens by SHA-256, because a signature costs more to check than a request has time for.
    /// Each with the state of the keys by which it was verified: a key that was retired verifies no more.
    verified: Cache<[u8; 32], (u64, Verified)>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tokens").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// What a token says once its signature is found good.
#[derive(Debug, Clone)]
pub(super) struct Verified {
    pub(super) bearer: Bearer,
    pub(super) not_before: Instant,
    pub(super) expires: Instant,
}

/// Whoever sent a token that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Who that is and what it may do.
    pub identity: Identity,
    /// When the token was made, to whole seconds.
    pub issued_at: Instant,
}

/// Why a token is refused; shown in English where HTTP allows nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It is not a token of ours at all, or a part of it is missing.
    #[error("the access token is malformed")]
    Malformed,
    /// It is signed in a way that we do not accept.
    #[error("the access token is signed with an algorithm that is not accepted")]
    Algorithm,
    /// It says that it must not be accepted by whoever does not know some extension (RFC 7515 §4.1.11); we know none.
    #[error("the access token demands an extension (crit) that is not known here")]
    Critical,
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
    /// It is for the network's other installation.
    #[error("the access token is for {0}")]
    Mode(NetworkMode),
    /// Its time has not come.
    #[error("the access token is not valid yet")]
    NotYetValid,
    /// Its time is over.
    #[error("the access token has expired; get a new one")]
    Expired,
    /// Role and subject do not name one caller.
    #[error("the access token's role and subject do not fit together")]
    Subject,
    /// It is good for longer than its issuer may give.
    #[error("the access token is good for longer than is accepted from its issuer")]
    TooLong,
    /// It was good for one request, and has had it.
    #[error("the access token was good for one request and has been used; get a new one")]
    Used,
    /// Nobody of that name is here, or it is blocked.
    #[error("the access token is for somebody who is not here or is blocked")]
    Stranger,
    /// It cannot be checked now: its issuer or our database does not answer.
    #[error("the access token cannot be checked now; try again shortly")]
    Unavailable,
}

impl TokenError {
    /// What to tell whoever sent the token.
    pub const fn message(self) -> Message {
        match self {
            Self::Malformed => Message::new("token-malformed"),
            Self::Algorithm => Message::new("token-algorithm"),
            Self::UnknownKey => Message::new("token-unknown-key"),
            Self::Signature => Message::new("token-signature"),
            Self::Issuer => Message::new("token-issuer"),
            Self::Audience => Message::new("token-audience"),
            Self::Mode(NetworkMode::Live) => Message::new("credential-of-live"),
            Self::Mode(NetworkMode::Sandbox) => Message::new("credential-of-sandbox"),
            Self::NotYetValid => Message::new("token-not-yet-valid"),
            Self::Expired => Message::new("token-expired"),
            Self::Subject => Message::new("token-subject"),
            Self::Critical => Message::new("token-critical"),
            Self::TooLong => Message::new("token-too-long"),
            Self::Used => Message::new("token-used"),
            Self::Stranger => Message::new("token-stranger"),
            Self::Unavailable => Message::new("token-unavailable"),
        }
    }
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
    /// Who acts in person; tokens without it are the command line's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    /// Scopes as OAuth 2 writes them; tokens without them may do all that the role may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// Posts of a merchant's staff: a branch, or nothing for all of them, and the role there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    posts: Vec<(Option<Uuid>, String)>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    /// Live or sandbox; a token without it is for whoever has its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
}

/// All that is read of a token whose signature cannot be checked, to say what is wrong with it.
#[derive(Debug, Deserialize)]
struct Unverified {
    mode: Option<String>,
}

impl Tokens {
    /// Tokens of the configured issuer and audience, signed with the set's signing key.
    pub fn new(keys: KeySet, config: &AuthConfig) -> Self {
        Self {
            keys: LiveKeys::new(keys),
            issuer: config.issuer.as_str().into(),
            audience: config.audience.as_str().into(),
            mode: NetworkMode::default(),
            verified: Cache::new(REMEMBERED),
        }
    }

    /// Tokens of the same keys for an installation of this mode.
    #[must_use]
    pub fn in_mode(self, mode: NetworkMode) -> Self {
        Self { mode, verified: Cache::new(REMEMBERED), ..self }
    }

    /// A token for `identity` from `now` on and for `ttl`, to whole seconds.
    pub fn mint(&self, identity: &Identity, ttl: Duration, now: Instant) -> Result<String, MintError> {
        let issued = seconds(now);
        let lifetime = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
        let claims = Claims {
            iss: self.issuer.to_string(),
            aud: self.audience.to_string(),
            sub: subject(identity.caller),
            role: identity.caller.role().as_str().to_owned(),
            actor: Some(actor_text(identity.actor)),
            scope: Some(identity.scopes.to_text()),
            posts: identity.posts.iter().map(post_claim).collect(),
            sid: identity.session.map(SessionId::uuid),
            iat: issued,
            nbf: issued,
            exp: issued.saturating_add(lifetime),
            jti: crate::random::uuid(now).to_string(),
            mode: Some(self.mode.as_str().to_owned()),
        };
        let keys = self.keys.set();
        let key = keys.signing(now);
        let header = Header { kid: Some(key.id().to_owned()), ..Header::new(Algorithm::EdDSA) };
        Ok(jsonwebtoken::encode(&header, &claims, key.encoding())?)
    }

    /// Whoever a token stands for at `now`.
    pub fn verify(&self, token: &str, now: Instant) -> Result<Bearer, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Malformed);
        }
        let fingerprint: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let state = self.keys.state();
        if let Some((_, known)) = self.verified.get(&fingerprint).filter(|(by, _)| *by == state) {
            return known.at(now);
        }
        let verified = self.check(token)?;
        let bearer = verified.clone().at(now)?;
        self.verified.insert(fingerprint, (state, verified));
        Ok(bearer)
    }

    /// The keys that sign and verify, which can be replaced while tokens are made.
    pub fn keys(&self) -> &LiveKeys {
        &self.keys
    }

    /// Checks everything but the time. The library would compare with the machine's clock, so that is left to us.
    fn check(&self, token: &str) -> Result<Verified, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| refusal(&error))?;
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::Algorithm);
        }
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let keys = self.keys.set();
        let key = header.kid.as_deref().and_then(|id| keys.find(id));
        let key = key.ok_or_else(|| self.other_mode(token).unwrap_or(TokenError::UnknownKey))?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.validate_exp = false;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        let claims = jsonwebtoken::decode::<Claims>(token, key.decoding(), &validation)
            .map_err(|error| refusal(&error))?
            .claims;
        self.check_mode(claims.mode.as_deref())?;
        Ok(Verified {
            bearer: Bearer {
                identity: identity(&claims).ok_or(TokenError::Subject)?,
                issued_at: instant(claims.iat),
            },
            not_before: instant(claims.nbf),
            expires: instant(claims.exp),
        })
    }

    fn check_mode(&self, claimed: Option<&str>) -> Result<(), TokenError> {
        match claimed.map(NetworkMode::parse) {
            None => Ok(()),
            Some(Some(mode)) if mode == self.mode => Ok(()),
            Some(Some(mode)) => Err(TokenError::Mode(mode)),
            Some(None) => Err(TokenError::Subject),
        }
    }

    /// A token of an unknown key may be from the network's other installation. Whether it says so truly does not
    /// matter: it is refused either way, only in other words.
    fn other_mode(&self, token: &str) -> Option<TokenError> {
        let claims: Unverified = jsonwebtoken::dangerous::insecure_decode_claims(token).ok()?;
        self.check_mode(claims.mode.as_deref()).err().filter(|error| matches!(error, TokenError::Mode(_)))
    }
}

impl Verified {
    pub(super) fn at(self, now: Instant) -> Result<Bearer, TokenError> {
        if now.plus(SKEW) < self.not_before {
            Err(TokenError::NotYetValid)
        } else if now >= self.expires.plus(SKEW) {
            Err(TokenError::Expired)
        } else {
            Ok(self.bearer)
        }
    }
}

fn seconds(instant: Instant) -> i64 {
    instant.micros().div_euclid(1_000_000)
}

pub(super) fn instant(seconds: i64) -> Instant {
    Instant::from_micros(0).plus(Span::seconds(seconds))
}

/// The claim `sub` of a caller.
fn subject(caller: Caller) -> String {
    match caller {
        Caller::Operator | Caller::Agent => caller.role().as_str().to_owned(),
        Caller::Merchant(id) => format!("merchant:{id}"),
        Caller::Member(id) => format!("member:{id}"),
    }
}

/// The claim `actor`.
fn actor_text(actor: Actor) -> String {
    match actor {
        Actor::Console => "console".to_owned(),
        Actor::User(id) => format!("user:{id}"),
        Actor::Staff(id) => format!("staff:{id}"),
        Actor::ApiKey(id) => format!("key:{id}"),
        Actor::Member(id) => format!("member:{id}"),
        Actor::Outside => "outside".to_owned(),
    }
}

fn post_claim(post: &Post) -> (Option<Uuid>, String) {
    (post.branch.map(BranchId::uuid), post.role.as_str().to_owned())
}

/// The identity that the claims describe; nothing when they do not fit together.
fn identity(claims: &Claims) -> Option<Identity> {
    let caller = caller(&claims.sub, &claims.role)?;
    let actor = claims.actor.as_deref().map_or(Some(Actor::Console), actor)?;
    let posts: Option<Vec<Post>> = claims
        .posts
        .iter()
        .map(|(branch, role)| Some(Post { branch: branch.map(BranchId::new), role: StaffRole::parse(role)? }))
        .collect();
    let scopes = claims.scope.as_deref().map_or(Scopes::of_role(caller.role()), Scopes::from_text);
    let session = claims.sid.map(SessionId::new);
    Some(Identity { posts: posts?.into(), session, ..Identity::new(caller, actor) }.limited_to(scopes))
}

/// The caller of the claims `sub` and `role`.
fn caller(sub: &str, role: &str) -> Option<Caller> {
    let caller = match sub.split_once(':') {
        None if sub == Role::Operator.as_str() => Caller::Operator,
        None if sub == Role::Agent.as_str() => Caller::Agent,
        Some(("merchant", id)) => Caller::Merchant(MerchantId::new(parse_uuid(id)?)),
        Some(("member", id)) => Caller::Member(MemberId::new(parse_uuid(id)?)),
        _ => return None,
    };
    (caller.role().as_str() == role).then_some(caller)
}

fn actor(text: &str) -> Option<Actor> {
    Some(match text.split_once(':') {
        None if text == "console" => Actor::Console,
        None if text == "outside" => Actor::Outside,
        Some(("user", id)) => Actor::User(UserId::new(parse_uuid(id)?)),
        Some(("staff", id)) => Actor::Staff(StaffId::new(parse_uuid(id)?)),
        Some(("key", id)) => Actor::ApiKey(ApiKeyId::new(parse_uuid(id)?)),
        Some(("member", id)) => Actor::Member(MemberId::new(parse_uuid(id)?)),
        _ => return None,
    })
}

pub(super) fn parse_uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok()
}

pub(super) fn refusal(error: &jsonwebtoken::errors::Error) -> TokenError {
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
