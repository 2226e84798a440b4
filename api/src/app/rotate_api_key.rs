//! A key is replaced by a new one, beside which it goes on for a while.

use amvaj_domain::access::{ApiKey, ApiKeyStatus, Identity};
use amvaj_domain::audit::{ActKind, Author};
use amvaj_domain::id::ApiKeyId;
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::access::RotateRefused;
use amvaj_infra::db::StoreError;

use super::create_api_key::{DRAWS, MadeKey, draw, givable, is_possible_end, maker, manages_keys_of, told};
use super::{App, AppError, Stopped};
use crate::random;

/// A key to replace.
#[derive(Debug, Clone, Copy)]
pub struct RotateApiKey {
    /// The key.
    pub id: ApiKeyId,
    /// How long it goes on beside the new one.
    pub overlap: Span,
    /// When the new one ends; nothing lets it be good for as long as the old one was.
    pub expires_at: Option<Instant>,
}

/// Why a key was not replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotateApiKeyRefused {
    /// There is no such key for the caller.
    KeyNotFound,
    /// It is revoked or its time is over.
    KeyNotActive,
    /// Another key replaces it.
    KeyAlreadyRotated,
    /// The key may do what the caller may not.
    ScopeNotYours,
    /// The overlap is below nothing or too long.
    InvalidOverlap,
    /// The end is not ahead, is too far ahead, or lies beyond that of the key that makes it.
    InvalidExpiry,
}

/// Makes a key that may do what the old one may, under its name.
pub async fn rotate_api_key(
    app: &App,
    identity: &Identity,
    author: &Author,
    request: RotateApiKey,
) -> Result<MadeKey, Stopped<RotateApiKeyRefused>> {
    let now = app.now();
    let old = app.api_keys.by_id(&[request.id]).await?.pop();
    let old = old.filter(|key| manages_keys_of(identity, key.merchant));
    let old = old.ok_or(Stopped::Refused(RotateApiKeyRefused::KeyNotFound))?;
    let maker = maker(app, identity).await?;
    let expires_at = request.expires_at.or_else(|| old.next_end(now, maker.as_ref()));
    allowed(identity, &old, request, now).map_err(Stopped::Refused)?;
    if !is_possible_end(expires_at, now, maker.as_ref()) {
        return Err(Stopped::Refused(RotateApiKeyRefused::InvalidExpiry));
    }
    for _ in 0..DRAWS {
        let secret = draw(app)?;
        let key = ApiKey {
            id: ApiKeyId::new(random::uuid(now)),
            prefix: secret.prefix.clone(),
            made_by: identity.actor,
            replaces: Some(old.id),
            replaced_by: None,
            created_at: now,
            expires_at,
            revoked_at: None,
            last_used_at: None,
            ..old.clone()
        };
        let act = told(author, ActKind::ApiKeyRotated, &key)
            .detail("replaces", old.prefix.as_str())
            .detail("overlapSeconds", request.overlap.micros() / 1_000_000);
        match app.api_keys.rotate(&key, secret.hash, (old.id, request.overlap), &act).await {
            Ok(Ok(())) => return Ok(MadeKey { key, secret: secret.text }),
            Ok(Err(refused)) => return Err(refused.into()),
            Err(StoreError::Duplicate(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Stopped::Failed(AppError::Overloaded))
}

/// Whoever rotates a key learns its secret, and so has to have all that it gives.
fn allowed(
    identity: &Identity,
    old: &ApiKey,
    request: RotateApiKey,
    now: Instant,
) -> Result<(), RotateApiKeyRefused> {
    if old.replaced_by.is_some() {
        Err(RotateApiKeyRefused::KeyAlreadyRotated)
    } else if old.status(now) != ApiKeyStatus::Active {
        Err(RotateApiKeyRefused::KeyNotActive)
    } else if !givable(identity).contain_all(old.scopes) {
        Err(RotateApiKeyRefused::ScopeNotYours)
    } else if !(Span::seconds(0)..=ApiKey::LONGEST_OVERLAP).contains(&request.overlap) {
        Err(RotateApiKeyRefused::InvalidOverlap)
    } else {
        Ok(())
    }
}

impl From<RotateRefused> for Stopped<RotateApiKeyRefused> {
    fn from(refused: RotateRefused) -> Self {
        Self::Refused(match refused {
            RotateRefused::NoKey => RotateApiKeyRefused::KeyNotFound,
            RotateRefused::NotActive => RotateApiKeyRefused::KeyNotActive,
            RotateRefused::AlreadyReplaced => RotateApiKeyRefused::KeyAlreadyRotated,
            RotateRefused::MakerRevoked => return Self::Failed(AppError::Unauthenticated),
        })
    }
}
