//! How many rows of operations are exported in a second, and how much memory that takes.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::audit::Author;
use amvaj_domain::export::{Export, ExportFormat, ExportStage};
use amvaj_domain::text::IdempotencyKey;
use amvaj_domain::time::{Instant, Span};
use serde::Serialize;

use super::report::resident_mebibytes;
use crate::app::exports::{ExportOperations, export_operations};
use crate::app::{App, Stopped};

/// How often an export is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long the worker may do nothing.
const PATIENCE: Duration = Duration::from_mins(2);
/// Longer than what the ledger records takes to settle, which would be measured too.
const SETTLED: Span = Span::seconds(21);

/// One file.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    /// `csv` or `json lines`.
    pub format: &'static str,
    /// Rows of the file.
    pub rows: i64,
    /// Bytes of the file.
    pub bytes: i64,
    /// Seconds from the request to the finished file.
    pub seconds: f64,
    /// Rows a second.
    pub rows_per_second: f64,
    /// What the process had in memory before, where the system tells.
    pub rss_before_mib: Option<u64>,
    /// The most that it had meanwhile.
    pub rss_peak_mib: Option<u64>,
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = |mebibytes: Option<u64>| mebibytes.map_or_else(|| "-".to_owned(), |it| it.to_string());
        writeln!(
            f,
            "\nExported {} rows ({} bytes) as {} in {:.1} s: {:.0} rows a second, with {} MiB in memory \
             before and {} MiB at most meanwhile",
            self.rows,
            self.bytes,
            self.format,
            self.seconds,
            self.rows_per_second,
            memory(self.rss_before_mib),
            memory(self.rss_peak_mib),
        )
    }
}

/// Exports all operations in both formats, one after the other.
///
/// # Errors
/// When an export is refused, fails, or does not go on.
pub async fn measure_exports(app: &Arc<App>) -> anyhow::Result<Vec<Exported>> {
    let until = app.now().plus(SETTLED);
    tokio::time::sleep(Duration::from_micros(SETTLED.micros().unsigned_abs()).saturating_mul(2)).await;
    let mut measured = Vec::new();
    for (format, name) in [(ExportFormat::Csv, "csv"), (ExportFormat::JsonLines, "json lines")] {
        measured.push(measure(app, (format, name), until).await?);
    }
    Ok(measured)
}

async fn measure(
    app: &Arc<App>,
    (format, name): (ExportFormat, &'static str),
    until: Instant,
) -> anyhow::Result<Exported> {
    let (before, mut peak) = (resident_mebibytes(), resident_mebibytes());
    let began = Stopwatch::now();
    let mut export = ask(app, format, until).await?;
    let (mut written, mut since) = (0, began);
    while matches!(export.stage, ExportStage::Queued | ExportStage::Running) {
        anyhow::ensure!(since.elapsed() < PATIENCE, "the export stands still; does a worker run?");
        tokio::time::sleep(LOOK).await;
        peak = peak.max(resident_mebibytes());
        let found = app.exports.by_id(export.id).await?;
        export = found.ok_or_else(|| anyhow::anyhow!("the export is gone"))?;
        if export.rows_done != written {
            (written, since) = (export.rows_done, Stopwatch::now());
        }
    }
    anyhow::ensure!(export.stage == ExportStage::Done, "the export failed");
    let seconds = began.elapsed().as_secs_f64();
    let rows = f64::from(u32::try_from(export.rows_done).unwrap_or(u32::MAX));
    Ok(Exported {
        format: name,
        rows: export.rows_done,
        bytes: export.size,
        seconds,
        rows_per_second: rows / seconds,
        rss_before_mib: before,
        rss_peak_mib: peak,
    })
}

async fn ask(app: &Arc<App>, format: ExportFormat, until: Instant) -> anyhow::Result<Export> {
    let identity = Identity::console(Caller::Operator);
    let author = Author::new(&identity, "");
    let key = format!("bench-{}", crate::random::uuid(app.now()).simple());
    let key = IdempotencyKey::parse(&key).map_err(|_| anyhow::anyhow!("the bench's own key is malformed"))?;
    let request =
        ExportOperations { key, merchant: None, format, from: None, until: Some(until), kinds: Vec::new() };
    match export_operations(app, &identity, &author, request).await {
        Ok(export) => Ok(export),
        Err(Stopped::Refused(refused)) => anyhow::bail!("an export was refused: {refused:?}"),
        Err(Stopped::Failed(error)) => Err(error.into()),
    }
}
