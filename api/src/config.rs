//! Configuration: defaults that just run, a file over them, the environment over both. One struct per consumer.
//! This is the only place that reads the environment.

mod graphql;
mod live;
mod reader;
mod secret;
mod webhooks;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use amvaj_domain::language::Language;
use amvaj_domain::money::Currency;
use amvaj_domain::network::NetworkMode;
use amvaj_domain::time::Span;
use thiserror::Error;

use crate::http::client::Proxies;
use crate::throttle::Rate;

pub use graphql::GraphqlConfig;
pub use live::{LiveConfig, Origins};
pub use reader::Setting;
use reader::{PREFIX, Reader, whole_number};
pub use secret::Secret;
pub use webhooks::WebhookConfig;

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// The ledger's database.
    pub database: DatabaseConfig,
    /// The cache of balances.
    pub cache: CacheConfig,
    /// The HTTP server.
    pub http: HttpConfig,
    /// Sockets and streams of events.
    pub live: LiveConfig,
    /// What the GraphQL endpoint tells and takes.
    pub graphql: GraphqlConfig,
    /// How much callers may ask for.
    pub throttle: ThrottleConfig,
    /// Access tokens.
    pub auth: AuthConfig,
    /// Text messages to members.
    pub sms: SmsConfig,
    /// The ledger's writer.
    pub ledger: LedgerConfig,
    /// The leaderboards.
    pub boards: BoardsConfig,
    /// How often members may be looked for.
    pub look_ups: LookUpConfig,
    /// The network that this server runs.
    pub network: NetworkConfig,
    /// The scheduled jobs.
    pub worker: WorkerConfig,
    /// What merchants are told of by HTTP.
    pub webhooks: WebhookConfig,
    /// The log.
    pub log: LogConfig,
}

/// The ledger's database.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `sqlite://PATH` or `postgres://…`; may hold a password.
    pub url: Secret,
    /// Most connections open at a time.
    pub max_connections: u32,
}

/// The cache of balances: Redis when it has a URL, otherwise this process's memory.
#[derive(Debug, Clone)]
pub struct CacheConfig {
    /// `redis://…` or `rediss://…`; may hold a password.
    pub redis_url: Option<Secret>,
    /// How long a balance may be cached.
    pub ttl: Duration,
    /// How long to wait for Redis before going to the database.
    pub timeout: Duration,
}

/// The HTTP server.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// The address to listen on; port 0 takes any free port.
    pub listen: SocketAddr,
    /// Threads that read and write HTTP; one per core when unset.
    pub workers: Option<NonZeroUsize>,
    /// Longest request body in bytes.
    pub body_limit: usize,
    /// The operator's own proxies in front of the server.
    pub proxies: Proxies,
    /// Most requests to `/graphql` that are answered at a time; more are refused at once.
    pub operations: usize,
    /// Most files that are sent at a time.
    pub downloads: usize,
    /// How long one operation may take.
    pub request_timeout: Duration,
    /// How long a stop waits for what was accepted.
    pub shutdown: Duration,
}

/// How much callers may ask for.
#[derive(Debug, Clone, Copy)]
pub struct ThrottleConfig {
    /// Each merchant, all of its keys and people together.
    pub merchant: Rate,
    /// Each member.
    pub member: Rate,
    /// Each operator or agent.
    pub user: Rate,
    /// Each address, all who send no token or key from there together.
    pub address: Rate,
}

/// Access tokens.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// The PEM file of the signing key, made on the first start.
    pub key_file: PathBuf,
    /// The `iss` claim.
    pub issuer: String,
    /// The `aud` claim.
    pub audience: String,
    /// How long a token is good for when the command line does not say.
    pub token_ttl: Duration,
    /// How long an access token of a session is good for.
    pub access_ttl: Duration,
    /// The file of the secret that keys hashes of codes and refresh tokens, made on the first start.
    pub secret_file: PathBuf,
    /// The file that names the outside issuers whose tokens are accepted.
    pub issuers_file: Option<PathBuf>,
    /// The web domain that log-in messages name in their last line, so that browsers fill the code in.
    pub login_domain: Option<String>,
    /// Most log-in codes that are sent within an hour.
    pub login_codes_per_hour: u64,
}

