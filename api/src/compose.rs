//! Puts a server together from the application: the same parts for `serve`, the demo and the tests.

use std::sync::Arc;
use std::time::Duration;

use amvaj_domain::{access::Caller, member::MemberStatus, time::Span};
use amvaj_infra::{
    access::{Revocations, UsedTokens},
    board::LiveBoards,
    cache::{BalanceCache, MemorySettings, RedisSettings},
    clock::Clock,
    db::{Database, StoreError},
    directory::Directory,
    ledger_time::LedgerTime,
    limit::Limiter,
    live::Feed,
    notify::Notifier,
    persisted::PersistedTexts,
    worker::{Nightly, Worker, WorkerParts, WorkerSettings},
};
use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::app::set_language::language_of;
use crate::app::{App, Foundation};
use crate::auth::issuer::{self, IssuerSettings, Issuers};
use crate::auth::{Authenticator, Credentials};
use crate::config::{Config, GraphqlConfig};
use crate::export::ExportPen;
use crate::graphql::loader::Loaders;
use crate::graphql::persisted::manifest::Trusted;
use crate::graphql::persisted::{Persisted, TrustedOnly};
use crate::graphql::schema;
use crate::graphql::served::ServedSchema;
use crate::http::download::Downloads;
use crate::http::health::Dependency;
use crate::http::language::Languages;
use crate::server::Parts;
use crate::throttle::Throttle;
use crate::webhook::WebhookScribe;
use crate::{database, random};

/// Most limits and subjects that a process counts at a time, each in about 200 bytes.
const MOST_BUCKETS: u64 = 100_000;
/// How long a stop waits for messages that are on their way.
const LAST_DELIVERIES: Duration = Duration::from_secs(5);

/// Opens the database, brings it to this program's version, and puts the application with its cache and its ledger
/// on it.
///
/// # Errors
/// When the database does not answer or is newer than this program, the Redis URL is no URL, the files of the signing
/// key and the secret cannot be read, the file of the SMS provider, of the outside issuers or of the trusted documents has to
/// be corrected, or a live installation is to send webhooks to private addresses.
pub async fn open(config: &Config, clock: Clock) -> anyhow::Result<Arc<App>> {
    open_with(config, clock, Credentials::load_or_create(&config.auth)?).await
}

/// Like [`open`], with credentials that are not in the configured files.
pub async fn open_with(config: &Config, clock: Clock, credentials: Credentials) -> anyhow::Result<Arc<App>> {
    let notifier = match &config.sms.provider_file {
        None => Notifier::log(&clock),
        Some(path) => Notifier::http(path, &clock)?,
    };
    let issuer_settings = match &config.auth.issuers_file {
        None => None,
        Some(path) => Some(issuer::load(path, &config.auth.issuer)?),
    };
    let trusted = trusted(&config.graphql)?;
    let database = database::open_for_requests(&config.database, config.http.request_timeout).await?;
    for change in database::migrate(&database).await? {
        tracing::info!(change, "the database was migrated");
    }
    let network = database::installation(&database, &config.network, clock.now()).await?;
    let webhooks = config.webhooks.settings(network.mode).map_err(anyhow::Error::msg)?;
    let issuers = issuer_settings.map(|settings| issuers(settings, &database, &clock));
    let foundation = Foundation {
        balances: Arc::new(balances(config, &database, network.epoch).await?),
        live: Feed::start(database.clone()).await?,
        live_boards: live_boards(config, network.epoch).await?,
        limits: Arc::new(limits(config, network.epoch).await?),
        persisted: Persisted::new(
            persisted_texts(config, network.epoch).await?,
            trusted,
            config.graphql.trusted_only,
        ),
        revocations: Revocations::start(database.clone()).await?,
        ledger_time: LedgerTime::start(&database, &clock, network.mode).await?,
        db: database,
        notifier,
        credentials: credentials.in_mode(network.mode).following_files(),
        mode: network.mode,
        webhooks,
        issuers,
        clock,
    };
    Ok(Arc::new(App::start(foundation, config)))
}

