//! The sweep: finds the wallets on which time alone has something to do, and has the ledger's writer do it.
//!
//! Answers never depend on the sweep, because every decision and every read settles first what is due. What the
//! sweep adds is that the journal, the merchants' totals and the waiting refunds get there without a visitor. It
//! writes nothing itself, so it needs no fence: two sweeps at once only meet the writer's guard.

use std::collections::{BTreeSet, HashSet};

use amvaj_domain::{id::WalletId, ledger::ReceiptKey, time::Instant};
use futures_util::{StreamExt as _, stream};

use super::due::{Due, due};
use crate::{
    db::{Database, StoreError},
    ledger::{LedgerWriter, Request, SubmitError},
};

/// How a sweep works.
#[derive(Debug, Clone, Copy)]
pub struct SweepSettings {
    /// The most rows of one reading.
    pub page: u32,
    /// The most requests of one round for each thing that can be due.
    pub per_round: usize,
    /// Requests that wait for the writer at the same time; they share its batches.
    pub concurrency: usize,
}

impl Default for SweepSettings {
    fn default() -> Self {
        Self { page: 500, per_round: 2_000, concurrency: 64 }
    }
}

/// What one round did: the requests that the writer has answered, by what they were found for. A request settles
/// everything that is due on its wallet, so one wallet is mostly counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepReport {
    /// Wallets with a hold whose time is over.
    pub hold_ends: usize,
    /// Wallets with pending points whose day has come.
    pub activations: usize,
    /// Wallets with points whose time is over.
    pub expiries: usize,
    /// Receipts whose purchase is here and which refunds waited for.
    pub refunds: usize,
    /// Requests that failed; the next round tries them again.
    pub failed: usize,
    /// Whether the round ended before everything that was due had its turn.
    pub more: bool,
}

/// Finds what is due and has it done.
#[derive(Debug)]
pub struct Sweep {
    database: Database,
    writer: LedgerWriter,
    settings: SweepSettings,
    /// What failed in the last round, so that each failure is logged once.
    failing: HashSet<Task>,
}

/// One request for the writer: a wallet, and perhaps a receipt that refunds wait for.
pub(super) type Task = (WalletId, Option<ReceiptKey>);

/// How one request ended.
enum Ending {
    Done,
    Failed,
    /// The writer has more to do than it can queue: clients go first.
    Overloaded,
}

impl Sweep {
    /// A sweep over an open database. The writer decides by its own clock, which should not be behind the sweep's.
    pub fn new(database: Database, writer: LedgerWriter, settings: SweepSettings) -> Self {
        Self { database, writer, settings, failing: HashSet::new() }
    }

    /// Does one round of what is due at `now`. A wallet whose request fails does not keep the others waiting.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sweep_once(&mut self, now: Instant) -> Result<SweepReport, StoreError> {
        let mut report = SweepReport::default();
        let mut failed = HashSet::new();
        for kind in Due::ALL {
            self.sweep(kind, now, &mut report, &mut failed).await?;
        }
        report.failed = failed.len();
        self.failing = failed;
        count(&report);
        Ok(report)
    }

    /// Reads pages of one kind until none is left. What is done leaves the set that is read, so every page starts
    /// at its head; what is still there after its turn is left out for the rest of the round.
    async fn sweep(
        &self,
        kind: Due,
        now: Instant,
        report: &mut SweepReport,
        failed: &mut HashSet<Task>,
    ) -> Result<(), StoreError> {
        let mut tried: HashSet<Task> = HashSet::new();
        let mut left_out: BTreeSet<WalletId> = failed.iter().map(|(wallet, _)| *wallet).collect();
        loop {
            let page = due(&self.database, kind, now, &left_out, self.settings.page).await?;
            if page.is_empty() {
                return Ok(());
            }
            let (again, fresh): (Vec<Task>, Vec<Task>) =
                page.into_iter().partition(|task| tried.contains(task));
            left_out.extend(again.into_iter().map(|(wallet, _)| wallet));
            tried.extend(fresh.iter().cloned());
            let overloaded = self.submit(kind, fresh, report, failed).await;
            if overloaded || tried.len() >= self.settings.per_round {
                report.more = true;
                return Ok(());
            }
        }
    }

    /// Submits requests side by side and answers whether the writer is overloaded.
    async fn submit(
        &self,
        kind: Due,
        tasks: Vec<Task>,
        report: &mut SweepReport,
        failed: &mut HashSet<Task>,
    ) -> bool {
        let requests = stream::iter(tasks.into_iter().map(async |task| (self.tend(&task).await, task)));
        let mut endings = requests.buffer_unordered(self.settings.concurrency.max(1));
        let mut overloaded = false;
        while let Some((ending, task)) = endings.next().await {
            match ending {
                Ending::Done => *kind.counter(report) += 1,
                Ending::Overloaded => overloaded = true,
                Ending::Failed => {
                    failed.insert(task);
                }
            }
        }
        overloaded
    }

    async fn tend(&self, task: &Task) -> Ending {
        let (wallet, receipt) = task;
        match self.writer.submit(Request::Tend { wallet: *wallet, receipt: receipt.clone() }).await {
            Ok(_) => Ending::Done,
            Err(SubmitError::Overloaded) => Ending::Overloaded,
            Err(error) => {
                if !self.failing.contains(task) {
                    tracing::error!(%error, %wallet, "what is due on a wallet cannot be done");
                }
                Ending::Failed
            }
        }
    }
}

fn count(report: &SweepReport) {
    for (name, done) in [
        ("amvaj_sweep_hold_ends_total", report.hold_ends),
        ("amvaj_sweep_activations_total", report.activations),
        ("amvaj_sweep_expiries_total", report.expiries),
        ("amvaj_sweep_refunds_total", report.refunds),
        ("amvaj_sweep_failed_total", report.failed),
    ] {
        metrics::counter!(name).increment(u64::try_from(done).unwrap_or(u64::MAX));
    }
}
