//! Webhooks: endpoints at which a merchant's programs are told of what happens.

pub mod change;
pub mod create;
pub mod delivery;
pub mod ping;
pub mod replay;
pub mod rotate;

use amvaj_domain::id::{MerchantId, WebhookEndpointId};
use amvaj_domain::webhook;
use amvaj_infra::webhook::InvalidAddress;
use async_graphql::{Context, Enum, ID, MergedObject, Object, Result, SimpleObject};

use super::connection::{PageArguments, connection};
use super::context::{app, identity_if_any};
use super::error::fault;
use super::global_id::GlobalId;
use super::loader::loader;
use super::merchant::Merchant;
use super::scalar::DateTime;
use crate::app::webhooks::sees_webhooks_of;
use delivery::{WebhookDelivery, WebhookDeliveryConnection, WebhookDeliveryStatus};

/// What an event tells of. Receivers see the name in lower case with a dot, such as `points.earned`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "webhook::EventType")]
pub enum WebhookEventType {
    /// `points.earned`: points were issued for a purchase.
    PointsEarned,
    /// `points.held`: points were reserved.
    PointsHeld,
    /// `hold.captured`: reserved points were taken; the rest of the hold became free.
    HoldCaptured,
    /// `hold.released`: reserved points were given back.
    HoldReleased,
    /// `hold.expired`: a hold's time was over, and its points became free.
    HoldExpired,
    /// `points.redeemed`: the member paid with points.
    PointsRedeemed,
    /// `purchase.refunded`: a purchase, or a part of it, was taken back.
    PurchaseRefunded,
    /// `webhook.ping`: nothing happened; somebody tried out whether the endpoint answers. No endpoint asks for it.
    Ping,
}

/// Whether an endpoint is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "webhook::EndpointStatus")]
pub enum WebhookEndpointStatus {
    /// It is.
    Active,
    /// It is not, and nothing is queued for it, until it is enabled with `updateWebhookEndpoint`. Have what it missed sent
    /// with `replayWebhookEvents`.
    Disabled,
}

/// Why an endpoint is not sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "webhook::DisabledReason")]
pub enum WebhookDisabledReason {
    /// Its merchant disabled it.
    ByMerchant,
    /// It answered with status 410, which says that it is gone for good.
    Gone,
    /// It took nothing for five days.
    Failing,
}

/// A secret that signs what an endpoint is sent, without the secret itself.
#[derive(Debug, Clone, SimpleObject)]
pub struct WebhookSecretInfo {
    /// When it was made.
    pub created_at: DateTime,
    /// When it ends beside the one that replaces it; null for the newest.
    pub expires_at: Option<DateTime>,
}

connection! {
    /// Endpoints, a page at a time, in the order in which they were registered.
    WebhookEndpointConnection, WebhookEndpointEdge, WebhookEndpoint
}

/// A place at which a merchant's program is told of the merchant's operations.
#[derive(Debug, Clone)]
pub struct WebhookEndpoint(pub webhook::Endpoint);

/// Mutations of webhooks.
#[derive(Default, MergedObject)]
pub struct WebhookMutations(
    create::CreateWebhookEndpointMutation,
    change::ChangeWebhookEndpointMutations,
    rotate::RotateWebhookSecretMutation,
    ping::PingWebhookEndpointMutation,
    replay::ReplayWebhookMutations,
);

impl WebhookEndpoint {
    /// The endpoint of this id, for those who see it.
    pub async fn find(ctx: &Context<'_>, id: WebhookEndpointId) -> Result<Option<Self>> {
        let found = loader(ctx)?.load_one(id).await.map_err(fault)?;
        Ok(found.filter(|endpoint| sees(ctx, endpoint.merchant)).map(Self))
    }
}

