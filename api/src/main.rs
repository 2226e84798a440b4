//! The `amvaj` program.

// The roots of the schema are merged one within the other, and an optimised build lays out all of them at once.
#![recursion_limit = "256"]

use std::io::Write;
use std::process::ExitCode;

/// Requests are many small allocations, freed on other threads than made them: the system's allocator is slower at it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match amvaj_api::cli::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when even the error stream is closed.
            let _ = writeln!(std::io::stderr(), "amvaj: {error:#}");
            ExitCode::FAILURE
        }
    }
}
