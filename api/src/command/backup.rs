//! `amvaj backup`: a copy of the database file while it is in use.

use std::{io::Write as _, path::Path};

use amvaj_infra::{db::Database, directory::Directory};
use anyhow::{Context as _, bail};

use crate::{cli::BackupArgs, config::Config, database};

/// Copies the SQLite database into a new file.
///
/// # Errors
/// When the file is there already, when the database is PostgreSQL, and when it fails.
pub async fn run(config: Config, args: BackupArgs) -> anyhow::Result<()> {
    let file = args.file;
    if file.exists() {
        bail!("{} is there already; name a file that is not", file.display());
    }
    let database = database::open(&config.database).await?;
    if database.is_postgres() {
        bail!("PostgreSQL is backed up with its own tools; docs/operations.md says how");
    }
    if !was_used(&database).await {
        bail!("there is nothing to back up: AMVAJ_DATABASE_URL names a database that was never used");
    }
    // Whoever finds a file by the name that was asked for has a whole one.
    let part = file.with_added_extension("part");
    let _ = std::fs::remove_file(&part);
    let path = part.to_str().context("the name of the file has to be UTF-8")?;
    database.copy_to(path).await.with_context(|| format!("cannot write {}", part.display()))?;
    database.close().await?;
    std::fs::File::open(&part)?.sync_all()?;
    std::fs::rename(&part, &file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()?;
    let bytes = std::fs::metadata(&file)?.len();
    writeln!(std::io::stdout(), "{} has the database as it was, in {bytes} bytes.", file.display())?;
    Ok(())
}

/// A database that is new has not even the table.
async fn was_used(database: &Database) -> bool {
    matches!(Directory::new(database.clone()).network().await, Ok(Some(_)))
}
