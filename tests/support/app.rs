//! A whole server inside the test's own process, on a database of its own, with a token for whoever calls.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use amvaj_api::app::App;
use amvaj_api::auth::Credentials;
use amvaj_api::config::{Config, DatabaseConfig, Secret};
use amvaj_api::server::{self, Running, ServeError};
use amvaj_api::{compose, random};
use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{BranchId, MemberId, MerchantId};
use amvaj_domain::ledger::Prices;
use amvaj_domain::member::{Member, MemberStatus};
use amvaj_domain::merchant::{Branch, BranchStatus, Merchant, MerchantStatus, Names};
use amvaj_domain::money::Currency;
use amvaj_domain::text::{Mobile, Name};
use amvaj_domain::time::Instant;
use amvaj_infra::audit::Audit;
use amvaj_infra::clock::Clock;
use amvaj_infra::directory::Enrolment;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::database::TestDb;
use super::redis::shared_redis;

/// 2027-01-15T08:00:00Z, when every test begins.
pub(crate) const START: Instant = Instant::from_micros(1_800_000_000_000_000);

/// What the command line does, for tests that write into the directory themselves.
pub(crate) fn act() -> Act {
    Act::new(&Author::console(), ActKind::MerchantRegistered, Target::Nothing, START)
}

/// Changes the settings of a server.
type Change = dyn Fn(&mut Config) + Send + Sync;

/// A server for one test.
pub(crate) struct TestApp {
    /// The application, for what a test arranges or looks at behind the API.
    pub(crate) app: Arc<App>,
    /// The clock that the server goes by.
    pub(crate) clock: Clock,
    url: String,
    server: Running,
    client: Client,
    change: Arc<Change>,
    // Last, so that the database is dropped when nobody uses it any more.
    _database: Option<TestDb>,
}

impl TestApp {
    /// A server on a database; beside PostgreSQL, balances are cached in Redis.
    pub(crate) async fn start(database: TestDb) -> Self {
        let credentials = Credentials::generate(&Config::default().auth).unwrap();
        let (url, postgres) = (database.url.clone(), database.is_postgres());
        let redis = postgres.then(redis_url);
        Self::start_node(
            url,
            redis,
            credentials,
            Clock::manual(START),
            Some(database),
            Arc::new(|_: &mut Config| {}),
        )
        .await
    }

    /// A server with other settings than usual.
    pub(crate) async fn start_with(
        database: TestDb,
        change: impl Fn(&mut Config) + Send + Sync + 'static,
    ) -> Self {
        let credentials = Credentials::generate(&Config::default().auth).unwrap();
        let redis = database.is_postgres().then(redis_url);
        let clock = Clock::manual(START);
        Self::start_node(database.url.clone(), redis, credentials, clock, Some(database), Arc::new(change))
            .await
    }

    /// A server on a database with a Redis of the test's own.
    pub(crate) async fn start_with_redis(database: TestDb, redis: &str) -> Self {
        let credentials = Credentials::generate(&Config::default().auth).unwrap();
        let redis = Some(Secret::new(redis));
        Self::start_node(
            database.url.clone(),
            redis,
            credentials,
            Clock::manual(START),
            Some(database),
            Arc::new(|_: &mut Config| {}),
        )
        .await
    }

    /// A server on a database of a PostgreSQL of the test's own, without Redis.
    pub(crate) async fn start_at(url: &str) -> Self {
        let credentials = Credentials::generate(&Config::default().auth).unwrap();
        let clock = Clock::manual(START);
        Self::start_node(url.to_owned(), None, credentials, clock, None, Arc::new(|_: &mut Config| {})).await
    }

    /// A server with credentials that lie in files.
    pub(crate) async fn start_as(database: TestDb, credentials: Credentials) -> Self {
        let (url, clock) = (database.url.clone(), Clock::manual(START));
        let redis = database.is_postgres().then(redis_url);
        let change = Arc::new(|_: &mut Config| {});
        Self::start_node(url, redis, credentials, clock, Some(database), change).await
    }

    /// How the server's database is reached.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Another server on the same database, with the same clock, keys and settings.
    pub(crate) async fn second_node(&self) -> Self {
        self.second_node_as(self.app.credentials.clone()).await
    }

    /// Another server on the same database, with the usual settings.
    pub(crate) async fn second_node_as_usual(&self) -> Self {
        let redis = self.app.db.is_postgres().then(redis_url);
        let (credentials, clock) = (self.app.credentials.clone(), self.clock.clone());
        Self::start_node(self.url.clone(), redis, credentials, clock, None, Arc::new(|_: &mut Config| {}))
            .await
    }

    /// Another server on the same database and the Redis of a test's own.
    pub(crate) async fn second_node_with_redis(&self, redis: &str) -> Self {
        let (redis, credentials) = (Some(Secret::new(redis)), self.app.credentials.clone());
        let (clock, change) = (self.clock.clone(), Arc::clone(&self.change));
        Self::start_node(self.url.clone(), redis, credentials, clock, None, change).await
    }

    /// Another server on the same database, whose credentials were read for it alone.
    pub(crate) async fn second_node_as(&self, credentials: Credentials) -> Self {
        let redis = self.app.db.is_postgres().then(redis_url);
        Self::start_node(
            self.url.clone(),
            redis,
            credentials,
            self.clock.clone(),
            None,
            Arc::clone(&self.change),
        )
        .await
    }

