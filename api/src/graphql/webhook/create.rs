//! `createWebhookEndpoint`.

use amvaj_domain::text::Name;
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::{WebhookEndpoint, WebhookEventType, is_no_address, read_types};
use crate::app::webhooks::create::{CreateWebhookEndpoint, CreateWebhookRefused, create_webhook_endpoint};
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::user_error::{Problems, UserErrorCode as _, user_errors};

/// An endpoint to register.
#[derive(InputObject)]
pub struct CreateWebhookEndpointInput {
    /// Where events are to be sent: an address of the public internet that begins with `https://`, of at most 500
    /// characters, without a user, a password or a fragment. Example: `"https://shop.example/amvaj"`.
    pub url: String,
    /// What to call it, 1 to 120 characters. Example: `"Web shop"`.
    pub name: String,
    /// What it is told of; all that there is when left out. Example: `[POINTS_EARNED, PURCHASE_REFUNDED]`.
    pub event_types: Option<Vec<WebhookEventType>>,
}

/// What `createWebhookEndpoint` did.
#[derive(Default, SimpleObject)]
pub struct CreateWebhookEndpointPayload {
    /// The new endpoint; null when none was registered.
    pub webhook_endpoint: Option<WebhookEndpoint>,
    /// The secret that signs what it is sent, which is shown this once and cannot be read again: `whsec_` and base64.
    /// Example: `"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw…"`.
    pub secret: Option<String>,
    /// Why no endpoint was registered; empty when one was.
    pub user_errors: Vec<CreateWebhookEndpointUserError>,
}

user_errors! {
    /// Why `createWebhookEndpoint` registered nothing.
    CreateWebhookEndpointUserError, CreateWebhookEndpointErrorCode {
        /// The merchant is blocked.
        MerchantBlocked,
        /// The address is no URL, does not begin with `https://`, is too long, or holds a user, a password or a fragment.
        InvalidUrl,
        /// The address leads to a private network, a loopback or another place that is not on the public internet.
        AddressNotPublic,
        /// The name is empty, too long, or has control characters.
        InvalidName,
        /// The list of event types names none that operations are told as.
        NoEventTypes,
        /// The merchant has ten endpoints; remove one first.
        TooManyEndpoints,
    }
}

/// The mutation.
#[derive(Default)]
pub struct CreateWebhookEndpointMutation;

#[Object]
impl CreateWebhookEndpointMutation {
    /// Registers an endpoint at which the calling merchant is told of its operations from now on (an owner, a manager of all
    /// branches, or a key with `webhooks:manage`).
    async fn create_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint.")] input: CreateWebhookEndpointInput,
    ) -> Result<CreateWebhookEndpointPayload> {
        let identity = identity(ctx)?;
        let mut problems = Problems::new();
        let name = problems.take(
            Name::parse(&input.name),
            CreateWebhookEndpointErrorCode::InvalidName,
            "input.name",
        );
        let Some(name) = name else {
            return Ok(CreateWebhookEndpointPayload {
                user_errors: problems.into_errors(),
                ..Default::default()
            });
        };
        let types = read_types(input.event_types.as_deref());
        let request = CreateWebhookEndpoint { url: input.url, name, types };
        let made = create_webhook_endpoint(app(ctx)?, identity, &author(ctx)?, request).await;
        Ok(match refusal_or_fault(made)? {
            Ok(made) => CreateWebhookEndpointPayload {
                secret: Some(made.secret.text()),
                webhook_endpoint: Some(WebhookEndpoint(made.endpoint)),
                user_errors: Vec::new(),
            },
            Err(refused) => {
                CreateWebhookEndpointPayload { user_errors: vec![told(refused)], ..Default::default() }
            }
        })
    }
}

fn told(refused: CreateWebhookRefused) -> CreateWebhookEndpointUserError {
    use CreateWebhookEndpointErrorCode as Code;
    match refused {
        CreateWebhookRefused::MerchantBlocked => Code::MerchantBlocked.at(""),
        CreateWebhookRefused::InvalidAddress(problem) if is_no_address(problem) => {
            Code::InvalidUrl.at("input.url")
        }
        CreateWebhookRefused::InvalidAddress(_) => Code::AddressNotPublic.at("input.url"),
        CreateWebhookRefused::NoEventTypes => Code::NoEventTypes.at("input.eventTypes"),
        CreateWebhookRefused::TooMany => Code::TooManyEndpoints.at(""),
    }
}
