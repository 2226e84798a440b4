//! Background work: what time makes due in the ledger, and what follows from its outbox.
//!
//! | job | lease | what it does |
//! |---|---|---|
//! | outbox | `outbox:0` … `outbox:15` | numbers a bucket's rows; repairs the cache, keeps relations, counts boards, follows holds of redemptions and queues events from them |
//! | sweep | `sweep` | ends holds, activates and expires points, posts refunds that waited |
//! | retention | `retention` | removes old rows of the outbox |
//! | boards | `boards` | brings shared copies of boards forward, closes and freezes periods |
//! | redemptions | `redemptions` | finishes redemptions that a crash left without a hold |
//! | watch | `verify` | audits the wallets that were touched last |
//! | nightly | `nightly verify` | audits everything, once a night |
//! | access | `access` | removes log-in codes and sessions that have been over for long |
//! | exports | `exports` | makes files of what was asked for, and removes old ones |
//! | webhooks | `webhook:…` for each endpoint | sends merchants what they are to be told |
//! | webhook retention | `webhook retention` | removes what became of old events |
//!
//! Any number of nodes may run a worker: leases divide the work, and whatever is written is fenced by them
//! ([`Lease`]) or by the ledger's own guard.

mod boards;
mod due;
mod error;
mod exports;
mod job;
mod keeper;
mod lease;
mod rewards;
mod rounds;
mod sweep;
mod verify;
mod webhooks;

pub use error::WorkError;
pub(crate) use keeper::Keeper;
pub use lease::{Lease, acquire};
pub use sweep::{Sweep, SweepReport, SweepSettings};
pub use verify::Nightly;

use std::{sync::Arc, time::Duration};

use amvaj_domain::time::Span;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    board::{BoardKeeper, Boards},
    cache::BalanceCache,
    clock::Clock,
    db::Database,
    export::ExportMaker,
    ledger::LedgerWriter,
    outbox::CacheRepair,
    relation::RelationKeeper,
    reward::Rewards,
    verify::Watch,
    webhook::{Couriers, Sender, WebhookKeeper},
};
use boards::{BoardJob, Ends};
use exports::ExportJob;
use job::run;
use rewards::RedemptionJob;
use rounds::{AccessJob, OutboxJob, RetentionJob, SweepJob};
use verify::{NightlyJob, WatchJob};
use webhooks::{WebhookJob, WebhookRetentionJob};

/// How long other nodes wait for one that audits everything and went silent.
const NIGHT: Span = Span::minutes(120);

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Pause between two rounds that find nothing to do.
    pub interval: Duration,
    /// How long others wait for a holder that went silent.
    pub lease: Duration,
    /// How long rows of the outbox stay after they were numbered.
    pub retention: Duration,
    /// How the sweep works.
    pub sweep: SweepSettings,
    /// Wallets that are audited every ten seconds, of those that were touched since; none when zero.
    pub watch: usize,
    /// When everything is audited; never unless said.
    pub nightly: Option<Nightly>,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(500),
            lease: Duration::from_secs(15),
            retention: Duration::from_hours(168),
            sweep: SweepSettings::default(),
            watch: 25,
            nightly: None,
        }
    }
}

/// What the jobs work with.
#[derive(Debug)]
pub struct WorkerParts {
    /// Does what is due in the ledger.
    pub writer: LedgerWriter,
    /// The clock by which the ledger goes.
    pub ledger_clock: Clock,
    /// The cache that is repaired.
    pub balances: Arc<BalanceCache>,
    /// Boards, which are shown elsewhere and fed here.
    pub boards: Boards,
    /// Redemptions, which follow their holds.
    pub rewards: Rewards,
    /// Queues what merchants are to be told.
    pub webhooks: WebhookKeeper,
    /// What they are told with; without it the queue waits.
    pub sender: Option<Sender>,
    /// Makes the files of exports.
    pub exports: ExportMaker,
}

/// The jobs of one node.
#[derive(Debug)]
pub struct Worker {
    tasks: Vec<JoinHandle<()>>,
    closing: CancellationToken,
}

