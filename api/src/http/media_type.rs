//! The two media types of a GraphQL response, and which of them a client wants.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName};

/// The media type of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// The older one: a well-formed request is answered with 200, whatever becomes of it.
    Json,
    /// The newer one: the status says whether the request was executed.
    GraphqlResponse,
}

impl MediaType {
    /// The name in a header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::GraphqlResponse => "application/graphql-response+json",
        }
    }

    /// The status for a request that is well-formed but was not executed.
    pub const fn not_executed(self) -> StatusCode {
        match self {
            Self::Json => StatusCode::OK,
            Self::GraphqlResponse => StatusCode::BAD_REQUEST,
        }
    }

    /// The newer type when the client names it and does not prefer the older one by name.
    pub fn negotiate(headers: &HeaderMap) -> Self {
        let mut json = None;
        let mut graphql = None;
        for (name, quality) in qualities(headers, &header::ACCEPT) {
            if name.eq_ignore_ascii_case(Self::GraphqlResponse.as_str()) {
                graphql = graphql.max(Some(quality));
            } else if name.eq_ignore_ascii_case(Self::Json.as_str()) {
                json = json.max(Some(quality));
            }
        }
        if graphql.is_some_and(|quality| quality > 0) && graphql >= json {
            Self::GraphqlResponse
        } else {
            Self::Json
        }
    }
}

/// What a header such as `Accept` names, in its order, with the quality of each in thousandths.
pub(super) fn qualities<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = (&'a str, u16)> {
    let values = headers.get_all(name).filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(range).filter(|(name, _)| !name.is_empty())
}

/// A range's name and its quality in thousandths.
fn range(range: &str) -> (&str, u16) {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let quality = parts
        .find_map(|part| part.strip_prefix("q="))
        .map_or(1_000, |text| thousandths(text).unwrap_or(1_000));
    (name, quality)
}

/// Reads `0`, `1` or a fraction with up to three digits.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: u16 = whole.parse().ok().filter(|whole| *whole <= 1)?;
    let fraction: u16 = format!("{fraction:0<3}").parse().ok().filter(|fraction| *fraction < 1_000)?;
    Some((whole * 1_000 + fraction).min(1_000))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn negotiated(accept: &str) -> MediaType {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        MediaType::negotiate(&headers)
    }

    #[test]
    fn the_newer_type_is_used_when_it_is_asked_for() {
        let newer = MediaType::GraphqlResponse;
        assert_eq!(negotiated("application/graphql-response+json"), newer);
        assert_eq!(negotiated("application/graphql-response+json, application/json;q=0.9"), newer);
        assert_eq!(negotiated("application/json, application/graphql-response+json; charset=utf-8"), newer);
    }

    #[test]
    fn the_older_type_is_used_otherwise() {
        assert_eq!(MediaType::negotiate(&HeaderMap::new()), MediaType::Json);
        for accept in ["*/*", "text/html", "application/json, application/graphql-response+json;q=0.5"] {
            assert_eq!(negotiated(accept), MediaType::Json, "{accept}");
        }
        assert_eq!(negotiated("application/graphql-response+json;q=0"), MediaType::Json);
    }
}