/// Text messages to members.
#[derive(Debug, Clone)]
pub struct SmsConfig {
    /// The file that describes the SMS panel; without one, messages go to the log.
    pub provider_file: Option<PathBuf>,
}

/// The ledger's writer.
#[derive(Debug, Clone)]
pub struct LedgerConfig {
    /// Parallel writer lanes; the writer chooses by database when unset.
    pub lanes: Option<NonZeroUsize>,
    /// Operations that may wait in one lane; more are refused as `OVERLOADED`.
    pub queue: usize,
    /// Most operations in one commit.
    pub batch: usize,
    /// How many days back an operation may have occurred.
    pub look_back_days: u32,
    /// How many minutes ahead of our clock an operation may have occurred.
    pub ahead_minutes: u32,
}

/// The leaderboards.
#[derive(Debug, Clone, Copy)]
pub struct BoardsConfig {
    /// How long a rendered page may be shown, at most a second; zero renders each anew.
    pub page_life: Duration,
}

/// How often members may be looked for by mobile number or card.
#[derive(Debug, Clone, Copy)]
pub struct LookUpConfig {
    /// How often one person may look in a minute.
    pub per_minute: u32,
    /// How often one person may find nobody in an hour.
    pub misses_per_hour: u32,
    /// How often a merchant may look in a minute, all its people and keys together.
    pub merchant_per_minute: u32,
    /// How often a merchant may find nobody in an hour.
    pub merchant_misses_per_hour: u32,
}

/// The network that this server runs.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// Live or sandbox; what the database was first used as when it is not said.
    pub mode: Option<NetworkMode>,
    /// Where the network's other installation is: the sandbox of a live one, the live one of a sandbox.
    pub twin_url: Option<String>,
    /// The club's name in Persian.
    pub name_fa: String,
    /// The club's name in English.
    pub name_en: String,
    /// The currency of the settlement between merchants.
    pub currency: Currency,
    /// The language of messages for those who ask for none.
    pub language: Language,
    /// The time zone in which days and months begin, by its IANA name.
    pub zone: String,
    /// For how many days after their expiry refunded points can still be given back.
    pub restore_grace_days: u32,
}

/// The scheduled jobs.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// Whether `serve` runs the jobs too; turn it off where `amvaj worker` runs beside it.
    pub in_serve: bool,
    /// Pause between two rounds.
    pub interval: Duration,
    /// How long a job's lease lasts after its holder went silent.
    pub lease: Duration,
    /// How long relayed events stay readable.
    pub outbox_retention: Duration,
    /// Wallets that are audited every ten seconds, of those that were touched since; none when zero.
    pub verify_touched: usize,
    /// When everything is audited, in hours and minutes after midnight in the network's time zone; never when nothing.
    pub verify_at: Option<Span>,
}

/// The log.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// How lines look.
    pub format: LogFormat,
    /// What is logged, in the syntax of `RUST_LOG`.
    pub filter: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Everything that is wrong with the configuration, at once.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the configuration has to be corrected:\n  - {}", problems.join("\n  - "))]
pub struct ConfigError {
    /// One sentence per problem, saying what to do.
    pub problems: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self::read(&mut Reader::default())
    }
}