impl Worker {
    /// Starts the jobs on the runtime that calls. `holder` names this node in the leases: it must be new for every
    /// start.
    pub fn start(
        database: &Database,
        parts: WorkerParts,
        clock: &Clock,
        settings: &WorkerSettings,
        holder: Uuid,
    ) -> Self {
        let WorkerParts { writer, ledger_clock, balances, boards, rewards, webhooks, sender, exports } =
            parts;
        let closing = CancellationToken::new();
        let interval = settings.interval;
        let keeper = || Keeper::new(database.clone(), holder, span(settings.lease));
        let outbox = OutboxJob {
            database: database.clone(),
            repair: CacheRepair::new(database.clone(), balances),
            relations: RelationKeeper::new(database.clone()),
            boards: BoardKeeper::new(database.clone()),
            rewards: rewards.keeper(),
            webhooks,
            clock: clock.clone(),
            keeper: keeper(),
            interval,
            registered: false,
        };
        let sweep = SweepJob {
            sweep: Sweep::new(database.clone(), writer, settings.sweep),
            clock: clock.clone(),
            ledger: ledger_clock.clone(),
            keeper: keeper(),
            interval,
        };
        let retention = RetentionJob {
            database: database.clone(),
            clock: clock.clone(),
            keeper: keeper(),
            retention: span(settings.retention),
        };
        let redemptions = RedemptionJob::new(rewards, clock.clone(), keeper(), interval);
        let ends = Ends::by(ledger_clock.clone());
        let boards = BoardJob { boards, clock: clock.clone(), ends, keeper: keeper(), interval };
        let access = AccessJob { database: database.clone(), clock: clock.clone(), keeper: keeper() };
        let exports = ExportJob::new(exports, (clock, &ledger_clock), keeper(), interval);
        let mut tasks = vec![
            tokio::spawn(run(exports, holder, interval, closing.clone())),
            tokio::spawn(run(outbox, holder, interval, closing.clone())),
            tokio::spawn(run(sweep, holder, interval, closing.clone())),
            tokio::spawn(run(boards, holder, interval, closing.clone())),
            tokio::spawn(run(retention, holder, interval, closing.clone())),
            tokio::spawn(run(redemptions, holder, interval, closing.clone())),
            tokio::spawn(run(access, holder, interval, closing.clone())),
        ];
        if let Some(sender) = sender {
            let (clock, retention) = (clock.clone(), sender.settings);
            let lease = (holder, span(settings.lease));
            let couriers = Couriers::new(database.clone(), sender, clock.clone(), lease, closing.clone());
            let webhooks =
                WebhookJob { database: database.clone(), couriers, clock: clock.clone(), interval };
            let retention = WebhookRetentionJob {
                database: database.clone(),
                settings: retention,
                clock,
                keeper: keeper(),
            };
            tasks.push(tokio::spawn(run(webhooks, holder, interval, closing.clone())));
            tasks.push(tokio::spawn(run(retention, holder, interval, closing.clone())));
        }
        verify::announce();
        if settings.watch > 0 {
            let watch = WatchJob {
                watch: Watch::new(database.clone(), settings.watch),
                clock: clock.clone(),
                keeper: keeper(),
                rests_until: None,
            };
            tasks.push(tokio::spawn(run(watch, holder, verify::LOOK_EVERY, closing.clone())));
        }
        if let Some(nightly) = settings.nightly.clone() {
            let nightly = NightlyJob {
                database: database.clone(),
                nightly,
                clock: clock.clone(),
                keeper: Keeper::new(database.clone(), holder, NIGHT),
                closing: closing.clone(),
            };
            tasks.push(tokio::spawn(run(nightly, holder, verify::PATIENCE, closing.clone())));
        }
        Self { tasks, closing }
    }

    /// Finishes the rounds that run, gives the leases up and ends. To be called before the writer is closed.
    pub async fn stop(self) {
        self.closing.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a job ended badly");
            }
        }
    }
}

fn span(duration: Duration) -> Span {
    Span::from_micros(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}
