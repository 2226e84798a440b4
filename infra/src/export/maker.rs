//! Making files, a page of each at a time, so that a long one does not keep a short one waiting.
//!
//! A page is read first. Then one short transaction, fenced by the lease, writes its bytes and how far the file has come,
//! if it is still where it was read. So whatever is killed in between has written both or neither.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use amvaj_domain::export::{Export, ExportFailure, ExportStage, KEPT};
use amvaj_domain::id::ExportId;
use amvaj_domain::time::{Instant, Span};
use futures_util::FutureExt as _;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use sha2::{Digest as _, Sha256};

use super::pages::{Pages, Written};
use super::pen::Pen;
use super::settled::Settling;
use super::{Exports, row};
use crate::access::Sessions;
use crate::db::entity::{export_chunk, export_job};
use crate::db::{Database, StoreError};
use crate::ledger::HistoryKey;
use crate::worker::{Lease, WorkError};

/// Files that are made beside each other; later ones wait.
const AT_A_TIME: u64 = 64;
/// How often a page is tried before its file is given up.
const MOST_TRIES: i16 = 4;
/// The pause after the first try that failed; each later one is four times as long.
const PAUSE: Span = Span::seconds(5);

/// Makes the files of exports.
#[derive(Debug)]
pub struct ExportMaker {
    db: Database,
    exports: Exports,
    pages: Pages,
    /// The hash of what is written of each file, and how long that is.
    hashes: HashMap<ExportId, (i64, Sha256)>,
    settling: Settling,
}

/// A file that is under way, with the place that it has come to.
#[derive(Debug)]
struct UnderWay {
    export: Export,
    place: Option<HistoryKey>,
    /// Tries of the next page that failed.
    tries: i16,
    /// Not before this moment is it tried again.
    try_at: Option<Instant>,
}

impl ExportMaker {
    pub(super) fn new(db: Database, sessions: Sessions, pen: Arc<dyn Pen>) -> Self {
        Self {
            exports: Exports::new(db.clone()),
            pages: Pages::new(&db, sessions, pen),
            hashes: HashMap::new(),
            settling: Settling::default(),
            db,
        }
    }

