//! `amvaj serve`: puts the server together and runs it until it is told to stop.

use std::net::TcpListener;

use amvaj_infra::clock::Clock;

use crate::auth::Tokens;
use crate::cli::ServeArgs;
use crate::config::Config;
use crate::demo::guide::Guide;
use crate::{compose, server, telemetry};

/// Serves until SIGTERM or Ctrl-C.
pub async fn run(mut config: Config, args: ServeArgs) -> anyhow::Result<()> {
    telemetry::start_log(&config.log);
    config.graphql.subgraph = args.subgraph.or(config.graphql.subgraph);
    let listener = server::bind(args.listen.unwrap_or(config.http.listen))?;
    serve(&config, listener, |_| Ok(None)).await
}

/// Serves on a listener. `ready` is called with the tokens once everything is open, just before the first answer; the
/// guide that it returns makes the server a demo's.
pub(super) async fn serve(
    config: &Config,
    listener: TcpListener,
    ready: impl FnOnce(&Tokens) -> anyhow::Result<Option<Guide>>,
) -> anyhow::Result<()> {
    let app = compose::open(config, Clock::System).await?;
    let worker = config.worker.in_serve.then(|| compose::start_worker(&app, config));
    app.notifier.announce();
    let guide = ready(&app.credentials.tokens)?;
    let parts = server::Parts { guide, ..compose::parts(&app) };
    server::run(parts, &config.http, listener, compose::close(app, worker)).await?;
    Ok(())
}
