//! Files go when their time is over, and later what is known of them.

use amvaj_domain::export::REMEMBERED;
use amvaj_domain::time::{Instant, Span};
use sea_orm::{ConnectionTrait as _, Statement};

use super::Exports;
use crate::db::StoreError;

/// How long a file stays when its time is over: whoever audits it may have a clock that is a little behind.
const LEEWAY: Span = Span::minutes(1);
/// Chunks that one statement removes.
const PAGE: i64 = 100;

impl Exports {
    /// Removes a page of chunks whose file's time is over, or whose file will never be whole, and exports that nobody has
    /// to remember any more. Answers how many chunks went. Removing them twice does no harm.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge(&self, now: Instant) -> Result<u64, StoreError> {
        let (writer, backend) = (self.db.writer(), self.db.backend());
        let over = before(now, LEEWAY);
        let over = Statement::from_sql_and_values(backend, OVER, [over.micros().into(), PAGE.into()]);
        let removed = writer.execute_raw(over).await?.rows_affected();
        let oldest = before(now, REMEMBERED);
        writer.execute_raw(Statement::from_sql_and_values(backend, OLD, [oldest.micros().into()])).await?;
        Ok(removed)
    }
}

fn before(now: Instant, span: Span) -> Instant {
    now.plus(Span::from_micros(span.micros().saturating_neg()))
}

const OVER: &str = "delete from export_chunk where (export_id, starts_at) in \
     (select c.export_id, c.starts_at from export_job j join export_chunk c on c.export_id = j.export_id \
      where j.status >= 3 and j.expires_at <= $1 limit $2)";
const OLD: &str = "delete from export_job where status >= 3 and finished_at < $1 and not exists \
     (select 1 from export_chunk c where c.export_id = export_job.export_id)";
