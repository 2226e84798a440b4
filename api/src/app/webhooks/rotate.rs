//! The secret of an endpoint is replaced by a new one, beside which it goes on for a while.

use amvaj_domain::access::Identity;
use amvaj_domain::audit::{ActKind, Author};
use amvaj_domain::id::WebhookEndpointId;
use amvaj_domain::time::Span;
use amvaj_domain::webhook::Endpoint;
use amvaj_infra::webhook::RotateRefused;

use super::create::WithSecret;
use super::{own_endpoint, told};
use crate::app::{App, AppError, Stopped};
use crate::auth::webhook_secret::WebhookSecret;

/// Why a secret was not replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotateWebhookRefused {
    /// There is no such endpoint for the caller.
    EndpointNotFound,
    /// The overlap is below nothing or too long.
    InvalidOverlap,
    /// The secret before the newest one is still good.
    UnderWay,
}

/// Makes a new secret. Until the one before ends, what is sent has the signatures of both.
pub async fn rotate_webhook_secret(
    app: &App,
    identity: &Identity,
    author: &Author,
    (id, overlap): (WebhookEndpointId, Span),
) -> Result<WithSecret, Stopped<RotateWebhookRefused>> {
    use RotateWebhookRefused::{EndpointNotFound, InvalidOverlap, UnderWay};
    let endpoint = own_endpoint(app, identity, id).await?.ok_or(Stopped::Refused(EndpointNotFound))?;
    if !(Span::seconds(0)..=Endpoint::LONGEST_OVERLAP).contains(&overlap) {
        return Err(Stopped::Refused(InvalidOverlap));
    }
    let now = app.now();
    let secret = WebhookSecret::generate().ok_or(AppError::Overloaded)?;
    let seal = |number| secret.seal(&app.credentials.secret, id, number);
    let act = told(author, ActKind::WebhookSecretRotated, &endpoint, now)
        .detail("overlapSeconds", overlap.micros() / 1_000_000);
    let rotated = app.webhooks.rotate((endpoint.merchant, id), overlap, &seal, now, &act).await?;
    match rotated {
        Ok(endpoint) => Ok(WithSecret { endpoint, secret }),
        Err(RotateRefused::NoEndpoint) => Err(Stopped::Refused(EndpointNotFound)),
        Err(RotateRefused::UnderWay) => Err(Stopped::Refused(UnderWay)),
        Err(RotateRefused::NotSealed) => Err(AppError::Overloaded.into()),
    }
}
