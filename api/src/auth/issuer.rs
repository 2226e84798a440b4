//! Tokens of outside issuers, such as a partner's or the operator's own log-in server, by the keys that they publish.
//!
//! Which issuers there are, how they sign and for whom they may speak is in a file (`docs/issuers.md`). What a token says
//! is believed within that only: its issuer's keys, its audience, a bounded life, the role and the scopes of the file.
//! What a header says of keys (`jwk`, `jku`, `x5u`, `x5c`) is never looked at.

mod file;
mod keys;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use amvaj_domain::access::{Actor, Caller, Identity, Role, Scopes};
use amvaj_domain::id::MemberId;
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::access::UsedTokens;
use amvaj_infra::clock::Clock;
use futures_util::future::BoxFuture;
use jsonwebtoken::Validation;
use moka::sync::Cache;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tokio_util::task::AbortOnDropHandle;

pub use file::{InvalidIssuers, IssuerSettings, RoleRule, SubjectRule, load, parse};
use keys::IssuerKeys;

use super::token::{Bearer, LONGEST, SKEW, TokenError, Verified, instant, parse_uuid, refusal};
use crate::graphql::global_id::GlobalId;

/// How many verified tokens are remembered.
const REMEMBERED: u64 = 10_000;
/// How long a verified token is taken for good without looking at its issuer's keys and its subject again.
const REMEMBERED_FOR: Span = Span::seconds(60);
/// Longest `jti` that is looked at.
const LONGEST_ID: usize = 512;
/// How often tokens that were used and are over are forgotten.
const PURGE: Duration = Duration::from_mins(10);

/// Says whether somebody is here and may come in. What it answers with can be awaited on any thread.
pub type Standing = dyn Fn(Caller) -> BoxFuture<'static, Option<bool>> + Send + Sync;

/// Knows the outside issuers. Cheap to clone.
#[derive(Clone)]
pub struct Issuers {
    shared: Arc<Shared>,
    /// Ends the forgetting with the last clone.
    _purge: Arc<AbortOnDropHandle<()>>,
}

struct Shared {
    issuers: HashMap<String, Issuer>,
    used: UsedTokens,
    standing: Box<Standing>,
    /// With the time at which each was verified.
    verified: Cache<[u8; 32], (Instant, Verified)>,
}

struct Issuer {
    settings: IssuerSettings,
    keys: Arc<IssuerKeys>,
}

type Claims = Map<String, Value>;

impl Issuers {
    /// These issuers. Their keys are fetched, and used tokens forgotten, on the runtime that calls.
    pub fn new(
        settings: Vec<IssuerSettings>,
        used: UsedTokens,
        clock: Clock,
        standing: Box<Standing>,
    ) -> Self {
        let issuer = |settings: IssuerSettings| {
            let keys = Arc::new(IssuerKeys::new(&settings));
            (settings.issuer.clone(), Issuer { settings, keys })
        };
        let issuers = settings.into_iter().map(issuer).collect();
        let purge = tokio::spawn(forget(used.clone(), clock));
        let shared = Arc::new(Shared { issuers, used, standing, verified: Cache::new(REMEMBERED) });
        Self { shared, _purge: Arc::new(AbortOnDropHandle::new(purge)) }
    }

    /// Whoever a token stands for at `now`; nothing when it is not from any of these issuers.
    pub async fn verify(&self, token: &str, now: Instant) -> Option<Result<Bearer, TokenError>> {
        if token.len() > LONGEST {
            return None;
        }
        let fingerprint: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some((at, verified)) = self.shared.verified.get(&fingerprint)
            && now < at.plus(REMEMBERED_FOR)
        {
            return Some(verified.at(now));
        }
        // Not believed: only to know by whose keys to check it.
        let claims: Claims = jsonwebtoken::dangerous::insecure_decode_claims(token).ok()?;
        let issuer = self.shared.issuers.get(claims.get("iss")?.as_str()?)?;
        let verified = match issuer.check(token, now).await {
            Ok(checked) => self.admit(issuer, checked, now).await,
            Err(error) => Err(error),
        };
        Some(verified.map(|verified| {
            let bearer = verified.bearer.clone();
            if !issuer.settings.single_use {
                self.shared.verified.insert(fingerprint, (now, verified));
            }
            bearer
        }))
    }

    /// What a good token says is compared with what there is here.
    async fn admit(
        &self,
        issuer: &Issuer,
        (verified, claims): (Verified, Claims),
        now: Instant,
    ) -> Result<Verified, TokenError> {
        verified.clone().at(now)?;
        match (self.shared.standing)(verified.bearer.identity.caller).await {
            Some(true) => {}
            Some(false) => return Err(TokenError::Stranger),
            None => return Err(TokenError::Unavailable),
        }
        if issuer.settings.single_use {
            let id = claims
                .get("jti")
                .and_then(Value::as_str)
                .filter(|id| !id.is_empty() && id.len() <= LONGEST_ID);
            let id = id.ok_or(TokenError::Malformed)?;
            let mut hash = Sha256::new();
            hash.update(issuer.settings.issuer.as_bytes());
            hash.update([0]);
            hash.update(id.as_bytes());
            match self.shared.used.spend(hash.finalize().into(), verified.expires.plus(SKEW)).await {
                Ok(true) => {}
                Ok(false) => return Err(TokenError::Used),
                Err(error) => {
                    tracing::warn!(%error, "whether a token was used could not be found out");
                    return Err(TokenError::Unavailable);
                }
            }
        }
        Ok(verified)
    }
}

