//! A merchant changes an endpoint, or takes it away.

use amvaj_domain::access::Identity;
use amvaj_domain::audit::{ActKind, Author};
use amvaj_domain::id::WebhookEndpointId;
use amvaj_domain::text::Name;
use amvaj_domain::webhook::{Endpoint, EventTypes};
use amvaj_infra::webhook::{ChangeRefused, Changes, InvalidAddress};

use super::{own_endpoint, told};
use crate::app::{App, AppError, Stopped};

/// What to change of an endpoint. What is absent stays.
#[derive(Debug, Clone)]
pub struct ChangeWebhookEndpoint {
    /// The endpoint.
    pub id: WebhookEndpointId,
    /// Where events are to be sent, as it was written.
    pub url: Option<String>,
    /// What to call it.
    pub name: Option<Name>,
    /// What it is told of.
    pub types: Option<EventTypes>,
    /// Whether it is sent to.
    pub enabled: Option<bool>,
}

/// Why an endpoint was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeWebhookRefused {
    /// There is no such endpoint for the caller.
    EndpointNotFound,
    /// The address is not one that events are sent to.
    InvalidAddress(InvalidAddress),
    /// It would be told of nothing.
    NoEventTypes,
}

/// Changes an endpoint. Setting what is set already changes nothing and is not told of.
pub async fn change_webhook_endpoint(
    app: &App,
    identity: &Identity,
    author: &Author,
    request: ChangeWebhookEndpoint,
) -> Result<Endpoint, Stopped<ChangeWebhookRefused>> {
    use ChangeWebhookRefused::{EndpointNotFound, InvalidAddress, NoEventTypes};
    let endpoint = own_endpoint(app, identity, request.id).await?;
    let endpoint = endpoint.ok_or(Stopped::Refused(EndpointNotFound))?;
    if request.types.is_some_and(EventTypes::is_empty) {
        return Err(Stopped::Refused(NoEventTypes));
    }
    let reach = app.webhooks.settings().reach;
    let url = request.url.as_deref().map(|url| reach.read(url)).transpose();
    let url = url.map_err(|problem| Stopped::Refused(InvalidAddress(problem)))?;
    let changes = Changes {
        url: url.map(String::from),
        name: request.name,
        types: request.types,
        enabled: request.enabled,
    };
    let mut act = told(author, ActKind::WebhookChanged, &endpoint, app.now());
    if let Some(url) = &changes.url {
        act.add("newHost", super::host(url));
    }
    if let Some(enabled) = changes.enabled {
        act.add("enabled", enabled);
    }
    let changed = app.webhooks.change((endpoint.merchant, endpoint.id), &changes, &act).await?;
    changed.map_err(|ChangeRefused::NoEndpoint| Stopped::Refused(EndpointNotFound))
}

/// Takes an endpoint away: nothing more is sent to it.
pub async fn remove_webhook_endpoint(
    app: &App,
    identity: &Identity,
    author: &Author,
    id: WebhookEndpointId,
) -> Result<(), AppError> {
    let endpoint = own_endpoint(app, identity, id).await?.ok_or(AppError::NotFound)?;
    let act = told(author, ActKind::WebhookRemoved, &endpoint, app.now());
    let there = app.webhooks.remove((endpoint.merchant, id), &act).await?;
    if there { Ok(()) } else { Err(AppError::NotFound) }
}
