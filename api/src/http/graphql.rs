//! The GraphQL endpoint over HTTP, after the GraphQL-over-HTTP specification: what is received, how long it may take, how
//! it is answered. What happens in between is in [`super::execution`].

use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{FromRequest as _, HttpRequest, HttpResponse};
use amvaj_domain::access::Identity;
use amvaj_infra::clock::Clock;
use async_graphql::Request;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::client::{Client, Proxies};
use super::execution::{Authorization, COST, Incoming, Outcome, Sent};
use super::language::RequestLanguage;
use super::live::{Connections, sse};
use super::media_type::MediaType;
use super::refusal::{More, Refusal};
use super::response::{self, RequestId};
use super::turns::Turns;
use super::work::{self, Commitment, Unfinished};
use crate::auth::Authenticator;
use crate::graphql::access::Introspection;
use crate::graphql::error::Code;
use crate::graphql::persisted::Persisted;
use crate::graphql::served::ServedSchema;
use crate::language::Message;
use crate::throttle::Throttle;

/// Adds to a request what resolvers need for this caller, such as its data loaders.
pub type Prepare = dyn Fn(Request, Option<&Identity>) -> Request + Send + Sync;

/// Headers that no web page can send to another site without being asked first; one of them has to be there where a
/// browser would otherwise send a request unasked.
const PREFLIGHTED: [HeaderName; 2] =
    [HeaderName::from_static("apollo-require-preflight"), HeaderName::from_static("x-apollo-operation-name")];

/// What the endpoint works with.
pub struct Endpoint {
    /// The schema that is served.
    pub schema: ServedSchema,
    /// The documents that can be named.
    pub persisted: Persisted,
    /// The schema as a file.
    pub sdl: String,
    /// Who finds out who calls.
    pub authenticator: Authenticator,
    /// How much callers may ask for.
    pub throttle: Throttle,
    /// The turns of operations that are dear.
    pub turns: Turns,
    /// The places of requests that are being answered (not of sockets and streams of events, which are counted by themselves).
    /// Whoever finds none is refused at once: another request in the queue
    /// would only make all of them late.
    pub places: Arc<Semaphore>,
    /// Who may ask for the schema itself.
    pub introspection: Introspection,
    /// The time by which tokens are judged.
    pub clock: Clock,
    /// What is added to every request. `Option<Identity>`, [`Client`], [`RequestLanguage`], [`RequestId`] and
    /// [`crate::graphql::rate_limit::Charged`] are there without it.
    pub prepare: Arc<Prepare>,
    /// How long one operation may take, and how long its request may take to arrive.
    pub timeout: Duration,
    /// The proxies through which clients come.
    pub proxies: Proxies,
    /// Longest body in bytes, to name it in a refusal.
    pub body_limit: usize,
    /// To which operations belong. It outlives the HTTP threads, so a connection pool stays usable while they stop, and a
    /// mutation goes on when its client hangs up.
    pub runtime: Handle,
}

/// Answers a POST.
pub async fn post(
    http: HttpRequest,
    endpoint: Data<Endpoint>,
    connections: Data<Connections>,
    payload: Payload,
) -> HttpResponse {
    match receive(&http, payload, &endpoint).await.map(Sent::Body) {
        Ok(sent) if sse::is_wanted(http.headers()) => sse::answer(&http, endpoint, &connections, sent).await,
        sent => answer(&http, endpoint, sent).await,
    }
}

/// Answers a GET.
pub async fn get(http: HttpRequest, endpoint: Data<Endpoint>) -> HttpResponse {
    let sent = if PREFLIGHTED.iter().any(|name| http.headers().contains_key(name)) {
        Ok(Sent::QueryString(http.query_string().to_owned()))
    } else {
        Err(Refusal::bad_request(Message::new("http-get-needs-header")))
    };
    answer(&http, endpoint, sent).await
}

/// Answers every other method.
pub async fn other(http: HttpRequest) -> HttpResponse {
    let language = RequestLanguage::of(&http);
    let refusal = Refusal::method(Message::new("http-post-or-get"), "GET, POST");
    let mut answer = refused(&http, &language, refusal).await;
    language.tell(&mut answer);
    answer
}

