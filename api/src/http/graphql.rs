//! The GraphQL endpoint over HTTP, after the GraphQL-over-HTTP specification: negotiation, authentication, execution
//! under a time limit, one span and one metric per operation.

use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use amvaj_domain::access::{Caller, Identity};
use amvaj_infra::clock::Clock;
use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response, Value};
use futures_util::future::Either;
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::client::{Client, Proxies};
use super::language::RequestLanguage;
use super::media_type::MediaType;
use super::request::{self, Operation, Refusal};
use super::response::{self, RequestId};
use crate::auth::{AuthError, Authenticator, TokenError};
use crate::graphql::error::{self, Code, Stage};
use crate::graphql::schema::AmvajSchema;
use crate::language::Message;

/// Adds to a request what resolvers need for this caller, such as its data loaders.
pub type Prepare = dyn Fn(Request, Option<Caller>) -> Request + Send + Sync;

/// What the endpoint works with.
pub struct Endpoint {
    /// The schema that is served.
    pub schema: AmvajSchema,
    /// Who finds out who calls.
    pub authenticator: Authenticator,
    /// The time by which tokens are judged.
    pub clock: Clock,
    /// What is added to every request. `Option<Identity>`, [`Client`], [`RequestLanguage`]
    /// and [`RequestId`] are there without it.
    pub prepare: Arc<Prepare>,
    /// How long one operation may take.
    pub timeout: Duration,
    /// The proxies through which clients come.
    pub proxies: Proxies,
    /// Longest body in bytes, to name it in a refusal.
    pub body_limit: usize,
    /// Where operations run. It outlives the HTTP threads, so a connection pool stays usable while they stop, and a
    /// mutation goes on when its client hangs up.
    pub runtime: Handle,
}

/// What one HTTP request brings besides the GraphQL request.
struct Exchange {
    id: RequestId,
    media_type: MediaType,
    language: RequestLanguage,
}

impl Exchange {
    fn of(http: &HttpRequest) -> Self {
        Self {
            id: RequestId::of(http),
            media_type: MediaType::negotiate(http.headers()),
            language: RequestLanguage::of(http),
        }
    }

    async fn refused(&self, refusal: Refusal) -> HttpResponse {
        let language = self.language.get().await;
        let (status, code, error) = match refusal {
            Refusal::Http { status, code, message } => {
                (status, code, error::whole_request(code, &message, self.id.as_str(), language))
            }
            Refusal::Request { code, message, locations } => {
                let stamped = error::whole_request(code, &message, self.id.as_str(), language);
                let error = async_graphql::ServerError { locations, ..stamped };
                (self.media_type.not_executed(), code, error)
            }
        };
        tracing::debug!(request_id = self.id.as_str(), code = code.as_str(), "refused");
        response::errors(status, self.media_type.as_str(), &[error])
    }

    fn answered(&self, mut outcome: Response, stage: Stage) -> HttpResponse {
        match stage {
            Stage::Validation => {
                response::errors(self.media_type.not_executed(), self.media_type.as_str(), &outcome.errors)
            }
            Stage::Execution => {
                let headers = std::mem::take(&mut outcome.http_headers);
                let wait = wait(&outcome);
                let status = wait.map_or(StatusCode::OK, |_| StatusCode::TOO_MANY_REQUESTS);
                let mut answer = response::json(status, self.media_type.as_str(), &outcome);
                if let Some(seconds) = wait {
                    answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                }
                for (name, value) in &headers {
                    let name = HeaderName::from_bytes(name.as_str().as_bytes());
                    let value = HeaderValue::from_bytes(value.as_bytes());
                    if let (Ok(name), Ok(value)) = (name, value) {
                        answer.headers_mut().append(name, value);
                    }
                }
                answer
            }
        }
    }
}

