//! `rotateApiKey`.

use amvaj_domain::time::Span;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{ApiKey, key_id};
use crate::app::create_api_key::MadeKey;
use crate::app::rotate_api_key::{RotateApiKey, RotateApiKeyRefused, rotate_api_key};
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::scalar::DateTime;
use crate::graphql::user_error::{Problems, UserErrorCode as _, user_errors};

/// An API key to replace.
#[derive(Debug, InputObject)]
pub struct RotateApiKeyInput {
    /// The key's global id.
    pub api_key_id: ID,
    /// For how many hours it goes on beside the new one, 0 to 168 (7 days); with 0 it is revoked at once. Example: `24`.
    #[graphql(default = 24)]
    pub overlap_hours: i32,
    /// When the new key ends by itself, at most ten years ahead. When left out it is good for as long as the old one was
    /// from its beginning to its end.
    pub expires_at: Option<DateTime>,
}

/// What `rotateApiKey` did.
#[derive(Default, SimpleObject)]
pub struct RotateApiKeyPayload {
    /// The new key, with the name and the scopes of the old one; null when none was made.
    pub api_key: Option<ApiKey>,
    /// Its secret, which is shown this once and cannot be read again. Example: `"amvaj_live_3xK9aQ7e…"`.
    pub secret: Option<String>,
    /// Why nothing changed; empty when the key was replaced.
    pub user_errors: Vec<RotateApiKeyUserError>,
}

user_errors! {
    /// Why `rotateApiKey` changed nothing.
    RotateApiKeyUserError, RotateApiKeyErrorCode {
        /// There is no such key for the caller.
        KeyNotFound,
        /// The key is revoked, or its time is over.
        KeyNotActive,
        /// The key was replaced already.
        KeyAlreadyRotated,
        /// The key may do what the caller may not.
        ScopeNotYours,
        /// The overlap is out of range.
        InvalidOverlap,
        /// The end is not ahead, is too far ahead, or lies beyond that of the key that makes it.
        InvalidExpiry,
    }
}

/// The mutation.
#[derive(Default)]
pub struct RotateApiKeyMutation;

#[Object]
impl RotateApiKeyMutation {
    /// Replaces an API key by a new one (its merchant's owner, a key with `keys:manage`, or the operator). The old one
    /// goes on for the overlap, so that programs can change over one by one.
    async fn rotate_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key.")] input: RotateApiKeyInput,
    ) -> Result<RotateApiKeyPayload> {
        let identity = identity(ctx)?;
        let Some(id) = key_id(&input.api_key_id) else {
            let user_errors = Problems::one(RotateApiKeyErrorCode::KeyNotFound, "input.apiKeyId");
            return Ok(RotateApiKeyPayload { user_errors, ..Default::default() });
        };
        let overlap = Span::minutes(i64::from(input.overlap_hours).saturating_mul(60));
        let request = RotateApiKey { id, overlap, expires_at: input.expires_at.map(|end| end.0) };
        let made = rotate_api_key(app(ctx)?, identity, &author(ctx)?, request).await;
        Ok(match refusal_or_fault(made)? {
            Ok(MadeKey { key, secret }) => RotateApiKeyPayload {
                api_key: Some(ApiKey(key)),
                secret: Some(secret),
                user_errors: Vec::new(),
            },
            Err(refused) => RotateApiKeyPayload { user_errors: vec![told(refused)], ..Default::default() },
        })
    }
}

fn told(refused: RotateApiKeyRefused) -> RotateApiKeyUserError {
    match refused {
        RotateApiKeyRefused::KeyNotFound => RotateApiKeyErrorCode::KeyNotFound.at("input.apiKeyId"),
        RotateApiKeyRefused::KeyNotActive => RotateApiKeyErrorCode::KeyNotActive.at("input.apiKeyId"),
        RotateApiKeyRefused::KeyAlreadyRotated => {
            RotateApiKeyErrorCode::KeyAlreadyRotated.at("input.apiKeyId")
        }
        RotateApiKeyRefused::ScopeNotYours => RotateApiKeyErrorCode::ScopeNotYours.at("input.apiKeyId"),
        RotateApiKeyRefused::InvalidOverlap => RotateApiKeyErrorCode::InvalidOverlap.at("input.overlapHours"),
        RotateApiKeyRefused::InvalidExpiry => RotateApiKeyErrorCode::InvalidExpiry.at("input.expiresAt"),
    }
}
