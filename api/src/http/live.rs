//! Answers that go on: the parts of one operation, for sockets and for server-sent events.
//!
//! An operation runs on the runtime that executes all others; its parts come through a short queue, so that a client which
//! reads slowly slows its own operation down and nothing else.

mod caller;
mod protocol;
pub mod socket;
pub(crate) mod sse;

use std::collections::HashMap;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Stopwatch};

use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Data;
use async_graphql::parser::types::OperationType;
use async_graphql::{Response, ServerError};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::client::Client;
use super::execution::{Accepted, Asker, kind_name};
use super::graphql::{Endpoint, record};
use super::refusal::Refusal;
use super::request::Received;
use super::response;
use super::work::{self, Commitment};
use crate::config::LiveConfig;
use crate::graphql::error::{self, Code, Stage};
use crate::graphql::persisted::Introduced;
use crate::language::Message;

/// Parts that may wait for a client.
const WAITING: usize = 16;
/// How often it is asked again whether a credential is still good.
const CHECK: Duration = Duration::from_secs(2);
/// After how long a subscription that answers nothing is known to fit the schema.
const FITS: Duration = Duration::from_millis(200);
/// How long a client may take to receive one part.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a connection of a server that stops waits for mutations that have begun, so that their clients are answered.
const LAST_MOMENT: Duration = Duration::from_secs(5);

/// All connections on which answers go on.
#[derive(Debug, Clone)]
pub struct Connections {
    free: Arc<Semaphore>,
    by_network: Networks,
    limits: LiveConfig,
    closing: CancellationToken,
}

/// How many connections each network has.
type Networks = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The place of one connection among all and among those of its network; free again with the value.
#[derive(Debug)]
struct Place {
    network: IpAddr,
    by_network: Networks,
    _one: OwnedSemaphorePermit,
}

/// A part of an answer.
#[derive(Debug)]
pub(super) enum Part {
    /// A response, as JSON.
    Next(Vec<u8>),
    /// Why there is none, as a JSON list of errors; the last part.
    Errors(Vec<u8>),
    /// Nothing comes any more.
    End,
}

/// An operation whose parts come one after the other. Dropped, it ends; a mutation that has begun goes on.
pub(super) struct Flow {
    commitment: Commitment,
    #[expect(dead_code, reason = "ends the operation with the value")]
    task: AbortOnDropHandle<()>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut networks = self.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = networks.get_mut(&self.network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                networks.remove(&self.network);
            }
        }
    }
}

/// Where the parts of an operation go, under the name that the receiver has for it.
#[derive(Clone)]
pub(super) struct Sink<K> {
    pub(super) name: K,
    pub(super) parts: mpsc::Sender<(K, Part)>,
}

/// The client has gone, or wants no more of this.
struct Gone;

impl<K: Clone> Sink<K> {
    async fn send(&self, part: Part) -> Result<(), Gone> {
        self.parts.send((self.name.clone(), part)).await.map_err(|_| Gone)
    }
}

impl Connections {
    /// None is there yet.
    pub fn new(limits: LiveConfig) -> Self {
        let free = Arc::new(Semaphore::new(limits.connections));
        Self { free, by_network: Arc::default(), limits, closing: CancellationToken::new() }
    }

    /// A place for one more of a client, if there is one for it.
    fn place(&self, client: &Client) -> Option<Place> {
        let one = Arc::clone(&self.free).try_acquire_owned().ok()?;
        let network = client.network();
        let mut networks = self.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        let count = networks.entry(network).or_default();
        if *count >= self.limits.connections_of_address {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Place { network, by_network: Arc::clone(&self.by_network), _one: one })
    }

    /// Whether whoever asks may open a socket: no page of a browser, or one of this server or of an origin that the operator
    /// names. (A browser asks nobody before it opens a socket to another site.)
    fn welcomes(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let is_own = origin.split_once("://").is_some_and(|(_, of)| Some(of) == host);
        is_own || self.limits.origins.hold(origin)
    }

    /// Ends all connections, and those that come.
    pub fn close(&self) {
        self.closing.cancel();
    }
}

/// Waits until a server has been stopping for as long as a connection may last then.
async fn last_moment(closing: &CancellationToken) {
    closing.cancelled().await;
    sleep(LAST_MOMENT).await;
}

impl Flow {
    /// Begins an operation that `read` finds.
    pub(super) fn begin<K: Clone + Send + Sync + 'static>(
        endpoint: Data<Endpoint>,
        asker: Asker,
        read: impl FnOnce() -> Result<Received, Refusal> + Send + 'static,
        parts: Sink<K>,
    ) -> Self {
        let (runtime, commitment) = (endpoint.runtime.clone(), Commitment::default());
        let own = commitment.clone();
        let task = runtime.spawn(async move {
            let flow = AssertUnwindSafe(run(&endpoint, &asker, read, own, &parts)).catch_unwind();
            // Without a receiver the flow ends by itself.
            if flow.await.is_err() {
                let _ = parts.send(refused(&Refusal::failed(Code::Internal), &asker).await).await;
            }
        });
        Self { commitment, task: AbortOnDropHandle::new(task) }
    }

    /// Gives it up, unless it is a mutation that has begun: then its client is to be told what became of it.
    pub(super) fn give_up(&self) -> bool {
        self.commitment.give_up()
    }
}

