//! Making files, a page of each at a time, so that a long one does not keep a short one waiting.
//!
//! A page is read first. Then one short transaction, fenced by the lease, writes its bytes and how far the file has come,
//! if it is still where it was read. So whatever is killed in between has written both or neither.

use std::collections::HashMap;
use std::sync::Arc;

use amvaj_domain::export::{Export, ExportStage, KEPT};
use amvaj_domain::id::ExportId;
use amvaj_domain::time::{Instant, Span};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use sha2::{Digest as _, Sha256};

use super::pages::{Pages, Written};
use super::pen::Pen;
use super::{Exports, row};
use crate::access::Sessions;
use crate::db::entity::{export_chunk, export_job};
use crate::db::{Database, StoreError};
use crate::ledger::HistoryKey;
use crate::worker::{Lease, WorkError};

/// Files that are made beside each other; later ones wait.
const AT_A_TIME: u64 = 64;
/// What the ledger records may be there a moment later: commits do not follow the times that they carry.
const SETTLED: Span = Span::seconds(2);

/// Makes the files of exports.
#[derive(Debug)]
pub struct ExportMaker {
    db: Database,
    exports: Exports,
    pages: Pages,
    /// The hash of what is written of each file, and how long that is.
    hashes: HashMap<ExportId, (i64, Sha256)>,
}

/// A file that is under way, with the place that it has come to.
#[derive(Debug)]
struct UnderWay {
    export: Export,
    place: Option<HistoryKey>,
}

impl ExportMaker {
    pub(super) fn new(db: Database, sessions: Sessions, pen: Arc<dyn Pen>) -> Self {
        Self {
            exports: Exports::new(db.clone()),
            pages: Pages::new(&db, sessions, pen),
            hashes: HashMap::new(),
            db,
        }
    }

    /// Writes a page of each file that is under way, and answers whether there was one. A file that cannot be written keeps
    /// no other from it; what is stored and cannot be read ends its file.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] when the lease is lost; otherwise when the database fails.
    pub async fn turn(
        &mut self,
        lease: &Lease,
        now: Instant,
        ledger_now: Instant,
    ) -> Result<bool, WorkError> {
        let under_way = self.under_way().await?;
        self.hashes.retain(|id, _| under_way.iter().any(|one| one.export.id == *id));
        let (mut made, mut failure) = (false, None);
        for one in under_way {
            if ledger_now < one.export.until.plus(SETTLED) {
                continue;
            }
            match self.page(lease, &one, now, ledger_now).await {
                Ok(()) => made = true,
                Err(WorkError::Store(error @ StoreError::CorruptRow { .. })) => {
                    tracing::error!(export = %one.export.id, %error, "an export cannot be made");
                    self.give_up(lease, &one.export, now).await?;
                }
                Err(error @ WorkError::Fenced(_)) => return Err(error),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(made), Err)
    }

    /// Removes what need not be kept any longer, and answers how many chunks that were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge(&self, now: Instant) -> Result<u64, StoreError> {
        self.exports.purge(now).await
    }

    async fn under_way(&self) -> Result<Vec<UnderWay>, StoreError> {
        use export_job::Column;
        let rows = export_job::Entity::find()
            .filter(Column::Slot.is_not_null())
            .order_by_asc(Column::ExportId)
            .limit(AT_A_TIME)
            .all(self.db.reader())
            .await?;
        let read = |row: &export_job::Model| {
            let place = row.place_at.zip(row.place_wallet).zip(row.place_seq);
            let place = place.map(|((at, wallet), seq)| (at, wallet, seq));
            Ok(UnderWay { export: row::export(row)?, place })
        };
        rows.iter().map(read).collect()
    }

    /// Writes the next page of a file.
    async fn page(
        &mut self,
        lease: &Lease,
        one: &UnderWay,
        now: Instant,
        ledger_now: Instant,
    ) -> Result<(), WorkError> {
        let export = &one.export;
        let total = match export.rows_total {
            Some(total) => total,
            None => self.pages.count(export).await?,
        };
        let written = self.pages.next(export, one.place, ledger_now).await?;
        let mut hash = self.hash(export).await?;
        hash.update(written.text.as_bytes());
        let size = export.size.saturating_add(i64::try_from(written.text.len()).unwrap_or(i64::MAX));
        let rows_done = export.rows_done.saturating_add(written.rows);
        let mut change = export_job::ActiveModel {
            status: Set(ExportStage::Running.stored()),
            size: Set(size),
            rows_done: Set(rows_done),
            rows_total: Set(Some(total.max(rows_done))),
            ..Default::default()
        };
        if let Some((at, wallet, seq)) = written.place {
            change.place_at = Set(Some(at));
            change.place_wallet = Set(Some(wallet));
            change.place_seq = Set(Some(seq));
        }
        if written.ends {
            change.rows_total = Set(Some(rows_done));
            change.sha256 = Set(Some(hash.clone().finalize().to_vec()));
            end(&mut change, ExportStage::Done, now);
        }
        if self.write(lease, export, Some(written), change).await? {
            self.hashes.insert(export.id, (size, hash));
        }
        Ok(())
    }

    async fn give_up(&self, lease: &Lease, export: &Export, now: Instant) -> Result<(), WorkError> {
        let mut change = export_job::ActiveModel::default();
        end(&mut change, ExportStage::Failed, now);
        self.write(lease, export, None, change).await?;
        Ok(())
    }

    /// Writes a page's bytes and what its job is from now on, unless the job is not any more what it was read as.
    async fn write(
        &self,
        lease: &Lease,
        export: &Export,
        page: Option<Written>,
        change: export_job::ActiveModel,
    ) -> Result<bool, WorkError> {
        use export_job::Column;
        let transaction = lease.fence(&self.db).await?;
        let changed = export_job::Entity::update_many()
            .set(change)
            .filter(Column::ExportId.eq(export.id.uuid()))
            .filter(Column::Slot.is_not_null())
            .filter(Column::Size.eq(export.size))
            .filter(Column::RowsDone.eq(export.rows_done))
            .exec(&transaction)
            .await?;
        if changed.rows_affected == 0 {
            return Ok(false);
        }
        if let Some(page) = page.filter(|page| !page.text.is_empty()) {
            let chunk = export_chunk::ActiveModel {
                export_id: Set(export.id.uuid()),
                starts_at: Set(export.size),
                bytes: Set(page.text.into_bytes()),
            };
            export_chunk::Entity::insert(chunk).exec_without_returning(&transaction).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// The hash of what is written of a file: as it was left, or, by whoever takes over, from the file itself.
    async fn hash(&self, export: &Export) -> Result<Sha256, StoreError> {
        if let Some((size, hash)) = self.hashes.get(&export.id)
            && *size == export.size
        {
            return Ok(hash.clone());
        }
        let (mut hash, mut read) = (Sha256::new(), 0);
        while read < export.size {
            let Some(part) = self.exports.part(export.id, read).await? else {
                let what = "a part of its file is missing";
                return Err(StoreError::CorruptRow {
                    table: "export_chunk",
                    id: export.id.to_string(),
                    what,
                });
            };
            hash.update(&part);
            read = read.saturating_add(i64::try_from(part.len()).unwrap_or(i64::MAX));
        }
        Ok(hash)
    }
}

/// A job that is over gives its slot up.
fn end(change: &mut export_job::ActiveModel, stage: ExportStage, now: Instant) {
    change.status = Set(stage.stored());
    change.slot = Set(None);
    change.finished_at = Set(Some(now.micros()));
    change.expires_at = Set(Some(now.plus(KEPT).micros()));
}
