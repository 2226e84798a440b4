//! What became of events is forgotten after a while, and endpoints that were removed with all that they had.

use amvaj_domain::time::Instant;
use sea_orm::{ConnectionTrait as _, Statement};

use crate::db::{Database, StoreError};

/// Rows that one statement removes.
const PAGE: i64 = 1_000;

/// Removes a page of deliveries that were queued before `before` and wait no longer, and a page of what endpoints have that
/// were removed. Answers how many rows went. Removing them twice does no harm.
///
/// # Errors
/// When the database fails.
pub(crate) async fn purge(database: &Database, before: Instant) -> Result<u64, StoreError> {
    let transaction = database.begin().await?;
    let mut removed = 0_u64;
    for (sql, values) in [(OLD, vec![PAGE.into(), before.micros().into()]), (OF_REMOVED, vec![PAGE.into()])] {
        let statement = Statement::from_sql_and_values(database.backend(), sql, values);
        removed = removed.saturating_add(transaction.execute_raw(statement).await?.rows_affected());
    }
    for sql in [QUEUE_OF_REMOVED, REMOVED] {
        transaction.execute_raw(Statement::from_string(database.backend(), sql)).await?;
    }
    transaction.commit().await?;
    Ok(removed)
}

// Ids rise with the time in which a delivery was queued, so the oldest are found at the beginning. What waits for an
// endpoint that is sent to stays, however old: it is tried or given up soon.
const OLD: &str = "delete from webhook_delivery where delivery_id in \
     (select d.delivery_id from webhook_delivery d where d.queued_at < $2 and (d.status <> 1 or 2 = \
         (select e.status from webhook_endpoint e where e.endpoint_id = d.endpoint_id)) order by d.delivery_id limit $1)";
const OF_REMOVED: &str = "delete from webhook_delivery where delivery_id in \
     (select d.delivery_id from webhook_endpoint e join webhook_delivery d on d.endpoint_id = e.endpoint_id \
      where e.status = 3 limit $1)";
const QUEUE_OF_REMOVED: &str = "delete from webhook_queue where endpoint_id in \
     (select endpoint_id from webhook_endpoint where status = 3)";
const REMOVED: &str = "delete from webhook_endpoint where status = 3 and not exists \
     (select 1 from webhook_delivery d where d.endpoint_id = webhook_endpoint.endpoint_id)";