impl Config {
    /// Reads the file (`path`, else the one that `AMVAJ_CONFIG` names, else none) and the environment over it.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let environment: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        let named = environment.iter().find(|(name, value)| name == "AMVAJ_CONFIG" && !value.is_empty());
        let path = path.or_else(|| named.map(|(_, path)| Path::new(path)));
        let file = match path {
            None => None,
            Some(path) => match std::fs::read_to_string(path) {
                Ok(text) => Some((path.display().to_string(), text)),
                Err(error) => {
                    let problem = format!("{} cannot be read: {error}", path.display());
                    return Err(ConfigError { problems: vec![problem] });
                }
            },
        };
        Self::from_sources(file.as_ref().map(|(path, text)| (path.as_str(), text.as_str())), environment)
    }

    /// Reads a file's text (with the path to name in problems) and variables over it.
    pub fn from_sources(
        file: Option<(&str, &str)>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut reader = Reader::default();
        if let Some((path, text)) = file {
            reader.add_file(path, text);
        }
        reader.add_environment(environment);
        let config = Self::read(&mut reader);
        let (_, problems) = reader.finish();
        if problems.is_empty() { Ok(config) } else { Err(ConfigError { problems }) }
    }

    /// Every setting there is, with its default.
    pub fn settings() -> Vec<Setting> {
        let mut reader = Reader::default();
        Self::read(&mut reader);
        reader.finish().0
    }

    fn read(reader: &mut Reader) -> Self {
        let database = DatabaseConfig::read(reader);
        let auth = AuthConfig::read(reader, &database);
        Self {
            database,
            cache: CacheConfig::read(reader),
            http: HttpConfig::read(reader),
            live: LiveConfig::read(reader),
            graphql: GraphqlConfig::read(reader),
            throttle: ThrottleConfig::read(reader),
            auth,
            sms: SmsConfig::read(reader),
            ledger: LedgerConfig::read(reader),
            boards: BoardsConfig::read(reader),
            look_ups: LookUpConfig::read(reader),
            network: NetworkConfig::read(reader),
            worker: WorkerConfig::read(reader),
            webhooks: WebhookConfig::read(reader),
            log: LogConfig::read(reader),
        }
    }
}

impl DatabaseConfig {
    fn read(reader: &mut Reader) -> Self {
        Self {
            url: reader.url(
                "DATABASE_URL",
                "sqlite://amvaj-data/amvaj.sqlite",
                &["sqlite://", "postgres://", "postgresql://"],
            ),
            max_connections: reader.number("DATABASE_MAX_CONNECTIONS", 16, 1..=1_000),
        }
    }

    /// The folder of the database file; the default one when the database is a server.
    pub fn data_folder(&self) -> PathBuf {
        self.url
            .expose()
            .strip_prefix("sqlite://")
            .and_then(|path| path.split('?').next())
            .and_then(|path| Path::new(path).parent())
            .map_or_else(|| PathBuf::from("amvaj-data"), Path::to_path_buf)
    }
}

impl CacheConfig {
    fn read(reader: &mut Reader) -> Self {
        Self {
            redis_url: reader.optional_url("REDIS_URL", &["redis://", "rediss://"]),
            ttl: Duration::from_secs(reader.number("CACHE_TTL_SECONDS", 60, 1..=60)),
            timeout: Duration::from_millis(reader.number("CACHE_TIMEOUT_MS", 50, 1..=5_000)),
        }
    }
}

impl HttpConfig {
    fn read(reader: &mut Reader) -> Self {
        Self {
            listen: reader.take("LISTEN", SocketAddr::from(([127, 0, 0, 1], 8080)), |text| {
                text.parse()
                    .map_err(|_| format!("is {text:?}; write an address and a port, like 127.0.0.1:8080"))
            }),
            workers: reader.take_optional("HTTP_WORKERS", threads),
            body_limit: reader.number("HTTP_BODY_LIMIT", 262_144, 1_024..=16_777_216),
            proxies: Proxies(reader.number("HTTP_PROXIES", 0, 0..=10)),
            operations: reader.number("HTTP_OPERATIONS", 1_024, 1..=100_000),
            downloads: reader.number("HTTP_DOWNLOADS", 64, 1..=10_000),
            request_timeout: Duration::from_millis(reader.number(
                "HTTP_REQUEST_TIMEOUT_MS",
                10_000,
                100..=120_000,
            )),
            shutdown: Duration::from_secs(reader.number("HTTP_SHUTDOWN_SECONDS", 30, 0..=600)),
        }
    }
}

