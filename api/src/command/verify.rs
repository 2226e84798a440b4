//! `amvaj verify`: audits the ledger and says what it found.

use std::io::{IsTerminal as _, Write};
use std::path::Path;
use std::time::Duration;

use amvaj_domain::time::Span;
use amvaj_infra::board::Boards;
use amvaj_infra::clock::Clock;
use amvaj_infra::db::Database;
use amvaj_infra::directory::Directory;
use amvaj_infra::ledger_time;
use amvaj_infra::verify::{CheckResult, Progress, Report, VerifyOptions, verify};
use amvaj_infra::worker::WorkError;
use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::app::ledger_heads::LedgerHeads;
use crate::cli::VerifyArgs;
use crate::config::Config;
use crate::{compose, database};

/// Checks every invariant with a progress bar and prints each with the rows that break it.
///
/// # Errors
/// When the database fails, and when an invariant is broken, so that the program ends with 1.
pub async fn run(config: Config, args: VerifyArgs) -> anyhow::Result<()> {
    let database = database::open(&config.database).await?;
    let options = VerifyOptions {
        now: Clock::System.now(),
        grace: Span::minutes(args.grace_minutes.into()),
        limit_per_check: args.rows,
        heads: args.heads.as_deref().map(kept_heads).transpose()?.unwrap_or_default(),
    };
    let bar = progress_bar();
    let report = verify(&database, options, |progress| show(&bar, progress)).await;
    bar.finish_and_clear();
    let mut report = report?;
    report.checks.extend(copies(&config, &database).await?);
    print(&report, &mut std::io::stdout().lock())?;
    if report.is_clean() {
        if let Some(file) = args.keep_heads {
            let heads = LedgerHeads::from_bytes(&report.heads);
            std::fs::write(&file, serde_json::to_string_pretty(&heads)? + "\n")
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        return Ok(());
    }
    let broken = report.checks.iter().filter(|check| check.violations > 0).count();
    bail!(
        "{broken} of {} checks found broken rows: restore a backup, or mend what they name",
        report.checks.len()
    )
}

/// Reads heads that were kept.
fn kept_heads(file: &Path) -> anyhow::Result<Vec<Option<Vec<u8>>>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let heads: LedgerHeads = serde_json::from_str(&text)
        .with_context(|| format!("{} has no list of hashes called `hashes`", file.display()))?;
    heads
        .to_bytes()
        .with_context(|| format!("{} does not have 16 hashes of 64 hexadecimal digits", file.display()))
}

/// Compares the copies of leaderboards in Redis with what is reached, when a Redis is configured and answers.
async fn copies(config: &Config, database: &Database) -> anyhow::Result<Option<CheckResult>> {
    let Some(network) = Directory::new(database.clone()).network().await? else { return Ok(None) };
    if config.cache.redis_url.is_none() {
        return Ok(None);
    }
    let live = compose::live_boards(config, network.epoch).await?;
    let boards = Boards::new(database.clone(), Directory::new(database.clone()), live, Duration::ZERO);
    // Periods are those of the ledger's time.
    let now = ledger_time::read(database, Clock::System.now()).await?;
    match boards.drift(now).await {
        Ok(drift) => Ok(Some(CheckResult {
            number: 17,
            name: "A leaderboard's copy in Redis says what is reached",
            violations: u64::try_from(drift.differences.len()).unwrap_or(u64::MAX),
            rows: drift.differences,
        })),
        Err(WorkError::Cache(error)) => {
            tracing::warn!(%error, "the copies of leaderboards were not looked at: Redis does not answer");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// A bar on the terminal; nothing where the output is kept.
fn progress_bar() -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_length(progress.total);
    bar.set_position(progress.done);
    let (done, wallets) = progress.wallets;
    if wallets == 0 {
        bar.set_message(progress.name);
    } else {
        bar.set_message(format!("{}: {done} of {wallets}", progress.name));
    }
}

fn print(report: &Report, out: &mut impl Write) -> std::io::Result<()> {
    for check in &report.checks {
        print_check(check, out)?;
    }
    if report.is_clean() {
        writeln!(out, "All {} checks passed.", report.checks.len())?;
    }
    Ok(())
}

fn print_check(check: &CheckResult, out: &mut impl Write) -> std::io::Result<()> {
    let mark = if check.violations == 0 { '✓' } else { '✗' };
    writeln!(out, "{mark} {:>2}  {}", check.number, check.name)?;
    for row in &check.rows {
        writeln!(out, "      {row}")?;
    }
    let named = u64::try_from(check.rows.len()).unwrap_or(u64::MAX);
    let more = check.violations.saturating_sub(named);
    if more > 0 {
        writeln!(out, "      and {more} more")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_the_rows_that_break_a_check_and_counts_the_others() {
        let clean =
            CheckResult { number: 2, name: "The whole book sums to zero", violations: 0, rows: Vec::new() };
        let rows = vec!["wallet a seq 12: its entries sum to 3".to_owned()];
        let broken = CheckResult { number: 1, name: "Entries sum to zero", violations: 4, rows };
        let text = |checks| {
            let mut out = Vec::new();
            print(&Report { checks, heads: Vec::new() }, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(vec![clean.clone()]), "✓  2  The whole book sums to zero\nAll 1 checks passed.\n");
        assert_eq!(
            text(vec![broken, clean]),
            "✗  1  Entries sum to zero\n      wallet a seq 12: its entries sum to 3\n      and 3 more\n\
             ✓  2  The whole book sums to zero\n"
        );
    }
}
