//! `amvaj restored`: makes a database ready that was put back from a backup.

use std::io::Write as _;

use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_infra::{clock::Clock, restored::begin_epoch};
use anyhow::Context as _;

use crate::{app::relay_outbox::relay_outbox, compose, config::Config, database, random};

/// Begins another epoch, ends all sessions, writes that into the audit log, and relays what waits in the outbox, up to the
/// leaderboards.
///
/// # Errors
/// When the database was never used, or fails.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let database = database::open(&config.database).await?;
    database::migrate(&database).await?;
    let now = Clock::System.now();
    let act = Act::new(&Author::console(), ActKind::BackupRestored, Target::Nothing, now);
    let sessions = begin_epoch(&database, random::uuid(now), &act)
        .await?
        .context("the database was never used: put the backup back first")?;
    database.close().await?;
    let app = compose::open(&config, Clock::System).await?;
    relay_outbox(&app, Clock::System.now()).await?;
    compose::close(app, None).await;
    writeln!(
        std::io::stdout(),
        "Ready: {sessions} sessions were ended, caches begin empty. Now run amvaj verify, then start the servers."
    )?;
    Ok(())
}
