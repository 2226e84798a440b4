//! Webhooks: merchants are told of their operations over HTTP, at endpoints that they register.
//!
//! | step | where | what it does |
//! |---|---|---|
//! | queue | [`WebhookKeeper`], a consumer of the outbox | notes which event waits for which endpoint; no more, so that nothing of it holds the ledger up |
//! | send | [`Courier`], one for each endpoint that has something due, under a lease of its own | reads from the journal what is to be told, signs it, sends it, and writes what became of it |
//! | again | [`Webhooks`] | puts events into the queue that were sent before: one dead letter, or all since a place in the journal |
//!
//! In each wallet one event at a time is on its way to an endpoint: the next one waits until it was taken or given up. A
//! crash between any two steps has an event sent again, with the same id. What is sent is never stored: the journal does
//! not change, so the same event has the same body.
//!
//! An endpoint is somebody else's server, and its name is somebody else's to answer for: [`Reach`] has the last word on
//! each address that is connected to.

mod address;
mod courier;
mod delivery;
mod endpoint;
mod keeper;
mod post;
mod queue;
mod record;
mod replay;
mod retention;
mod scribe;

pub use address::{InvalidAddress, Reach};
pub(crate) use courier::{Couriers, due};
pub use delivery::{RedeliverRefused, ReplayRefused, ReplayStart};
pub use endpoint::{ChangeRefused, Changes, CreateRefused, NewSecret, RotateRefused};
pub use keeper::WebhookKeeper;
pub use post::Post;
pub(crate) use retention::{PAGE as REMOVED_AT_ONCE, purge};
pub use scribe::{Event, Letter, Scribe, SealedSecret, Told};

use std::sync::Arc;
use std::time::Duration;

use amvaj_domain::time::{Instant, Span};
use uuid::Uuid;

use crate::db::Database;

/// How webhooks work.
#[derive(Debug, Clone, Copy)]
pub struct WebhookSettings {
    /// Which addresses may be sent to.
    pub reach: Reach,
    /// How long one try may take, the connection included.
    pub timeout: Duration,
    /// How long it stays known what became of an event, and how far back events are sent again.
    pub retention: Span,
}

/// Endpoints and deliveries in a database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Webhooks {
    db: Database,
    settings: WebhookSettings,
    /// Makes ids from a time.
    fresh: fn(Instant) -> Uuid,
}

/// What a worker sends with.
#[derive(Debug, Clone)]
pub struct Sender {
    /// What is sent over.
    pub post: Post,
    /// Who writes and signs what is sent.
    pub scribe: Arc<dyn Scribe>,
    /// How webhooks work.
    pub settings: WebhookSettings,
    /// Makes ids from a time.
    pub fresh: fn(Instant) -> Uuid,
}

impl Webhooks {
    /// The webhooks in a database.
    pub const fn new(db: Database, settings: WebhookSettings, fresh: fn(Instant) -> Uuid) -> Self {
        Self { db, settings, fresh }
    }

    /// How webhooks work.
    pub const fn settings(&self) -> WebhookSettings {
        self.settings
    }

    /// The consumer of the outbox that queues events.
    pub fn keeper(&self) -> WebhookKeeper {
        WebhookKeeper::new(self.db.clone(), self.fresh)
    }

    /// What a worker sends with; nothing on a machine that has no certificates to know other servers by. Events wait then.
    pub fn sender(&self, scribe: Arc<dyn Scribe>) -> Option<Sender> {
        match Post::new(&self.settings) {
            Ok(post) => Some(Sender { post, scribe, settings: self.settings, fresh: self.fresh }),
            Err(problem) => {
                tracing::error!(problem, "merchants are told of nothing by webhooks");
                None
            }
        }
    }
}
