//! Endpoints of merchants, and what became of what was sent there.

use super::EventTypes;
use crate::id::{MerchantId, WalletId, WebhookDeliveryId, WebhookEndpointId};
use crate::ledger::stored;
use crate::text::Name;
use crate::time::{Instant, Span};
use crate::webhook::{EventType, Health};

stored! {
    /// Whether an endpoint is sent to.
    EndpointStatus {
        /// It is.
        Active = 1,
        /// It is not, until its merchant enables it.
        Disabled = 2,
    }
}

stored! {
    /// Why an endpoint is not sent to.
    DisabledReason {
        /// Its merchant wants it so.
        ByMerchant = 1,
        /// It answered that it is gone for good (status 410).
        Gone = 2,
        /// It took nothing for as long as it is tried.
        Failing = 3,
    }
}

stored! {
    /// What became of an event at one endpoint.
    DeliveryStatus {
        /// It is still to be delivered.
        Waiting = 1,
        /// The endpoint took it.
        Delivered = 2,
        /// The endpoint took it at none of the tries: it is a dead letter.
        Dead = 3,
    }
}

stored! {
    /// Why an endpoint did not take an event at a try.
    Failure {
        /// It answered with a status that is no success.
        Status = 1,
        /// It answered with a redirect, which is not followed.
        Redirect = 2,
        /// It did not answer in time.
        TimedOut = 3,
        /// No connection came about.
        NoConnection = 4,
        /// Its name leads to no address of the public internet.
        AddressNotPublic = 5,
        /// What it answered is no HTTP, or broke off.
        Broken = 6,
        /// Nothing was sent, because the server's secret is not the one that the endpoint's secrets were sealed with.
        Unsigned = 7,
    }
}

/// A place of a merchant to which events are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The endpoint.
    pub id: WebhookEndpointId,
    /// Whose operations it is told of.
    pub merchant: MerchantId,
    /// Where events are sent.
    pub url: String,
    /// What its merchant calls it.
    pub name: Name,
    /// What it is told of.
    pub types: EventTypes,
    /// Whether it is sent to, or why not.
    pub disabled: Option<DisabledReason>,
    /// How it has answered.
    pub health: Health,
    /// Whether events that it has had are being put into its queue again.
    pub replaying: bool,
    /// When it was registered.
    pub created_at: Instant,
}

/// What is known of a secret that signs what an endpoint is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secret {
    /// Its number at the endpoint, from 1.
    pub number: i32,
    /// When it was made.
    pub created_at: Instant,
    /// When it ends beside the one that replaces it; nothing for the newest.
    pub expires_at: Option<Instant>,
}

/// An event on its way to an endpoint, or there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The delivery.
    pub id: WebhookDeliveryId,
    /// Where it goes.
    pub endpoint: WebhookEndpointId,
    /// The wallet of its operation; the nil UUID for a ping.
    pub wallet: WalletId,
    /// The operation's number in the wallet, or the ping's.
    pub seq: i64,
    /// What the event tells of.
    pub event: EventType,
    /// What became of it.
    pub status: DeliveryStatus,
    /// How often it was tried since it was put into the queue.
    pub tries: i32,
    /// When it is tried next; only of the first that waits in its wallet.
    pub next_try_at: Option<Instant>,
    /// When it was last tried.
    pub tried_at: Option<Instant>,
    /// How long the last try took.
    pub took: Option<Span>,
    /// The HTTP status of the last answer.
    pub response_status: Option<i16>,
    /// Why the last try failed.
    pub failure: Option<Failure>,
    /// When the endpoint took it.
    pub delivered_at: Option<Instant>,
    /// When it was first put into the queue.
    pub queued_at: Instant,
}

impl Endpoint {
    /// Most endpoints of one merchant.
    pub const MOST: u64 = 10;
    /// The longest URL, in characters.
    pub const LONGEST_URL: usize = 500;
    /// The longest that a secret goes on beside the one that replaces it.
    pub const LONGEST_OVERLAP: Span = Span::days(7);

    /// Whether it is sent to.
    pub const fn status(&self) -> EndpointStatus {
        if self.disabled.is_some() { EndpointStatus::Disabled } else { EndpointStatus::Active }
    }
}

impl Delivery {
    /// Whether it tells of an operation, and not only that somebody tries the endpoint out.
    pub fn operation(&self) -> Option<(WalletId, i64)> {
        (self.event != EventType::Ping).then_some((self.wallet, self.seq))
    }

    /// The event's id.
    pub fn event_id(&self) -> String {
        match self.operation() {
            Some((wallet, seq)) => super::event_id(wallet, seq),
            None => super::ping_id(self.endpoint, self.seq),
        }
    }
}
