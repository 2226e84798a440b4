//! `replayWebhookEvents` and `redeliverWebhookEvent`.

use amvaj_infra::ledger::HistoryKey;
use amvaj_infra::webhook::{RedeliverRefused, ReplayRefused, ReplayStart};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::delivery::WebhookDelivery;
use super::{WebhookEndpoint, endpoint_id};
use crate::app::webhooks::again::{redeliver_webhook_event, replay_webhook_events};
use crate::graphql::connection::key_of;
use crate::graphql::context::{app, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::scalar::DateTime;
use crate::graphql::user_error::{Problems, UserErrorCode as _, user_errors};

/// An endpoint, and from where on it is sent events again. Give one of `after` and `since`.
#[derive(InputObject)]
pub struct ReplayWebhookEventsInput {
    /// The endpoint's global id.
    pub webhook_endpoint_id: ID,
    /// Begin after this event: the `cursor` in its body. Events that were recorded before it and delivered after it are sent
    /// as well.
    pub after: Option<String>,
    /// Begin with what was recorded at this moment or later.
    pub since: Option<DateTime>,
}

/// What `replayWebhookEvents` did.
#[derive(Default, SimpleObject)]
pub struct ReplayWebhookEventsPayload {
    /// The endpoint; null when nothing is sent again.
    pub webhook_endpoint: Option<WebhookEndpoint>,
    /// Why nothing is sent again; empty when it is.
    pub user_errors: Vec<ReplayWebhookEventsUserError>,
}

/// An event to send again.
#[derive(InputObject)]
pub struct RedeliverWebhookEventInput {
    /// Global id of its delivery.
    pub webhook_delivery_id: ID,
}

/// What `redeliverWebhookEvent` did.
#[derive(Default, SimpleObject)]
pub struct RedeliverWebhookEventPayload {
    /// The delivery, which waits again; null when nothing changed.
    pub webhook_delivery: Option<WebhookDelivery>,
    /// Why nothing changed; empty when the event is sent again.
    pub user_errors: Vec<RedeliverWebhookEventUserError>,
}

user_errors! {
    /// Why `replayWebhookEvents` sends nothing again.
    ReplayWebhookEventsUserError, ReplayWebhookEventsErrorCode {
        /// There is no such endpoint for the caller.
        EndpointNotFound,
        /// The endpoint is disabled: enable it first.
        EndpointDisabled,
        /// Neither `after` nor `since` is given, or both are.
        InvalidStart,
        /// The cursor is none of an event.
        InvalidCursor,
        /// The place lies further back than events are kept for sending again.
        CursorExpired,
    }
}

user_errors! {
    /// Why `redeliverWebhookEvent` sends nothing again.
    RedeliverWebhookEventUserError, RedeliverWebhookEventErrorCode {
        /// There is no such delivery for the caller.
        DeliveryNotFound,
        /// The event waits already.
        DeliveryWaiting,
        /// The endpoint is disabled: enable it first.
        EndpointDisabled,
    }
}

/// The mutations.
#[derive(Default)]
pub struct ReplayWebhookMutations;

#[Object]
impl ReplayWebhookMutations {
    /// Sends an endpoint of the calling merchant everything again that it is told of, from a place on until now: for a
    /// receiver that lost what it had, and for one that was disabled or is new. Events have the ids that they had. While
    /// they are queued nothing else is sent, so that each member's come in order.
    async fn replay_webhook_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint and the place.")] input: ReplayWebhookEventsInput,
    ) -> Result<ReplayWebhookEventsPayload> {
        use ReplayWebhookEventsErrorCode::{CursorExpired, EndpointDisabled, EndpointNotFound};
        let identity = identity(ctx)?;
        let (id, start) = match read(&input) {
            Ok(read) => read,
            Err(user_errors) => return Ok(ReplayWebhookEventsPayload { user_errors, ..Default::default() }),
        };
        let place = if input.after.is_some() { "input.after" } else { "input.since" };
        let refused = match refusal_or_fault(replay_webhook_events(app(ctx)?, identity, id, start).await)? {
            Ok(endpoint) => {
                return Ok(ReplayWebhookEventsPayload {
                    webhook_endpoint: Some(WebhookEndpoint(endpoint)),
                    user_errors: Vec::new(),
                });
            }
            Err(ReplayRefused::NoEndpoint) => EndpointNotFound.at("input.webhookEndpointId"),
            Err(ReplayRefused::Disabled) => EndpointDisabled.at("input.webhookEndpointId"),
            Err(ReplayRefused::TooOld) => CursorExpired.at(place),
        };
        Ok(ReplayWebhookEventsPayload { user_errors: vec![refused], ..Default::default() })
    }

    /// Sends one event again to an endpoint of the calling merchant: a dead letter, or one that was delivered.
    async fn redeliver_webhook_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The delivery.")] input: RedeliverWebhookEventInput,
    ) -> Result<RedeliverWebhookEventPayload> {
        use RedeliverWebhookEventErrorCode::{DeliveryNotFound, DeliveryWaiting, EndpointDisabled};
        let identity = identity(ctx)?;
        let Some(GlobalId::WebhookDelivery(id)) = GlobalId::read(&input.webhook_delivery_id) else {
            let user_errors = Problems::one(DeliveryNotFound, "input.webhookDeliveryId");
            return Ok(RedeliverWebhookEventPayload { user_errors, ..Default::default() });
        };
        let code = match refusal_or_fault(redeliver_webhook_event(app(ctx)?, identity, id).await)? {
            Ok(delivery) => {
                return Ok(RedeliverWebhookEventPayload {
                    webhook_delivery: Some(WebhookDelivery(delivery)),
                    user_errors: Vec::new(),
                });
            }
            Err(RedeliverRefused::NoDelivery) => DeliveryNotFound,
            Err(RedeliverRefused::Waiting) => DeliveryWaiting,
            Err(RedeliverRefused::Disabled) => EndpointDisabled,
        };
        let user_errors = vec![code.at("input.webhookDeliveryId")];
        Ok(RedeliverWebhookEventPayload { user_errors, ..Default::default() })
    }
}

fn read(
    input: &ReplayWebhookEventsInput,
) -> Result<(amvaj_domain::id::WebhookEndpointId, ReplayStart), Vec<ReplayWebhookEventsUserError>> {
    use ReplayWebhookEventsErrorCode::{EndpointNotFound, InvalidCursor, InvalidStart};
    let mut problems = Problems::new();
    let id = endpoint_id(&input.webhook_endpoint_id).ok_or(());
    let id = problems.take(id, EndpointNotFound, "input.webhookEndpointId");
    let start = match (&input.after, input.since) {
        (Some(cursor), None) => {
            let place = key_of::<HistoryKey>(cursor).ok_or(());
            problems.take(place, InvalidCursor, "input.after").map(ReplayStart::After)
        }
        (None, Some(DateTime(moment))) => Some(ReplayStart::At(moment)),
        (None, None) | (Some(_), Some(_)) => {
            problems.add(InvalidStart, "input");
            None
        }
    };
    id.zip(start).ok_or_else(|| problems.into_errors())
}