/// Answers a POST.
pub async fn post(
    http: HttpRequest,
    endpoint: Data<Endpoint>,
    body: Result<Bytes, actix_web::Error>,
) -> HttpResponse {
    let request = match read_body(&http, body, endpoint.body_limit) {
        Ok(body) => request::from_body(&body),
        Err(refusal) => Err(refusal),
    };
    answer(&http, &endpoint, request).await
}

/// Answers a GET.
pub async fn get(http: HttpRequest, endpoint: Data<Endpoint>) -> HttpResponse {
    let request = request::from_query_string(http.query_string());
    answer(&http, &endpoint, request).await
}

/// Answers every other method.
pub async fn other(http: HttpRequest) -> HttpResponse {
    let exchange = Exchange::of(&http);
    let refusal = Refusal::Http {
        status: StatusCode::METHOD_NOT_ALLOWED,
        code: Code::BadUserInput,
        message: Message::new("http-post-or-get"),
    };
    let mut answer = exchange.refused(refusal).await;
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    exchange.language.tell(&mut answer);
    answer
}

async fn answer(http: &HttpRequest, endpoint: &Endpoint, request: Result<Request, Refusal>) -> HttpResponse {
    let mut exchange = Exchange::of(http);
    let mut answer = match authenticate(http.headers(), endpoint) {
        Ok(identity) => {
            let caller = identity.as_ref().map(|identity| identity.caller);
            exchange.language = exchange.language.for_caller(caller);
            answer_to(identity, http, endpoint, &exchange, request).await
        }
        Err(reason) => unauthenticated(&exchange, reason).await,
    };
    exchange.language.tell(&mut answer);
    answer
}

async fn answer_to(
    identity: Option<Identity>,
    http: &HttpRequest,
    endpoint: &Endpoint,
    exchange: &Exchange,
    request: Result<Request, Refusal>,
) -> HttpResponse {
    let selected = request.and_then(|mut request| {
        let operation = request::select(&mut request)?;
        allowed(http.method(), operation.kind)?;
        Ok((request, operation))
    });
    match selected {
        Ok((request, operation)) => {
            let caller = identity.as_ref().map(|identity| identity.caller);
            let request = (endpoint.prepare)(request, caller)
                .data(identity)
                .data(Client::of(http, endpoint.proxies))
                .data(exchange.language.clone())
                .data(exchange.id.clone());
            execute(endpoint, exchange, request, operation).await
        }
        Err(refusal) => {
            let post_only =
                matches!(&refusal, Refusal::Http { status, .. } if *status == StatusCode::METHOD_NOT_ALLOWED);
            let mut answer = exchange.refused(refusal).await;
            if post_only {
                answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            answer
        }
    }
}

fn read_body(
    http: &HttpRequest,
    body: Result<Bytes, actix_web::Error>,
    limit: usize,
) -> Result<Bytes, Refusal> {
    let content_type = http.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::Http {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code: Code::BadUserInput,
            message: Message::new("http-content-type"),
        });
    }
    body.map_err(|error| match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => Refusal::Http {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            code: Code::BadUserInput,
            message: Message::new("http-body-too-long").with("limit", limit),
        },
        _ => Refusal::bad_request(Message::new("http-body-unreadable")),
    })
}

fn allowed(method: &Method, kind: OperationType) -> Result<(), Refusal> {
    match kind {
        OperationType::Mutation if method == Method::GET => Err(Refusal::Http {
            status: StatusCode::METHOD_NOT_ALLOWED,
            code: Code::BadUserInput,
            message: Message::new("http-mutation-needs-post"),
        }),
        OperationType::Subscription => Err(Refusal::bad_request(Message::new("http-no-subscription"))),
        OperationType::Query | OperationType::Mutation => Ok(()),
    }
}

/// Nobody when there is no token; a token that is there has to be good.
fn authenticate(headers: &HeaderMap, endpoint: &Endpoint) -> Result<Option<Identity>, AuthError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let (scheme, token) =
        value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or(TokenError::Malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(TokenError::Malformed.into());
    }
    endpoint.authenticator.identify(token.trim(), endpoint.clock.now()).map(Some)
}

