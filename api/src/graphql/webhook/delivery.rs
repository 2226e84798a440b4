//! Deliveries: events on their way to an endpoint, and what became of them.

use amvaj_domain::id::WebhookDeliveryId;
use amvaj_domain::webhook;
use async_graphql::{Context, Enum, ID, Object, Result};

use super::{WebhookEndpoint, WebhookEventType};
use crate::graphql::connection::connection;
use crate::graphql::context::app;
use crate::graphql::error::fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::operation::Operation;
use crate::graphql::scalar::DateTime;

/// What became of an event at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "webhook::DeliveryStatus")]
pub enum WebhookDeliveryStatus {
    /// It is still to be delivered.
    Waiting,
    /// The endpoint took it.
    Delivered,
    /// The endpoint took it at none of sixteen tries: it is a dead letter. `redeliverWebhookEvent` has it sent again.
    Dead,
}

/// Why an endpoint did not take an event at a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "webhook::Failure")]
pub enum WebhookFailure {
    /// It answered with a status that is no success.
    Status,
    /// It answered with a redirect, which is not followed: register the address that it leads to.
    Redirect,
    /// It did not answer in time, which is ten seconds unless the installation says otherwise.
    TimedOut,
    /// No connection came about, or its certificate is not good.
    NoConnection,
    /// Its name leads to no address of the public internet.
    AddressNotPublic,
    /// What it answered is no HTTP, or broke off.
    Broken,
    /// Nothing was sent, because the installation cannot open the endpoint's secrets; its operator has to put its own
    /// secret back.
    Unsigned,
}

connection! {
    /// Deliveries, a page at a time, in the order in which they were queued.
    WebhookDeliveryConnection, WebhookDeliveryEdge, WebhookDelivery
}

/// An event on its way to an endpoint, or there.
#[derive(Debug, Clone)]
pub struct WebhookDelivery(pub webhook::Delivery);

impl WebhookDelivery {
    /// The delivery of this id, for those who see its endpoint.
    pub async fn find(ctx: &Context<'_>, id: WebhookDeliveryId) -> Result<Option<Self>> {
        let found = app(ctx)?.webhooks.deliveries_by_id(&[id]).await.map_err(fault)?.remove(&id);
        let Some(delivery) = found else { return Ok(None) };
        let endpoint = WebhookEndpoint::find(ctx, delivery.endpoint).await?;
        Ok(endpoint.map(|_| Self(delivery)))
    }
}

/// An event on its way to an endpoint, or there.
#[Object]
impl WebhookDelivery {
    /// The delivery's global id.
    pub async fn id(&self) -> ID {
        GlobalId::WebhookDelivery(self.0.id).write()
    }

    /// The event's id, which receivers see as `webhook-id`: the same at every endpoint and at every try.
    /// Example: `"evt_39a109784c71f26a4178f857e2b2177b"`.
    async fn event_id(&self) -> String {
        self.0.event_id()
    }

    /// What the event tells of.
    async fn event_type(&self) -> WebhookEventType {
        self.0.event.into()
    }

    /// What became of it.
    async fn status(&self) -> WebhookDeliveryStatus {
        self.0.status.into()
    }

    /// How often it was tried since it was last put into the queue.
    async fn tries(&self) -> i32 {
        self.0.tries
    }

    /// When it is tried again at the earliest; null when it was not tried yet, waits behind an earlier one of its member,
    /// or waits no longer.
    async fn next_try_at(&self) -> Option<DateTime> {
        self.0.next_try_at.map(DateTime)
    }

    /// When it was last tried; null when it never was.
    async fn last_tried_at(&self) -> Option<DateTime> {
        self.0.tried_at.map(DateTime)
    }

    /// How many milliseconds the last try took; null when there was none.
    async fn duration_ms(&self) -> Option<i32> {
        self.0.took.map(|took| i32::try_from(took.micros() / 1_000).unwrap_or(i32::MAX))
    }

    /// The HTTP status of the last answer; null when there was none. Example: `503`.
    async fn response_status(&self) -> Option<i32> {
        self.0.response_status.map(i32::from)
    }

    /// Why the last try failed; null when it did not.
    async fn failure(&self) -> Option<WebhookFailure> {
        self.0.failure.map(WebhookFailure::from)
    }

    /// When the endpoint took it; null while it has not.
    async fn delivered_at(&self) -> Option<DateTime> {
        self.0.delivered_at.map(DateTime)
    }

    /// When it was first put into the queue.
    async fn queued_at(&self) -> DateTime {
        DateTime(self.0.queued_at)
    }

    /// The operation that it tells of; null for a ping, and for those who may not read operations.
    async fn operation(&self, ctx: &Context<'_>) -> Result<Option<Operation>> {
        match self.0.operation() {
            Some((wallet, seq)) => Operation::find(ctx, wallet, seq).await,
            None => Ok(None),
        }
    }

    /// Where it goes.
    async fn endpoint(&self, ctx: &Context<'_>) -> Result<Option<WebhookEndpoint>> {
        WebhookEndpoint::find(ctx, self.0.endpoint).await
    }
}
