//! `rotateWebhookSecret`.

use amvaj_domain::time::Span;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{WebhookEndpoint, endpoint_id};
use crate::app::webhooks::rotate::{RotateWebhookRefused, rotate_webhook_secret};
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::user_error::{Problems, UserErrorCode as _, user_errors};

/// An endpoint whose secret is to be replaced.
#[derive(InputObject)]
pub struct RotateWebhookSecretInput {
    /// The endpoint's global id.
    pub webhook_endpoint_id: ID,
    /// For how many hours the secret before goes on beside the new one, 0 to 168 (7 days): so long what is sent has the
    /// signatures of both. With 0 every secret before ends at once. Example: `24`.
    #[graphql(default = 24)]
    pub overlap_hours: i32,
}

/// What `rotateWebhookSecret` did.
#[derive(Default, SimpleObject)]
pub struct RotateWebhookSecretPayload {
    /// The endpoint; null when nothing changed.
    pub webhook_endpoint: Option<WebhookEndpoint>,
    /// The new secret, which is shown this once and cannot be read again.
    pub secret: Option<String>,
    /// Why nothing changed; empty when the secret was replaced.
    pub user_errors: Vec<RotateWebhookSecretUserError>,
}

user_errors! {
    /// Why `rotateWebhookSecret` changed nothing.
    RotateWebhookSecretUserError, RotateWebhookSecretErrorCode {
        /// There is no such endpoint for the caller.
        EndpointNotFound,
        /// The overlap is out of range.
        InvalidOverlap,
        /// A secret that was replaced before still goes on: wait for its end, or rotate with no overlap.
        RotationUnderWay,
    }
}

/// The mutation.
#[derive(Default)]
pub struct RotateWebhookSecretMutation;

#[Object]
impl RotateWebhookSecretMutation {
    /// Replaces the secret of an endpoint of the calling merchant. The one before goes on for the overlap, so that no event is
    /// refused while the receiver changes over.
    async fn rotate_webhook_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint.")] input: RotateWebhookSecretInput,
    ) -> Result<RotateWebhookSecretPayload> {
        use RotateWebhookSecretErrorCode::{EndpointNotFound, InvalidOverlap, RotationUnderWay};
        let identity = identity(ctx)?;
        let Some(id) = endpoint_id(&input.webhook_endpoint_id) else {
            let user_errors = Problems::one(EndpointNotFound, "input.webhookEndpointId");
            return Ok(RotateWebhookSecretPayload { user_errors, ..Default::default() });
        };
        let overlap = Span::minutes(i64::from(input.overlap_hours).saturating_mul(60));
        let rotated = rotate_webhook_secret(app(ctx)?, identity, &author(ctx)?, (id, overlap)).await;
        let refused = match refusal_or_fault(rotated)? {
            Ok(rotated) => {
                return Ok(RotateWebhookSecretPayload {
                    secret: Some(rotated.secret.text()),
                    webhook_endpoint: Some(WebhookEndpoint(rotated.endpoint)),
                    user_errors: Vec::new(),
                });
            }
            Err(RotateWebhookRefused::EndpointNotFound) => EndpointNotFound.at("input.webhookEndpointId"),
            Err(RotateWebhookRefused::InvalidOverlap) => InvalidOverlap.at("input.overlapHours"),
            Err(RotateWebhookRefused::UnderWay) => RotationUnderWay.at("input.overlapHours"),
        };
        Ok(RotateWebhookSecretPayload { user_errors: vec![refused], ..Default::default() })
    }
}
