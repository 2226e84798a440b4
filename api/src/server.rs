//! The HTTP server: routes, start, and a stop that finishes what was accepted.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::guard::{GuardContext, fn_guard};
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, PayloadConfig, ServiceConfig};
use actix_web::{App, HttpServer};
use amvaj_infra::clock::Clock;
use metrics_exporter_prometheus::PrometheusHandle;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use crate::auth::Authenticator;
use crate::config::{HttpConfig, LiveConfig};
use crate::demo::guide::Guide;
use crate::graphql::access::Introspection;
use crate::graphql::persisted::Persisted;
use crate::graphql::served::ServedSchema;
use crate::http::download::{self, Downloads, Places};
use crate::http::graphql::{self, Endpoint, Prepare};
use crate::http::health::{self, Dependency};
use crate::http::language::Languages;
use crate::http::live::{Connections, socket};
use crate::http::turns::Turns;
use crate::http::{assets, docs, graphiql, jwks, landing, response};
use crate::telemetry;
use crate::throttle::Throttle;

/// How often the metrics' histograms are folded together.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// What the server is made of; the composition root fills it in.
pub struct Parts {
    /// The schema with its data.
    pub schema: ServedSchema,
    /// The documents that can be named.
    pub persisted: Persisted,
    /// The schema as a file.
    pub sdl: String,
    /// Who finds out who calls.
    pub authenticator: Authenticator,
    /// How much callers may ask for.
    pub throttle: Throttle,
    /// Who may ask for the schema itself.
    pub introspection: Introspection,
    /// The clock.
    pub clock: Clock,
    /// What readiness asks.
    pub dependencies: Vec<Dependency>,
    /// What is added to every request, such as data loaders.
    pub prepare: Arc<Prepare>,
    /// What the demo tells its visitors; nothing in any other server.
    pub guide: Option<Guide>,
    /// The language of those who ask for none.
    pub languages: Languages,
    /// Sockets and streams of events.
    pub live: LiveConfig,
    /// Files that were exported; nothing in a server without a database.
    pub downloads: Option<Downloads>,
}

/// A server that is listening.
pub struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    server: JoinHandle<io::Result<()>>,
    connections: Connections,
    _upkeep: AbortOnDropHandle<()>,
}

/// Why the server did not start or did not go on.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Another program has the port.
    #[error(
        "port {port} of {address} is in use by another program; stop that one or choose another port: AMVAJ_LISTEN={address}:{} or --listen {address}:{}",
        port.wrapping_add(1), port.wrapping_add(1)
    )]
    PortInUse {
        /// The address that was asked for.
        address: std::net::IpAddr,
        /// The port that was asked for.
        port: u16,
    },
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: {source}; set AMVAJ_LISTEN to an address of this machine")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The server stopped by itself.
    #[error("the HTTP server failed: {0}")]
    Failed(#[from] io::Error),
}

/// Takes the address, so that a port in use is known before anything else is started.
pub fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::PortInUse { address: address.ip(), port: address.port() },
        _ => ServeError::Listen { address, source },
    })
}

/// Starts to serve and returns at once. Has to be called within a Tokio runtime, to which the operations belong.
pub fn start(parts: Parts, config: &HttpConfig, listener: TcpListener) -> Result<Running, ServeError> {
    let address = listener.local_addr()?;
    let metrics = telemetry::metrics();
    let upkeep = tokio::spawn(keep_up(metrics.clone()));
    let connections = Connections::new(parts.live.clone());
    let shared = Shared::new(parts, config, metrics, connections.clone());
    let mut server = HttpServer::new(move || {
        let shared = shared.clone();
        App::new().wrap(from_fn(response::middleware)).configure(move |app| routes(app, shared))
    })
    // Longer than the clients and proxies in front keep an idle connection, so that none is closed in their hands.
    .keep_alive(Duration::from_secs(75))
    // Or an answer waits until the client has acknowledged the one before it, which may take 40 ms.
    .tcp_nodelay(true)
    .shutdown_timeout(config.shutdown.as_secs())
    .disable_signals();
    if let Some(workers) = config.workers {
        server = server.workers(workers.get());
    }
    let server = server.listen(listener)?.run();
    let handle = server.handle();
    let server = tokio::spawn(server);
    Ok(Running { address, handle, server, connections, _upkeep: AbortOnDropHandle::new(upkeep) })
}

/// Serves until SIGTERM or SIGINT, finishes what was accepted, then awaits `drain`: what has to be done after the
/// last request and before the process ends.
pub async fn run(
    parts: Parts,
    config: &HttpConfig,
    listener: TcpListener,
    drain: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let stop = stop_signal();
    let mut running = start(parts, config, listener)?;
    tracing::info!(address = %running.address, "listening");
    let stopped = tokio::select! {
        told = stop => {
            told?;
            None
        }
        stopped = &mut running.server => Some(stopped),
    };
    let result = match stopped {
        None => {
            tracing::info!("stopping: finishing what was accepted");
            running.stop().await
        }
        Some(stopped) => flatten(stopped),
    };
    drain.await;
    result
}

