//! Pages of documentation that the schema points at, served from the program itself.

use actix_web::{HttpResponse, http::header};

/// What the scalars look like on the wire; `@specifiedBy` points here.
pub async fn scalars() -> HttpResponse {
    const PAGE: &str = include_str!("../../../docs/scalars.md");
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/markdown; charset=utf-8")).body(PAGE)
}
