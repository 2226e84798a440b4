//! What happens to a request that was received, from its credential to its outcome. Each step
//! costs more than the one before, so whoever is to be refused is refused as early as can be.
//!
//! | step | costs | refuses |
//! |---|---|---|
//! | identify | a look into memory, or a signature; a key's first use in half a minute a read | credentials that are not good |
//! | admit | 1 from the caller's bucket | whoever asks too often |
//! | read | JSON | what is no GraphQL request |
//! | find | nothing unless the document is only named: then a look into memory, or one call of Redis | whoever names what nobody knows, or may send trusted documents only |
//! | select | one pass over the text and the parser, unless the document is known; one pass over it | what is too large, or no document |
//! | charge | the estimated cost, from the same bucket | whoever asks for too much |
//! | execute | a turn if it is dear, the validation unless the document is known, then whatever it takes | what does not fit the schema |

use actix_web::http::Method;
use actix_web::web::{Bytes, Data};
use amvaj_domain::access::Identity;
use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response};
use tracing::Instrument as _;

use super::answer::Answer;
use super::charge::{Charge, actual};
use super::client::Client;
use super::graphql::Endpoint;
use super::language::RequestLanguage;
use super::refusal::Refusal;
use super::request::{self, Operation, Received};
use super::response::RequestId;
use super::work::Commitment;
use crate::auth::{AuthError, TokenError};
use crate::graphql::error::{self, Code, Stage};
use crate::graphql::persisted::Introduced;
use crate::graphql::rate_limit::Charged;
use crate::graphql::served::Document;
use crate::language::Message;

/// The extension of a response that says what it cost.
pub(crate) const COST: &str = "cost";

/// A request as it came.
pub(crate) struct Incoming {
    pub(crate) method: Method,
    /// What the client sent; nothing when that could not be received.
    pub(crate) sent: Result<Sent, Refusal>,
    pub(crate) authorization: Authorization,
    pub(crate) client: Client,
    pub(crate) language: RequestLanguage,
    pub(crate) id: RequestId,
}

/// Where the GraphQL request is.
pub(crate) enum Sent {
    Body(Bytes),
    QueryString(String),
}

/// What the header `Authorization` holds.
#[derive(Clone)]
pub(crate) enum Authorization {
    Missing,
    Bearer(String),
    Malformed,
}

/// What became of a request.
pub(crate) struct Outcome {
    pub(crate) kind: &'static str,
    /// The code of the first error.
    pub(crate) code: Option<Code>,
    pub(crate) answer: Result<Answer, Refusal>,
    pub(crate) language: RequestLanguage,
}

impl Incoming {
    /// Goes through all steps. `commitment` is made before a mutation is executed.
    pub(crate) async fn execute(self, endpoint: Data<Endpoint>, commitment: Commitment) -> Outcome {
        let Self { method, sent, authorization, client, language, id } = self;
        let identity = match identify(authorization, &endpoint).await {
            Ok(identity) => identity,
            Err(reason) => return refused(stranger(reason, &client, &endpoint).await, language),
        };
        let language = language.for_caller(identity.as_ref().map(|identity| identity.caller));
        let asker = Asker { identity, client, language: language.clone(), id };
        let read = || read(sent?);
        let accepted = match asker.accept(&endpoint, read, |operation| allow(&method, operation)).await {
            Ok(accepted) => accepted,
            Err(refusal) => return refused(refusal, language),
        };
        let kind = kind_name(accepted.operation.kind);
        match accepted.execute(&endpoint, &commitment, &asker).await {
            Ok(Executed { response, stage, code }) => {
                Outcome { kind, code, answer: Ok(Answer::write(&response, stage)), language }
            }
            Err(refusal) => refused(refusal, language),
        }
    }
}

/// Who asks, once its credential is known to be good.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) identity: Option<Identity>,
    pub(crate) client: Client,
    pub(crate) language: RequestLanguage,
    pub(crate) id: RequestId,
}

/// A request that may be executed.
pub(crate) struct Accepted {
    pub(crate) request: Request,
    pub(crate) operation: Operation,
    pub(crate) document: Document,
    /// To be kept when it is found valid.
    pub(crate) introduced: Option<Introduced>,
    charge: Charge,
}

