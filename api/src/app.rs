//! The use cases, one file each: what may the caller do, and what then happens. Nothing here knows GraphQL or HTTP.

pub mod access;
pub mod add_staff;
pub mod advance_clock;
pub mod boards;
pub mod create_api_key;
pub mod earn_points;
pub mod end_hold;
pub mod end_sessions_of;
pub mod enrol_member;
pub mod erase_member;
pub mod error;
pub mod exchange_api_key;
pub mod exports;
pub mod find_member;
mod fingerprint;
pub mod hold_points;
pub mod ledger_heads;
pub mod link_customer;
pub mod login_limits;
mod look_up;
pub mod points;
pub mod quote_earn;
pub mod redeem_points;
pub mod refund_purchase;
pub mod register_branch;
pub mod register_merchant;
pub mod relay_outbox;
pub mod remove_staff;
pub mod request_login_code;
pub mod revoke_api_key;
pub mod rewards;
pub mod rotate_api_key;
pub mod sessions;
pub mod set_branch_status;
pub mod set_consent;
pub mod set_earn_rule;
pub mod set_language;
pub mod set_member_status;
pub mod set_merchant_status;
pub mod set_staff_posts;
pub mod users;
pub mod verify_login_code;
pub mod wallet;
pub mod webhooks;

use std::sync::Arc;

use amvaj_domain::{
    calendar::Zone,
    ledger::Window,
    network::NetworkMode,
    time::{Instant, Span},
};
use amvaj_infra::{
    access::{ApiKeys, LoginCodes, Revocations, Sessions},
    audit::AuditLog,
    board::{Boards, LiveBoards},
    cache::BalanceCache,
    clock::Clock,
    db::Database,
    directory::Directory,
    export::Exports,
    ledger::{LedgerReader, LedgerWriter, WriterSettings},
    ledger_time::LedgerTime,
    limit::Limiter,
    live::Feed,
    notify::Notifier,
    reward::Rewards,
    users::Users,
    webhook::{WebhookSettings, Webhooks},
};

use crate::{
    auth::{Credentials, KeyRing, Passwords, issuer::Issuers},
    config::{Config, GraphqlConfig, LiveConfig, LookUpConfig, NetworkConfig, ThrottleConfig},
    graphql::persisted::Persisted,
    random,
};
pub use error::{AppError, Stopped};
use login_limits::LoginLimits;
use look_up::Turns;

/// What the use cases work with; the composition root puts it together.
#[derive(Debug, Clone)]
pub struct App {
    /// The database.
    pub db: Database,
    /// Who takes part.
    pub directory: Directory,
    /// The audit log.
    pub audit: AuditLog,
    /// The ledger's writer.
    pub ledger: LedgerWriter,
    /// Reads of the ledger.
    pub reader: LedgerReader,
    /// The cache of balances.
    pub balances: Arc<BalanceCache>,
    /// What the journal gets, as it gets it.
    pub live: Feed,
    /// The leaderboards.
    pub boards: Boards,
    /// What points buy.
    pub rewards: Rewards,
    /// How often callers may do things.
    pub limits: Arc<Limiter>,
    /// The documents that requests can name.
    pub persisted: Persisted,
    /// How often members may be looked for.
    pub look_ups: LookUpConfig,
    /// Who looks for members at the moment.
    pub look_up_turns: Turns,
    /// Messages to people.
    pub notifier: Notifier,
    /// What signs tokens and keys hashes.
    pub credentials: Credentials,
    /// The log-ins.
    pub sessions: Sessions,
    /// The codes that log-ins begin with.
    pub login_codes: LoginCodes,
    /// The operators and agents.
    pub users: Users,
    /// Hashes of their passwords.
    pub passwords: Passwords,
    /// What was revoked before its time.
    pub revocations: Revocations,
    /// The merchants' API keys.
    pub api_keys: ApiKeys,
    /// What merchants are told of by HTTP, and where.
    pub webhooks: Webhooks,
    /// Files that are made in the background.
    pub exports: Exports,
    /// Which API key was sent.
    pub key_ring: KeyRing,
    /// The outside issuers, if there are any.
    pub issuers: Option<Issuers>,
    /// Whether this is the live network or its sandbox.
    pub mode: NetworkMode,
    /// How long an access token of a session is good for.
    pub access_life: Span,
    /// How often codes are sent.
    pub login_limits: LoginLimits,
    /// The web domain that log-in messages name.
    pub login_domain: Option<String>,
    /// The clock of everything but the ledger.
    pub clock: Clock,
    /// The ledger's time.
    pub ledger_time: LedgerTime,
    /// What the network is called and how it counts.
    pub network: NetworkConfig,
    /// What the GraphQL endpoint tells.
    pub graphql: GraphqlConfig,
    /// Sockets and streams of events.
    pub live_limits: LiveConfig,
    /// How much callers may ask for.
    pub throttle: ThrottleConfig,
    /// The time zone in which its days begin.
    pub zone: Zone,
    /// How far a purchase may lie from the clock.
    pub window: Window,
    /// How long points live that a refund returns to a lot which has expired; none means that they expire at once.
    pub restore_grace: Option<Span>,
}

