//! An operation's response on its way to the client. It is written as JSON where the operation was executed: a long one takes
//! time, which the threads that many connections share do not have.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use async_graphql::{Response, Value};

use super::media_type::MediaType;
use super::response;
use crate::graphql::error::{self, Stage};

/// A response, written.
pub(crate) struct Answer {
    stage: Stage,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The seconds to wait when nothing was done because it is done too often.
    wait: Option<i64>,
    body: Option<Vec<u8>>,
}

impl Answer {
    /// Writes a response. One of a document that was not executed has no `data`.
    pub(super) fn write(response: &Response, stage: Stage) -> Self {
        let body = match stage {
            Stage::Validation => response::errors_text(&response.errors, &response.extensions),
            Stage::Execution => response::text(response),
        };
        let headers = response.http_headers.iter().filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
        });
        Self { stage, headers: headers.collect(), wait: wait(response), body }
    }

    /// Puts it into HTTP, as the client wants it.
    pub(super) fn send(self, http: &HttpRequest) -> HttpResponse {
        let media_type = MediaType::negotiate(http.headers());
        let status = match (self.stage, self.wait) {
            (Stage::Validation, _) => media_type.not_executed(),
            (Stage::Execution, Some(_)) => StatusCode::TOO_MANY_REQUESTS,
            (Stage::Execution, None) => StatusCode::OK,
        };
        let mut answer = response::with_text(status, media_type.as_str(), self.body);
        if let (Stage::Execution, Some(seconds)) = (self.stage, self.wait) {
            answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        for (name, value) in self.headers {
            answer.headers_mut().append(name, value);
        }
        answer
    }
}

fn wait(response: &Response) -> Option<i64> {
    let nothing_done = match &response.data {
        Value::Object(fields) => fields.values().all(|field| *field == Value::Null),
        data => *data == Value::Null,
    };
    response.errors.iter().filter_map(error::retry_after).max().filter(|_| nothing_done)
}
