//! `amvaj serve`: puts the server together and runs it until it is told to stop.

use std::sync::Arc;

use amvaj_infra::clock::Clock;

use crate::app::App;
use crate::auth::{KeySet, SigningKey, Tokens};
use crate::cli::ServeArgs;
use crate::config::Config;
use crate::{compose, database, random, server, telemetry};

/// Serves until SIGTERM or Ctrl-C.
pub async fn run(config: Config, args: ServeArgs) -> anyhow::Result<()> {
    telemetry::start_log(&config.log);
    let listener = server::bind(args.listen.unwrap_or(config.http.listen))?;
    let app = start_app(&config).await?;
    let keys = KeySet::new(SigningKey::load_or_create(&config.auth.key_file)?);
    let parts = compose::parts(&app, Tokens::new(keys, &config.auth));
    let drain = close(app.db.clone());
    server::run(parts, &config.http, listener, drain).await?;
    Ok(())
}

/// Opens the database, brings it to this program's version and puts the application on it.
pub async fn start_app(config: &Config) -> anyhow::Result<Arc<App>> {
    let database = database::open(&config.database).await?;
    for change in database::migrate(&database).await? {
        tracing::info!(change, "the database was migrated");
    }
    let app = App::new(database, Clock::System, config.network.clone());
    let now = app.now();
    app.directory.ensure_network(random::uuid(now), now).await?;
    Ok(Arc::new(app))
}

async fn close(database: amvaj_infra::db::Database) {
    if let Err(error) = database.close().await {
        tracing::warn!(%error, "the database could not be closed in order");
    }
}
