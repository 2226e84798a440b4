//! A migrated database for one test: a SQLite file in a folder of its own, or a PostgreSQL database copied from a
//! migrated template. Both go away with the value.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use amvaj_infra::db::{Database, DatabaseSettings};
use amvaj_migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database as SeaOrm, DatabaseConnection};
use tokio::sync::OnceCell;

/// A database for one test.
pub(crate) struct TestDb {
    /// How to reach it.
    pub(crate) url: String,
    /// The open database.
    pub(crate) database: Database,
    place: Place,
}

enum Place {
    Folder(PathBuf),
    Postgres(String),
}

impl TestDb {
    /// A SQLite file.
    pub(crate) async fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(unique("amvaj-test"));
        std::fs::create_dir_all(&folder).unwrap();
        let url = format!("sqlite://{}", folder.join("amvaj.sqlite").display());
        let database = open(&url).await;
        Migrator::up(database.for_migrations(), None).await.unwrap();
        Self { url, database, place: Place::Folder(folder) }
    }

    /// A PostgreSQL database on the server of `AMVAJ_TEST_DATABASE_URL`.
    pub(crate) async fn postgres() -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let template = TEMPLATE.get_or_init(template).await;
        let name = unique("amvaj_test");
        let server = SeaOrm::connect(server_url()).await.unwrap();
        server.execute_unprepared(&format!("create database {name} template {template}")).await.unwrap();
        server.close().await.unwrap();
        let url = url_of(&name);
        Self { database: open(&url).await, url, place: Place::Postgres(name) }
    }

    /// A SQLite file that is a copy of another, as a restore puts it.
    pub(crate) async fn sqlite_from(file: &Path) -> Self {
        let folder = std::env::temp_dir().join(unique("amvaj-restored"));
        std::fs::create_dir_all(&folder).unwrap();
        let copy = folder.join("amvaj.sqlite");
        std::fs::copy(file, &copy).unwrap();
        let url = format!("sqlite://{}", copy.display());
        Self { database: open(&url).await, url, place: Place::Folder(folder) }
    }

    /// A PostgreSQL database as another one is now. Whoever uses that one is cut off for a moment, and connects again.
    pub(crate) async fn postgres_from(original: &str) -> Self {
        let (_, original) = original.rsplit_once('/').expect("the URL ends with a database");
        let name = unique("amvaj_restored");
        let server = SeaOrm::connect(server_url()).await.unwrap();
        let cut =
            format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{original}'");
        let copy = format!("create database {name} template {original}");
        let mut tries = 0;
        loop {
            server.execute_unprepared(&cut).await.unwrap();
            match server.execute_unprepared(&copy).await {
                Ok(_) => break,
                Err(error) => assert!(tries < 400, "{error}"),
            }
            tries += 1;
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        server.close().await.unwrap();
        let url = url_of(&name);
        Self { database: open(&url).await, url, place: Place::Postgres(name) }
    }

    /// Whether it is on the PostgreSQL server.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.place, Place::Postgres(_))
    }

    /// One of each kind.
    pub(crate) async fn both() -> [Self; 2] {
        [Self::sqlite().await, Self::postgres().await]
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        match &self.place {
            Place::Folder(folder) => {
                let _ = std::fs::remove_dir_all(folder);
            }
            // A test's runtime cannot be blocked on, so the database is dropped from a thread with its own.
            Place::Postgres(name) => {
                let drop = format!("drop database if exists {name} with (force)");
                let dropping = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(async {
                        let server = SeaOrm::connect(server_url()).await.unwrap();
                        server.execute_unprepared(&drop).await.unwrap();
                    });
                });
                let dropped = dropping.join();
                assert!(
                    dropped.is_ok() || std::thread::panicking(),
                    "the database {name} could not be dropped"
                );
            }
        }
    }
}

/// Opens a database like the program does, with fewer connections.
pub(crate) async fn open(url: &str) -> Database {
    let settings = DatabaseSettings {
        url: url.to_owned(),
        max_connections: 8,
        read_timeout: None,
        acquire_timeout: Duration::from_secs(10),
    };
    Database::open(&settings).await.unwrap()
}

/// The name of the migrated template. It is made once per server and set of migrations, under another name first, so
/// that a template that is there is whole.
async fn template() -> String {
    let migrations: Vec<String> =
        Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let name = format!("amvaj_template_{:08x}", checksum(&migrations.join(",")));
    let server = single_connection().await;
    // Test programs that run at the same time make one template.
    server.execute_unprepared("select pg_advisory_lock(2906)").await.unwrap();
    let found = format!("select 1 from pg_database where datname = '{name}'");
    if server.query_one_raw(statement(&found)).await.unwrap().is_none() {
        let draft = format!("{name}_draft");
        server.execute_unprepared(&format!("drop database if exists {draft} with (force)")).await.unwrap();
        server.execute_unprepared(&format!("create database {draft}")).await.unwrap();
        let database = open(&url_of(&draft)).await;
        Migrator::up(database.for_migrations(), None).await.unwrap();
        database.close().await.unwrap();
        server.execute_unprepared(&format!("alter database {draft} rename to {name}")).await.unwrap();
    }
    server.close().await.unwrap();
    name
}

fn statement(sql: &str) -> sea_orm::Statement {
    sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql.to_owned())
}

/// One connection, because the lock belongs to it.
async fn single_connection() -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(server_url());
    options.max_connections(1).sqlx_logging(false);
    SeaOrm::connect(options).await.unwrap()
}

/// The migrations' texts may change while their names stay, so both the program and the names are in the sum.
fn checksum(names: &str) -> u32 {
    let program = std::env::current_exe().unwrap();
    let built = program.metadata().unwrap().modified().unwrap();
    let text = format!("{names}{program:?}{built:?}");
    text.bytes().fold(2_166_136_261, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(16_777_619))
}

fn server_url() -> String {
    std::env::var("AMVAJ_TEST_DATABASE_URL")
        .expect("AMVAJ_TEST_DATABASE_URL names a PostgreSQL server; run the tests with tests/run")
}

/// The URL of another database of the server.
fn url_of(name: &str) -> String {
    let server = server_url();
    let (server, _) = server.rsplit_once('/').expect("the URL ends with a database");
    format!("{server}/{name}")
}

fn unique(prefix: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}
