//! What every response carries: the request's id, the headers that keep it private, the shape of its errors.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use amvaj_infra::clock::Clock;
use async_graphql::{ServerError, Value};
use futures_util::FutureExt as _;
use serde::Serialize;

use super::language::{Languages, RequestLanguage};
use crate::graphql::error::{self, Code};
use crate::language::{Language, Message};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is taken over from a client.
const LONGEST_REQUEST_ID: usize = 64;

/// The name of a request in headers, errors and the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The id itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of all requests that the bench makes without HTTP.
    pub fn of_bench() -> Self {
        Self("bench".to_owned())
    }

    /// The id that the middleware gave the request.
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_else(|| Self(String::new()))
    }

    /// The client's id when it is short and plain, otherwise a fresh one.
    fn choose(headers: &HeaderMap, clock: &Clock) -> Self {
        let sane = |text: &&str| {
            (1..=LONGEST_REQUEST_ID).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        headers
            .get(REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(sane)
            .map_or_else(|| Self(crate::random::uuid(clock.now()).to_string()), |text| Self(text.to_owned()))
    }
}

/// Headers of every response that does not set them itself: browsers guess no type, keep nothing, show nothing within other
/// sites' pages, run nothing, and tell nobody where they come from.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Files with a name that follows from their contents say themselves that they may be kept.
    (header::CACHE_CONTROL, "no-store"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Gives the request its id and the response its headers, and answers for a handler that panics.
pub async fn middleware(
    clock: Data<Clock>,
    languages: Data<Languages>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = RequestId::choose(request.headers(), &clock);
    request.extensions_mut().insert(id.clone());
    let mut response = match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(response) => response?,
        Err(_) => return Err(panicked(&id, languages.usual)),
    };
    dress(response.headers_mut(), &id);
    Ok(response)
}

fn dress(headers: &mut HeaderMap, id: &RequestId) {
    for (name, value) in HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
}

/// The answer for a handler that panicked; the panic itself is in the log.
fn panicked(id: &RequestId, language: Language) -> Error {
    let code = Code::Internal;
    let error = error::whole_request(code, &code.message(), id.as_str(), language);
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    let mut answer = errors(status, "application/json", &[error], &BTreeMap::new());
    dress(answer.headers_mut(), id);
    InternalError::from_response("a handler panicked", answer).into()
}

/// The body of a response in which nothing was executed: it has no `data`.
#[derive(Serialize)]
struct Errors<'a> {
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'a BTreeMap<String, Value>,
}

/// Errors without data, under a media type.
pub fn errors(
    status: StatusCode,
    media_type: &'static str,
    errors: &[ServerError],
    extensions: &BTreeMap<String, Value>,
) -> HttpResponse {
    with_text(status, media_type, errors_text(errors, extensions))
}

/// One error of the request as a whole, as `application/json`.
pub async fn refused(
    status: StatusCode,
    code: Code,
    message: &Message,
    request: &HttpRequest,
) -> HttpResponse {
    let language = RequestLanguage::of(request);
    let error = error::whole_request(code, message, RequestId::of(request).as_str(), language.get().await);
    let mut answer = errors(status, "application/json", &[error], &BTreeMap::new());
    language.tell(&mut answer);
    answer
}

/// Errors without data, as JSON.
pub(super) fn errors_text(errors: &[ServerError], extensions: &BTreeMap<String, Value>) -> Option<Vec<u8>> {
    text(&Errors { errors, extensions })
}

/// A value as JSON; nothing when it cannot be written, which is then in the log.
pub(super) fn text(body: &impl Serialize) -> Option<Vec<u8>> {
    let written = serde_json::to_vec(body);
    written.inspect_err(|cause| tracing::error!(%cause, "a response could not be written as JSON")).ok()
}

/// A value as JSON under a media type.
pub fn json(status: StatusCode, media_type: &'static str, body: &impl Serialize) -> HttpResponse {
    with_text(status, media_type, text(body))
}

/// What was written as JSON, under a media type; an error of ours when it could not be.
pub(super) fn with_text(status: StatusCode, media_type: &'static str, body: Option<Vec<u8>>) -> HttpResponse {
    match body {
        Some(body) => HttpResponse::build(status)
            .insert_header((header::CONTENT_TYPE, format!("{media_type}; charset=utf-8")))
            .body(body),
        None => HttpResponse::InternalServerError().finish(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::{App, test, web};
    use amvaj_domain::time::Instant;

    use super::*;

    async fn broken() -> HttpResponse {
        panic!("on purpose")
    }

    #[actix_web::test]
    async fn a_handler_that_panics_is_answered_for_with_all_headers() {
        let app = App::new()
            .app_data(Data::new(Clock::manual(Instant::from_micros(0))))
            .app_data(Data::new(Languages::only(Language::Persian)))
            .wrap(from_fn(middleware))
            .route("/", web::get().to(broken));
        let app = test::init_service(app).await;
        let request = test::TestRequest::get().insert_header((REQUEST_ID, "r-1")).to_request();
        let error = test::try_call_service(&app, request).await.err().unwrap();
        let answer = error.error_response();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.headers().get(REQUEST_ID).unwrap(), "r-1");
        assert_eq!(answer.headers().get(header::X_FRAME_OPTIONS).unwrap(), "DENY");
        let body = actix_web::body::to_bytes(answer.into_body()).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "INTERNAL");
        assert!(!body.to_string().contains("purpose"));
    }
}
