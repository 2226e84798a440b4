//! `requestLoginCode`.

use amvaj_domain::text::Mobile;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::write_challenge;
use crate::app::request_login_code::{self, CodeRefused, request_login_code};
use crate::graphql::context::{app, client, language};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::scalar::DateTime;
use crate::graphql::user_error::{Problems, user_errors};

/// Who wants to log in.
#[derive(InputObject)]
pub struct RequestLoginCodeInput {
    /// The mobile number, in Persian, Arabic or ASCII digits. Example: `"۰۹۱۲ ۳۴۵ ۶۷۸۹"`.
    pub mobile: String,
    /// Global id of the merchant whose staff wants to log in; leave it out to log in as a member.
    pub staff_of: Option<ID>,
}

/// What became of the request for a code.
#[derive(Default, SimpleObject)]
pub struct RequestLoginCodePayload {
    /// Send it to `verifyLoginCode` together with the code. Null when no code is sent.
    pub challenge_id: Option<ID>,
    /// When the code ends, two minutes from now; null when none is sent. Example: `"2026-11-24T08:02:00Z"`.
    pub expires_at: Option<DateTime>,
    /// When another code can be asked for; null when the input has to be corrected.
    pub resend_at: Option<DateTime>,
    /// Why no code is sent; empty when one is on its way, or nobody who may log in has the number.
    pub user_errors: Vec<RequestLoginCodeUserError>,
}

user_errors! {
    /// Why `requestLoginCode` sends no code.
    RequestLoginCodeUserError, RequestLoginCodeErrorCode {
        /// The mobile number is none of Iran.
        InvalidMobile,
        /// There is no such merchant.
        MerchantNotFound,
        /// The number was sent a code less than a minute ago, or six of them within an hour: wait until `resendAt`.
        CodeSentRecently,
    }
}

/// The mutation.
#[derive(Default)]
pub struct RequestLoginCode;

#[Object]
impl RequestLoginCode {
    /// Sends a code of six digits to a mobile, to log in with. Needs no access token. The answer is the same for numbers
    /// that nobody has, and for those whose owner is blocked: then nothing is sent. Too many requests from one place, or
    /// for all codes of an hour, are answered with `THROTTLED`.
    async fn request_login_code(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who wants to log in.")] input: RequestLoginCodeInput,
    ) -> Result<RequestLoginCodePayload> {
        use RequestLoginCodeErrorCode as Code;
        let mut problems = Problems::new();
        let mobile = problems.take(Mobile::parse(&input.mobile), Code::InvalidMobile, "input.mobile");
        let staff_of = input.staff_of.as_ref().map(|id| GlobalId::merchant(id).ok_or(())).transpose();
        let staff_of = problems.take(staff_of, Code::MerchantNotFound, "input.staffOf");
        let (Some(mobile), Some(staff_of)) = (mobile, staff_of) else {
            return Ok(RequestLoginCodePayload { user_errors: problems.into_errors(), ..Default::default() });
        };
        let (address, language) = (client(ctx)?.network(), language(ctx).await);
        let request = request_login_code::RequestLoginCode { mobile, staff_of, address, language };
        Ok(match refusal_or_fault(request_login_code(app(ctx)?, &request).await)? {
            Ok(challenge) => RequestLoginCodePayload {
                challenge_id: Some(write_challenge(challenge.id)),
                expires_at: Some(DateTime(challenge.expires_at)),
                resend_at: Some(DateTime(challenge.resend_at)),
                user_errors: Vec::new(),
            },
            Err(CodeRefused::Wait { until }) => RequestLoginCodePayload {
                resend_at: Some(DateTime(until)),
                user_errors: Problems::one(Code::CodeSentRecently, "input.mobile"),
                ..Default::default()
            },
            Err(CodeRefused::MerchantNotFound) => RequestLoginCodePayload {
                user_errors: Problems::one(Code::MerchantNotFound, "input.staffOf"),
                ..Default::default()
            },
        })
    }
}
