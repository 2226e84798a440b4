//! Damages to endpoints for webhooks and what they are told.

use super::{Damage, change, copy, delete};

pub(super) fn webhooks() -> Vec<Damage> {
    vec![
        change(
            28,
            "an endpoint of no merchant",
            "webhook_endpoint",
            "merchant_id = endpoint_id",
            "status = 1",
        ),
        delete(28, "an endpoint deleted", "webhook_endpoint", "status = 1"),
        delete(28, "the lasting secret deleted", "webhook_secret", "expires_at is null"),
        change(28, "the lasting secret ended", "webhook_secret", "expires_at = 1", "expires_at is null"),
        change(28, "two secrets that last", "webhook_secret", "expires_at = null", "expires_at is not null"),
        copy(
            28,
            "a secret of an endpoint that was removed",
            "webhook_secret",
            "endpoint_id, secret_no, sealed, created_at, expires_at",
            "(select endpoint_id from webhook_endpoint where status = 3), 1, sealed, created_at, expires_at",
            "expires_at is not null",
        ),
        change(28, "an event of another kind", "webhook_delivery", "event_type = 7", "event_type = 1"),
        change(28, "an event of nothing", "webhook_delivery", "seq = seq + 1000", "event_type = 1"),
        change(28, "an event of another moment", "webhook_delivery", "recorded_at = 1", "event_type = 1"),
        change(
            28,
            "an event of another merchant",
            "webhook_delivery",
            "endpoint_id = (select endpoint_id from webhook_endpoint where status = 3), seq = seq + 100",
            "event_type = 1 and endpoint_id = (select endpoint_id from webhook_endpoint where status = 1)",
        ),
        delete(
            28,
            "a row of the queue deleted",
            "webhook_queue",
            "endpoint_id = (select endpoint_id from webhook_endpoint where status = 1)",
        ),
        change(
            18,
            "an event that is due and never sent",
            "webhook_queue",
            "next_try_at = 1",
            "endpoint_id = (select endpoint_id from webhook_endpoint where status = 1)",
        ),
    ]
}
