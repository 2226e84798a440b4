//! `amvaj schema`: prints the GraphQL schema.

use std::io::Write;

use crate::cli::SchemaArgs;
use crate::config::Config;
use crate::graphql::schema;

/// Prints the schema that clients see.
#[expect(clippy::unused_async, reason = "every command has the same shape")]
pub async fn run(_config: Config, _args: SchemaArgs) -> anyhow::Result<()> {
    let sdl = schema::builder().finish().sdl();
    std::io::stdout().write_all(sdl.as_bytes())?;
    Ok(())
}
