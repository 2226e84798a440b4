//! A key is exchanged for an access token, which a program can pass on in the key's place.

use std::time::Duration;

use amvaj_domain::access::Scopes;
use amvaj_domain::time::Instant;

use super::{App, AppError, Stopped};
use crate::auth::ApiKeyError;

/// A token that a key was exchanged for.
#[derive(Debug, Clone)]
pub struct Exchanged {
    /// The access token.
    pub access_token: String,
    /// When it ends.
    pub expires_at: Instant,
    /// What it may do.
    pub scopes: Scopes,
}

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeRefused {
    /// The key is not good.
    Key(ApiKeyError),
    /// The token would do nothing.
    NoScopes,
    /// The key does not have all that the token should.
    ScopeNotGiven,
}

/// Exchanges a key for a token with its scopes, or fewer of them. The token ends with the key at the latest.
pub async fn exchange_api_key(
    app: &App,
    text: &str,
    scopes: Option<Scopes>,
) -> Result<Exchanged, Stopped<ExchangeRefused>> {
    let now = app.now();
    let key = match app.key_ring.identify(text, now).await {
        Ok(key) => key,
        Err(ApiKeyError::Unavailable) => return Err(Stopped::Failed(AppError::Overloaded)),
        Err(error) => return Err(Stopped::Refused(ExchangeRefused::Key(error))),
    };
    let identity = key.identity();
    let scopes = scopes.unwrap_or(identity.scopes);
    if scopes.is_empty() {
        return Err(Stopped::Refused(ExchangeRefused::NoScopes));
    }
    if !identity.scopes.contain_all(scopes) {
        return Err(Stopped::Refused(ExchangeRefused::ScopeNotGiven));
    }
    let longest = now.plus(app.access_life);
    let ends = key.expires_at.map_or(longest, |end| end.min(longest));
    let life = Duration::from_micros(u64::try_from(ends.since(now).micros()).unwrap_or_default());
    let access_token =
        app.credentials.tokens.mint(&identity.limited_to(scopes), life, now).map_err(AppError::from)?;
    Ok(Exchanged { access_token, expires_at: ends, scopes })
}
