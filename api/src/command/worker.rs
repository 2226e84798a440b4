//! `amvaj worker`: the background work alone, beside servers that leave it to others.

use amvaj_infra::clock::Clock;

use crate::cli::WorkerArgs;
use crate::config::Config;
use crate::{compose, server, telemetry};

/// Works until SIGTERM or Ctrl-C.
pub async fn run(config: Config, _args: WorkerArgs) -> anyhow::Result<()> {
    telemetry::start_log(&config.log);
    let app = compose::open(&config, Clock::System).await?;
    let worker = compose::start_worker(&app, &config);
    tracing::info!("working; SIGTERM or Ctrl-C ends it");
    server::stop_signal().await?;
    compose::close(app, Some(worker)).await;
    Ok(())
}
