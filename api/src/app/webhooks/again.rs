//! A merchant tries an endpoint out, or has events sent again.

use amvaj_domain::access::Identity;
use amvaj_domain::id::{WebhookDeliveryId, WebhookEndpointId};
use amvaj_domain::webhook::{Delivery, Endpoint};
use amvaj_infra::webhook::{RedeliverRefused, ReplayRefused, ReplayStart};

use super::own_endpoint;
use crate::app::{App, Stopped};

/// Puts a ping into an endpoint's queue.
pub async fn ping_webhook_endpoint(
    app: &App,
    identity: &Identity,
    id: WebhookEndpointId,
) -> Result<Delivery, Stopped<ReplayRefused>> {
    let endpoint = own_endpoint(app, identity, id).await?;
    let endpoint = endpoint.ok_or(Stopped::Refused(ReplayRefused::NoEndpoint))?;
    let pinged = app.webhooks.ping((endpoint.merchant, id), app.now()).await?;
    pinged.map_err(Stopped::Refused)
}

/// Has everything sent again that an endpoint is told of, from a place on.
pub async fn replay_webhook_events(
    app: &App,
    identity: &Identity,
    id: WebhookEndpointId,
    start: ReplayStart,
) -> Result<Endpoint, Stopped<ReplayRefused>> {
    let endpoint = own_endpoint(app, identity, id).await?;
    let endpoint = endpoint.ok_or(Stopped::Refused(ReplayRefused::NoEndpoint))?;
    let replayed = app.webhooks.replay((endpoint.merchant, id), start, app.now()).await?;
    replayed.map_err(Stopped::Refused)?;
    own_endpoint(app, identity, id).await?.ok_or(Stopped::Refused(ReplayRefused::NoEndpoint))
}

/// Has one event sent again that was delivered or is a dead letter.
pub async fn redeliver_webhook_event(
    app: &App,
    identity: &Identity,
    id: WebhookDeliveryId,
) -> Result<Delivery, Stopped<RedeliverRefused>> {
    use RedeliverRefused::NoDelivery;
    let found = app.webhooks.deliveries_by_id(&[id]).await?.remove(&id);
    let delivery = found.ok_or(Stopped::Refused(NoDelivery))?;
    let endpoint = own_endpoint(app, identity, delivery.endpoint).await?;
    let endpoint = endpoint.ok_or(Stopped::Refused(NoDelivery))?;
    let again = app.webhooks.redeliver(endpoint.merchant, &delivery, app.now()).await?;
    again.map_err(Stopped::Refused)
}
