//! GraphiQL, the workbench for the API, from the program itself.
//!
//! In the demo it also tells who one can be. Those tokens are for whoever sits at this machine: only a request that
//! comes from it, and by a name of it, is told. The name counts because another site's name may be made to point here.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::{docs, page};
use crate::demo::guide::Guide;
use crate::http::response;
use crate::random;

/// Where the demo says who one can be.
pub const GUIDE: &str = "/graphiql/demo.json";

/// The page.
pub async fn workbench(request: HttpRequest, guide: Data<Option<Guide>>) -> HttpResponse {
    let demo = told_to(&request, &guide).is_some();
    let nonce = random::nonce().unwrap_or_default();
    let template = include_str!("../../assets/graphiql/index.html");
    let body = page::fill(template, &[("demo", demo.to_string()), ("nonce", nonce.clone())]);
    page::html(body, &policy(&nonce))
}

/// What the demo tells the page; nothing outside of the demo.
pub async fn demo(request: HttpRequest, guide: Data<Option<Guide>>) -> HttpResponse {
    match told_to(&request, &guide) {
        Some(guide) => response::json(actix_web::http::StatusCode::OK, "application/json", guide),
        None => docs::not_found(request).await,
    }
}

/// Leads to the page from where other servers have it.
pub async fn playground(request: HttpRequest) -> HttpResponse {
    let query = request.query_string();
    let place = if query.is_empty() { "/graphiql".to_owned() } else { format!("/graphiql?{query}") };
    HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, place)).finish()
}

/// The demo's guide, for whoever may have it.
pub(super) fn told_to<'a>(request: &HttpRequest, guide: &'a Data<Option<Guide>>) -> Option<&'a Guide> {
    let from_here = request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    let by_our_name = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .is_some_and(names_this_machine);
    Option::as_ref(guide).filter(|_| from_here && by_our_name)
}

fn names_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// Everything from here and nothing else. Scripts are files of ours. GraphiQL's dialogs put one style element into the
/// page, to stop what is behind them from scrolling; the nonce is for that one. It shows images of its style sheets,
/// which hold them as data.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::names_this_machine;

    #[test]
    fn only_names_of_this_machine_are_names_of_this_machine() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "[::1]"] {
            assert!(names_this_machine(host), "{host}");
        }
        for host in
            ["", "evil.example:8080", "localhost.evil.example", "10.0.0.1", "127.0.0.1.nip.io", "[::2]:80"]
        {
            assert!(!names_this_machine(host), "{host}");
        }
    }
}
