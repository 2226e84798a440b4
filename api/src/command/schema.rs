//! `amvaj schema`: prints the GraphQL schema.

use std::io::Write;

use crate::cli::SchemaArgs;
use crate::config::Config;
use crate::graphql::schema;

/// Prints the schema that clients see, or the one for composers.
#[expect(clippy::unused_async, reason = "every command has the same shape")]
pub async fn run(_config: Config, args: SchemaArgs) -> anyhow::Result<()> {
    let sdl = if args.federation { schema::subgraph_sdl(args.subgraph) } else { schema::sdl(None) };
    std::io::stdout().write_all(sdl.as_bytes())?;
    Ok(())
}
