//! The leases that one job of one node holds or has been refused, so that it asks the database rarely.

use std::collections::HashMap;
use std::time::Duration;

use amvaj_domain::time::{Instant, Span};
use uuid::Uuid;

use super::WorkError;
use super::lease::{Lease, acquire};
use crate::clock::Clock;
use crate::db::{Database, StoreError};

/// The leases of one job.
#[derive(Debug)]
pub(crate) struct Keeper {
    database: Database,
    holder: Uuid,
    ttl: Span,
    known: HashMap<String, Known>,
}

/// What is known of a lease.
#[derive(Debug)]
enum Known {
    Held(Lease),
    /// Another holder has it; not to be asked for before this instant.
    Refused(Instant),
}

impl Keeper {
    pub(crate) fn new(database: Database, holder: Uuid, ttl: Span) -> Self {
        Self { database, holder, ttl, known: HashMap::new() }
    }

    /// The lease, renewed once half of it is over. None while another node has it.
    pub(crate) async fn lease(&mut self, name: &str, now: Instant) -> Result<Option<Lease>, StoreError> {
        let half = Span::from_micros(self.ttl.micros() / 2);
        match self.known.get(name) {
            Some(Known::Held(lease)) if now.plus(half) < lease.expires_at() => {
                return Ok(Some(lease.clone()));
            }
            Some(Known::Refused(until)) if now < *until => return Ok(None),
            Some(Known::Held(_) | Known::Refused(_)) | None => {}
        }
        let taken = acquire(&self.database, name, self.holder, now, self.ttl).await?;
        let known = taken
            .clone()
            .map_or_else(|| Known::Refused(now.plus(Span::from_micros(self.ttl.micros() / 4))), Known::Held);
        self.known.insert(name.to_owned(), known);
        Ok(taken)
    }

    /// Renews a lease again and again, beside work that may take longer than it lasts. Ends when the lease is lost, and after
    /// `longest`: work that hangs, as on a connection that broke without a word, must not keep other nodes from going on.
    pub(super) async fn keep(&mut self, lease: &Lease, clock: &Clock, longest: Duration) -> WorkError {
        let quarter = Duration::from_micros(self.ttl.micros().unsigned_abs() / 4);
        let end = tokio::time::Instant::now() + longest;
        loop {
            tokio::time::sleep(quarter).await;
            if tokio::time::Instant::now() >= end {
                tracing::error!(name = lease.name(), "work hangs and is given up");
                return WorkError::Fenced(lease.name().to_owned());
            }
            match self.lease(lease.name(), clock.now()).await {
                Ok(Some(kept)) if kept.epoch() == lease.epoch() => {}
                Ok(_) => return WorkError::Fenced(lease.name().to_owned()),
                Err(error) => tracing::warn!(%error, name = lease.name(), "a lease was not renewed"),
            }
        }
    }

    /// Forgets a lease that turned out to be lost.
    pub(super) fn forget(&mut self, name: &str) {
        self.known.remove(name);
    }

    /// Gives all leases up, so that another node goes on at once.
    pub(crate) async fn release(&mut self, now: Instant) {
        for (name, known) in self.known.drain() {
            let Known::Held(lease) = known else { continue };
            if let Err(error) = lease.release(&self.database, now).await {
                tracing::warn!(%error, name, "a lease was not released; it ends by itself");
            }
        }
    }
}
