//! `amvaj restored`: makes a database ready that was put back from a backup.

use std::io::Write as _;

use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_infra::{clock::Clock, restored::begin_epoch};
use anyhow::Context as _;

use super::erasures;
use crate::app::{erase_member::erase_again, relay_outbox::relay_outbox};
use crate::{cli::RestoredArgs, compose, config::Config, database, random};

/// Begins another epoch, ends all sessions, writes that into the audit log, erases again who was erased since, and relays what
/// waits in the outbox, up to the leaderboards.
///
/// # Errors
/// When the database was never used, or fails, and when the file of erasures cannot be read; nothing was done then.
pub async fn run(config: Config, args: RestoredArgs) -> anyhow::Result<()> {
    let erasures = args.erasures.as_deref().map(erasures::read).transpose()?.unwrap_or_default();
    let database = database::open(&config.database).await?;
    database::migrate(&database).await?;
    let now = Clock::System.now();
    let act = Act::new(&Author::console(), ActKind::BackupRestored, Target::Nothing, now);
    let sessions = begin_epoch(&database, random::uuid(now), &act)
        .await?
        .context("the database was never used: put the backup back first")?;
    database.close().await?;
    let app = compose::open(&config, Clock::System).await?;
    let mut erased = 0_usize;
    for member in erasures {
        // Who joined after the backup is not in it.
        if erase_again(&app, &Author::console(), member).await? {
            erased = erased.saturating_add(1);
        }
    }
    relay_outbox(&app, Clock::System.now()).await?;
    compose::close(app, None).await;
    writeln!(
        std::io::stdout(),
        "Ready: {sessions} sessions were ended, {erased} members erased again, caches begin empty. Now run amvaj verify, then start the servers."
    )?;
    Ok(())
}