/// A place at which a merchant's program is told of the merchant's operations: each is sent as a POST of JSON, signed after
/// Standard Webhooks (headers `webhook-id`, `webhook-timestamp`, `webhook-signature`). Any status of 200 to 299 says that it
/// was taken; everything else, a redirect included, has it sent again with the same `webhook-id`, after pauses that grow
/// from five seconds to eight hours, for about three days. Of each member one event at a time is on its way, so that they
/// come in the order in which they happened; one may come twice.
#[Object]
impl WebhookEndpoint {
    /// The endpoint's global id.
    pub async fn id(&self) -> ID {
        GlobalId::WebhookEndpoint(self.0.id).write()
    }

    /// Where events are sent. Example: `"https://shop.example/amvaj"`.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// What it is called. Example: `"Web shop"`.
    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// What it is told of.
    async fn event_types(&self) -> Vec<WebhookEventType> {
        self.0.types.iter().map(WebhookEventType::from).collect()
    }

    /// Whether it is sent to.
    async fn status(&self) -> WebhookEndpointStatus {
        self.0.status().into()
    }

    /// Why it is not sent to; null when it is.
    async fn disabled_reason(&self) -> Option<WebhookDisabledReason> {
        self.0.disabled.map(WebhookDisabledReason::from)
    }

    /// When it began to fail; null when it took what it was last sent. After five days it is disabled.
    async fn failing_since(&self) -> Option<DateTime> {
        self.0.health.failing_since.map(DateTime)
    }

    /// Until when nothing is sent, because it took nothing five times in a row: then one event at a time is tried. Null
    /// when it is sent to.
    async fn paused_until(&self) -> Option<DateTime> {
        self.0.health.paused_until.map(DateTime)
    }

    /// Whether events are being put into its queue again (`replayWebhookEvents`), before which nothing more is sent.
    async fn replaying(&self) -> bool {
        self.0.replaying
    }

    /// The secrets that sign what it is sent, oldest first: one, or two while one replaces the other.
    async fn secrets(&self, ctx: &Context<'_>) -> Result<Vec<WebhookSecretInfo>> {
        let app = app(ctx)?;
        let secrets = app.webhooks.secrets(self.0.id, app.now()).await.map_err(fault)?;
        let info = |secret: &webhook::Secret| WebhookSecretInfo {
            created_at: DateTime(secret.created_at),
            expires_at: secret.expires_at.map(DateTime),
        };
        Ok(secrets.iter().map(info).collect())
    }

    /// Whose operations it is told of.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        Merchant::load(ctx, self.0.merchant).await
    }

    /// When it was registered.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// What it was sent and what became of it, in the order in which it was queued; `last` gives the newest. With the status
    /// `DEAD` the dead letters. It is kept for 30 days, unless the installation says otherwise.
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of this status; all of them when left out.")] status: Option<
            WebhookDeliveryStatus,
        >,
    ) -> Result<WebhookDeliveryConnection> {
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        let status = status.map(webhook::DeliveryStatus::from);
        let page = app(ctx)?.webhooks.deliveries(self.0.id, status, &request).await.map_err(fault)?;
        Ok(WebhookDeliveryConnection::new(page, |delivery| delivery.id.uuid(), WebhookDelivery))
    }
}

/// Whether the caller sees this merchant's endpoints.
pub(super) fn sees(ctx: &Context<'_>, merchant: MerchantId) -> bool {
    identity_if_any(ctx).is_some_and(|identity| sees_webhooks_of(identity, merchant))
}

/// The endpoint that an id names; nothing when it names something else.
fn endpoint_id(id: &ID) -> Option<WebhookEndpointId> {
    match GlobalId::read(id)? {
        GlobalId::WebhookEndpoint(id) => Some(id),
        _ => None,
    }
}

/// The types that a client names; all that operations are told as when it names none.
fn read_types(types: Option<&[WebhookEventType]>) -> webhook::EventTypes {
    let Some(types) = types else { return webhook::EventTypes::all() };
    let named = types.iter().map(|event| webhook::EventType::from(*event));
    webhook::EventTypes::of(named.filter(|event| *event != webhook::EventType::Ping))
}

/// Whether an address is wrong as such, and not only where it leads.
const fn is_no_address(problem: InvalidAddress) -> bool {
    !matches!(problem, InvalidAddress::NotPublic)
}
