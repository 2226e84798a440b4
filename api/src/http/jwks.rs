//! The public keys by which others verify our access tokens (RFC 7517).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Data;

use super::graphql::Endpoint;
use super::response;

/// Where they are.
pub const PATH: &str = "/.well-known/jwks.json";
/// How long they may be kept. A new key is published longer than this before it signs.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The keys that sign, that signed, and the one that will sign next.
pub async fn keys(endpoint: Data<Endpoint>) -> HttpResponse {
    let mut answer =
        response::json(StatusCode::OK, "application/jwk-set+json", &endpoint.authenticator.public_keys());
    answer.headers_mut().insert(header::CACHE_CONTROL, KEPT);
    answer
}
