//! `revokeApiKey`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{ApiKey, key_id};
use crate::app::AppError;
use crate::app::revoke_api_key::revoke_api_key;
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::fault;
use crate::graphql::user_error::{Problems, user_errors};

/// An API key to end.
#[derive(Debug, InputObject)]
pub struct RevokeApiKeyInput {
    /// The key's global id.
    pub api_key_id: ID,
}

/// What `revokeApiKey` did.
#[derive(Default, SimpleObject)]
pub struct RevokeApiKeyPayload {
    /// The key, revoked; null when there is none.
    pub api_key: Option<ApiKey>,
    /// Why nothing changed; empty when the key is revoked.
    pub user_errors: Vec<RevokeApiKeyUserError>,
}

user_errors! {
    /// Why `revokeApiKey` changed nothing.
    RevokeApiKeyUserError, RevokeApiKeyErrorCode {
        /// There is no such key for the caller.
        KeyNotFound,
    }
}

/// The mutation.
#[derive(Default)]
pub struct RevokeApiKeyMutation;

#[Object]
impl RevokeApiKeyMutation {
    /// Ends an API key for good, and every access token that it was exchanged for (its merchant's owner, a key with
    /// `keys:manage`, or the operator). It ends everywhere within a second. Revoking one that is revoked changes nothing.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key.")] input: RevokeApiKeyInput,
    ) -> Result<RevokeApiKeyPayload> {
        let identity = identity(ctx)?;
        let revoked = match key_id(&input.api_key_id) {
            Some(id) => revoke_api_key(app(ctx)?, identity, &author(ctx)?, id).await,
            None => Err(AppError::NotFound),
        };
        match revoked {
            Ok(key) => Ok(RevokeApiKeyPayload { api_key: Some(ApiKey(key)), user_errors: Vec::new() }),
            Err(AppError::NotFound) => {
                let user_errors = Problems::one(RevokeApiKeyErrorCode::KeyNotFound, "input.apiKeyId");
                Ok(RevokeApiKeyPayload { api_key: None, user_errors })
            }
            Err(error) => Err(fault(error)),
        }
    }
}
