//! `amvaj serve`: puts the server together and runs it until it is told to stop.

use std::sync::Arc;

use amvaj_infra::clock::Clock;

use crate::auth::{KeySet, SigningKey, Tokens};
use crate::cli::ServeArgs;
use crate::config::Config;
use crate::graphql::schema;
use crate::server::{self, Parts};
use crate::telemetry;

/// Serves until SIGTERM or Ctrl-C.
pub async fn run(config: Config, args: ServeArgs) -> anyhow::Result<()> {
    telemetry::start_log(&config.log);
    let listener = server::bind(args.listen.unwrap_or(config.http.listen))?;
    let keys = KeySet::new(SigningKey::load_or_create(&config.auth.key_file)?);
    let parts = Parts {
        schema: schema::builder().finish(),
        tokens: Tokens::new(keys, &config.auth),
        clock: Clock::System,
        dependencies: Vec::new(),
        prepare: Arc::new(|request, _caller| request),
    };
    server::run(parts, &config.http, listener, async {}).await?;
    Ok(())
}