async fn run<K: Clone + Send + Sync>(
    endpoint: &Data<Endpoint>,
    asker: &Asker,
    read: impl FnOnce() -> Result<Received, Refusal> + Send,
    commitment: Commitment,
    parts: &Sink<K>,
) -> Result<(), Gone> {
    let began = Stopwatch::now();
    match asker.accept(endpoint, read, |_| Ok(())).await {
        Err(refusal) => {
            record("none", Some(refusal.code), began.elapsed());
            parts.send(refused(&refusal, asker).await).await
        }
        Ok(accepted) if accepted.operation.kind == OperationType::Subscription => {
            if !accepted.has_one_root_field() {
                let refusal = Refusal::request(Code::GraphqlValidationFailed, Message::new("live-one-field"));
                return parts.send(refused(&refusal, asker).await).await;
            }
            subscribed(endpoint, asker, accepted, parts).await
        }
        Ok(accepted) => executed(endpoint, asker, (accepted, commitment, began), parts).await,
    }
}

/// A query or a mutation has one part.
async fn executed<K: Clone + Send + Sync>(
    endpoint: &Data<Endpoint>,
    asker: &Asker,
    (accepted, commitment, began): (Accepted, Commitment, Stopwatch),
    parts: &Sink<K>,
) -> Result<(), Gone> {
    let kind = kind_name(accepted.operation.kind);
    let (timeout, runtime) = (endpoint.timeout, endpoint.runtime.clone());
    let (endpoint, own, decided) = (endpoint.clone(), asker.clone(), commitment.clone());
    let execution = async move { accepted.execute(&endpoint, &decided, &own).await };
    let done = work::within(timeout, &runtime, commitment, execution).await;
    let done = done.unwrap_or_else(|reason| Err(Refusal::failed(reason.code())));
    let code = done.as_ref().map_or_else(|refusal| Some(refusal.code), |executed| executed.code);
    record(kind, code, began.elapsed());
    match done {
        Err(refusal) => parts.send(refused(&refusal, asker).await).await,
        Ok(executed) => {
            parts.send(part(&executed.response, executed.stage)).await?;
            parts.send(Part::End).await
        }
    }
}

async fn subscribed<K: Clone + Send + Sync>(
    endpoint: &Data<Endpoint>,
    asker: &Asker,
    accepted: Accepted,
    parts: &Sink<K>,
) -> Result<(), Gone> {
    metrics::counter!("amvaj_subscriptions_total").increment(1);
    let mut responses = endpoint.schema.subscribe(accepted.request, &accepted.document);
    let mut introduced = accepted.introduced;
    loop {
        let next = next_of(endpoint, &mut responses, &mut introduced).await;
        let Some(mut response) = next else { break };
        let stage = Stage::of(&response);
        if !response.errors.is_empty() {
            error::finish(&mut response.errors, stage, asker.id.as_str(), asker.language.get().await);
        }
        parts.send(part(&response, stage)).await?;
    }
    parts.send(Part::End).await
}

/// The next response. A document that its client introduces is kept on the way: what does not fit the schema is answered at
/// once, so one that is silent or answered with data fits.
async fn next_of(
    endpoint: &Data<Endpoint>,
    responses: &mut BoxStream<'static, Response>,
    introduced: &mut Option<Introduced>,
) -> Option<Response> {
    if introduced.is_none() {
        return responses.next().await;
    }
    let first = timeout(FITS, responses.next()).await;
    let fits = match &first {
        Ok(Some(response)) => Stage::of(response) == Stage::Execution,
        Ok(None) => false,
        Err(_) => true,
    };
    if let (true, Some(introduced)) = (fits, introduced.take()) {
        endpoint.persisted.keep(introduced, endpoint.clock.now()).await;
    }
    match first {
        Ok(first) => first,
        Err(_) => responses.next().await,
    }
}

/// What one response is to the client. Errors of a document that is not executed are all that it ever answers.
fn part(response: &Response, stage: Stage) -> Part {
    match stage {
        Stage::Validation => Part::Errors(response::text(&response.errors).unwrap_or_default()),
        Stage::Execution => Part::Next(response::text(response).unwrap_or_default()),
    }
}

async fn refused(refusal: &Refusal, asker: &Asker) -> Part {
    let errors: [ServerError; 1] = [refusal.error(&asker.id, asker.language.get().await)];
    Part::Errors(response::text(&errors).unwrap_or_default())
}
