//! A merchant registers an endpoint.

use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::audit::{ActKind, Author};
use amvaj_domain::id::WebhookEndpointId;
use amvaj_domain::text::Name;
use amvaj_domain::webhook::{Endpoint, EventTypes, Health};
use amvaj_infra::webhook::{self, InvalidAddress};

use super::{manages_webhooks_of, told};
use crate::app::{App, AppError, Stopped};
use crate::auth::webhook_secret::WebhookSecret;
use crate::random;

/// An endpoint to register.
#[derive(Debug, Clone)]
pub struct CreateWebhookEndpoint {
    /// Where events are to be sent, as it was written.
    pub url: String,
    /// What to call it.
    pub name: Name,
    /// What it is told of.
    pub types: EventTypes,
}

/// An endpoint with a new secret, which nobody can read again.
#[derive(Debug)]
pub struct WithSecret {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The secret.
    pub secret: WebhookSecret,
}

/// Why no endpoint was registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateWebhookRefused {
    /// The merchant is blocked.
    MerchantBlocked,
    /// The address is not one that events are sent to.
    InvalidAddress(InvalidAddress),
    /// It would be told of nothing.
    NoEventTypes,
    /// The merchant has as many endpoints as it may have.
    TooMany,
}

/// Registers an endpoint of the merchant that calls.
pub async fn create_webhook_endpoint(
    app: &App,
    identity: &Identity,
    author: &Author,
    request: CreateWebhookEndpoint,
) -> Result<WithSecret, Stopped<CreateWebhookRefused>> {
    use CreateWebhookRefused::{InvalidAddress, NoEventTypes};
    let Caller::Merchant(merchant) = identity.caller else { return Err(AppError::Forbidden.into()) };
    if !manages_webhooks_of(identity, merchant) {
        return Err(AppError::Forbidden.into());
    }
    if request.types.is_empty() {
        return Err(Stopped::Refused(NoEventTypes));
    }
    let reach = app.webhooks.settings().reach;
    let url = reach.read(&request.url).map_err(|problem| Stopped::Refused(InvalidAddress(problem)))?;
    let now = app.now();
    let endpoint = Endpoint {
        id: WebhookEndpointId::new(random::uuid(now)),
        merchant,
        url: url.into(),
        name: request.name,
        types: request.types,
        disabled: None,
        health: Health::GOOD,
        replaying: false,
        created_at: now,
    };
    let secret = WebhookSecret::generate().ok_or(AppError::Overloaded)?;
    let seal = |number| secret.seal(&app.credentials.secret, endpoint.id, number);
    let act = told(author, ActKind::WebhookMade, &endpoint, now);
    app.webhooks.create(&endpoint, &seal, &act).await?.map_err(refused)?;
    Ok(WithSecret { endpoint, secret })
}

fn refused(refused: webhook::CreateRefused) -> Stopped<CreateWebhookRefused> {
    match refused {
        webhook::CreateRefused::NoMerchant => AppError::Forbidden.into(),
        webhook::CreateRefused::MerchantBlocked => Stopped::Refused(CreateWebhookRefused::MerchantBlocked),
        webhook::CreateRefused::TooMany => Stopped::Refused(CreateWebhookRefused::TooMany),
        webhook::CreateRefused::NotSealed => AppError::Overloaded.into(),
    }
}
