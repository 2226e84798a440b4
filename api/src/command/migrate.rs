//! `amvaj migrate`: brings the database to this program's version, or says what that would take.

use std::io::Write;

use crate::cli::MigrateArgs;
use crate::config::Config;
use crate::database::{self, Change};

/// Applies what is missing; with `--status` only lists all changes.
pub async fn run(config: Config, args: MigrateArgs) -> anyhow::Result<()> {
    let database = database::open(&config.database).await?;
    let mut out = std::io::stdout();
    if args.status {
        for Change { name, applied } in database::changes(&database).await? {
            writeln!(out, "{} {name}", if applied { "applied" } else { "missing" })?;
        }
    } else {
        let applied = database::migrate(&database).await?;
        for name in &applied {
            writeln!(out, "applied {name}")?;
        }
        if applied.is_empty() {
            writeln!(out, "nothing to do: the database is at this program's version")?;
        }
    }
    database.close().await?;
    Ok(())
}
