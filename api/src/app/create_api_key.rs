//! A merchant, or the operator for it, makes an API key.

use amvaj_domain::access::{Actor, ApiKey, Caller, Identity, Role, Scope, Scopes};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{ApiKeyId, MerchantId};
use amvaj_domain::text::Name;
use amvaj_domain::time::Instant;
use amvaj_infra::access::CreateRefused;
use amvaj_infra::db::StoreError;

use super::{App, AppError, Stopped};
use crate::auth::api_key::{self, NewSecret};
use crate::random;

/// How often another secret is drawn when the visible beginning of one is taken.
pub(super) const DRAWS: usize = 3;

/// A key to make.
#[derive(Debug, Clone)]
pub struct CreateApiKey {
    /// Whose key it is.
    pub merchant: MerchantId,
    /// What to call it.
    pub name: Name,
    /// What it may do.
    pub scopes: Scopes,
    /// When it ends by itself.
    pub expires_at: Option<Instant>,
}

/// A key that was made, with its secret, which nobody can read again.
#[derive(Debug, Clone)]
pub struct MadeKey {
    /// The key.
    pub key: ApiKey,
    /// The whole text.
    pub secret: String,
}

/// Why no key was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateApiKeyRefused {
    /// There is no such merchant for the caller.
    MerchantNotFound,
    /// The merchant begins nothing new.
    MerchantBlocked,
    /// The key would do nothing.
    NoScopes,
    /// The caller would give more than it has.
    ScopeNotYours,
    /// The end is not ahead, is too far ahead, or lies beyond that of the key that makes it.
    InvalidExpiry,
    /// The merchant has as many keys as it may have.
    TooManyKeys,
}

/// Makes a key.
pub async fn create_api_key(
    app: &App,
    identity: &Identity,
    author: &Author,
    request: CreateApiKey,
) -> Result<MadeKey, Stopped<CreateApiKeyRefused>> {
    use CreateApiKeyRefused::{InvalidExpiry, MerchantNotFound, NoScopes, ScopeNotYours};
    if !manages_keys_of(identity, request.merchant) {
        return Err(Stopped::Refused(MerchantNotFound));
    }
    if request.scopes.is_empty() {
        return Err(Stopped::Refused(NoScopes));
    }
    if !givable(identity).contain_all(request.scopes) {
        return Err(Stopped::Refused(ScopeNotYours));
    }
    let now = app.now();
    let maker = maker(app, identity).await?;
    if !is_possible_end(request.expires_at, now, maker.as_ref()) {
        return Err(Stopped::Refused(InvalidExpiry));
    }
    for _ in 0..DRAWS {
        let secret = draw(app)?;
        let key = ApiKey {
            id: ApiKeyId::new(random::uuid(now)),
            merchant: request.merchant,
            name: request.name.clone(),
            prefix: secret.prefix.clone(),
            scopes: request.scopes,
            made_by: identity.actor,
            replaces: None,
            replaced_by: None,
            created_at: now,
            expires_at: request.expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        let act = told(author, ActKind::ApiKeyMade, &key);
        match app.api_keys.create(&key, secret.hash, &act).await {
            Ok(Ok(())) => return Ok(MadeKey { key, secret: secret.text }),
            Ok(Err(refused)) => return Err(refused.into()),
            Err(StoreError::Duplicate(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Stopped::Failed(AppError::Overloaded))
}

/// Whether the caller looks after this merchant's keys: the operator after all of them, a merchant after its own. Staff
/// need the scope for the whole merchant, whose keys know no branches.
pub fn manages_keys_of(identity: &Identity, merchant: MerchantId) -> bool {
    let theirs = match identity.caller {
        Caller::Operator => true,
        Caller::Merchant(own) => own == merchant,
        Caller::Agent | Caller::Member(_) => false,
    };
    theirs && identity.may_at(Scope::KeysManage, None)
}

/// What the caller may give to a key. The operator issues points for nobody, but may equip merchants' programs.
pub(super) fn givable(identity: &Identity) -> Scopes {
    let all = Scopes::of_role(Role::Merchant);
    match identity.caller {
        Caller::Operator => all,
        Caller::Merchant(_) => {
            let given: Vec<Scope> = all.iter().filter(|scope| identity.may_at(*scope, None)).collect();
            Scopes::of(&given)
        }
        Caller::Agent | Caller::Member(_) => Scopes::NONE,
    }
}

/// The key with which the caller calls, if it is one.
pub(super) async fn maker(app: &App, identity: &Identity) -> Result<Option<ApiKey>, AppError> {
    match identity.actor {
        Actor::ApiKey(id) => Ok(app.api_keys.by_id(&[id]).await?.pop()),
        Actor::Console | Actor::User(_) | Actor::Staff(_) | Actor::Member(_) | Actor::Outside => Ok(None),
    }
}

/// Whether a key may end then. What a key makes ends with that key at the latest, or a stolen one could live on in it.
pub(super) fn is_possible_end(end: Option<Instant>, now: Instant, maker: Option<&ApiKey>) -> bool {
    let within = end.is_none_or(|end| end > now && end <= now.plus(ApiKey::LONGEST));
    let longest = maker.and_then(|maker| maker.expires_at);
    within && longest.is_none_or(|longest| end.is_some_and(|end| end <= longest))
}

/// A new secret.
pub(super) fn draw(app: &App) -> Result<NewSecret, AppError> {
    api_key::make(&app.credentials.secret, app.mode).ok_or(AppError::Overloaded)
}

/// What the audit log is told of a key; never its secret.
pub(super) fn told(author: &Author, kind: ActKind, key: &ApiKey) -> Act {
    Act::new(author, kind, Target::ApiKey(key.id), key.created_at)
        .detail("merchant", key.merchant.to_string().as_str())
        .detail("name", key.name.as_str())
        .detail("prefix", key.prefix.as_str())
        .detail("scopes", key.scopes.to_text().as_str())
}

impl From<CreateRefused> for Stopped<CreateApiKeyRefused> {
    fn from(refused: CreateRefused) -> Self {
        Self::Refused(match refused {
            CreateRefused::NoMerchant => CreateApiKeyRefused::MerchantNotFound,
            CreateRefused::MerchantBlocked => CreateApiKeyRefused::MerchantBlocked,
            CreateRefused::TooMany => CreateApiKeyRefused::TooManyKeys,
            CreateRefused::MakerRevoked => return Self::Failed(AppError::Unauthenticated),
        })
    }
}