/// Balances are cached in Redis when one is configured, else in this process.
async fn balances(config: &Config, database: &Database, epoch: Uuid) -> anyhow::Result<BalanceCache> {
    let micros = i64::try_from(config.cache.ttl.as_micros()).unwrap_or(i64::MAX);
    let time_to_live = Span::from_micros(micros);
    let Some(url) = &config.cache.redis_url else {
        if database.is_postgres() {
            tracing::warn!(
                "no Redis is configured: balances are cached in this process; several nodes on one database need AMVAJ_REDIS_URL"
            );
        }
        let shared_database = database.is_postgres();
        return Ok(BalanceCache::memory(&MemorySettings {
            shared_database,
            time_to_live,
            ..Default::default()
        }));
    };
    let settings = RedisSettings { time_to_live, call_timeout: config.cache.timeout, ..Default::default() };
    Ok(BalanceCache::redis(url.expose(), &epoch.simple().to_string(), &settings).await?)
}

/// Leaderboards are copied to Redis when one is configured; else each process copies those that it shows.
pub async fn live_boards(config: &Config, epoch: Uuid) -> anyhow::Result<LiveBoards> {
    let Some(url) = &config.cache.redis_url else { return Ok(LiveBoards::memory()) };
    Ok(LiveBoards::redis(url.expose(), &epoch.simple().to_string(), config.cache.timeout).await?)
}

/// Limits are shared in Redis when one is configured; else each process counts for itself.
async fn limits(config: &Config, epoch: Uuid) -> anyhow::Result<Limiter> {
    let Some(url) = &config.cache.redis_url else { return Ok(Limiter::memory(MOST_BUCKETS)) };
    let epoch = epoch.simple().to_string();
    Ok(Limiter::redis(url.expose(), &epoch, config.cache.timeout, MOST_BUCKETS).await?)
}

/// Documents are shared in Redis when one is configured; else each process keeps those that it was sent.
async fn persisted_texts(config: &Config, epoch: Uuid) -> anyhow::Result<PersistedTexts> {
    let Some(url) = &config.cache.redis_url else { return Ok(PersistedTexts::memory()) };
    Ok(PersistedTexts::redis(url.expose(), &epoch.simple().to_string(), config.cache.timeout).await?)
}

/// The documents of the operator's manifest.
fn trusted(config: &GraphqlConfig) -> anyhow::Result<Trusted> {
    match &config.manifest {
        Some(path) => {
            let trusted = Trusted::load(path)?;
            tracing::info!(documents = trusted.count(), "the manifest of trusted documents was read");
            Ok(trusted)
        }
        None if config.trusted_only == TrustedOnly::Nobody => Ok(Trusted::default()),
        None => anyhow::bail!(
            "AMVAJ_GRAPHQL_TRUSTED_ONLY={} needs a manifest: write one with `amvaj documents` and name it in AMVAJ_GRAPHQL_MANIFEST",
            config.trusted_only
        ),
    }
}

/// The outside issuers. Whom a token of theirs stands for is looked up on this runtime, which the database knows.
fn issuers(settings: Vec<IssuerSettings>, database: &Database, clock: &Clock) -> Issuers {
    let (directory, runtime) = (Directory::new(database.clone()), Handle::current());
    let standing = move |caller| {
        let directory = directory.clone();
        let asked = runtime.spawn(async move { is_here(&directory, caller).await });
        async move {
            match asked.await {
                Ok(Ok(here)) => Some(here),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "whom a token stands for could not be looked up");
                    None
                }
                Err(_) => None,
            }
        }
        .boxed()
    };
    Issuers::new(settings, UsedTokens::new(database.clone()), clock.clone(), Box::new(standing))
}

/// Whether somebody is registered here, and not blocked for good.
async fn is_here(directory: &Directory, caller: Caller) -> Result<bool, StoreError> {
    Ok(match caller {
        Caller::Operator | Caller::Agent => true,
        Caller::Merchant(id) => !directory.merchants_by_id(&[id]).await?.is_empty(),
        Caller::Member(id) => {
            let found = directory.members(Caller::Operator).by_id(&[id]).await?;
            found.first().is_some_and(|member| member.status == MemberStatus::Open)
        }
    })
}

