//! The use cases, one file each: what may the caller do, and what then happens. Nothing here knows GraphQL or HTTP.

pub mod error;

use amvaj_domain::calendar::Zone;
use amvaj_domain::time::Instant;
use amvaj_infra::clock::Clock;
use amvaj_infra::db::Database;
use amvaj_infra::directory::Directory;

use crate::config::NetworkConfig;
pub use error::{AppError, Stopped};

/// What the use cases work with; the composition root puts it together.
#[derive(Debug, Clone)]
pub struct App {
    /// The database.
    pub db: Database,
    /// Who takes part.
    pub directory: Directory,
    /// The clock.
    pub clock: Clock,
    /// What the network is called and how it counts.
    pub network: NetworkConfig,
    /// The time zone in which its days begin.
    pub zone: Zone,
}

impl App {
    /// The application on a database.
    pub fn new(db: Database, clock: Clock, network: NetworkConfig) -> Self {
        // The configuration accepts only names that the zone database has.
        let zone = Zone::parse(&network.zone).unwrap_or_default();
        Self { directory: Directory::new(db.clone()), db, clock, network, zone }
    }

    /// The current time.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }
}
