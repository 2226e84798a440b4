//! `amvaj schema`: prints the GraphQL schema, or the page of its error codes.

use std::io::Write;

use crate::cli::SchemaArgs;
use crate::config::Config;
use crate::graphql::errors_page::errors_page;
use crate::graphql::schema;

/// Prints the schema that clients see, the one for composers, or the page of error codes.
#[expect(clippy::unused_async, reason = "every command has the same shape")]
pub async fn run(_config: Config, args: SchemaArgs) -> anyhow::Result<()> {
    let text = match (args.errors, args.federation) {
        (true, _) => errors_page(),
        (false, true) => schema::subgraph_sdl(args.subgraph),
        (false, false) => schema::sdl(None),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