/// What an application stands on, opened by the composition root.
#[derive(Debug)]
pub struct Foundation {
    /// The database.
    pub db: Database,
    /// The cache of balances.
    pub balances: Arc<BalanceCache>,
    /// What the journal gets, as it gets it.
    pub live: Feed,
    /// The copies of leaderboards.
    pub live_boards: LiveBoards,
    /// How often callers may do things.
    pub limits: Arc<Limiter>,
    /// The documents that requests can name.
    pub persisted: Persisted,
    /// Messages to people.
    pub notifier: Notifier,
    /// What signs tokens and keys hashes.
    pub credentials: Credentials,
    /// What was revoked before its time.
    pub revocations: Revocations,
    /// The outside issuers, if there are any.
    pub issuers: Option<Issuers>,
    /// Whether this is the live network or its sandbox.
    pub mode: NetworkMode,
    /// How merchants are told of what happens.
    pub webhooks: WebhookSettings,
    /// The clock of everything but the ledger.
    pub clock: Clock,
    /// The ledger's time.
    pub ledger_time: LedgerTime,
}

impl App {
    /// The application on its foundation. Starts the ledger's lanes on the runtime that calls.
    pub fn start(foundation: Foundation, config: &Config) -> Self {
        let Foundation { db, balances, live, live_boards, limits, notifier, credentials, .. } = foundation;
        let Foundation { revocations, issuers, mode, webhooks, clock, ledger_time, persisted, .. } =
            foundation;
        // The configuration accepts only names that the zone database has.
        let zone = Zone::parse(&config.network.zone).unwrap_or_default();
        let settings = WriterSettings {
            lanes: config.ledger.lanes.map(std::num::NonZero::get),
            queue: config.ledger.queue,
            batch: config.ledger.batch,
            answer_within: config.http.request_timeout,
        };
        let ledger = LedgerWriter::start(&db, balances.clone(), ledger_time.clock(), random::uuid, &settings);
        let access_life = span(config.auth.access_ttl);
        let api_keys = ApiKeys::start(db.clone(), revocations.clone());
        let sessions = Sessions::new(db.clone(), revocations.clone(), access_life);
        let directory = Directory::new(db.clone());
        let boards = Boards::new(db.clone(), directory.clone(), live_boards, config.boards.page_life);
        let window = Window {
            look_back: Span::days(config.ledger.look_back_days.into()),
            ahead: Span::minutes(config.ledger.ahead_minutes.into()),
        };
        let reader = LedgerReader::new(db.clone());
        let parts = (reader.clone(), ledger.clone());
        let rewards = Rewards::new(db.clone(), directory.clone(), parts, window, ledger_time.clock().clone());
        let grace = i64::from(config.network.restore_grace_days);
        Self {
            directory,
            live,
            boards,
            rewards,
            audit: AuditLog::start(db.clone(), &clock),
            ledger,
            reader,
            users: Users::new(db.clone(), sessions.clone()),
            passwords: Passwords::default(),
            sessions,
            login_codes: LoginCodes::new(db.clone()),
            key_ring: KeyRing::new(api_keys.clone(), revocations.clone(), credentials.secret.clone(), mode),
            api_keys,
            webhooks: Webhooks::new(db.clone(), webhooks, random::uuid),
            exports: Exports::new(db.clone()),
            issuers,
            mode,
            revocations,
            credentials,
            access_life,
            login_limits: LoginLimits::new(Arc::clone(&limits), config.auth.login_codes_per_hour),
            login_domain: config.auth.login_domain.clone(),
            balances,
            limits,
            persisted,
            look_ups: config.look_ups,
            look_up_turns: Turns::default(),
            notifier,
            db,
            clock,
            ledger_time,
            network: config.network.clone(),
            graphql: config.graphql.clone(),
            live_limits: config.live.clone(),
            throttle: config.throttle,
            zone,
            window,
            restore_grace: (grace > 0).then_some(Span::days(grace)),
        }
    }

    /// The present, by which everything goes but the ledger.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The ledger's time, which in a sandbox may be ahead of the present.
    pub fn ledger_now(&self) -> Instant {
        self.ledger_time.clock().now()
    }
}

fn span(duration: std::time::Duration) -> Span {
    Span::from_micros(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}
