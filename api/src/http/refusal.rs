//! Why a request was not executed.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use async_graphql::{Pos, ServerError};

use super::charge::{Cost, Throttled};
use super::response::RequestId;
use crate::auth::AuthError;
use crate::graphql::document::Refused;
use crate::graphql::error::{self, Code, whole_seconds};
use crate::graphql::persisted::NoText;
use crate::language::{Language, Message};

/// A request that was not executed, and what to tell its client.
#[derive(Debug)]
pub struct Refusal {
    /// The status of the response; nothing when the media type says it, because the HTTP request is in order and only
    /// its GraphQL request is not.
    pub status: Option<StatusCode>,
    /// The code of the error.
    pub code: Code,
    /// What to do about it.
    pub message: Message,
    /// What there is besides.
    pub more: Box<More>,
}

/// What a refusal may have besides its message.
#[derive(Debug, Default)]
pub struct More {
    /// Where in the document.
    pub locations: Vec<Pos>,
    /// Headers of the response.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The seconds to wait before another try.
    pub retry_after: Option<i64>,
    /// What the request would have cost.
    pub cost: Option<Cost>,
    /// Whether the same request fails the same way, though others with its code may not.
    pub is_final: bool,
}

impl Refusal {
    /// The HTTP request is not in order.
    pub fn http(status: StatusCode, code: Code, message: Message) -> Self {
        Self { status: Some(status), code, message, more: Box::default() }
    }

    /// The GraphQL request is not in order.
    pub fn request(code: Code, message: Message) -> Self {
        Self { status: None, ..Self::http(StatusCode::BAD_REQUEST, code, message) }
    }

    /// A malformed HTTP request.
    pub fn bad_request(message: Message) -> Self {
        Self::http(StatusCode::BAD_REQUEST, Code::BadUserInput, message)
    }

    /// A method that does not go with what was asked.
    pub fn method(message: Message, allowed: &'static str) -> Self {
        let refusal = Self::http(StatusCode::METHOD_NOT_ALLOWED, Code::BadUserInput, message);
        refusal.with_header(header::ALLOW, HeaderValue::from_static(allowed))
    }

    /// A credential that is not good, or that cannot be checked now.
    pub fn unauthenticated(reason: &AuthError) -> Self {
        if reason.is_passing() {
            return Self::http(StatusCode::SERVICE_UNAVAILABLE, Code::Overloaded, reason.message());
        }
        let refusal = Self::http(StatusCode::UNAUTHORIZED, Code::Unauthenticated, reason.message());
        let challenge =
            format!("Bearer realm=\"amvaj\", error=\"invalid_token\", error_description=\"{reason}\"");
        match HeaderValue::from_str(&challenge) {
            Ok(challenge) => refusal.with_header(header::WWW_AUTHENTICATE, challenge),
            Err(_) => refusal,
        }
    }

    /// More at once than fits into the caller's bucket: no waiting helps.
    pub fn too_dear(cost: u64, most: u64) -> Self {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let message = Message::new("document-too-dear").with("cost", whole(cost)).with("limit", whole(most));
        Self::request(Code::GraphqlValidationFailed, message)
    }

    /// The operation did not come to its end.
    pub fn failed(code: Code) -> Self {
        let status = match code {
            Code::OutcomeUnknown => StatusCode::GATEWAY_TIMEOUT,
            Code::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::http(status, code, code.message())
    }

    /// The same with places in the document.
    #[must_use]
    pub fn at(mut self, locations: Vec<Pos>) -> Self {
        self.more.locations = locations;
        self
    }

    /// The error that tells of it.
    pub(super) fn error(&self, id: &RequestId, language: Language) -> ServerError {
        let error = error::whole_request(self.code, &self.message, id.as_str(), language);
        let mut error = ServerError { locations: self.more.locations.clone(), ..error };
        if let Some(extensions) = &mut error.extensions {
            if let Some(seconds) = self.more.retry_after {
                extensions.set(error::RETRY_AFTER, seconds);
            }
            if self.more.is_final {
                extensions.set(error::RETRYABLE, false);
            }
        }
        error
    }

    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.more.headers.push((name, value));
        self
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let refusal = Self::request(Code::GraphqlValidationFailed, refused.message());
        refusal.at(refused.locations())
    }
}

impl From<NoText> for Refusal {
    fn from(reason: NoText) -> Self {
        let refusal = Self::request(reason.code(), reason.message());
        // Links of clients take the first answer of that exchange for one that succeeded and then send the text.
        let status = (reason == NoText::UnknownHash).then_some(StatusCode::OK);
        let more = More { is_final: reason.is_final(), ..More::default() };
        Self { status, more: Box::new(more), ..refusal }
    }
}

impl From<Throttled> for Refusal {
    fn from(throttled: Throttled) -> Self {
        let seconds = whole_seconds(throttled.retry_after).max(1);
        let code = Code::Throttled;
        let refusal = Self::http(StatusCode::TOO_MANY_REQUESTS, code, code.message());
        let mut refusal = refusal.with_header(header::RETRY_AFTER, seconds.into());
        refusal.more.retry_after = Some(seconds);
        refusal.more.cost = Some(throttled.cost);
        refusal
    }
}
