//! `amvaj demo`: makes the demo network on the first start and serves it.
//!
//! A play that was interrupted is gone through again from its beginning: what is in the ledger already answers under
//! its key, and nothing happens twice.

mod claim;

use std::{io::Write, net::SocketAddr, sync::Arc, time::Duration};

use amvaj_domain::{
    access::{Caller, Identity},
    calendar::Zone,
};
use amvaj_infra::{
    board::BoardKeeper,
    clock::Clock,
    outbox::{Backlog, CacheRepair},
    relation::RelationKeeper,
};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::serve::serve;
use crate::{
    auth::Tokens,
    cli::DemoArgs,
    compose,
    config::Config,
    demo::{
        boards::make as make_boards,
        cast,
        guide::Guide,
        marker::Marker,
        network::MERCHANTS,
        play::{PlayError, play},
        rewards::make as make_rewards,
        script::Script,
        welcome::Welcome,
    },
    graphql::global_id::GlobalId,
    server, telemetry,
};

/// How long the printed tokens are good for: 30 days.
const TOKEN_LIFE: Duration = Duration::from_hours(30 * 24);

/// Connections that the play reads over.
const PLAY_CONNECTIONS: u32 = 4;

/// How long to wait before looking again whether the outbox is passed on.
const RELAY_PAUSE: Duration = Duration::from_millis(50);

/// Makes the network unless it is there, then serves it until SIGTERM or Ctrl-C.
pub async fn run(config: Config, args: DemoArgs) -> anyhow::Result<()> {
    telemetry::start_log(&config.log);
    // Before the work, so that a port in use is known at once.
    let listener =
        if args.no_serve { None } else { Some(server::bind(args.listen.unwrap_or(config.http.listen))?) };
    if args.fresh {
        claim::remove(&config).await?;
    }
    let marker = claim::claim(&config, &args).await?;
    let zone = Zone::parse(&config.network.zone).unwrap_or_default();
    let (script, edition) = (Script::write(&marker, &zone)?, marker.network.clone());
    if !marker.complete {
        generate(&config, &script).await?;
        relay(&config, &script).await?;
        Marker { complete: true, ..marker }.write(&config.database.data_folder())?;
    }
    let Some(listener) = listener else { return Ok(()) };
    let address = listener.local_addr()?;
    serve(&config, listener, |tokens| {
        let welcome = welcome(tokens, &script, address)?;
        write!(std::io::stdout(), "{welcome}")?;
        std::io::stdout().flush()?;
        Ok(Guide::new(&edition, &script, &welcome))
    })
    .await
}

/// Plays the demo, or what is left of it, on a clock that goes through its year.
async fn generate(config: &Config, script: &Script) -> anyhow::Result<()> {
    let mut config = config.clone();
    // Balances of the past are nothing that a shared cache should keep.
    config.cache.redis_url = None;
    // Each connection to SQLite is a thread, and more of them than cores only get in each other's way.
    config.database.max_connections = config.database.max_connections.min(PLAY_CONNECTIONS);
    let app = compose::open(&config, Clock::manual(script.start())).await?;
    let bar = bar(script.events.len())?;
    let played = async {
        // A power cut costs nothing but another play: the note says that it is whole only after the sync below.
        app.db.sync_later().await?;
        cast::register(&app.directory, &app.network, &script.shops, script.start()).await?;
        cast::add_staff(&app.directory, &script.staff, script.start()).await?;
        play(&app, script, &|done| bar.inc(done)).await?;
        app.db.sync_now().await.map_err(PlayError::from)
    };
    let played = played.await;
    bar.finish_and_clear();
    compose::close(app, None).await;
    Ok(played?)
}

/// Makes the leaderboards and the rewards, and has the worker pass on what the year left in the outbox, as it would have done
/// all along; by the system's clock, because leases that an interrupted start has left behind end by that clock.
async fn relay(config: &Config, script: &Script) -> anyhow::Result<()> {
    let app = compose::open(config, Clock::System).await?;
    make_boards(&app, script).await?;
    make_rewards(&app, script).await?;
    let repair = CacheRepair::new(app.db.clone(), Arc::clone(&app.balances));
    let relations = RelationKeeper::new(app.db.clone());
    let boards = BoardKeeper::new(app.db.clone());
    repair.register().await?;
    relations.register().await?;
    let rewards = app.rewards.keeper();
    let webhooks = app.webhooks.keeper();
    boards.register().await?;
    rewards.register().await?;
    webhooks.register().await?;
    let worker = compose::start_worker(&app, config);
    let waits = |bucket: &Backlog| bucket.unnumbered > 0 || bucket.unread > 0;
    while repair.backlog().await?.iter().any(waits)
        || relations.backlog().await?.iter().any(waits)
        || boards.backlog().await?.iter().any(waits)
        || rewards.backlog().await?.iter().any(waits)
        || webhooks.backlog().await?.iter().any(waits)
        || !boards.waiting().await?.is_empty()
    {
        tokio::time::sleep(RELAY_PAUSE).await;
    }
    compose::close(app, Some(worker)).await;
    Ok(())
}

/// Shows itself on the error stream, if that is a terminal.
fn bar(events: usize) -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new(u64::try_from(events)?);
    bar.set_style(ProgressStyle::with_template(
        "Playing a year {wide_bar} {pos} of {len} events, {eta} to go",
    )?);
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}

fn welcome(tokens: &Tokens, script: &Script, address: SocketAddr) -> anyhow::Result<Welcome> {
    let now = Clock::System.now();
    let mint = |caller| tokens.mint(&Identity::console(caller), TOKEN_LIFE, now);
    let (shop, plan) = script.shops.iter().zip(&MERCHANTS).next().context("the demo has no merchant")?;
    let member = script.liveliest().context("the demo has no member")?;
    Ok(Welcome {
        address,
        size: (script.shops.len(), script.members.len(), script.events.len()),
        operator: mint(Caller::Operator)?,
        merchant: (plan.en.to_owned(), mint(Caller::Merchant(shop.merchant))?),
        merchant_id: GlobalId::Merchant(shop.merchant).write().0,
        mobile: member.mobile.to_string(),
        member: (member.name.to_string(), mint(Caller::Member(member.id))?),
    })
}
