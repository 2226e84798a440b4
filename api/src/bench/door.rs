//! What it costs to find out who calls, to measure the document and to charge the caller: the same query with and without,
//! turn by turn in one run and one thread, without HTTP.

use std::{
    sync::Arc,
    time::{Duration, Instant as Stopwatch},
};

use actix_web::{
    http::Method,
    web::{Bytes, Data},
};
use amvaj_domain::access::Identity;
use serde::Serialize;
use tokio::sync::Semaphore;

use super::World;
use crate::{
    app::App,
    compose,
    config::HttpConfig,
    demo::random::Random,
    http::{
        client::Client,
        execution::{Authorization, Incoming, Sent},
        graphql::Endpoint,
        language::RequestLanguage,
        request::{self, Received},
        response::RequestId,
        turns::Turns,
        work::Commitment,
    },
    server::Parts,
};

/// Queries of one turn.
const TURN: u32 = 200;
/// What is asked: about the least that anybody asks.
const QUERY: &str = r#"{"query":"{ viewer { role scopes } version }"}"#;

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Door {
    /// Microseconds to read and execute a known query whose caller is known, the middle of all turns.
    pub bare_micros: f64,
    /// The same with everything that comes before it.
    pub guarded_micros: f64,
    /// How many turns of 200 queries there were of each.
    pub turns: usize,
}

/// Measures for about so long.
pub async fn measure(app: &Arc<App>, world: &World, config: &HttpConfig, time: Duration) -> Door {
    let endpoint = Data::new(endpoint(app, config));
    let token = &world.merchant(&mut Random::new(1)).token;
    let identity = endpoint.authenticator.identify(token, endpoint.clock.now()).await.ok();
    let (mut bare, mut guarded) = (Vec::new(), Vec::new());
    let began = Stopwatch::now();
    while began.elapsed() < time {
        let turn = Stopwatch::now();
        for _ in 0..TURN {
            execute_bare(&endpoint, identity.clone()).await;
        }
        bare.push(turn.elapsed());
        let turn = Stopwatch::now();
        for _ in 0..TURN {
            execute_guarded(&endpoint, token).await;
        }
        guarded.push(turn.elapsed());
    }
    Door { bare_micros: middle(&mut bare), guarded_micros: middle(&mut guarded), turns: bare.len() }
}

fn endpoint(app: &Arc<App>, config: &HttpConfig) -> Endpoint {
    let Parts { schema, persisted, sdl, authenticator, throttle, introspection, clock, prepare, .. } =
        compose::parts(app);
    Endpoint {
        schema,
        persisted,
        sdl,
        authenticator,
        throttle,
        turns: Turns::new(),
        places: Arc::new(Semaphore::new(config.operations)),
        introspection,
        clock,
        prepare,
        timeout: config.request_timeout,
        proxies: config.proxies,
        body_limit: config.body_limit,
        runtime: tokio::runtime::Handle::current(),
    }
}

async fn execute_bare(endpoint: &Endpoint, identity: Option<Identity>) {
    let Ok(Received { request, .. }) = request::from_body(QUERY.as_bytes()) else { return };
    let Ok(document) = endpoint.schema.document(&request.query) else { return };
    let request = (endpoint.prepare)(request, identity.as_ref())
        .data(identity)
        .data(client())
        .data(RequestLanguage::unknown())
        .data(RequestId::of_bench());
    std::hint::black_box(endpoint.schema.execute(request, document).await);
}

async fn execute_guarded(endpoint: &Data<Endpoint>, token: &str) {
    let incoming = Incoming {
        method: Method::POST,
        sent: Ok(Sent::Body(Bytes::from_static(QUERY.as_bytes()))),
        authorization: Authorization::Bearer(token.to_owned()),
        client: client(),
        language: RequestLanguage::unknown(),
        id: RequestId::of_bench(),
    };
    std::hint::black_box(incoming.execute(endpoint.clone(), Commitment::default()).await);
}

fn client() -> Client {
    Client { address: std::net::Ipv4Addr::LOCALHOST.into(), user_agent: String::new() }
}

/// The middle of all turns in microseconds a query.
fn middle(turns: &mut [Duration]) -> f64 {
    turns.sort_unstable();
    let middle = turns.get(turns.len() / 2).copied().unwrap_or_default();
    middle.as_secs_f64() * 1_000_000.0 / f64::from(TURN)
}
