//! What became of events is forgotten after a while, and endpoints that were removed with all that they had.

use amvaj_domain::time::Instant;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QuerySelect as _, Statement,
};
use uuid::Uuid;

use super::{courier, endpoint::REMOVED as REMOVED_STATUS};
use crate::db::entity::webhook_endpoint::{Column, Entity};
use crate::db::{Database, StoreError};

/// Rows that one statement removes.
pub(crate) const PAGE: u32 = 1_000;

/// Removes a page of deliveries that were queued before `before` and wait no longer, and a page of what endpoints have that
/// were removed. Answers how many rows went. Removing them twice does no harm.
///
/// # Errors
/// When the database fails.
pub(crate) async fn purge(database: &Database, before: Instant) -> Result<u64, StoreError> {
    let transaction = database.begin().await?;
    wait_for_keepers(&transaction).await?;
    let mut removed = 0_u64;
    let page = i64::from(PAGE);
    let old = vec![page.into(), before.micros().into(), first_id_after(before).into()];
    for (sql, values) in [(OLD, old), (OF_REMOVED, vec![page.into()])] {
        let statement = Statement::from_sql_and_values(database.backend(), sql, values);
        removed = removed.saturating_add(transaction.execute_raw(statement).await?.rows_affected());
    }
    let of_removed = |sql: &str| Statement::from_string(database.backend(), sql);
    transaction.execute_raw(of_removed(QUEUE_OF_REMOVED)).await?;
    for endpoint in transaction.query_all_raw(of_removed(REMOVED)).await? {
        // No id comes again, so neither does an epoch of the lease.
        let lease = courier::lease_name(endpoint.try_get("", "endpoint_id")?);
        let forget = Statement::from_sql_and_values(database.backend(), LEASE, [lease.into()]);
        transaction.execute_raw(forget).await?;
    }
    transaction.commit().await?;
    Ok(removed)
}

/// Holds the endpoints that were removed, which waits for keepers that took them to be there still: what these have put into
/// queues is seen by the statements that follow. SQLite has one writer at a time.
async fn wait_for_keepers(transaction: &DatabaseTransaction) -> Result<(), StoreError> {
    let removed =
        Entity::find().select_only().column(Column::EndpointId).filter(Column::Status.eq(REMOVED_STATUS));
    removed.lock_exclusive().into_tuple::<Uuid>().all(transaction).await?;
    Ok(())
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
const OF_REMOVED: &str = "delete from webhook_delivery where delivery_id in \
     (select d.delivery_id from webhook_endpoint e join webhook_delivery d on d.endpoint_id = e.endpoint_id \
      where e.status = 3 limit $1)";
const QUEUE_OF_REMOVED: &str = "delete from webhook_queue where endpoint_id in \
     (select endpoint_id from webhook_endpoint where status = 3)";
const REMOVED: &str = "delete from webhook_endpoint where status = 3 and not exists \
     (select 1 from webhook_delivery d where d.endpoint_id = webhook_endpoint.endpoint_id) returning endpoint_id";
const LEASE: &str = "delete from lease where name = $1";
