//! Databases to damage: a network on SQLite and on PostgreSQL whose history was made by the real writer, and copies.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use amvaj_domain::time::Instant;
use amvaj_infra::db::{Database, DatabaseSettings};
use amvaj_infra::verify::{Report, VerifyOptions, verify, verify_wallets};
use amvaj_migrations::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, Database as SeaOrm, DatabaseConnection};
use uuid::Uuid;

use super::story;

/// A database of its own, gone with this value.
pub(super) enum Scene {
    Sqlite { folder: PathBuf },
    Postgres { server: String, name: String },
}

/// Makes names that no other test has.
fn fresh_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("amvaj_verify_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst))
}

impl Scene {
    pub(super) fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(fresh_name());
        std::fs::create_dir_all(&folder).unwrap();
        Self::Sqlite { folder }
    }

    /// None when no PostgreSQL is given.
    pub(super) async fn postgres() -> Option<Self> {
        let server = super::given_postgres()?;
        let scene = Self::Postgres { server, name: fresh_name() };
        scene.administer(|name| format!("create database {name}")).await;
        Some(scene)
    }

    /// A copy; nobody may be connected to the original.
    pub(super) async fn copy(&self) -> Self {
        match self {
            Self::Sqlite { folder } => {
                let Self::Sqlite { folder: new } = Self::sqlite() else { unreachable!() };
                std::fs::copy(folder.join("amvaj.db"), new.join("amvaj.db")).unwrap();
                Self::Sqlite { folder: new }
            }
            Self::Postgres { server, name } => {
                let copy = Self::Postgres { server: server.clone(), name: fresh_name() };
                copy.administer(|new| format!("create database {new} template {name}")).await;
                copy
            }
        }
    }

    pub(super) fn url(&self) -> String {
        match self {
            Self::Sqlite { folder } => format!("sqlite://{}", folder.join("amvaj.db").display()),
            Self::Postgres { server, name } => with_name(server, name),
        }
    }

    pub(super) async fn open(&self) -> Database {
        let settings = DatabaseSettings {
            url: self.url(),
            max_connections: 4,
            read_timeout: None,
            acquire_timeout: Duration::from_secs(10),
        };
        Database::open(&settings).await.unwrap()
    }

    /// Makes the tables and plays the story.
    pub(super) async fn play(&self) {
        let database = self.open().await;
        Migrator::up(database.for_migrations(), None).await.unwrap();
        story::play(&database).await;
        database.close().await.unwrap();
    }

    /// Drops what would refuse a damage at once, so that the audit has to find it.
    pub(super) async fn drop_checks(&self) {
        if matches!(self, Self::Postgres { .. }) {
            let connection = self.connect().await;
            connection.execute_unprepared(DROP_CHECKS).await.unwrap();
            connection.close().await.unwrap();
        }
    }

    /// Runs statements as a person with access to the database could. Checks of the schema do not stop them.
    pub(super) async fn damage(&self, statements: &str) {
        let connection = self.connect().await;
        if matches!(self, Self::Sqlite { .. }) {
            connection.execute_unprepared("pragma ignore_check_constraints = on").await.unwrap();
        }
        for statement in statements.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            let done = connection.execute_unprepared(statement).await.unwrap_or_else(|error| {
                panic!("{statement}: {error}");
            });
            assert!(done.rows_affected() > 0, "{statement} changed nothing");
        }
        connection.close().await.unwrap();
    }

    pub(super) async fn verify(&self) -> Report {
        self.verify_against(Vec::new()).await
    }

    /// Verifies all wallets of the story as if they had just been touched.
    pub(super) async fn verify_wallets(&self) -> Report {
        let database = self.open().await;
        let options =
            VerifyOptions { now: story::end(), grace: story::grace(), limit_per_check: 5, heads: Vec::new() };
        let report = verify_wallets(&database, &story::wallets(), &options).await.unwrap();
        database.close().await.unwrap();
        report
    }

    /// Verifies that heads which were kept are in the chain, too.
    pub(super) async fn verify_against(&self, heads: Vec<Option<Vec<u8>>>) -> Report {
        let database = self.open().await;
        let options = VerifyOptions { now: story::end(), grace: story::grace(), limit_per_check: 5, heads };
        let report = verify(&database, options, |_| {}).await.unwrap();
        database.close().await.unwrap();
        report
    }

    async fn connect(&self) -> DatabaseConnection {
        let mut options = sea_orm::ConnectOptions::new(self.url());
        options.max_connections(1).sqlx_logging(false);
        SeaOrm::connect(options).await.unwrap()
    }

    /// Runs a statement about this database on the server's own.
    async fn administer(&self, statement: impl FnOnce(&str) -> String) {
        let Self::Postgres { server, name } = self else { return };
        let connection = SeaOrm::connect(server.as_str()).await.unwrap();
        connection.execute_unprepared(&statement(name)).await.unwrap();
        connection.close().await.unwrap();
    }

    pub(super) async fn remove(self) {
        match &self {
            Self::Sqlite { folder } => std::fs::remove_dir_all(folder).unwrap(),
            Self::Postgres { .. } => {
                self.administer(|name| format!("drop database {name} with (force)")).await
            }
        }
    }
}

/// The server's address with another database.
fn with_name(server: &str, name: &str) -> String {
    let (before, parameters) = server
        .split_once('?')
        .map_or((server, String::new()), |(before, parameters)| (before, format!("?{parameters}")));
    let start = before.find("://").map_or(0, |at| at + 3);
    let host = before[start..].find('/').map_or(before, |at| &before[..start + at]);
    format!("{host}/{name}{parameters}")
}

/// PostgreSQL has no switch that ignores checks; SQLite has.
const DROP_CHECKS: &str = "do $$ declare c record; begin
    for c in select conrelid::regclass as t, conname from pg_constraint
        where contype = 'c' and conrelid <> 0 and connamespace = 'public'::regnamespace
    loop
        execute format('alter table %s drop constraint %I', c.t, c.conname);
    end loop; end $$";

/// Ids by time and a counter.
pub(super) fn new_id(now: Instant) -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let millis = u128::from(now.micros().unsigned_abs() / 1_000);
    let next = u128::from(NEXT.fetch_add(1, Ordering::SeqCst));
    Uuid::from_u128((millis << 80) | (7 << 76) | (0b10 << 62) | next)
}
