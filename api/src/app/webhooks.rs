//! Merchants register endpoints, look after them, and have events sent again.

pub mod again;
pub mod change;
pub mod create;
pub mod rotate;

use amvaj_domain::access::{Caller, Identity, Scope};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{MerchantId, WebhookEndpointId};
use amvaj_domain::time::Instant;
use amvaj_domain::webhook::Endpoint;

use super::{App, AppError};

/// Whether the caller looks after this merchant's endpoints: only the merchant itself does. Its staff need the scope for
/// the whole merchant, whose endpoints know no branches.
pub fn manages_webhooks_of(identity: &Identity, merchant: MerchantId) -> bool {
    identity.caller == Caller::Merchant(merchant) && identity.may_at(Scope::WebhooksManage, None)
}

/// Whether the caller sees this merchant's endpoints: whoever looks after them, and the operator.
pub fn sees_webhooks_of(identity: &Identity, merchant: MerchantId) -> bool {
    manages_webhooks_of(identity, merchant)
        || (identity.caller == Caller::Operator && identity.may(Scope::NetworkManage))
}

/// The endpoint, when the caller looks after it.
async fn own_endpoint(
    app: &App,
    identity: &Identity,
    id: WebhookEndpointId,
) -> Result<Option<Endpoint>, AppError> {
    let found = app.webhooks.endpoints_by_id(&[id]).await?.pop();
    Ok(found.filter(|endpoint| manages_webhooks_of(identity, endpoint.merchant)))
}

/// What the audit log is told of an endpoint: of its address only where it is, which may hold a token elsewhere.
fn told(author: &Author, kind: ActKind, endpoint: &Endpoint, now: Instant) -> Act {
    Act::new(author, kind, Target::Webhook(endpoint.id), now)
        .detail("merchant", endpoint.merchant.to_string().as_str())
        .detail("name", endpoint.name.as_str())
        .detail("host", host(&endpoint.url))
}

/// The host of an address.
fn host(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.split(['/', '?']).next().unwrap_or_default()
}
