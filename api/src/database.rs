//! Opening the database and bringing it to this program's version.

use std::time::Duration;

use amvaj_domain::network::NetworkMode;
use amvaj_domain::time::Instant;
use amvaj_infra::db::{Database, DatabaseSettings, StoreError};
use amvaj_infra::directory::{Directory, Network};
use amvaj_migrations::{Migrator, MigratorTrait};
use thiserror::Error;

use crate::config::{DatabaseConfig, NetworkConfig};
use crate::random;

/// How long a database may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no database to work with.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// The folder of the database file cannot be made.
    #[error("the folder {folder} cannot be made; check its permissions or set AMVAJ_DATABASE_URL")]
    Folder {
        /// The folder.
        folder: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server does not answer in time.
    #[error("the database at {place} does not answer within 5 seconds; start it or set AMVAJ_DATABASE_URL")]
    Silent {
        /// Where it should be, without the password.
        place: String,
    },
    /// The database cannot be opened.
    #[error("the database at {place} cannot be opened; start it or set AMVAJ_DATABASE_URL")]
    Open {
        /// Where it should be, without the password.
        place: String,
        /// What it said.
        source: StoreError,
    },
    /// The database is another installation's.
    #[error("the database is that of {found} and AMVAJ_NETWORK_MODE={} asks for {asked}; use another database, or set AMVAJ_NETWORK_MODE={}", asked.as_str(), found.as_str())]
    OtherMode {
        /// What the database was first used as.
        found: NetworkMode,
        /// What is configured.
        asked: NetworkMode,
    },
    /// The database cannot be used as it is.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One change of the database's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
}

/// Opens the configured database for commands that may read for long; the folder of a database file is made when it is
/// missing.
pub async fn open(config: &DatabaseConfig) -> Result<Database, DatabaseError> {
    open_with(config, None).await
}

/// Opens it for a server, whose reads may take so long.
pub async fn open_for_requests(
    config: &DatabaseConfig,
    read_timeout: Duration,
) -> Result<Database, DatabaseError> {
    open_with(config, Some(read_timeout)).await
}

async fn open_with(
    config: &DatabaseConfig,
    read_timeout: Option<Duration>,
) -> Result<Database, DatabaseError> {
    let url = config.url.expose();
    if url.starts_with("sqlite:") {
        let folder = config.data_folder();
        std::fs::create_dir_all(&folder)
            .map_err(|source| DatabaseError::Folder { folder: folder.display().to_string(), source })?;
    }
    let settings = DatabaseSettings {
        url: url.to_owned(),
        max_connections: config.max_connections,
        read_timeout,
        acquire_timeout: PATIENCE,
    };
    let place = place(url);
    match tokio::time::timeout(PATIENCE, Database::open(&settings)).await {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(source)) => Err(DatabaseError::Open { place, source }),
        Err(_) => Err(DatabaseError::Silent { place }),
    }
}

/// Which installation the database is. Its first use decides whether it is live or a sandbox, so that neither is ever
/// taken for the other.
pub async fn installation(
    database: &Database,
    config: &NetworkConfig,
    now: Instant,
) -> Result<Network, DatabaseError> {
    let mode = config.mode.unwrap_or_default();
    let network = Directory::new(database.clone()).ensure_network(random::uuid(now), mode, now).await?;
    match config.mode {
        Some(asked) if asked != network.mode => Err(DatabaseError::OtherMode { found: network.mode, asked }),
        Some(_) | None => Ok(network),
    }
}

/// Applies what is missing and answers with the names of what was applied. A database that a newer program wrote is
/// left alone.
pub async fn migrate(database: &Database) -> Result<Vec<String>, StoreError> {
    let missing: Vec<String> = changes(database)
        .await?
        .into_iter()
        .filter(|change| !change.applied)
        .map(|change| change.name)
        .collect();
    Migrator::up(database.for_migrations(), None).await?;
    Ok(missing)
}

/// All changes that this program knows, oldest first. Reads only.
pub async fn changes(database: &Database) -> Result<Vec<Change>, StoreError> {
    let connection = database.for_migrations();
    match Migrator::get_migration_with_status_read_only(connection).await {
        Ok(known) => {
            let pending = Migrator::get_pending_migrations_read_only(connection).await?;
            let is_pending = |name: &str| pending.iter().any(|change| change.name() == name);
            let change = |name: &str| Change { name: name.to_owned(), applied: !is_pending(name) };
            Ok(known.iter().map(|known| change(known.name())).collect())
        }
        // The library fails when the database has a change that the program has not.
        Err(error) => match unknown_changes(database).await {
            Ok(unknown) if !unknown.is_empty() => Err(StoreError::Newer(unknown.join(", "))),
            Ok(_) | Err(_) => Err(error.into()),
        },
    }
}

async fn unknown_changes(database: &Database) -> Result<Vec<String>, StoreError> {
    let applied = Migrator::get_migration_models(database.for_migrations()).await?;
    let known: Vec<String> =
        Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    Ok(applied.into_iter().map(|row| row.version).filter(|name| !known.contains(name)).collect())
}

/// The address in a URL, without user and password.
fn place(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    format!("{scheme}://{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_names_no_secret() {
        assert_eq!(
            place("postgres://amvaj:secret@db:5432/amvaj?sslmode=require"),
            "postgres://db:5432/amvaj"
        );
        assert_eq!(place("sqlite://amvaj-data/amvaj.sqlite"), "sqlite://amvaj-data/amvaj.sqlite");
    }
}
