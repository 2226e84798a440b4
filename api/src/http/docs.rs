//! Pages of documentation, served from the program itself.

use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::graphql::Endpoint;
use super::response;
use crate::graphql::error::Code;
use crate::language::Message;

/// What the scalars look like on the wire; `@specifiedBy` points here.
pub async fn scalars() -> HttpResponse {
    const PAGE: &str = include_str!("../../../docs/scalars.md");
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/markdown; charset=utf-8")).body(PAGE)
}

/// The schema that clients see, in the schema definition language; for those who may see it without a token. What is served
/// has the fields of a subgraph on top, which are for gateways; of a server that serves one domain alone, which is for
/// gateways only, it is the subgraph.
pub async fn schema(http: HttpRequest, endpoint: Data<Endpoint>) -> HttpResponse {
    if !endpoint.introspection.allows(None) {
        let (status, code) = (StatusCode::FORBIDDEN, Code::Forbidden);
        return response::refused(status, code, &Message::new("introspection-is-off"), &http).await;
    }
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((header::CONTENT_DISPOSITION, "inline; filename=\"schema.graphql\""))
        .body(endpoint.sdl.clone())
}

/// Everything that is not there.
pub async fn not_found(http: HttpRequest) -> HttpResponse {
    response::refused(StatusCode::NOT_FOUND, Code::NotFound, &Message::new("http-nothing-here"), &http).await
}