    /// Writes a page of each file that is under way, and answers whether there was one. A file that cannot be written keeps
    /// no other from it: it is tried again a few times, and then given up.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] when the lease is lost; otherwise when the database fails.
    pub async fn turn(
        &mut self,
        lease: &Lease,
        now: Instant,
        ledger_now: Instant,
    ) -> Result<bool, WorkError> {
        let rows = self.under_way().await?;
        let is_under_way = |id: ExportId| rows.iter().any(|row| row.export_id == id.uuid());
        self.hashes.retain(|id, _| is_under_way(*id));
        self.settling.retain(is_under_way);
        let (mut made, mut failure) = (false, None);
        for row in &rows {
            match self.go_on(lease, row, now, ledger_now).await {
                Ok(went_on) => made |= went_on,
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

    async fn under_way(&self) -> Result<Vec<export_job::Model>, StoreError> {
        use export_job::Column;
        let list = export_job::Entity::find().filter(Column::Slot.is_not_null());
        Ok(list.order_by_asc(Column::ExportId).limit(AT_A_TIME).all(self.db.reader()).await?)
    }

    /// Writes the next page of a file if its time has come, and answers whether it had. What goes wrong with this file alone
    /// is noted in its job and is no failure of the turn.
    async fn go_on(
        &mut self,
        lease: &Lease,
        row: &export_job::Model,
        now: Instant,
        ledger_now: Instant,
    ) -> Result<bool, WorkError> {
        let one = match UnderWay::read(row) {
            Ok(one) => one,
            Err(error) => {
                tracing::error!(export = %row.export_id, %error, "a job of an export cannot be read");
                self.end(lease, row, given_up(ExportFailure::Unreadable, now)).await?;
                return Ok(false);
            }
        };
        if one.try_at.is_some_and(|at| now < at) {
            return Ok(false);
        }
        let begun = one.export.stage != ExportStage::Queued;
        if !begun && !self.settling.is_settled(&self.db, &one.export, (now, ledger_now)).await? {
            return Ok(false);
        }
        let page = AssertUnwindSafe(self.page(lease, &one, now, ledger_now)).catch_unwind().await;
        let error = match page.unwrap_or_else(|_| Err(panicked())) {
            Ok(()) => return Ok(true),
            Err(WorkError::Store(error)) => error,
            Err(other) => return Err(other),
        };
        if !self.concerns_one_file(&error).await {
            return Err(error.into());
        }
        self.failed(lease, &one, &error, now).await?;
        Ok(false)
    }

    /// Whether another file may well be written where this one failed. A database that is away, and others who are in the
    /// way, are no file's fault; one that answers and has given up a page only is.
    async fn concerns_one_file(&self, error: &StoreError) -> bool {
        match error {
            StoreError::Contention(_) => false,
            StoreError::Unavailable(_) => self.db.ping().await.is_ok(),
            _ => true,
        }
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
        let total = self.total(lease, export).await?;
        let written = self.pages.next(export, one.place, ledger_now).await?;
        let mut hash = self.hash(export).await?;
        hash.update(written.text.as_bytes());
        let size = export.size.saturating_add(i64::try_from(written.text.len()).unwrap_or(i64::MAX));
        let rows_done = export.rows_done.saturating_add(written.rows);
        let mut change = export_job::ActiveModel {
            status: Set(ExportStage::Running.stored()),
            size: Set(size),
            rows_done: Set(rows_done),
            rows_total: Set(total.map(|total| total.max(rows_done))),
            tries: Set(0),
            try_at: Set(None),
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

    /// About how many rows the file will have. They are counted before the first page, and what was counted is kept at once:
    /// a maker that is killed at the page has not counted in vain.
    async fn total(&self, lease: &Lease, export: &Export) -> Result<Option<i64>, WorkError> {
        if export.rows_total.is_some() || export.stage != ExportStage::Queued {
            return Ok(export.rows_total);
        }
        let total = self.pages.count(export).await?;
        if total.is_some() {
            let change = export_job::ActiveModel { rows_total: Set(total), ..Default::default() };
            self.write(lease, export, None, change).await?;
        }
        Ok(total)
    }

    /// Notes that a page could not be written: it is tried again later, or the file is given up.
    async fn failed(
        &self,
        lease: &Lease,
        one: &UnderWay,
        error: &StoreError,
        now: Instant,
    ) -> Result<(), WorkError> {
        let (export, tries) = (&one.export, one.tries.saturating_add(1));
        let change = if tries < MOST_TRIES {
            tracing::warn!(%export.id, tries, %error, "a page of an export failed and is tried again");
            let again = now.plus(pause(tries));
            export_job::ActiveModel {
                tries: Set(tries),
                try_at: Set(Some(again.micros())),
                ..Default::default()
            }
        } else {
            tracing::error!(%export.id, tries, %error, "an export cannot be made");
            let why = match error {
                StoreError::CorruptRow { .. } => ExportFailure::Unreadable,
                _ => ExportFailure::Broken,
            };
            given_up(why, now)
        };
        self.write(lease, export, None, change).await?;
        Ok(())
    }

    /// Ends a job of which nothing else is known.
    async fn end(
        &self,
        lease: &Lease,
        row: &export_job::Model,
        change: export_job::ActiveModel,
    ) -> Result<(), WorkError> {
        use export_job::Column;
        let transaction = lease.fence(&self.db).await?;
        let job = export_job::Entity::update_many().set(change).filter(Column::ExportId.eq(row.export_id));
        job.filter(Column::Slot.is_not_null()).exec(&transaction).await?;
        Ok(transaction.commit().await?)
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
            let Some(part) = self.exports.part(export.id, read, i64::MAX).await? else {
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

impl UnderWay {
    fn read(row: &export_job::Model) -> Result<Self, StoreError> {
        let place = row.place_at.zip(row.place_wallet).zip(row.place_seq);
        Ok(Self {
            export: row::export(row)?,
            place: place.map(|((at, wallet), seq)| (at, wallet, seq)),
            tries: row.tries,
            try_at: row.try_at.map(Instant::from_micros),
        })
    }
}

/// The panic itself is in the log.
fn panicked() -> WorkError {
    WorkError::Store(StoreError::Failed("making a page of an export panicked".to_owned()))
}

fn pause(tries: i16) -> Span {
    let times = 4_i64.saturating_pow(u32::try_from(tries.saturating_sub(1)).unwrap_or(0));
    Span::from_micros(PAUSE.micros().saturating_mul(times))
}

fn given_up(why: ExportFailure, now: Instant) -> export_job::ActiveModel {
    let mut change = export_job::ActiveModel { failure: Set(Some(why.stored())), ..Default::default() };
    end(&mut change, ExportStage::Failed, now);
    change
}

/// A job that is over gives its slot up.
fn end(change: &mut export_job::ActiveModel, stage: ExportStage, now: Instant) {
    change.status = Set(stage.stored());
    change.slot = Set(None);
    change.finished_at = Set(Some(now.micros()));
    change.expires_at = Set(Some(now.plus(KEPT).micros()));
}
