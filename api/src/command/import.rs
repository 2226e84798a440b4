//! `amvaj import`: brings purchases in from a CSV file of purchase lines.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use amvaj_domain::time::Span;
use amvaj_infra::clock::Clock;
use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::app::relay_outbox::relay_outbox;
use crate::cli::{ImportArgs, ImportKind, ImportPurchasesArgs};
use crate::config::Config;
use crate::import::{Event, ImportError, Map, Plan, Poster, Report, dry_run, plan, play};
use crate::{compose, telemetry};

/// Brings in what the command line names.
pub async fn run(config: Config, args: ImportArgs) -> anyhow::Result<()> {
    telemetry::start_log(&config.log);
    match args.kind {
        ImportKind::Purchases(args) => purchases(&config, &args).await,
    }
}

/// The whole file is read, checked and matched before anything is written: cancellations need the order of time.
async fn purchases(config: &Config, args: &ImportPurchasesArgs) -> anyhow::Result<()> {
    let map = read_map(&args.map)?;
    let plan = read_plan(&map, &args.file)?;
    if args.strict && plan.malformed() > 0 {
        let report = dry_run(&map, &plan)?;
        show(&report, args)?;
        return Err(ImportError::Strict { count: plan.malformed() }.into());
    }
    let report = if args.dry_run { dry_run(&map, &plan)? } else { post(config, &map, &plan).await? };
    show(&report, args)
}

fn read_map(path: &Path) -> Result<Map, ImportError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ImportError::Unreadable { path: path.to_owned(), error })?;
    Map::parse(&text).map_err(|error| ImportError::Map { path: path.to_owned(), error })
}

fn read_plan(map: &Map, path: &Path) -> Result<Plan, ImportError> {
    let file =
        std::fs::read(path).map_err(|error| ImportError::Unreadable { path: path.to_owned(), error })?;
    let bar = bar(
        "reading",
        "{binary_bytes} of {binary_total_bytes}",
        u64::try_from(file.len()).unwrap_or(u64::MAX),
    );
    let plan = plan(map, &file, |bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    plan
}

/// Plays the plan on a clock that starts with the file.
async fn post(config: &Config, map: &Map, plan: &Plan) -> anyhow::Result<Report> {
    let start = plan.events.first().map_or(Clock::System.now(), Event::time);
    let app = compose::open(config, Clock::manual(start)).await?;
    if app.ledger_time.shown().ahead > Span::seconds(0) {
        compose::close(app, None).await;
        bail!("this sandbox's time was let pass: import into one whose time is the present");
    }
    let lines = plan.events.iter().map(Event::lines).sum::<usize>();
    let length = u64::try_from(lines).unwrap_or(u64::MAX);
    let bar = bar("posting", "{pos} of {len} lines, {eta} left", length);
    let mut poster = Poster::new(&app, map);
    let step = |lines| bar.inc(u64::try_from(lines).unwrap_or_default());
    let report = play(map, plan, &mut poster, step).await;
    bar.finish_and_clear();
    drop(poster);
    let relayed = relay_outbox(&app, Clock::System.now()).await;
    compose::close(app, None).await;
    relayed?;
    Ok(report?)
}

fn show(report: &Report, args: &ImportPurchasesArgs) -> anyhow::Result<()> {
    if let Some(path) = &args.report {
        let wrong = || format!("{} cannot be written", path.display());
        let mut file = File::create(path).with_context(wrong)?;
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
            report.write_skipped(&mut file).with_context(wrong)?;
        } else {
            serde_json::to_writer_pretty(&mut file, report).with_context(wrong)?;
        }
        file.flush().with_context(wrong)?;
    }
    report.print(&mut std::io::stdout().lock())?;
    Ok(())
}

/// A bar on standard error; it hides itself where that is not a terminal.
fn bar(what: &'static str, numbers: &str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length).with_message(what);
    match ProgressStyle::with_template(&format!("{{msg}} {{wide_bar}} {numbers}")) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