/// Starts the background work of an application.
pub fn start_worker(app: &App, config: &Config) -> Worker {
    let settings = WorkerSettings {
        interval: config.worker.interval,
        lease: config.worker.lease,
        retention: config.worker.outbox_retention,
        watch: config.worker.verify_touched,
        nightly: config
            .worker
            .verify_at
            .map(|after_midnight| Nightly { zone: app.zone.clone(), after_midnight }),
        ..WorkerSettings::default()
    };
    let holder = random::uuid(app.now());
    let parts = WorkerParts {
        writer: app.ledger.clone(),
        ledger_clock: app.ledger_time.clock().clone(),
        balances: Arc::clone(&app.balances),
        boards: app.boards.clone(),
        rewards: app.rewards.clone(),
        webhooks: app.webhooks.keeper(),
        sender: app.webhooks.sender(Arc::new(WebhookScribe::new(app.credentials.secret.clone()))),
        exports: app.exports.maker(app.sessions.clone(), Arc::new(ExportPen)),
    };
    Worker::start(&app.db, parts, &app.clock, &settings, holder)
}

/// Ends the background work, finishes what the ledger has accepted, gives messages on their way a last moment, then
/// closes the database.
pub async fn close(app: Arc<App>, worker: Option<Worker>) {
    if let Some(worker) = worker {
        worker.stop().await;
    }
    app.ledger.close().await;
    app.notifier.close(LAST_DELIVERIES).await;
    app.api_keys.close().await;
    app.audit.close().await;
    if let Err(error) = app.db.clone().close().await {
        tracing::warn!(%error, "the database could not be closed in order");
    }
}

/// The parts of a server for an application. Has to be called within the Tokio runtime on which the application runs.
pub fn parts(app: &Arc<App>) -> Parts {
    let loads = Arc::clone(app);
    let authenticator = Authenticator::new(app.credentials.tokens.clone(), app.revocations.clone())
        .with_keys(app.key_ring.clone(), app.network.twin_url.as_deref())
        .with_issuers(app.issuers.clone());
    Parts {
        schema: ServedSchema::new(|| schema::served(&app.graphql).data(Arc::clone(app))),
        persisted: app.persisted.clone(),
        sdl: schema::sdl(app.graphql.subgraph),
        authenticator,
        throttle: Throttle::new(Arc::clone(&app.limits), app.credentials.secret.clone(), app.throttle),
        introspection: app.graphql.introspection,
        clock: app.clock.clone(),
        dependencies: vec![database_answers(app), ledger_works(app), cache_answers(app)],
        prepare: Arc::new(move |request, identity| {
            request.data(Loaders::new(Arc::clone(&loads), identity.cloned()))
        }),
        guide: None,
        languages: languages(app),
        live: app.live_limits.clone(),
        downloads: Some(downloads(app)),
    }
}

/// Files are read on this runtime, which the database knows.
fn downloads(app: &App) -> Downloads {
    Downloads {
        exports: app.exports.clone(),
        secret: app.credentials.secret.clone(),
        clock: app.clock.clone(),
        runtime: Handle::current(),
    }
}

/// What members have chosen is read on this runtime, which the database knows, whatever thread wants to know it.
fn languages(app: &Arc<App>) -> Languages {
    let (app, runtime) = (Arc::clone(app), Handle::current());
    Languages {
        usual: app.network.language,
        of_member: Arc::new(move |member| {
            let app = Arc::clone(&app);
            let choice = runtime.spawn(async move { language_of(&app, member).await });
            Box::pin(async move {
                match choice.await {
                    Ok(Ok(language)) => language,
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "a member's language could not be read");
                        None
                    }
                    Err(_) => None,
                }
            })
        }),
    }
}

fn database_answers(app: &App) -> Dependency {
    let db = app.db.clone();
    Dependency::required("database", move || {
        let db = db.clone();
        async move { db.ping().await.map_err(|error| error.to_string()) }
    })
}

/// A lane that ended would leave its wallets without anybody who writes.
fn ledger_works(app: &App) -> Dependency {
    let ledger = app.ledger.clone();
    Dependency::required("ledger", move || {
        let is_alive = ledger.is_alive();
        async move { if is_alive { Ok(()) } else { Err("a lane of the ledger has ended".to_owned()) } }
    })
}

/// The service works without its cache, only slower.
fn cache_answers(app: &App) -> Dependency {
    let balances = Arc::clone(&app.balances);
    Dependency::optional("cache", move || {
        let balances = Arc::clone(&balances);
        async move { if balances.ping().await { Ok(()) } else { Err("the cache does not answer".to_owned()) } }
    })
}
