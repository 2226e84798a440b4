//! `refreshSession`.

use amvaj_domain::text::IdempotencyKey;
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::SessionTokens;
use crate::app::sessions::{self, RefreshRefused};
use crate::graphql::context::app;
use crate::graphql::error::refusal_or_fault;
use crate::graphql::user_error::{Problems, user_errors};

/// A session to go on with.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// The latest refresh token of the session.
    pub refresh_token: String,
    /// Your key of this request: 1 to 64 visible ASCII characters, a new one for every refresh. Within a minute the same
    /// token with the same key is answered again, in case the first answer did not reach you; without a key, a token
    /// that comes twice ends the session. Example: `"8f14e45f-ceea-467f"`.
    pub retry_key: Option<String>,
}

/// What `refreshSession` gave.
#[derive(Default, SimpleObject)]
pub struct RefreshSessionPayload {
    /// The next tokens; null when the session does not go on.
    pub tokens: Option<SessionTokens>,
    /// Why there are no tokens; empty when there are.
    pub user_errors: Vec<RefreshSessionUserError>,
}

user_errors! {
    /// Why `refreshSession` gave no tokens.
    RefreshSessionUserError, RefreshSessionErrorCode {
        /// The retry key is empty, longer than 64 characters, or not of visible ASCII characters.
        InvalidRetryKey,
        /// The text is no refresh token of this server.
        InvalidRefreshToken,
        /// The session is over: ended, not used for too long, or its owner may not come in any more.
        SessionEnded,
        /// The token had been used before, so somebody else may have it: the session has been ended.
        RefreshTokenReused,
    }
}

/// The mutation.
#[derive(Default)]
pub struct RefreshSession;

#[Object]
impl RefreshSession {
    /// Gives the next access token and refresh token of a session, for what its owner may do now. Needs no access token;
    /// send none, because one that has ended is refused before anything else is looked at.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token.")] input: RefreshSessionInput,
    ) -> Result<RefreshSessionPayload> {
        use RefreshSessionErrorCode as Code;
        let refused =
            |code, path| Ok(RefreshSessionPayload { tokens: None, user_errors: Problems::one(code, path) });
        let Ok(retry_key) = input.retry_key.as_deref().map(IdempotencyKey::parse).transpose() else {
            return refused(Code::InvalidRetryKey, "input.retryKey");
        };
        let retry_key = retry_key.as_ref().map(IdempotencyKey::as_str);
        match refusal_or_fault(sessions::refresh(app(ctx)?, &input.refresh_token, retry_key).await)? {
            Ok(tokens) => Ok(RefreshSessionPayload { tokens: Some(tokens.into()), user_errors: Vec::new() }),
            Err(reason) => {
                let code = match reason {
                    RefreshRefused::InvalidToken => Code::InvalidRefreshToken,
                    RefreshRefused::Ended => Code::SessionEnded,
                    RefreshRefused::Reused => Code::RefreshTokenReused,
                };
                refused(code, "input.refreshToken")
            }
        }
    }
}
