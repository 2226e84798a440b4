//! What became of events is forgotten after a while, and endpoints that were removed with all that they had.

use amvaj_domain::time::{Instant, Span};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, Statement,
};
use uuid::Uuid;

use super::endpoint::REMOVED;
use crate::db::entity::{webhook_delivery as delivery, webhook_endpoint as endpoint, webhook_queue as queue};
use crate::db::{Database, StoreError};

/// Rows that one statement removes.
pub(crate) const PAGE: u32 = 1_000;

/// Endpoints that were removed and of which one round takes what they had.
const ENDPOINTS: u64 = 100;
/// How long the lease of an endpoint that is gone is left alone, so that nobody sends under it any more.
const AFTER_ITS_LEASE: Span = Span::minutes(60);

/// Removes a page of deliveries that were queued before `before` and wait no longer, and a page of what endpoints have that
/// were removed. Answers how many rows went. Removing them twice does no harm.
///
/// # Errors
/// When the database fails.
pub(crate) async fn purge(database: &Database, before: Instant, now: Instant) -> Result<u64, StoreError> {
    let old = [PAGE.into(), before.micros().into(), first_id_after(before).into()];
    let old = Statement::from_sql_and_values(database.backend(), OLD, old);
    let old = database.writer().execute_raw(old).await?.rows_affected();
    let of_removed = purge_removed(database).await?;
    let leases = LEASES.replace("{id}", if database.is_postgres() { ID_POSTGRES } else { ID_SQLITE });
    let leases = Statement::from_sql_and_values(
        database.backend(),
        leases,
        [now.micros().saturating_sub(AFTER_ITS_LEASE.micros()).into()],
    );
    database.writer().execute_raw(leases).await?;
    Ok(old.saturating_add(of_removed))
}

/// Removes a page of what removed endpoints have, and the endpoints once they have nothing more. They are held first, which
/// waits for keepers that took them to be there still: what these have put into queues is then seen. (SQLite has one writer
/// at a time.)
async fn purge_removed(database: &Database) -> Result<u64, StoreError> {
    let transaction = database.begin().await?;
    let removed = endpoint::Entity::find().select_only().column(endpoint::Column::EndpointId);
    let removed = removed.filter(endpoint::Column::Status.eq(REMOVED)).limit(ENDPOINTS);
    let removed = removed.order_by_asc(endpoint::Column::EndpointId).lock_exclusive();
    let removed: Vec<Uuid> = removed.into_tuple().all(&transaction).await?;
    if removed.is_empty() {
        return Ok(0);
    }
    let page = delivery::Entity::find().select_only().column(delivery::Column::DeliveryId);
    let page =
        page.filter(delivery::Column::EndpointId.is_in(removed.iter().copied())).limit(u64::from(PAGE));
    let deliveries = delivery::Entity::delete_many()
        .filter(delivery::Column::DeliveryId.in_subquery(page.into_query()))
        .exec(&transaction)
        .await?
        .rows_affected;
    if deliveries < u64::from(PAGE) {
        queue::Entity::delete_many()
            .filter(queue::Column::EndpointId.is_in(removed.iter().copied()))
            .exec(&transaction)
            .await?;
        endpoint::Entity::delete_many()
            .filter(endpoint::Column::EndpointId.is_in(removed))
            .exec(&transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(deliveries)
}

/// The first id that a delivery can have that was queued in a later millisecond. Ids rise with time (version 7 of UUIDs,
/// whose first 48 bits are milliseconds), so that the old ones are a part of the key, at its beginning.
fn first_id_after(instant: Instant) -> Uuid {
    let milliseconds =
        u128::try_from(instant.micros().div_euclid(1_000).saturating_add(1)).unwrap_or_default();
    Uuid::from_u128(milliseconds << 80)
}

// What waits for an endpoint that is sent to stays, however old: it is tried or given up soon.
const OLD: &str = "delete from webhook_delivery where delivery_id in \
     (select d.delivery_id from webhook_delivery d where d.delivery_id < $3 and d.queued_at < $2 and (d.status <> 1 or 2 = \
         (select e.status from webhook_endpoint e where e.endpoint_id = d.endpoint_id)) order by d.delivery_id limit $1)";
// The id of an endpoint as the names of leases have it.
const ID_POSTGRES: &str = "replace(cast(endpoint_id as text), '-', '')";
const ID_SQLITE: &str = "lower(hex(endpoint_id))";
const LEASES: &str = "delete from lease where name like 'webhook:%' and expires_at < $1 \
     and name not in (select 'webhook:' || {id} from webhook_endpoint)";