impl Issuer {
    /// Checks everything that the token, the file and the issuer's keys say.
    async fn check(&self, token: &str, now: Instant) -> Result<(Verified, Claims), TokenError> {
        let settings = &self.settings;
        let header = jsonwebtoken::decode_header(token).map_err(|error| refusal(&error))?;
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        if !settings.algorithms.contains(&header.alg) {
            return Err(TokenError::Algorithm);
        }
        let name = header.kid.ok_or(TokenError::UnknownKey)?;
        let key = self.keys.find(&name, now).await?;
        if key.algorithm != header.alg {
            return Err(TokenError::Algorithm);
        }
        let mut validation = Validation::new(key.algorithm);
        validation.validate_exp = false;
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&settings.audiences);
        validation.set_required_spec_claims(&["iss", "aud", "exp"]);
        let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation)
            .map_err(|error| refusal(&error))?
            .claims;
        let (issued, expires) = (time(&claims, "iat")?, time(&claims, "exp")?);
        let (issued, expires) = (issued.ok_or(TokenError::Malformed)?, expires.ok_or(TokenError::Malformed)?);
        if expires > issued.plus(settings.longest_life) {
            return Err(TokenError::TooLong);
        }
        let identity = identity(settings, &claims).ok_or(TokenError::Subject)?;
        let not_before = time(&claims, "nbf")?.map_or(issued, |from| from.max(issued));
        // A token that says that it will be made in a moment exists now, and what is revoked from now on goes for it.
        let bearer = Bearer { identity, issued_at: issued.min(now) };
        Ok((Verified { bearer, not_before, expires }, claims))
    }
}

/// A time of a token; nothing when it says none.
fn time(claims: &Claims, name: &str) -> Result<Option<Instant>, TokenError> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            let whole = number.as_i64().or_else(|| {
                let seconds = Duration::try_from_secs_f64(number.as_f64()?).ok()?.as_secs();
                i64::try_from(seconds).ok()
            });
            Ok(Some(instant(whole.ok_or(TokenError::Malformed)?)))
        }
        Some(_) => Err(TokenError::Malformed),
    }
}

/// Whoever the claims stand for; nothing when they do not say what the file asks for.
fn identity(settings: &IssuerSettings, claims: &Claims) -> Option<Identity> {
    let role = match &settings.role {
        RoleRule::Fixed(role) => *role,
        RoleRule::Claim { claim, roles } => {
            let found = roles.iter().find(|(value, _)| has(claims.get(claim), value));
            found.map(|(_, role)| *role)?
        }
    };
    let id = match &settings.subject {
        SubjectRule::Claim(claim) => claims.get(claim).and_then(Value::as_str),
        SubjectRule::Nobody | SubjectRule::Merchant(_) => None,
    };
    let caller = match (role, &settings.subject) {
        (Role::Operator, _) => Caller::Operator,
        (Role::Agent, _) => Caller::Agent,
        (Role::Merchant, SubjectRule::Merchant(merchant)) => Caller::Merchant(*merchant),
        (Role::Merchant, _) => Caller::Merchant(file::merchant_id(id?)?),
        (Role::Member, _) => Caller::Member(member_id(id?)?),
    };
    let scopes = match &settings.scope_claim {
        None => settings.scopes,
        Some(claim) => settings.scopes.intersection(scopes(claims.get(claim))),
    };
    Some(Identity::new(caller, Actor::Outside).limited_to(scopes))
}

/// Whether a claim is a text, or a list that has it.
fn has(claim: Option<&Value>, wanted: &str) -> bool {
    match claim {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Array(list)) => list.iter().any(|value| value.as_str() == Some(wanted)),
        _ => false,
    }
}

/// Scopes in one text, as OAuth 2 writes them, or in a list.
fn scopes(claim: Option<&Value>) -> Scopes {
    match claim {
        Some(Value::String(text)) => Scopes::from_text(text),
        Some(Value::Array(list)) => {
            let each = list.iter().filter_map(Value::as_str).map(Scopes::from_text);
            each.fold(Scopes::NONE, Scopes::union)
        }
        _ => Scopes::NONE,
    }
}

/// A member's id as a UUID or as clients see it.
fn member_id(text: &str) -> Option<MemberId> {
    let uuid = parse_uuid(text).map(MemberId::new);
    uuid.or_else(|| GlobalId::member(&async_graphql::ID(text.to_owned())))
}

async fn forget(used: UsedTokens, clock: Clock) {
    loop {
        tokio::time::sleep(PURGE).await;
        if let Err(error) = used.purge(clock.now()).await {
            tracing::warn!(%error, "tokens that were used could not be forgotten");
        }
    }
}

impl std::fmt::Debug for Issuers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.shared.issuers.keys()).finish()
    }
}