/// Receives a body of the right type, unless it is too long or too slow.
async fn receive(http: &HttpRequest, payload: Payload, endpoint: &Endpoint) -> Result<Bytes, Refusal> {
    let content_type = http.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let message = Message::new("http-content-type");
        return Err(Refusal::http(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::BadUserInput, message));
    }
    let body = Bytes::from_request(http, &mut payload.into_inner());
    let Ok(body) = tokio::time::timeout(endpoint.timeout, body).await else {
        let message = Message::new("http-body-too-slow");
        return Err(Refusal::http(StatusCode::REQUEST_TIMEOUT, Code::BadUserInput, message));
    };
    body.map_err(|error| match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => {
            let message = Message::new("http-body-too-long").with("limit", endpoint.body_limit);
            Refusal::http(StatusCode::PAYLOAD_TOO_LARGE, Code::BadUserInput, message)
        }
        _ => Refusal::bad_request(Message::new("http-body-unreadable")),
    })
}

async fn answer(http: &HttpRequest, endpoint: Data<Endpoint>, sent: Result<Sent, Refusal>) -> HttpResponse {
    let started = Stopwatch::now();
    let language = RequestLanguage::of(http);
    let incoming = Incoming {
        method: http.method().clone(),
        sent,
        authorization: authorization(http.headers()),
        client: Client::of(http, endpoint.proxies),
        language: language.clone(),
        id: RequestId::of(http),
    };
    let Outcome { kind, code, answer, language } = match endpoint.places.try_acquire() {
        Ok(_place) => executed(incoming, &endpoint, language).await,
        Err(_) => no_place(language),
    };
    let mut response = match answer {
        Ok(answer) => answer.send(http),
        Err(refusal) => refused(http, &language, refusal).await,
    };
    language.tell(&mut response);
    record(kind, code, started.elapsed());
    response
}

async fn executed(incoming: Incoming, endpoint: &Data<Endpoint>, language: RequestLanguage) -> Outcome {
    let commitment = Commitment::default();
    let execution = incoming.execute(endpoint.clone(), commitment.clone());
    let done = work::within(endpoint.timeout, &endpoint.runtime, commitment, execution).await;
    done.unwrap_or_else(|reason| unfinished(reason, language))
}

fn no_place(language: RequestLanguage) -> Outcome {
    let code = Code::Overloaded;
    Outcome { kind: "none", code: Some(code), answer: Err(Refusal::failed(code)), language }
}

/// What the header `Authorization` holds.
pub(super) fn authorization(headers: &HeaderMap) -> Authorization {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Authorization::Missing };
    match value.to_str().ok().and_then(|value| value.split_once(' ')) {
        Some((scheme, credential)) if scheme.eq_ignore_ascii_case("bearer") => {
            Authorization::Bearer(credential.trim().to_owned())
        }
        _ => Authorization::Malformed,
    }
}

/// The operation panicked (the panic itself is in the log) or took too long.
fn unfinished(reason: Unfinished, language: RequestLanguage) -> Outcome {
    let code = reason.code();
    tracing::warn!(code = code.as_str(), "an operation did not come to its end");
    Outcome { kind: "unfinished", code: Some(code), answer: Err(Refusal::failed(code)), language }
}

/// Answers a request that is not executed.
pub(super) async fn refused(
    http: &HttpRequest,
    language: &RequestLanguage,
    refusal: Refusal,
) -> HttpResponse {
    let (id, media_type) = (RequestId::of(http), MediaType::negotiate(http.headers()));
    tracing::debug!(request_id = id.as_str(), code = refusal.code.as_str(), "refused");
    let error = refusal.error(&id, language.get().await);
    let Refusal { status, more, .. } = refusal;
    let More { headers, cost, .. } = *more;
    let cost = cost.and_then(|cost| async_graphql::to_value(cost).ok());
    let extensions = cost.map(|cost| (COST.to_owned(), cost)).into_iter().collect();
    let status = status.unwrap_or_else(|| media_type.not_executed());
    let mut answer = response::errors(status, media_type.as_str(), &[error], &extensions);
    for (name, value) in headers {
        answer.headers_mut().insert(name, value);
    }
    answer
}

/// Counts an operation that came to its end.
pub(super) fn record(kind: &'static str, code: Option<Code>, took: Duration) {
    let (code, seconds) = (code.map_or("OK", Code::as_str), took.as_secs_f64());
    tracing::debug!(kind, code, seconds, "answered");
    metrics::counter!("amvaj_operations_total", "kind" => kind, "code" => code).increment(1);
    metrics::histogram!("amvaj_operation_seconds", "kind" => kind).record(seconds);
}
