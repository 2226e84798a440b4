//! `amvaj demo`: makes the demo network on the first start and serves it.
//!
//! The database is the demo's when the note beside it names its network; see [`crate::demo::marker`]. A play that was
//! interrupted is gone through again from its beginning: what is in the ledger already answers under its key.

use std::{fs, io::ErrorKind, io::Write, net::SocketAddr, path::Path, time::Duration};

use amvaj_domain::{access::Caller, calendar::Zone};
use amvaj_infra::{
    clock::Clock,
    db::Database,
    directory::{Directory, MemberFilter, MerchantFilter},
    page::PageRequest,
};
use anyhow::{Context as _, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use super::serve::serve;
use crate::{
    auth::Tokens,
    cli::DemoArgs,
    compose,
    config::Config,
    database,
    demo::{cast, marker::Marker, network::MERCHANTS, play, script::Script, welcome::Welcome},
    random, server, telemetry,
};

/// How long the printed tokens are good for: 30 days.
const TOKEN_LIFE: Duration = Duration::from_hours(30 * 24);

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
    let marker = claim(&config, &args).await?;
    let zone = Zone::parse(&config.network.zone).unwrap_or_default();
    let script = Script::write(&marker, &zone)?;
    if !marker.complete {
        generate(&config, &script).await?;
        Marker { complete: true, ..marker }.write(&config.database.data_folder())?;
    }
    let Some(listener) = listener else { return Ok(()) };
    let address = listener.local_addr()?;
    serve(&config, listener, |tokens| {
        write!(std::io::stdout(), "{}", welcome(tokens, &script, address)?)?;
        Ok(std::io::stdout().flush()?)
    })
    .await
}

/// Finds out whose database this is, and makes an empty one the demo's.
async fn claim(config: &Config, args: &DemoArgs) -> anyhow::Result<Marker> {
    let database = database::open(&config.database).await?;
    database::migrate(&database).await?;
    let claimed = claim_open(config, args, &database).await;
    database.close().await?;
    claimed
}

async fn claim_open(config: &Config, args: &DemoArgs, database: &Database) -> anyhow::Result<Marker> {
    let folder = config.database.data_folder();
    let directory = Directory::new(database.clone());
    let now = Clock::System.now();
    let network = directory.ensure_network(random::uuid(now), now).await?;
    let found = Marker::read(&folder)?.filter(|marker| marker.speaks_of(network.epoch));
    if let Some(marker) = found {
        say(&match (marker.complete, (marker.seed, marker.members) == (args.seed, args.members)) {
            (false, _) => "The last start was interrupted before the demo was whole: going on with it.".to_owned(),
            (true, true) => "The demo is here already.".to_owned(),
            (true, false) => format!(
                "The demo is here already, with {} members from seed {}; `amvaj demo --fresh` makes another one.",
                marker.members, marker.seed
            ),
        });
        return Ok(marker);
    }
    ensure!(
        is_empty(&directory).await?,
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
    say(&format!("Making a network of {} merchants and {} members.", MERCHANTS.len(), marker.members));
    Ok(marker)
}

async fn is_empty(directory: &Directory) -> anyhow::Result<bool> {
    let merchants = directory.merchants(&MerchantFilter::default(), &PageRequest::first(1)).await?;
    let members = directory.members(Caller::Operator);
    let members = members.page(&MemberFilter::default(), &PageRequest::first(1)).await?;
    Ok(merchants.items.is_empty() && members.items.is_empty())
}

/// Plays the demo, or what is left of it, on a clock that goes through its year.
async fn generate(config: &Config, script: &Script) -> anyhow::Result<()> {
    let mut config = config.clone();
    // Balances of the past are nothing that a shared cache should keep.
    config.cache.redis_url = None;
    let app = compose::open(&config, Clock::manual(script.start())).await?;
    let bar = bar(script.events.len())?;
    let played = async {
        cast::register(&app.directory, &app.network, &script.shops, script.start()).await?;
        play::play(&app, script, &|done| bar.inc(done)).await
    };
    let played = played.await;
    bar.finish_and_clear();
    compose::close(app).await;
    Ok(played?)
}

/// Shows itself on the error stream, if that is a terminal.
fn bar(events: usize) -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new(u64::try_from(events)?);
    bar.set_style(ProgressStyle::with_template("Playing a year {wide_bar} {pos} of {len} events, {eta} to go")?);
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}

fn welcome(tokens: &Tokens, script: &Script, address: SocketAddr) -> anyhow::Result<Welcome> {
    let now = Clock::System.now();
    let mint = |caller| tokens.mint(caller, TOKEN_LIFE, now);
    let (shop, plan) = script.shops.iter().zip(&MERCHANTS).next().context("the demo has no merchant")?;
    let member = script.liveliest().context("the demo has no member")?;
    Ok(Welcome {
        address,
        size: (script.shops.len(), script.members.len(), script.events.len()),
        operator: mint(Caller::Operator)?,
        merchant: (plan.en.to_owned(), mint(Caller::Merchant(shop.merchant))?),
        member: (member.name.to_string(), mint(Caller::Member(member.id))?),
    })
}

/// Deletes the demo's database file, once it is certain that it is the demo's.
async fn remove(config: &Config) -> anyhow::Result<()> {
    let Some(path) = config.database.url.expose().strip_prefix("sqlite://") else {
        bail!("--fresh deletes a SQLite file only; drop the database of the demo yourself");
    };
    let path = path.split('?').next().unwrap_or(path);
    let folder = config.database.data_folder();
    if !fs::exists(path)? {
        return Ok(());
    }
    let database = database::open(&config.database).await?;
    database::migrate(&database).await?;
    let now = Clock::System.now();
    let network = Directory::new(database.clone()).ensure_network(random::uuid(now), now).await;
    database.close().await?;
    let epoch = network?.epoch;
    ensure!(
        Marker::read(&folder)?.is_some_and(|marker| marker.speaks_of(epoch)),
        "{path} holds something that no demo made; --fresh leaves it alone",
    );
    for file in [path.to_owned(), format!("{path}-wal"), format!("{path}-shm")] {
        delete(Path::new(&file))?;
    }
    delete(&Marker::path(&folder))
}

fn delete(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be deleted", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Tells the user what happens. Beside the log, which is for operators.
fn say(what: &str) {
    // Whoever closed the error stream does not want to know.
    let _ = writeln!(std::io::stderr(), "{what}");
}
