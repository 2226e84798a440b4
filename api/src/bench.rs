//! `amvaj bench`: how much the server does in a second, and how long a request takes.
//!
//! The server runs in this process, over real connections, on a database of the bench's own. The load is a closed
//! loop: every connection sends its next request when the last one is answered, on threads that the server does not
//! use. Every answer is read and checked, because a fast error is no result.

mod client;
pub mod door;
mod load;
mod report;
mod scenario;
mod world;

pub use door::Door;
pub use report::{Measured, Report};
pub use scenario::Scenario;
pub use world::{World, WorldError, WorldSize};

use std::{io, num::NonZeroU32, sync::Arc, time::Duration};

use load::{Load, Timing};
use report::Tally;

/// How hard and how long to ask.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Connections that send at the same time.
    pub connections: NonZeroU32,
    /// Threads that send.
    pub threads: NonZeroU32,
    /// How long each scenario is measured.
    pub measured: Duration,
    /// How long it runs before that.
    pub warm_up: Duration,
}

/// Runs one scenario against a world's server.
///
/// # Errors
/// When a thread of the load cannot be started. What goes wrong with requests is counted.
pub async fn measure(world: &Arc<World>, scenario: Scenario, effort: Effort) -> io::Result<Measured> {
    let timing = Timing::starting_now(effort.warm_up, effort.measured);
    let threads = (0..effort.threads.get()).map(|thread| {
        let numbers =
            (thread..effort.connections.get()).step_by(usize::try_from(effort.threads.get()).unwrap_or(1));
        let loads: Vec<Load> = numbers.map(|number| Load::new(world, scenario, number, timing)).collect();
        tokio::task::spawn_blocking(move || load::run(loads))
    });
    let mut tally = Tally::default();
    for thread in threads.collect::<Vec<_>>() {
        tally.add(thread.await.map_err(io::Error::other)??);
    }
    Ok(tally.measured(scenario.name(), effort.measured.as_secs_f64()))
}
