//! `verifyLoginCode`.

use amvaj_domain::text::six_digits;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::read_challenge;
use crate::app::verify_login_code::{self, VerifyRefused, verify_login_code};
use crate::graphql::context::{app, client};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::session::SessionTokens;
use crate::graphql::user_error::{Problems, user_errors};

/// A code that was sent.
#[derive(InputObject)]
pub struct VerifyLoginCodeInput {
    /// What `requestLoginCode` gave.
    pub challenge_id: ID,
    /// The six digits that were sent, in Persian, Arabic or ASCII digits. Example: `"۴۸۲۹۱۳"`.
    pub code: String,
}

/// What the code was good for.
#[derive(Default, SimpleObject)]
pub struct VerifyLoginCodePayload {
    /// The tokens of the session that has begun; null when the code was not good.
    pub tokens: Option<SessionTokens>,
    /// How often another code can be tried after a wrong one; null otherwise. Example: `4`.
    pub tries_left: Option<i32>,
    /// Why nobody is logged in; empty when somebody is.
    pub user_errors: Vec<VerifyLoginCodeUserError>,
}

user_errors! {
    /// Why `verifyLoginCode` logged nobody in.
    VerifyLoginCodeUserError, VerifyLoginCodeErrorCode {
        /// The code is not six digits. It does not count as a try.
        InvalidCode,
        /// The code is wrong; `triesLeft` says how often another one can be tried.
        WrongCode,
        /// There is no such challenge, or its code is over: used, tried five times, or older than two minutes.
        CodeExpired,
    }
}

/// The mutation.
#[derive(Default)]
pub struct VerifyLoginCode;

#[Object]
impl VerifyLoginCode {
    /// Logs in whoever knows the code that was sent. Needs no access token. A code is good once, for two minutes and five
    /// tries.
    async fn verify_login_code(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The code.")] input: VerifyLoginCodeInput,
    ) -> Result<VerifyLoginCodePayload> {
        use VerifyLoginCodeErrorCode as Code;
        let refused = |code, path, tries_left| {
            Ok(VerifyLoginCodePayload { tokens: None, tries_left, user_errors: Problems::one(code, path) })
        };
        let Some(code) = six_digits(&input.code) else {
            return refused(Code::InvalidCode, "input.code", None);
        };
        let Some(challenge) = read_challenge(&input.challenge_id) else {
            return refused(Code::CodeExpired, "input.challengeId", None);
        };
        let client = client(ctx)?;
        let (address, user_agent) = (client.network(), client.user_agent.clone());
        let tried = verify_login_code::VerifyLoginCode { challenge, code, address, user_agent };
        match refusal_or_fault(verify_login_code(app(ctx)?, &tried).await)? {
            Ok(tokens) => Ok(VerifyLoginCodePayload { tokens: Some(tokens.into()), ..Default::default() }),
            Err(VerifyRefused::Wrong { tries_left }) => {
                refused(Code::WrongCode, "input.code", Some(tries_left.into()))
            }
            Err(VerifyRefused::Over) => refused(Code::CodeExpired, "input.challengeId", None),
        }
    }
}
