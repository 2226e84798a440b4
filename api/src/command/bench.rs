//! `amvaj bench`: starts a server in this process and measures it.

use std::{io::Write, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use amvaj_domain::network::NetworkMode;
use amvaj_infra::{clock::Clock, plain::Way};
use anyhow::{Context as _, bail};

use crate::{
    app::App,
    auth::Credentials,
    bench::{self, Baseline, Effort, Measured, Ratio, Report, Scenario, World, WorldSize},
    cli::BenchArgs,
    compose,
    config::{Config, Secret, ThrottleConfig},
    server, telemetry,
    throttle::Rate,
};

/// How long a scenario runs before it is measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// Prints what was measured; an error when an answer was wrong.
pub async fn run(config: Config, args: BenchArgs) -> anyhow::Result<()> {
    telemetry::start_log(&config.log);
    let (config, folder) = own_config(config, &args)?;
    let measured = measure(&config, &args).await;
    if let Some(folder) = folder {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("{} cannot be deleted", folder.display()))?;
    }
    let report = measured?;
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        write!(out, "{report}")?;
    }
    match report.scenarios.iter().map(|scenario| scenario.errors).sum::<u64>() {
        0 => Ok(()),
        errors => bail!("{errors} answers were wrong or missing; the first of each kind is above"),
    }
}

/// The configuration of the bench's own server, and the folder to delete afterwards.
fn own_config(mut config: Config, args: &BenchArgs) -> anyhow::Result<(Config, Option<PathBuf>)> {
    config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    // A few callers send everything that the bench sends.
    let rate = Rate { capacity: 1_000_000_000, per_second: 1_000_000_000 };
    config.throttle = ThrottleConfig { merchant: rate, member: rate, user: rate, address: rate };
    // An audit of everything beside it would be measured, too.
    config.worker.verify_at = None;
    if args.webhooks {
        // Its receivers are on this machine.
        config.network.mode = Some(NetworkMode::Sandbox);
        config.webhooks.private_addresses = true;
    }
    config.cache.redis_url = args.redis_url.as_deref().map(Secret::new);
    if let Some(url) = &args.database_url {
        config.database.url = Secret::new(url.as_str());
        return Ok((config, None));
    }
    let folder = std::env::temp_dir().join(format!("amvaj-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    config.database.url = Secret::new(format!("sqlite://{}", folder.join("bench.sqlite").display()));
    Ok((config, Some(folder)))
}

async fn measure(config: &Config, args: &BenchArgs) -> anyhow::Result<Report> {
    let credentials = Credentials::generate(&config.auth)?;
    let app = compose::open_with(config, Clock::System, credentials).await?;
    let worker = config.worker.in_serve.then(|| compose::start_worker(&app, config));
    let measured = serve_and_measure(config, args, &app).await;
    compose::close(app, worker).await;
    measured
}

async fn serve_and_measure(config: &Config, args: &BenchArgs, app: &Arc<App>) -> anyhow::Result<Report> {
    let listener = server::bind(config.http.listen)?;
    let size = WorldSize {
        merchants: args.merchants,
        wallets: args.wallets,
        operations: args.operations,
        board: args.scenario.iter().any(|scenario| scenario.needs_board()),
    };
    let world = Arc::new(World::prepare(app, &app.credentials.tokens, size, listener.local_addr()?).await?);
    let running = server::start(compose::parts(app), &config.http, listener)?;
    let mut report = Report {
        database: if app.db.is_postgres() { "postgres" } else { "sqlite" },
        cache: if config.cache.redis_url.is_some() { "redis" } else { "memory" },
        debug_build: cfg!(debug_assertions),
        connections: args.connections.get(),
        wallets: args.wallets,
        merchants: args.merchants,
        scenarios: Vec::new(),
        ratios: Vec::new(),
        door: None,
        webhooks: Vec::new(),
        exports: Vec::new(),
    };
    let effort = Effort {
        connections: args.connections,
        threads: args.threads.min(args.connections),
        measured: Duration::from_secs(args.seconds.into()),
        warm_up: WARM_UP,
        rate: args.rate,
    };
    let baseline = Baseline {
        url: config.database.url.expose().to_owned(),
        wallets: args.wallets,
        merchants: args.merchants,
        run: world.run(),
        now: app.now(),
    };
    let scenarios = chosen(&args.scenario, args.door || args.webhooks || args.export);
    let ways: &[Way] = match (args.baseline, app.db.is_postgres()) {
        (false, _) => &[],
        (true, _) if scenarios.iter().all(|scenario| scenario.only_reads()) => &[],
        (true, true) => &[Way::Statements, Way::Function],
        (true, false) => &[Way::Statements],
    };
    let stock = args.baseline && scenarios.iter().any(|scenario| scenario.only_reads());
    for round in 1..=args.rounds {
        for scenario in scenarios {
            tracing::debug!(scenario = scenario.name(), round, "measuring");
            let measured = bench::measure(&world, *scenario, effort).await?;
            report.scenarios.push(Measured { round, ..measured });
        }
        for way in ways {
            let measured = baseline.measure(*way, effort).await?;
            report.scenarios.push(Measured { round, ..measured });
        }
        if stock {
            let measured = bench::measure_stock(&world, effort).await?;
            report.scenarios.push(Measured { round, ..measured });
        }
    }
    report.ratios = ratios(&report.scenarios, scenarios, ways);
    if args.webhooks {
        report.webhooks = bench::webhooks::measure_webhooks(app, &world, effort).await?;
    }
    if args.export {
        report.exports = bench::export::measure_exports(app).await?;
    }
    running.stop().await?;
    if args.door {
        let time = Duration::from_secs(args.seconds.into());
        report.door = Some(bench::door::measure(app, &world, &config.http, time).await);
    }
    Ok(report)
}

/// Compares what writes with the plain ledger, and what only reads with the library alone.
fn ratios(measured: &[Measured], scenarios: &[Scenario], ways: &[Way]) -> Vec<Ratio> {
    let only_reads = |name: &str| scenarios.iter().any(|one| one.only_reads() && one.name() == name);
    let (reading, writing): (Vec<Measured>, Vec<Measured>) = measured
        .iter()
        .cloned()
        .partition(|one| one.scenario == bench::stock::NAME || only_reads(&one.scenario));
    let plain = ways.iter().flat_map(|way| Ratio::all(&writing, bench::baseline::name(*way)));
    plain.chain(Ratio::all(&reading, bench::stock::NAME)).collect()
}

/// The usual scenarios unless something is named, or something other than scenarios is asked for.
fn chosen(named: &[Scenario], other: bool) -> &[Scenario] {
    if named.is_empty() && !other { &Scenario::USUAL } else { named }
}
