//! What every response carries: the request's id, the headers that keep it private, the shape of its errors.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use amvaj_infra::clock::Clock;
use async_graphql::ServerError;
use serde::Serialize;

use super::language::RequestLanguage;
use crate::graphql::error::{self, Code};
use crate::language::Message;

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

/// Gives the request its id and the response its headers.
pub async fn middleware(
    clock: Data<Clock>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = RequestId::choose(request.headers(), &clock);
    request.extensions_mut().insert(id.clone());
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Files with a name that follows from their contents say themselves that they may be kept.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    Ok(response)
}

/// The body of a response in which nothing was executed: it has no `data`.
#[derive(Serialize)]
struct Errors<'a> {
    errors: &'a [ServerError],
}

/// Errors without data, under a media type.
pub fn errors(status: StatusCode, media_type: &'static str, errors: &[ServerError]) -> HttpResponse {
    json(status, media_type, &Errors { errors })
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
    let mut answer = errors(status, "application/json", &[error]);
    language.tell(&mut answer);
    answer
}

/// A value as JSON under a media type.
pub fn json(status: StatusCode, media_type: &'static str, body: &impl Serialize) -> HttpResponse {
    match serde_json::to_vec(body) {
        Ok(body) => HttpResponse::build(status)
            .insert_header((header::CONTENT_TYPE, format!("{media_type}; charset=utf-8")))
            .body(body),
        Err(cause) => {
            tracing::error!(%cause, "a response could not be written as JSON");
            HttpResponse::InternalServerError().finish()
        }
    }
}
