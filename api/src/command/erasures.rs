//! `amvaj erasures`: whom was erased since a moment, to be erased again after a backup from before was put back.

use std::io::Write;
use std::path::Path;

use amvaj_domain::id::MemberId;
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::directory::Directory;
use anyhow::{Context as _, bail};
use uuid::Uuid;

use crate::{cli::ErasuresArgs, config::Config, database};

/// Prints a line for each erased member, the oldest first: when, and the member's id, which is nobody's any more.
///
/// # Errors
/// When the database fails.
pub async fn run(config: Config, args: ErasuresArgs) -> anyhow::Result<()> {
    let database = database::open(&config.database).await?;
    database::migrate(&database).await?;
    let directory = Directory::new(database.clone());
    // The moment is that of its beginning: what was under way when the list was made before is in it too.
    let since = args.since.map_or(Instant::from_micros(0), |since| {
        Instant::from_micros(since.as_microsecond()).plus(Span::minutes(-60))
    });
    let (mut out, mut after) = (std::io::stdout().lock(), None);
    loop {
        let page = directory.erased_since(since, after).await?;
        for (at, member) in &page {
            let at = jiff::Timestamp::from_microsecond(at.micros())?;
            writeln!(out, "{at} {member}")?;
        }
        after = match page.last() {
            Some(last) => Some(*last),
            None => break,
        };
    }
    Ok(database.close().await?)
}

/// The members that a file of such lines names.
///
/// # Errors
/// When the file cannot be read, or a line is none that [`run`] prints.
pub fn read(file: &Path) -> anyhow::Result<Vec<MemberId>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut members = Vec::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        let Some(last) = line.split_whitespace().next_back() else { continue };
        match Uuid::parse_str(last) {
            Ok(id) => members.push(MemberId::new(id)),
            Err(_) => bail!(
                "line {number} of {} names no member: keep what `amvaj erasures` prints as it is",
                file.display()
            ),
        }
    }
    Ok(members)
}
