//! `amvaj bench`: how much the server does in a second, and how long a request takes.
//!
//! The server runs in this process, over real connections, on a database of the bench's own. The load is a closed or an
//! open loop ([`load`]), on threads that the server does not use. Every answer is read and checked, because a fast error
//! is no result.

pub mod baseline;
mod client;
pub mod door;
pub mod export;
mod load;
mod past;
mod question;
mod report;
mod scenario;
pub mod stock;
pub mod webhooks;
mod world;

pub use baseline::Baseline;
pub use door::Door;
pub use report::{Measured, Ratio, Report};
pub use scenario::Scenario;
pub use world::{World, WorldError, WorldSize};

use std::{io, net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use load::{Load, Timing};
use report::Tally;
use stock::StockServer;

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
    /// Requests a second that go out whether those before are answered or not; without it the loop is closed.
    pub rate: Option<NonZeroU32>,
}

/// Runs one scenario against a world's server.
///
/// # Errors
/// When a thread of the load cannot be started. What goes wrong with requests is counted.
pub async fn measure(world: &Arc<World>, scenario: Scenario, effort: Effort) -> io::Result<Measured> {
    let tally = ask(world.address(), world, scenario, effort).await?;
    Ok(tally.measured(scenario.name(), effort.measured.as_secs_f64()))
}

/// Measures the library without anything of ours, with the questions and the load of [`Scenario::Balance`].
///
/// # Errors
/// When its server or a thread of the load cannot be started.
pub async fn measure_stock(world: &Arc<World>, effort: Effort) -> io::Result<Measured> {
    let stock = StockServer::start()?;
    let tally = ask(stock.address(), world, Scenario::Balance, effort).await;
    stock.stop().await?;
    Ok(tally?.measured(stock::NAME, effort.measured.as_secs_f64()))
}

/// Runs one scenario's questions against the server at an address.
async fn ask(
    address: SocketAddr,
    world: &Arc<World>,
    scenario: Scenario,
    effort: Effort,
) -> io::Result<Tally> {
    let every = effort.rate.map(|rate| Duration::from_secs(1) / rate.get());
    let timing = Timing::starting_now(effort.warm_up, effort.measured, every);
    let (series, connections) = (world.next_series(), effort.connections.get());
    let threads = (0..effort.threads.get()).map(|thread| {
        let numbers = (thread..connections).step_by(usize::try_from(effort.threads.get()).unwrap_or(1));
        let loads: Vec<Load> = numbers
            .map(|number| Load::new(world, address, scenario, series, (number, connections), timing))
            .collect();
        tokio::task::spawn_blocking(move || load::run(loads))
    });
    let mut tally = Tally::default();
    for thread in threads.collect::<Vec<_>>() {
        tally.add(thread.await.map_err(io::Error::other)??);
    }
    Ok(tally)
}
