//! `updateWebhookEndpoint` and `removeWebhookEndpoint`.

use amvaj_domain::text::Name;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{WebhookEndpoint, WebhookEventType, endpoint_id, is_no_address, read_types};
use crate::app::AppError;
use crate::app::webhooks::change::{
    ChangeWebhookEndpoint, ChangeWebhookRefused, change_webhook_endpoint, remove_webhook_endpoint,
};
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::{fault, refusal_or_fault};
use crate::graphql::user_error::{Problems, UserErrorCode as _, user_errors};

/// An endpoint and what to change of it. Fields that are left out stay.
#[derive(InputObject)]
pub struct UpdateWebhookEndpointInput {
    /// The endpoint's global id.
    pub webhook_endpoint_id: ID,
    /// Where events are to be sent, as for `createWebhookEndpoint`.
    pub url: Option<String>,
    /// What to call it, 1 to 120 characters.
    pub name: Option<String>,
    /// What it is told of.
    pub event_types: Option<Vec<WebhookEventType>>,
    /// Whether it is sent to. One that is enabled again is tried at once; what it missed meanwhile has to be sent with
    /// `replayWebhookEvents`.
    pub enabled: Option<bool>,
}

/// What `updateWebhookEndpoint` did.
#[derive(Default, SimpleObject)]
pub struct UpdateWebhookEndpointPayload {
    /// The endpoint as it is now; null when nothing changed.
    pub webhook_endpoint: Option<WebhookEndpoint>,
    /// Why nothing changed; empty when the endpoint is as it was asked for.
    pub user_errors: Vec<UpdateWebhookEndpointUserError>,
}

/// An endpoint to take away.
#[derive(InputObject)]
pub struct RemoveWebhookEndpointInput {
    /// The endpoint's global id.
    pub webhook_endpoint_id: ID,
}

/// What `removeWebhookEndpoint` did.
#[derive(SimpleObject)]
pub struct RemoveWebhookEndpointPayload {
    /// The id of the endpoint that was removed; null when none was.
    pub removed_webhook_endpoint_id: Option<ID>,
    /// Why nothing was removed; empty when the endpoint was.
    pub user_errors: Vec<RemoveWebhookEndpointUserError>,
}

user_errors! {
    /// Why `updateWebhookEndpoint` changed nothing.
    UpdateWebhookEndpointUserError, UpdateWebhookEndpointErrorCode {
        /// There is no such endpoint for the caller.
        EndpointNotFound,
        /// The address is no URL, does not begin with `https://`, is too long, or holds a user, a password or a fragment.
        InvalidUrl,
        /// The address leads to a private network, a loopback or another place that is not on the public internet.
        AddressNotPublic,
        /// The name is empty, too long, or has control characters.
        InvalidName,
        /// The list of event types names none that operations are told as.
        NoEventTypes,
    }
}

user_errors! {
    /// Why `removeWebhookEndpoint` removed nothing.
    RemoveWebhookEndpointUserError, RemoveWebhookEndpointErrorCode {
        /// There is no such endpoint for the caller.
        EndpointNotFound,
    }
}

/// The mutations.
#[derive(Default)]
pub struct ChangeWebhookEndpointMutations;

#[Object]
impl ChangeWebhookEndpointMutations {
    /// Changes an endpoint of the calling merchant, disables it or enables it again.
    async fn update_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint and what to change.")] input: UpdateWebhookEndpointInput,
    ) -> Result<UpdateWebhookEndpointPayload> {
        let identity = identity(ctx)?;
        let request = match read(input) {
            Ok(request) => request,
            Err(user_errors) => {
                return Ok(UpdateWebhookEndpointPayload { user_errors, ..Default::default() });
            }
        };
        let changed = change_webhook_endpoint(app(ctx)?, identity, &author(ctx)?, request).await;
        Ok(match refusal_or_fault(changed)? {
            Ok(endpoint) => UpdateWebhookEndpointPayload {
                webhook_endpoint: Some(WebhookEndpoint(endpoint)),
                user_errors: Vec::new(),
            },
            Err(refused) => {
                UpdateWebhookEndpointPayload { user_errors: vec![told(refused)], ..Default::default() }
            }
        })
    }

    /// Takes an endpoint of the calling merchant away for good: nothing more is sent to it, and what became of its events is
    /// no longer shown.
    async fn remove_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint.")] input: RemoveWebhookEndpointInput,
    ) -> Result<RemoveWebhookEndpointPayload> {
        let identity = identity(ctx)?;
        let removed = match endpoint_id(&input.webhook_endpoint_id) {
            Some(id) => remove_webhook_endpoint(app(ctx)?, identity, &author(ctx)?, id).await,
            None => Err(AppError::NotFound),
        };
        match removed {
            Ok(()) => Ok(RemoveWebhookEndpointPayload {
                removed_webhook_endpoint_id: Some(input.webhook_endpoint_id),
                user_errors: Vec::new(),
            }),
            Err(AppError::NotFound) => {
                let code = RemoveWebhookEndpointErrorCode::EndpointNotFound;
                let user_errors = Problems::one(code, "input.webhookEndpointId");
                Ok(RemoveWebhookEndpointPayload { removed_webhook_endpoint_id: None, user_errors })
            }
            Err(error) => Err(fault(error)),
        }
    }
}

fn read(
    input: UpdateWebhookEndpointInput,
) -> Result<ChangeWebhookEndpoint, Vec<UpdateWebhookEndpointUserError>> {
    use UpdateWebhookEndpointErrorCode::{EndpointNotFound, InvalidName};
    let mut problems = Problems::new();
    let id = endpoint_id(&input.webhook_endpoint_id).ok_or(());
    let id = problems.take(id, EndpointNotFound, "input.webhookEndpointId");
    let name = input.name.as_deref().map(Name::parse).transpose();
    let name = problems.take(name, InvalidName, "input.name");
    match (id, name) {
        (Some(id), Some(name)) => Ok(ChangeWebhookEndpoint {
            id,
            url: input.url,
            name,
            types: input.event_types.map(|types| read_types(Some(&types))),
            enabled: input.enabled,
        }),
        _ => Err(problems.into_errors()),
    }
}

fn told(refused: ChangeWebhookRefused) -> UpdateWebhookEndpointUserError {
    use UpdateWebhookEndpointErrorCode as Code;
    match refused {
        ChangeWebhookRefused::EndpointNotFound => Code::EndpointNotFound.at("input.webhookEndpointId"),
        ChangeWebhookRefused::InvalidAddress(problem) if is_no_address(problem) => {
            Code::InvalidUrl.at("input.url")
        }
        ChangeWebhookRefused::InvalidAddress(_) => Code::AddressNotPublic.at("input.url"),
        ChangeWebhookRefused::NoEventTypes => Code::NoEventTypes.at("input.eventTypes"),
    }
}
