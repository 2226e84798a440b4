//! `exchangeApiKey`.

use amvaj_domain::access::{Scope, Scopes};
use amvaj_domain::network::NetworkMode;
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::read_scopes;
use crate::app::exchange_api_key::{ExchangeRefused, exchange_api_key};
use crate::auth::{ApiKeyError, AuthError};
use crate::graphql::context::app;
use crate::graphql::error::refusal_or_fault;
use crate::graphql::scalar::DateTime;
use crate::graphql::user_error::{Problems, UserErrorCode as _, user_errors};

/// An API key to exchange.
#[derive(InputObject)]
pub struct ExchangeApiKeyInput {
    /// The key's whole text. Send it as a variable. Example: `"amvaj_live_3xK9aQ7e…"`.
    pub key: String,
    /// What the token may do; all that the key may when left out. Example: `["points:earn"]`.
    pub scopes: Option<Vec<String>>,
}

/// What `exchangeApiKey` did.
#[derive(Default, SimpleObject)]
pub struct ExchangeApiKeyPayload {
    /// The access token, to be sent as `Authorization: Bearer TOKEN`; null when there is none.
    pub access_token: Option<String>,
    /// When the token ends: within minutes, and with the key at the latest.
    pub expires_at: Option<DateTime>,
    /// What the token may do. Example: `["points:earn"]`.
    pub scopes: Vec<&'static str>,
    /// Why there is no token; empty when there is one.
    pub user_errors: Vec<ExchangeApiKeyUserError>,
}

user_errors! {
    /// Why `exchangeApiKey` gave no token.
    ExchangeApiKeyUserError, ExchangeApiKeyErrorCode {
        /// The key is mistyped or cut off.
        ApiKeyMistyped,
        /// The key was not made by this installation.
        ApiKeyUnknown,
        /// The key's time is over.
        ApiKeyExpired,
        /// The key was revoked.
        ApiKeyRevoked,
        /// The key is for the network's other installation, live or sandbox.
        ApiKeyOfOtherMode,
        /// There is no scope, or one that merchants do not have.
        InvalidScopes,
        /// The key lacks one of the scopes.
        ScopeNotYours,
    }
}

/// The mutation.
#[derive(Default)]
pub struct ExchangeApiKeyMutation;

#[Object]
impl ExchangeApiKeyMutation {
    /// Exchanges an API key for an access token of a few minutes, with the key's scopes or fewer: for programs that pass
    /// their right on and keep the key to themselves. The key goes in the input; no `Authorization` is needed.
    async fn exchange_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key.")] input: ExchangeApiKeyInput,
    ) -> Result<ExchangeApiKeyPayload> {
        let scopes = input.scopes.as_deref().map(|names| read_scopes(names).ok_or(())).transpose();
        let Ok(scopes) = scopes else {
            let user_errors = Problems::one(ExchangeApiKeyErrorCode::InvalidScopes, "input.scopes");
            return Ok(ExchangeApiKeyPayload { user_errors, ..Default::default() });
        };
        let app = app(ctx)?;
        let exchanged = exchange_api_key(app, input.key.trim(), scopes).await;
        Ok(match refusal_or_fault(exchanged)? {
            Ok(exchanged) => ExchangeApiKeyPayload {
                access_token: Some(exchanged.access_token),
                expires_at: Some(DateTime(exchanged.expires_at)),
                scopes: names(exchanged.scopes),
                user_errors: Vec::new(),
            },
            Err(refused) => {
                let user_errors = vec![told(refused, app.network.twin_url.as_deref())];
                ExchangeApiKeyPayload { user_errors, ..Default::default() }
            }
        })
    }
}

fn names(scopes: Scopes) -> Vec<&'static str> {
    scopes.iter().map(Scope::as_str).collect()
}

fn told(refused: ExchangeRefused, twin: Option<&str>) -> ExchangeApiKeyUserError {
    match refused {
        ExchangeRefused::Key(error) => {
            let code = match error {
                ApiKeyError::Mode(of) => return of_other_mode(of, twin),
                ApiKeyError::Mistyped => ExchangeApiKeyErrorCode::ApiKeyMistyped,
                ApiKeyError::Expired => ExchangeApiKeyErrorCode::ApiKeyExpired,
                ApiKeyError::Revoked => ExchangeApiKeyErrorCode::ApiKeyRevoked,
                // One that cannot be checked is a fault and does not come here.
                ApiKeyError::Unknown | ApiKeyError::Unavailable => ExchangeApiKeyErrorCode::ApiKeyUnknown,
            };
            code.at("input.key")
        }
        ExchangeRefused::NoScopes => ExchangeApiKeyErrorCode::InvalidScopes.at("input.scopes"),
        ExchangeRefused::ScopeNotGiven => ExchangeApiKeyErrorCode::ScopeNotYours.at("input.scopes"),
    }
}

/// Says which installation the key is for, and where that is.
fn of_other_mode(of: NetworkMode, twin: Option<&str>) -> ExchangeApiKeyUserError {
    let message = AuthError::OtherMode { of, twin: twin.map(Into::into) }.message();
    ExchangeApiKeyErrorCode::ApiKeyOfOtherMode.saying(message, "input.key")
}
