//! The page at `/`: what this is and where to go, for people in Persian or English, for programs in plain text.

use std::collections::HashMap;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};

use super::graphiql::told_to;
use super::language::of_visitor;
use super::media_type::qualities;
use super::page;
use crate::demo::guide::Guide;
use crate::language::{Language, grouped};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PLAIN: &str = "\
Amvaj, an open coalition rewards network.

  /graphiql        a workbench for the API, in a browser
  /graphql         the API: POST {\"query\": \"{ __typename }\"}, or GET for queries, with the header `apollo-require-preflight: true`
  /schema.graphql  its schema
  /docs/scalars    what the API's own scalars look like
  /health/live     whether the process lives
  /health/ready    whether it can serve, with each dependency
  /metrics         metrics for Prometheus
";

/// Answers `/`.
pub async fn front(request: HttpRequest, guide: Data<Option<Guide>>) -> HttpResponse {
    let mut answer = if wants_html(request.headers()) {
        html(&request, told_to(&request, &guide))
    } else {
        HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8")).body(PLAIN)
    };
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("accept, accept-language"));
    answer
}

fn html(request: &HttpRequest, guide: Option<&Guide>) -> HttpResponse {
    let language = language(request);
    let template = match language {
        Language::Persian => include_str!("../../assets/landing/fa.html"),
        Language::English => include_str!("../../assets/landing/en.html"),
    };
    let mut values =
        vec![("version", env!("CARGO_PKG_VERSION").to_owned()), ("command", first_query(request))];
    if let Some(guide) = guide {
        let (merchants, members, events) = guide.size;
        let figure = |number: usize| grouped(&number.to_string(), language);
        values.push(("demo", String::new()));
        values.push(("merchants", figure(merchants)));
        values.push(("members", figure(members)));
        values.push(("events", figure(events)));
    }
    page::html(page::fill(template, &values), POLICY)
}

/// Browsers name HTML; curl and its like take anything and are better served with plain text.
fn wants_html(headers: &HeaderMap) -> bool {
    let quality = |name: &str| {
        qualities(headers, &header::ACCEPT)
            .filter(|(range, _)| range.eq_ignore_ascii_case(name))
            .map(|(_, quality)| quality)
            .max()
    };
    let html = quality("text/html");
    html.is_some_and(|html| html > 0) && html >= quality("text/plain")
}

/// What the address asks for, otherwise what the browser likes better; the network's when it names neither.
fn language(request: &HttpRequest) -> Language {
    let query = Query::<HashMap<String, String>>::from_query(request.query_string());
    let asked = query.ok().and_then(|query| Language::from_code(query.get("lang")?));
    asked.unwrap_or_else(|| of_visitor(request))
}

/// A command that works as it stands, at the address that the reader came by.
fn first_query(request: &HttpRequest) -> String {
    let connection = request.connection_info();
    let plain =
        |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte));
    let host = if plain(connection.host()) { connection.host() } else { "localhost" };
    let scheme = if connection.scheme() == "https" { "https" } else { "http" };
    format!(
        "curl -s {scheme}://{host}/graphql \\\n  -H 'content-type: application/json' \\\n  \
         -d '{{\"query\": \"{{ version network {{ nameFa nameEn today {{ jalali }} }} }}\"}}'"
    )
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_address_goes_before_the_browser_and_english_is_the_last_resort() {
        for (address, wish, expected) in [
            ("/?lang=fa", "en", Language::Persian),
            ("/?lang=en", "fa", Language::English),
            ("/?lang=de&x", "fa-IR", Language::Persian),
            ("/", "fa;q=0.9, en;q=0.8", Language::Persian),
            ("/", "de", Language::English),
        ] {
            let request = TestRequest::with_uri(address).insert_header((header::ACCEPT_LANGUAGE, wish));
            assert_eq!(language(&request.to_http_request()), expected, "{address} {wish}");
        }
    }

    #[test]
    fn only_who_names_html_gets_it() {
        let wants = |accept: &str| {
            wants_html(
                TestRequest::default().insert_header((header::ACCEPT, accept)).to_http_request().headers(),
            )
        };
        assert!(wants("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(!wants("*/*"));
        assert!(!wants("text/plain, text/html;q=0.5"));
        assert!(!wants("text/html;q=0"));
        assert!(!wants_html(&HeaderMap::new()));
    }

    #[test]
    fn a_host_that_is_none_is_not_repeated() {
        let request =
            TestRequest::default().insert_header((header::HOST, "evil'; rm -rf ~ #")).to_http_request();
        assert!(first_query(&request).starts_with("curl -s http://localhost/graphql"));
    }
}