async fn unauthenticated(exchange: &Exchange, reason: AuthError) -> HttpResponse {
    let (status, code) = (StatusCode::UNAUTHORIZED, Code::Unauthenticated);
    let mut answer = exchange.refused(Refusal::Http { status, code, message: reason.message() }).await;
    let challenge =
        format!("Bearer realm=\"amvaj\", error=\"invalid_token\", error_description=\"{reason}\"");
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    answer
}

async fn execute(
    endpoint: &Endpoint,
    exchange: &Exchange,
    request: Request,
    operation: Operation,
) -> HttpResponse {
    let started = Stopwatch::now();
    let kind = kind_name(operation.kind);
    let span =
        tracing::info_span!("operation", kind, name = operation.name, request_id = exchange.id.as_str());
    let schema = endpoint.schema.clone();
    let task = endpoint.runtime.spawn(async move { schema.execute(request).await }.instrument(span.clone()));
    // Nobody needs the rest of a query whose client is gone; a mutation that has begun has to come to its end.
    let task = match operation.kind {
        OperationType::Mutation => Either::Left(task),
        OperationType::Query | OperationType::Subscription => Either::Right(AbortOnDropHandle::new(task)),
    };
    let outcome = tokio::time::timeout(endpoint.timeout, task).await;
    let concluded = async {
        match outcome {
            Ok(Ok(outcome)) => conclude(exchange, outcome).await,
            Ok(Err(_)) => failed(exchange, StatusCode::INTERNAL_SERVER_ERROR, Code::Internal).await,
            Err(_) if operation.kind == OperationType::Mutation => {
                failed(exchange, StatusCode::GATEWAY_TIMEOUT, Code::OutcomeUnknown).await
            }
            Err(_) => failed(exchange, StatusCode::SERVICE_UNAVAILABLE, Code::Overloaded).await,
        }
    };
    let (answer, code) = concluded.instrument(span.clone()).await;
    let seconds = started.elapsed().as_secs_f64();
    let code = code.map_or("OK", Code::as_str);
    span.in_scope(|| tracing::debug!(code, seconds, "answered"));
    metrics::counter!("amvaj_operations_total", "kind" => kind, "code" => code).increment(1);
    metrics::histogram!("amvaj_operation_seconds", "kind" => kind).record(seconds);
    answer
}

/// The operation came to its end, perhaps with errors.
async fn conclude(exchange: &Exchange, mut outcome: Response) -> (HttpResponse, Option<Code>) {
    if outcome.errors.is_empty() {
        return (exchange.answered(outcome, Stage::Execution), None);
    }
    let (stage, language) = (stage(&outcome), exchange.language.get().await);
    let code = error::finish(&mut outcome.errors, stage, exchange.id.as_str(), language);
    (exchange.answered(outcome, stage), code)
}

/// The operation panicked (the panic itself is in the log) or took too long.
async fn failed(exchange: &Exchange, status: StatusCode, code: Code) -> (HttpResponse, Option<Code>) {
    tracing::warn!(code = code.as_str(), "an operation did not come to its end");
    let refusal = Refusal::Http { status, code, message: code.message() };
    (exchange.refused(refusal).await, Some(code))
}

/// The seconds to wait when nothing was done because it is done too often.
fn wait(outcome: &Response) -> Option<i64> {
    let nothing_done = match &outcome.data {
        Value::Object(fields) => fields.values().all(|field| *field == Value::Null),
        data => *data == Value::Null,
    };
    outcome.errors.iter().filter_map(error::retry_after).max().filter(|_| nothing_done)
}

/// A field's error always has a path, so errors without any and without data are from before the first field.
fn stage(outcome: &Response) -> Stage {
    let before = outcome.data == Value::Null
        && !outcome.errors.is_empty()
        && outcome.errors.iter().all(|error| error.path.is_empty());
    if before { Stage::Validation } else { Stage::Execution }
}

const fn kind_name(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}
