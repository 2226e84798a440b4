//! `pingWebhookEndpoint`.

use amvaj_infra::webhook::ReplayRefused;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::delivery::WebhookDelivery;
use super::endpoint_id;
use crate::app::webhooks::again::ping_webhook_endpoint;
use crate::graphql::context::{app, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::user_error::{Problems, UserErrorCode as _, user_errors};

/// An endpoint to try out.
#[derive(InputObject)]
pub struct PingWebhookEndpointInput {
    /// The endpoint's global id.
    pub webhook_endpoint_id: ID,
}

/// What `pingWebhookEndpoint` did.
#[derive(Default, SimpleObject)]
pub struct PingWebhookEndpointPayload {
    /// The ping on its way: ask for it again in a moment to see what became of it. Null when none was sent.
    pub webhook_delivery: Option<WebhookDelivery>,
    /// Why no ping was sent; empty when one was.
    pub user_errors: Vec<PingWebhookEndpointUserError>,
}

user_errors! {
    /// Why `pingWebhookEndpoint` sent nothing.
    PingWebhookEndpointUserError, PingWebhookEndpointErrorCode {
        /// There is no such endpoint for the caller.
        EndpointNotFound,
        /// The endpoint is disabled.
        EndpointDisabled,
    }
}

/// The mutation.
#[derive(Default)]
pub struct PingWebhookEndpointMutation;

#[Object]
impl PingWebhookEndpointMutation {
    /// Sends an endpoint of the calling merchant an event of the type `webhook.ping`, at once even when it is left alone for a
    /// while because it failed. A ping that waits already is sent once.
    async fn ping_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint.")] input: PingWebhookEndpointInput,
    ) -> Result<PingWebhookEndpointPayload> {
        use PingWebhookEndpointErrorCode::{EndpointDisabled, EndpointNotFound};
        let identity = identity(ctx)?;
        let Some(id) = endpoint_id(&input.webhook_endpoint_id) else {
            let user_errors = Problems::one(EndpointNotFound, "input.webhookEndpointId");
            return Ok(PingWebhookEndpointPayload { user_errors, ..Default::default() });
        };
        let code = match refusal_or_fault(ping_webhook_endpoint(app(ctx)?, identity, id).await)? {
            Ok(delivery) => {
                return Ok(PingWebhookEndpointPayload {
                    webhook_delivery: Some(WebhookDelivery(delivery)),
                    user_errors: Vec::new(),
                });
            }
            Err(ReplayRefused::Disabled) => EndpointDisabled,
            Err(ReplayRefused::NoEndpoint | ReplayRefused::TooOld) => EndpointNotFound,
        };
        let user_errors = vec![code.at("input.webhookEndpointId")];
        Ok(PingWebhookEndpointPayload { user_errors, ..Default::default() })
    }
}