impl Asker {
    /// The steps from `admit` to `charge`. What a request may be is up to its transport.
    pub(crate) async fn accept(
        &self,
        endpoint: &Endpoint,
        read: impl FnOnce() -> Result<Received, Refusal>,
        allow: impl FnOnce(&Operation) -> Result<(), Refusal>,
    ) -> Result<Accepted, Refusal> {
        let bucket = match &self.identity {
            Some(identity) => endpoint.throttle.of_caller(identity),
            None => endpoint.throttle.of_address(self.client.network()),
        };
        let charge = Charge::admit(bucket, &endpoint.clock).await?;
        let Received { mut request, wanted } = read()?;
        let (identity, now) = (self.identity.as_ref(), endpoint.clock.now());
        let introduced = endpoint.persisted.resolve(&mut request, wanted, identity, now).await?;
        let (operation, document) = request::select(&mut request, &endpoint.schema)?;
        allow(&operation)?;
        if operation.asked.introspects && !endpoint.introspection.allows(self.identity.as_ref()) {
            return Err(Refusal::request(Code::Forbidden, Message::new("introspection-is-off")));
        }
        let most = charge.so_far().0.rate().capacity;
        if operation.asked.cost > most {
            return Err(Refusal::too_dear(operation.asked.cost, most));
        }
        let charge = charge.estimate(operation.asked).await?;
        let request = (endpoint.prepare)(request, self.identity.as_ref())
            .data(self.identity.clone())
            .data(self.client.clone())
            .data(self.language.clone())
            .data(self.id.clone())
            .data(Charged::new(&charge.so_far()));
        Ok(Accepted { request, operation, document, introduced, charge })
    }
}

/// A response that is fit to send.
pub(crate) struct Executed {
    pub(crate) response: Response,
    pub(crate) stage: Stage,
    /// The code of the first error.
    pub(crate) code: Option<Code>,
}

impl Accepted {
    /// Whether the operation selects exactly one field at its root, as a subscription has to.
    pub(crate) fn has_one_root_field(&self) -> bool {
        let parsed = self.document.parsed();
        let operation = parsed.operation(self.request.operation_name.as_deref());
        operation.is_some_and(|(_, operation)| parsed.root_fields(operation) == 1)
    }

    /// Executes a query or a mutation.
    pub(crate) async fn execute(
        self,
        endpoint: &Endpoint,
        commitment: &Commitment,
        asker: &Asker,
    ) -> Result<Executed, Refusal> {
        let Self { request, operation, document, introduced, charge } = self;
        let Asker { language, id, .. } = asker;
        let kind = kind_name(operation.kind);
        // Before a mutation is committed, because whoever waits can still be given up.
        let _turn = endpoint.turns.take(&operation, commitment).await;
        if operation.kind == OperationType::Mutation && !commitment.commit() {
            // The client has been told that nothing was done.
            return Err(Refusal::failed(Code::Overloaded));
        }
        let span = tracing::info_span!("operation", kind, name = operation.name, request_id = id.as_str());
        let execution = async {
            let (response, stage) = endpoint.schema.execute(request, document).await;
            if let (Some(introduced), Stage::Execution) = (introduced, stage) {
                endpoint.persisted.keep(introduced, endpoint.clock.now()).await;
            }
            finish(response, stage, operation, charge, id, language).await
        };
        Ok(execution.instrument(span).await)
    }
}

/// Nobody when there is no credential; one that is there has to be good.
pub(super) async fn identify(
    authorization: Authorization,
    endpoint: &Endpoint,
) -> Result<Option<Identity>, AuthError> {
    match authorization {
        Authorization::Missing => Ok(None),
        Authorization::Malformed => Err(TokenError::Malformed.into()),
        Authorization::Bearer(credential) => {
            endpoint.authenticator.identify(&credential, endpoint.clock.now()).await.map(Some)
        }
    }
}

/// Whoever sends a credential that is not good is told so as often as a stranger may ask.
pub(super) async fn stranger(reason: AuthError, client: &Client, endpoint: &Endpoint) -> Refusal {
    match Charge::admit(endpoint.throttle.of_address(client.network()), &endpoint.clock).await {
        Ok(_) => Refusal::unauthenticated(&reason),
        Err(throttled) => throttled.into(),
    }
}

/// Reads what the client sent.
pub(super) fn read(sent: Sent) -> Result<Received, Refusal> {
    match sent {
        Sent::Body(body) => request::from_body(&body),
        Sent::QueryString(query) => request::from_query_string(&query),
    }
}

fn allow(method: &Method, operation: &Operation) -> Result<(), Refusal> {
    match operation.kind {
        OperationType::Mutation if method == Method::GET => {
            Err(Refusal::method(Message::new("http-mutation-needs-post"), "POST"))
        }
        OperationType::Subscription => Err(Refusal::bad_request(Message::new("http-no-subscription"))),
        OperationType::Query | OperationType::Mutation => Ok(()),
    }
}

/// Makes a response fit to send: its errors and what it cost.
async fn finish(
    mut response: Response,
    stage: Stage,
    operation: Operation,
    charge: Charge,
    id: &RequestId,
    language: &RequestLanguage,
) -> Executed {
    let code = if response.errors.is_empty() {
        None
    } else {
        error::finish(&mut response.errors, stage, id.as_str(), language.get().await)
    };
    let cost = charge.settle(actual(&response.data, operation.asked)).await;
    response.extensions.insert(COST.to_owned(), async_graphql::to_value(cost).unwrap_or_default());
    Executed { response, stage, code }
}

fn refused(refusal: Refusal, language: RequestLanguage) -> Outcome {
    Outcome { kind: "none", code: Some(refusal.code), answer: Err(refusal), language }
}

pub(super) const fn kind_name(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}
