//! Retention: numbered rows go once they are old and every consumer has passed them.

use amvaj_domain::time::Instant;
use sea_orm::{ConnectionTrait as _, Statement};

use crate::{
    db::Database,
    worker::{Lease, WorkError},
};

/// Removes rows of a bucket that were numbered before `before` and that every registered consumer has passed, and
/// answers how many. One call looks at the oldest `limit` numbers. While no consumer is registered nothing goes.
///
/// # Errors
/// [`WorkError::Fenced`] when the lease is lost; otherwise when the database fails. Nothing is removed then.
pub async fn remove_passed(
    database: &Database,
    lease: &Lease,
    bucket: i16,
    before: Instant,
    limit: u32,
) -> Result<u64, WorkError> {
    let transaction = lease.fence(database).await?;
    let values = [bucket.into(), before.micros().into(), i64::from(limit).into()];
    let statement = Statement::from_sql_and_values(database.backend(), REMOVE, values);
    let removed = transaction.execute_raw(statement).await?.rows_affected();
    transaction.commit().await?;
    Ok(removed)
}

const REMOVE: &str = "delete from outbox where bucket = $1 and relay_no is not null and relayed_at < $2 \
     and relay_no <= (select min(c.relay_no) from consumer_cursor c where c.bucket = $1) \
     and relay_no < $3 + (select min(o.relay_no) from outbox o where o.bucket = $1 and o.relay_no is not null)";