impl ThrottleConfig {
    fn read(reader: &mut Reader) -> Self {
        let mut rate = |name, capacity, per_second| {
            reader.take(name, Rate { capacity, per_second }, |text| {
                Rate::parse(text).ok_or_else(|| {
                    format!("is {text:?}; write how much at once and how much each second, like 50000/10000")
                })
            })
        };
        Self {
            merchant: rate("THROTTLE_MERCHANT", 50_000, 10_000),
            member: rate("THROTTLE_MEMBER", 5_000, 500),
            user: rate("THROTTLE_USER", 50_000, 5_000),
            address: rate("THROTTLE_ADDRESS", 5_000, 500),
        }
    }
}

impl AuthConfig {
    fn read(reader: &mut Reader, database: &DatabaseConfig) -> Self {
        Self {
            key_file: reader
                .take_optional("AUTH_KEY_FILE", |text| Ok(PathBuf::from(text)))
                .unwrap_or_else(|| database.data_folder().join("signing-key.pem")),
            issuer: reader.text("AUTH_ISSUER", "amvaj"),
            audience: reader.text("AUTH_AUDIENCE", "amvaj"),
            token_ttl: Duration::from_secs(reader.number("AUTH_TOKEN_TTL_SECONDS", 3_600, 60..=31_536_000)),
            access_ttl: Duration::from_secs(reader.number("AUTH_ACCESS_TTL_SECONDS", 600, 60..=3_600)),
            issuers_file: reader.take_optional("AUTH_ISSUERS_FILE", |text| Ok(PathBuf::from(text))),
            secret_file: reader
                .take_optional("AUTH_SECRET_FILE", |text| Ok(PathBuf::from(text)))
                .unwrap_or_else(|| database.data_folder().join("server-secret.key")),
            login_domain: reader.take_optional("LOGIN_DOMAIN", domain),
            login_codes_per_hour: reader.number("LOGIN_CODES_PER_HOUR", 3_000, 2..=10_000_000),
        }
    }
}

impl SmsConfig {
    fn read(reader: &mut Reader) -> Self {
        Self { provider_file: reader.take_optional("SMS_PROVIDER_FILE", |text| Ok(PathBuf::from(text))) }
    }
}

impl LedgerConfig {
    fn read(reader: &mut Reader) -> Self {
        Self {
            lanes: reader.take_optional("LEDGER_LANES", threads),
            queue: reader.number("LEDGER_QUEUE", 4_096, 1..=1_000_000),
            batch: reader.number("LEDGER_BATCH", 256, 1..=10_000),
            look_back_days: reader.number("LEDGER_LOOK_BACK_DAYS", 30, 0..=36_500),
            ahead_minutes: reader.number("LEDGER_AHEAD_MINUTES", 5, 0..=1_440),
        }
    }
}

impl BoardsConfig {
    fn read(reader: &mut Reader) -> Self {
        Self { page_life: Duration::from_millis(reader.number("BOARDS_PAGE_MS", 1_000, 0..=1_000)) }
    }
}

impl LookUpConfig {
    fn read(reader: &mut Reader) -> Self {
        Self {
            per_minute: reader.number("LOOK_UPS_PER_MINUTE", 120, 1..=1_000_000),
            misses_per_hour: reader.number("LOOK_UP_MISSES_PER_HOUR", 200, 1..=1_000_000),
            merchant_per_minute: reader.number("MERCHANT_LOOK_UPS_PER_MINUTE", 3_000, 1..=1_000_000),
            merchant_misses_per_hour: reader.number("MERCHANT_LOOK_UP_MISSES_PER_HOUR", 2_000, 1..=1_000_000),
        }
    }
}

impl NetworkConfig {
    fn read(reader: &mut Reader) -> Self {
        Self {
            mode: reader.take_optional("NETWORK_MODE", |text| {
                NetworkMode::parse(text).ok_or_else(|| format!("is {text:?}; write live or sandbox"))
            }),
            twin_url: reader.take_optional("NETWORK_TWIN_URL", web_address),
            name_fa: reader.text("NETWORK_NAME_FA", "باشگاه امواج"),
            name_en: reader.text("NETWORK_NAME_EN", "Amvaj Club"),
            currency: reader.take("NETWORK_CURRENCY", Currency::IRR, |text| {
                Currency::parse(text).map_err(|error| format!("is {text:?}; {error}"))
            }),
            language: reader.take("NETWORK_LANGUAGE", Language::English, |text| {
                Language::from_code(text).ok_or_else(|| format!("is {text:?}; write fa or en"))
            }),
            zone: reader.take("NETWORK_ZONE", "Asia/Tehran".to_owned(), |text| {
                jiff::tz::TimeZone::get(text)
                    .map(|_| text.to_owned())
                    .map_err(|_| format!("is {text:?}; write an IANA time zone, like Asia/Tehran"))
            }),
            restore_grace_days: reader.number("NETWORK_RESTORE_GRACE_DAYS", 30, 0..=3_650),
        }
    }
}