    async fn start_node(
        url: String,
        redis: Option<Secret>,
        credentials: Credentials,
        clock: Clock,
        database: Option<TestDb>,
        change: Arc<Change>,
    ) -> Self {
        let mut config = Config::default();
        config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.http.shutdown = Duration::from_secs(5);
        config.database = DatabaseConfig { url: Secret::new(&*url), max_connections: 8 };
        config.cache.redis_url = redis;
        change(&mut config);
        let app = compose::open_with(&config, clock.clone(), credentials).await.unwrap();
        let listener = server::bind(config.http.listen).unwrap();
        let server = server::start(compose::parts(&app), &config.http, listener).unwrap();
        Self { app, clock, url, server, client: Client::new(), change, _database: database }
    }

    /// A server on each kind of database.
    pub(crate) async fn both() -> [Self; 2] {
        let [sqlite, postgres] = TestDb::both().await;
        [Self::start(sqlite).await, Self::start(postgres).await]
    }

    /// Sends an operation of `tests/queries` and answers with the whole response. A file with several operations is
    /// asked for the one that `name` names.
    pub(crate) async fn send(
        &self,
        caller: Option<Caller>,
        document: &str,
        name: &str,
        variables: Value,
    ) -> Value {
        let token = caller.map(|caller| self.token(&Identity::console(caller)));
        self.send_with(token.as_deref(), document, name, variables).await
    }

    /// Sends an operation with a token, or without one.
    pub(crate) async fn send_with(
        &self,
        token: Option<&str>,
        document: &str,
        name: &str,
        variables: Value,
    ) -> Value {
        let request = self.request_with(token, document, name, variables);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The request that [`Self::send`] sends, for tests that add headers to it or look at those of its response.
    pub(crate) fn request(
        &self,
        caller: Option<Caller>,
        document: &str,
        name: &str,
        variables: Value,
    ) -> RequestBuilder {
        let token = caller.map(|caller| self.token(&Identity::console(caller)));
        self.request_with(token.as_deref(), document, name, variables)
    }

    /// The request that [`Self::send_with`] sends.
    pub(crate) fn request_with(
        &self,
        token: Option<&str>,
        document: &str,
        name: &str,
        variables: Value,
    ) -> RequestBuilder {
        let url = format!("http://{}/graphql", self.server.address());
        let body = json!({ "query": document, "operationName": name, "variables": variables });
        let request = self.client.post(url).json(&body);
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// A token for somebody, good for an hour.
    pub(crate) fn token(&self, identity: &Identity) -> String {
        self.app.credentials.tokens.mint(identity, Duration::from_hours(1), self.clock.now()).unwrap()
    }

    /// Sends an operation that has to succeed and answers with its data.
    pub(crate) async fn data(&self, caller: Caller, document: &str, name: &str, variables: Value) -> Value {
        let answer = self.send(Some(caller), document, name, variables).await;
        assert!(answer["errors"].is_null(), "{name}: {answer:#}");
        answer["data"].clone()
    }

    /// Sends an operation that has to fail and answers with the code of its first error.
    pub(crate) async fn code(
        &self,
        caller: Option<Caller>,
        document: &str,
        name: &str,
        variables: Value,
    ) -> String {
        let answer = self.send(caller, document, name, variables).await;
        answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned()
    }

    /// Stops the server in order.
    pub(crate) async fn stop(self) -> Result<(), ServeError> {
        self.server.stop().await
    }

    /// Where the server's pages begin, with a slash at the end.
    pub(crate) fn home(&self) -> String {
        format!("http://{}/", self.server.address())
    }

    /// A page that is not GraphQL.
    pub(crate) async fn page(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.server.address());
        self.client.get(url).send().await.unwrap().text().await.unwrap()
    }

    /// A registered merchant.
    pub(crate) async fn merchant(&self, name: &str) -> MerchantId {
        let now = self.clock.now();
        let name = Name::parse(name).unwrap();
        let merchant = Merchant {
            id: MerchantId::new(random::uuid(now)),
            names: Names { fa: name.clone(), en: name },
            status: MerchantStatus::Open,
            currency: Currency::IRR,
            prices: Prices { issue: 100, redeem: 90 },
            created_at: now,
        };
        let act = Act { target: Target::Merchant(merchant.id), at: now, ..act() };
        self.app.directory.register_merchant(&merchant, &act).await.unwrap();
        merchant.id
    }

    /// An open branch of a merchant.
    pub(crate) async fn branch(&self, merchant: MerchantId, name: &str) -> BranchId {
        let now = self.clock.now();
        let name = Name::parse(name).unwrap();
        let id = BranchId::new(random::uuid(now));
        let names = Names { fa: name.clone(), en: name };
        let branch = Branch { id, merchant, names, status: BranchStatus::Open, created_at: now };
        assert!(self.app.directory.add_branch(&branch, &act()).await.unwrap());
        id
    }

    /// An enrolled member.
    pub(crate) async fn member(&self, name: &str, mobile: &str) -> MemberId {
        let now = self.clock.now();
        let member = Member {
            id: MemberId::new(random::uuid(now)),
            wallet: amvaj_domain::id::WalletId::new(random::uuid(now)),
            mobile: Mobile::parse(mobile).unwrap(),
            card_number: None,
            name: Name::parse(name).unwrap(),
            status: MemberStatus::Open,
            language: None,
            enrolled_at: now,
        };
        let id = member.id;
        let enrolment = Enrolment { member, customer: None };
        self.app.directory.enrol_member(&enrolment, Audit::Ordinary).await.unwrap().unwrap();
        id
    }
}

fn redis_url() -> Secret {
    Secret::new(shared_redis())
}