/// Waits until the process is told to stop: SIGTERM or Ctrl-C.
pub async fn stop_signal() -> io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

impl Running {
    /// Where the server listens; the port is the real one when port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts nothing more and returns when everything that was accepted is answered, or the time for it is over.
    pub async fn stop(self) -> Result<(), ServeError> {
        // An answer that goes on would hold its connection open.
        self.connections.close();
        self.handle.stop(true).await;
        flatten(self.server.await)
    }
}

fn flatten(ended: Result<io::Result<()>, tokio::task::JoinError>) -> Result<(), ServeError> {
    match ended {
        Ok(result) => result.map_err(ServeError::Failed),
        Err(panic) => Err(ServeError::Failed(io::Error::other(panic))),
    }
}

/// What all HTTP threads share.
#[derive(Clone)]
struct Shared {
    endpoint: Data<Endpoint>,
    connections: Data<Connections>,
    languages: Data<Languages>,
    clock: Data<Clock>,
    dependencies: Data<Vec<Dependency>>,
    metrics: Data<PrometheusHandle>,
    guide: Data<Option<Guide>>,
    downloads: Data<Option<Downloads>>,
    places: Data<Places>,
    body_limit: usize,
}

impl Shared {
    fn new(parts: Parts, config: &HttpConfig, metrics: PrometheusHandle, connections: Connections) -> Self {
        Self {
            connections: Data::new(connections),
            clock: Data::new(parts.clock.clone()),
            dependencies: Data::new(parts.dependencies),
            metrics: Data::new(metrics),
            guide: Data::new(parts.guide),
            downloads: Data::new(parts.downloads),
            places: Data::new(Places::new(config.downloads)),
            body_limit: config.body_limit,
            languages: Data::new(parts.languages),
            endpoint: Data::new(Endpoint {
                schema: parts.schema,
                persisted: parts.persisted,
                sdl: parts.sdl,
                authenticator: parts.authenticator,
                throttle: parts.throttle,
                turns: Turns::new(),
                places: Arc::new(Semaphore::new(config.operations)),
                introspection: parts.introspection,
                clock: parts.clock,
                prepare: parts.prepare,
                timeout: config.request_timeout,
                body_limit: config.body_limit,
                proxies: config.proxies,
                runtime: Handle::current(),
            }),
        }
    }
}

fn routes(app: &mut ServiceConfig, shared: Shared) {
    let is_demo = shared.guide.is_some();
    app.app_data(shared.endpoint)
        .app_data(shared.connections)
        .app_data(shared.guide)
        .app_data(shared.downloads)
        .app_data(shared.places)
        .app_data(shared.languages)
        .app_data(shared.clock)
        .app_data(shared.dependencies)
        .app_data(shared.metrics)
        .app_data(PayloadConfig::new(shared.body_limit))
        .service(
            web::resource("/graphql")
                .route(web::get().guard(fn_guard(wants_socket)).to(socket::open))
                .route(web::get().to(graphql::get))
                .route(web::post().to(graphql::post))
                .default_service(web::to(graphql::other)),
        )
        .service(
            web::resource("/exports/{id}")
                .route(web::get().to(download::file))
                .route(web::head().to(download::file))
                .default_service(web::to(download::other)),
        )
        .route(jwks::PATH, web::get().to(jwks::keys))
        .route("/health/live", web::get().to(health::live))
        .route("/health/ready", web::get().to(health::ready))
        .route("/metrics", web::get().to(health::metrics))
        .route("/docs/scalars", web::get().to(docs::scalars))
        .route("/schema.graphql", web::get().to(docs::schema))
        .route("/graphiql", web::get().to(graphiql::workbench))
        .route("/playground", web::get().to(graphiql::playground))
        .route("/assets/{name}", web::get().to(assets::file))
        .route("/favicon.ico", web::get().to(assets::icon))
        .route("/", web::get().to(landing::front))
        .default_service(web::to(docs::not_found));
    if is_demo {
        app.route(graphiql::GUIDE, web::get().to(graphiql::demo));
    }
}

fn wants_socket(context: &GuardContext<'_>) -> bool {
    let upgrade = context.head().headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|name| name.eq_ignore_ascii_case("websocket"))
}

async fn keep_up(metrics: PrometheusHandle) {
    let mut pause = tokio::time::interval(METRICS_UPKEEP);
    loop {
        pause.tick().await;
        metrics.run_upkeep();
    }
}