impl WorkerConfig {
    fn read(reader: &mut Reader) -> Self {
        let hours: u64 = reader.number("OUTBOX_RETENTION_HOURS", 168, 1..=8_760);
        let verify_at =
            reader.take("VERIFY_AT", "03:30".to_owned(), |text| night(text).map(|_| text.to_owned()));
        Self {
            in_serve: reader.take("WORKER_IN_SERVE", true, flag),
            interval: Duration::from_millis(reader.number("WORKER_INTERVAL_MS", 500, 10..=60_000)),
            lease: Duration::from_secs(reader.number("WORKER_LEASE_SECONDS", 15, 1..=600)),
            outbox_retention: Duration::from_secs(hours.saturating_mul(3_600)),
            verify_touched: reader.number("VERIFY_TOUCHED", 25, 0..=1_000),
            verify_at: night(&verify_at).unwrap_or_default(),
        }
    }
}

/// A time of day as what has passed since midnight; nothing when it is `off`.
fn night(text: &str) -> Result<Option<Span>, String> {
    if text == "off" {
        return Ok(None);
    }
    let numbers = text.split_once(':').and_then(|(hours, minutes)| {
        let hours = hours.parse::<i64>().ok().filter(|hours| (0..24).contains(hours))?;
        let minutes = minutes.parse::<i64>().ok().filter(|minutes| (0..60).contains(minutes))?;
        Some((hours, minutes))
    });
    let (hours, minutes) =
        numbers.ok_or_else(|| format!("is {text:?}; write a time of day, like 03:30, or off"))?;
    Ok(Some(Span::minutes(hours.saturating_mul(60).saturating_add(minutes))))
}

impl LogConfig {
    fn read(reader: &mut Reader) -> Self {
        Self {
            format: reader.take("LOG_FORMAT", LogFormat::Auto, |text| match text {
                "auto" => Ok(LogFormat::Auto),
                "pretty" => Ok(LogFormat::Pretty),
                "json" => Ok(LogFormat::Json),
                other => Err(format!("is {other:?}; write auto, pretty or json")),
            }),
            filter: reader.take(
                "LOG_FILTER",
                "info,actix_server=warn,sqlx=warn,sea_orm_migration=warn".to_owned(),
                |text| {
                    tracing_subscriber::EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| {
                        format!("is not a log filter ({error}); write one like info,amvaj=debug")
                    })
                },
            ),
        }
    }
}

impl std::fmt::Display for LogFormat {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Auto => "auto",
            Self::Pretty => "pretty",
            Self::Json => "json",
        })
    }
}

fn flag(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("is {text:?}; write true or false"))
}

/// A name of a web site, such as `club.example`.
fn domain(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if text.contains('.') && text.len() <= 253 && text.chars().all(plain) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("is {text:?}; write a domain, like club.example"))
    }
}

/// An address that is shown to people, such as `https://sandbox.club.example`.
fn web_address(text: &str) -> Result<String, String> {
    let begins = text.starts_with("https://") || text.starts_with("http://");
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'`'));
    if begins && plain && text.len() <= 200 {
        Ok(text.to_owned())
    } else {
        Err("is not an address that starts with https:// or http://, like https://sandbox.club.example"
            .to_owned())
    }
}

/// A number of threads or lanes.
fn threads(text: &str) -> Result<NonZeroUsize, String> {
    whole_number(text, &(NonZeroUsize::MIN..=NonZeroUsize::MIN.saturating_add(1_023)))
}

#[cfg(test)]
mod tests;
