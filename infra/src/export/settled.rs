//! When a file may be begun: when whatever the ledger recorded before the file's end is there to be read.
//!
//! Commits do not follow the times that they carry. The ledger's writer sends nothing that it decided longer ago than
//! [`WRITTEN_WITHIN`]; a while later whatever carries an earlier time has been sent, and only what is being written can still
//! come. So whoever writes operations at that moment is waited for, however long its commit takes.

use std::collections::{BTreeSet, HashMap};

use amvaj_domain::export::Export;
use amvaj_domain::id::ExportId;
use amvaj_domain::time::{Instant, Span};
use sea_orm::{ConnectionTrait as _, Statement};

use crate::db::{Database, StoreError};
use crate::ledger::WRITTEN_WITHIN;

/// How far the clocks of nodes may differ, and how long a statement may be on its way.
const MARGIN: Span = Span::seconds(5);

/// The files that wait for what is being written.
#[derive(Debug, Default)]
pub(super) struct Settling {
    /// The transactions of PostgreSQL that were writing operations when a file was first looked at, and still are.
    writing: HashMap<ExportId, BTreeSet<String>>,
}

impl Settling {
    /// Whether everything is there that was recorded before the file's end. `ledger_now` is the ledger's time, which in a
    /// sandbox may have stepped over what is being written, so the present counts as well.
    pub(super) async fn is_settled(
        &mut self,
        db: &Database,
        export: &Export,
        (now, ledger_now): (Instant, Instant),
    ) -> Result<bool, StoreError> {
        let is_over = |end: Instant, now: Instant| now >= end.plus(WRITTEN_WITHIN).plus(MARGIN);
        let is_asked_long_ago = export.until < export.created_at || is_over(export.created_at, now);
        if !is_over(export.until, ledger_now) || !is_asked_long_ago {
            return Ok(false);
        }
        if !db.is_postgres() {
            // One writes at a time: whoever may write now has waited for all who came before.
            db.begin().await?.rollback().await?;
            return Ok(true);
        }
        let now = writing(db).await?;
        let still = match self.writing.remove(&export.id) {
            Some(before) => before.intersection(&now).cloned().collect(),
            None => now,
        };
        if still.is_empty() {
            return Ok(true);
        }
        self.writing.insert(export.id, still);
        Ok(false)
    }

    /// Forgets files that are not under way any more.
    pub(super) fn retain(&mut self, under_way: impl Fn(ExportId) -> bool) {
        self.writing.retain(|id, _| under_way(*id));
    }
}

/// Who writes operations now. A transaction is named until others see what it has written.
async fn writing(db: &Database) -> Result<BTreeSet<String>, StoreError> {
    let rows = db.reader().query_all_raw(Statement::from_string(db.backend(), WRITING)).await?;
    rows.iter().map(|row| Ok(row.try_get("", "name")?)).collect()
}

const WRITING: &str = "select distinct l.virtualtransaction || ' ' || coalesce(l.pid::text, '') as name from pg_locks l \
     join pg_database d on d.oid = l.database and d.datname = current_database() \
     where l.relation = 'op'::regclass and l.mode = 'RowExclusiveLock'";
