//! The ledger's writer: lanes that batch whatever waits, each driven by a task of its own.
//!
//! Once queued a request is never cancelled: a caller that stops waiting finds the answer under its key.

use std::{collections::HashMap, sync::Arc, time::Duration};

use amvaj_domain::{
    id::{BatchId, WalletId},
    time::{Instant, Span},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{
    lane::{Batch, Effects, Lane, Reply, Ticket, WriteOutcome},
    overload::{Queue, Refusing},
    request::{Answer, Request, SubmitError},
    store::{LedgerStore, Locked},
};
use crate::{
    cache::{Balance, BalanceCache},
    clock::Clock,
    db::Database,
};

/// The most lanes: each owns one bucket of merchants' totals.
const MAX_LANES: usize = 16;
/// How many committed batches may wait for the cache; more are dropped and healed by the relay.
const CACHE_QUEUE: usize = 256;
/// The longest pause between two tries of a batch.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The longest time from the moment that operations carry to the one when they are sent to the database. What took longer
/// to be read is decided anew, so whoever reads by time knows when nothing earlier can come any more. It is longer than a
/// reading and a connection are waited for, so that a database that is slow for a while loses no batch by it.
pub(crate) const WRITTEN_WITHIN: Span = Span::seconds(15);
const FRESH: Duration = Duration::from_micros(WRITTEN_WITHIN.micros().unsigned_abs());

/// How the writer works.
#[derive(Debug, Clone)]
pub struct WriterSettings {
    /// Lanes of this node, 1 to 16; by default one on SQLite, and on PostgreSQL one for two processors, two at most.
    pub lanes: Option<usize>,
    /// Requests that may wait in each lane before it answers that it is overloaded.
    pub queue: usize,
    /// The most requests of one batch.
    pub batch: usize,
    /// How long a caller waits for an answer before the outcome counts as unknown, and a lane for PostgreSQL before it
    /// turns to another connection.
    pub answer_within: Duration,
}

impl Default for WriterSettings {
    fn default() -> Self {
        Self { lanes: None, queue: 4_096, batch: 256, answer_within: Duration::from_secs(10) }
    }
}

/// The ledger's writer. Clones share its lanes.
#[derive(Debug, Clone)]
pub struct LedgerWriter {
    lanes: Arc<[Entrance]>,
    answer_within: Duration,
    tasks: Arc<std::sync::Mutex<Vec<JoinHandle<()>>>>,
    closing: tokio_util::sync::CancellationToken,
}

/// The way into a lane.
#[derive(Debug)]
struct Entrance {
    arrivals: mpsc::Sender<Waiting>,
    refusing: Refusing,
}

/// A request and whoever waits for its answer.
#[derive(Debug)]
struct Waiting {
    request: Request,
    arrived_at: tokio::time::Instant,
    reply: oneshot::Sender<Result<Answer, SubmitError>>,
}

impl LedgerWriter {
    /// Starts the lanes on the runtime that calls.
    pub fn start(
        database: &Database,
        balances: Arc<BalanceCache>,
        clock: &Clock,
        new_id: fn(Instant) -> uuid::Uuid,
        settings: &WriterSettings,
    ) -> Self {
        let default = if database.is_postgres() { lanes_on_postgres() } else { 1 };
        let lanes = settings.lanes.unwrap_or(default);
        let store = || LedgerStore::new(database, settings.answer_within);
        Self::start_on(store, balances, clock, new_id, lanes, settings)
    }

    /// Starts so many lanes, each over a store of its own.
    pub(super) fn start_on(
        store: impl Fn() -> LedgerStore,
        balances: Arc<BalanceCache>,
        clock: &Clock,
        new_id: fn(Instant) -> uuid::Uuid,
        lanes: usize,
        settings: &WriterSettings,
    ) -> Self {
        let count = lanes.clamp(1, MAX_LANES);
        let closing = tokio_util::sync::CancellationToken::new();
        let (cache, cache_task) = start_cache_writer(balances, clock.clone());
        let (mut lanes, mut tasks) = (Vec::new(), vec![cache_task]);
        for number in 0..count {
            let bucket = i16::try_from(number).unwrap_or_default();
            let ((sender, arrivals), queue) = (mpsc::channel(settings.queue.max(1)), Queue::default());
            lanes.push(Entrance { arrivals: sender, refusing: queue.refusing() });
            let driver = Driver {
                lane: Lane::new(bucket, settings.batch.max(1)),
                store: store(),
                clock: clock.clone(),
                new_id,
                arrivals,
                queue,
                waiting: HashMap::new(),
                next_ticket: 0,
                cache: cache.clone(),
                closing: closing.clone(),
                failures: 0,
            };
            tasks.push(tokio::spawn(driver.run()));
        }
        Self {
            lanes: lanes.into(),
            answer_within: settings.answer_within,
            tasks: Arc::new(tasks.into()),
            closing,
        }
    }

    /// Submits a request and waits for its answer.
    ///
    /// # Errors
    /// [`SubmitError::Overloaded`] at once when the lane's queue stands or is full; [`SubmitError::OutcomeUnknown`] when
    /// the answer does not come in time: the request goes on.
    pub async fn submit(&self, request: Request) -> Result<Answer, SubmitError> {
        let (reply, answer) = oneshot::channel();
        let lane = self.lane_of(&request)?;
        let refuses = self.closing.is_cancelled() || lane.refusing.is_on();
        let arrived_at = tokio::time::Instant::now();
        if refuses || lane.arrivals.try_send(Waiting { request, arrived_at, reply }).is_err() {
            metrics::counter!("amvaj_ledger_overloaded_total").increment(1);
            return Err(SubmitError::Overloaded);
        }
        match tokio::time::timeout(self.answer_within, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(SubmitError::OutcomeUnknown),
        }
    }

    /// Whether an operation on a wallet would be refused now, for whoever has to prepare one.
    pub fn is_overloaded(&self, wallet: WalletId) -> bool {
        self.lane_of_shard(wallet.shard_no()).is_none_or(|lane| lane.refusing.is_on())
    }

    /// Whether every lane is there. One that ended although the writer is open takes no request any more.
    pub fn is_alive(&self) -> bool {
        self.lanes.iter().all(|lane| !lane.arrivals.is_closed())
    }

    /// Stops taking requests, finishes what was accepted and ends the lanes.
    pub async fn close(&self) {
        self.closing.cancel();
        let tasks: Vec<JoinHandle<()>> =
            self.tasks.lock().map(|mut tasks| tasks.drain(..).collect()).unwrap_or_default();
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a lane ended badly");
            }
        }
    }

    /// Ends the lanes where they stand, as the death of the process does: what waits in them is lost.
    #[cfg(test)]
    pub(super) fn crash(&self) {
        self.closing.cancel();
        self.tasks.lock().unwrap().drain(..).for_each(|task| task.abort());
    }

    /// A wallet's lane is fixed by its shard; a refund that waits goes by its merchant.
    fn lane_of(&self, request: &Request) -> Result<&Entrance, SubmitError> {
        let shard = request.wallet().map_or_else(
            || request.receipt().map_or(0, |key| WalletId::new(key.merchant.uuid()).shard_no()),
            WalletId::shard_no,
        );
        self.lane_of_shard(shard).ok_or(SubmitError::Overloaded)
    }

    fn lane_of_shard(&self, shard: i16) -> Option<&Entrance> {
        self.lanes.get(usize::try_from(shard).ok()?.checked_rem(self.lanes.len())?)
    }
}

/// A lane that waits for its commit leaves a processor to another; where there are few processors, two lanes only halve
/// the batches, and PostgreSQL does each statement's fixed work twice.
fn lanes_on_postgres() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    (processors / 2).clamp(1, 2)
}

/// Drives one lane: waits, reads, writes and answers for it.
struct Driver {
    lane: Lane,
    store: LedgerStore,
    clock: Clock,
    new_id: fn(Instant) -> uuid::Uuid,
    arrivals: mpsc::Receiver<Waiting>,
    queue: Queue,
    waiting: HashMap<Ticket, oneshot::Sender<Result<Answer, SubmitError>>>,
    next_ticket: Ticket,
    cache: mpsc::Sender<Vec<Balance>>,
    closing: tokio_util::sync::CancellationToken,
    /// Batches in a row that had to be tried again.
    failures: u32,
}

impl Driver {
    async fn run(mut self) {
        loop {
            self.take_arrivals();
            if let Some(batch) = self.lane.drain() {
                self.batch(batch).await;
                continue;
            }
            self.queue.ended();
            if !self.wait().await {
                return self.store.close().await;
            }
        }
    }

    /// Takes in whatever has arrived, at most a batch more than already waits.
    fn take_arrivals(&mut self) {
        let mut oldest = None;
        while self.lane.waiting() < self.lane.max_batch() {
            let Ok(arrival) = self.arrivals.try_recv() else { break };
            oldest = oldest.or(Some(arrival.arrived_at));
            self.accept(arrival);
        }
        if let Some(oldest) = oldest {
            let now = tokio::time::Instant::now();
            self.queue.taken(self.lane.waiting() >= self.lane.max_batch(), now - oldest, now);
        }
        let waiting = self.arrivals.len() + self.lane.waiting();
        metrics::gauge!("amvaj_ledger_queue_depth", "lane" => self.lane.bucket().to_string())
            .set(gauge(waiting));
    }

    /// Waits for the next arrival; false when the writer closes and nothing is left.
    async fn wait(&mut self) -> bool {
        tokio::select! {
            biased;
            arrival = self.arrivals.recv() => match arrival {
                Some(arrival) => {
                    self.accept(arrival);
                    true
                }
                None => false,
            },
            () = self.closing.cancelled() => {
                self.arrivals.close();
                match self.arrivals.try_recv() {
                    Ok(arrival) => {
                        self.accept(arrival);
                        true
                    }
                    Err(_) => false,
                }
            }
        }
    }

    fn accept(&mut self, Waiting { request, reply, .. }: Waiting) {
        let ticket = self.next_ticket;
        self.next_ticket = ticket.wrapping_add(1);
        self.waiting.insert(ticket, reply);
        self.lane.arrive(ticket, request);
    }

    async fn batch(&mut self, batch: Batch) {
        let started = tokio::time::Instant::now();
        metrics::histogram!("amvaj_ledger_batch_size").record(gauge(batch.len()));
        let locked =
            if batch.locked { self.store.lock(&batch.requests()).await } else { Ok(Locked::Nothing) };
        let (now, fresh_until) = (self.clock.now(), tokio::time::Instant::now() + FRESH);
        let read = match locked {
            Ok(locked) => self.store.read(&batch.requests(), now).await.map(|read| (locked, read)),
            Err(error) => Err(error),
        };
        let read_at = step("read", started);
        let effects = match read {
            Ok((locked, read)) => {
                let pending = self.lane.decide(batch, read, now, BatchId::new((self.new_id)(now)));
                let decided_at = step("decide", read_at);
                let outcome = self.store.write(pending.rows(), locked, fresh_until).await;
                step("write", decided_at);
                let failed = log_outcome(&outcome);
                let effects = self.lane.end(pending, outcome);
                if failed {
                    self.pause().await;
                } else {
                    self.failures = 0;
                }
                effects
            }
            Err(error) => {
                tracing::warn!(%error, "a batch could not be read");
                let effects = self.lane.not_read(batch, &error);
                self.pause().await;
                effects
            }
        };
        metrics::histogram!("amvaj_ledger_batch_seconds").record(started.elapsed().as_secs_f64());
        self.carry_out(effects, now);
    }

    /// A pause that grows with every failure in a row, with jitter, so that two lanes in each other's way do not meet
    /// again and a database that is away is not hammered.
    async fn pause(&mut self) {
        self.failures = self.failures.saturating_add(1);
        let [.., jitter] = (self.new_id)(self.clock.now()).into_bytes();
        let grown = LONGEST_PAUSE.min(Duration::from_millis(1 << self.failures.min(10)));
        tokio::time::sleep(grown + Duration::from_millis(u64::from(jitter % 16))).await;
    }

    fn carry_out(&mut self, effects: Effects, now: Instant) {
        for Reply { ticket, answer } in effects.replies {
            if let Some(reply) = self.waiting.remove(&ticket) {
                // Nobody may be waiting any more; the answer is stored under its key.
                let _ = reply.send(answer);
            }
        }
        for (ticket, wallet, request) in effects.rerouted {
            if let Request::AwaitPurchase(operation) = request {
                let operation = amvaj_domain::ledger::Operation { wallet, ..operation };
                // The guard alone decides who may write, so this lane can go on with another lane's wallet.
                self.lane.arrive(ticket, Request::Apply(operation));
            }
        }
        if !effects.fresh.is_empty() {
            let balances = effects.fresh.iter().map(|state| Balance::of(&state.wallet, now)).collect();
            // A full queue drops the write: the relay removes what it leaves stale.
            let _ = self.cache.try_send(balances);
        }
    }
}

/// Writes balances to the cache behind the lanes' backs, so that no commit waits for the cache.
fn start_cache_writer(
    balances: Arc<BalanceCache>,
    clock: Clock,
) -> (mpsc::Sender<Vec<Balance>>, JoinHandle<()>) {
    let (sender, mut receiver) = mpsc::channel::<Vec<Balance>>(CACHE_QUEUE);
    let task = tokio::spawn(async move {
        while let Some(mut fresh) = receiver.recv().await {
            while let Ok(more) = receiver.try_recv() {
                fresh.extend(more);
            }
            balances.put(&fresh, clock.now()).await;
        }
    });
    (sender, task)
}

/// Notes how long a step of a batch took, and answers when the next one begins.
fn step(name: &'static str, started: tokio::time::Instant) -> tokio::time::Instant {
    let ended = tokio::time::Instant::now();
    metrics::histogram!("amvaj_ledger_step_seconds", "step" => name).record((ended - started).as_secs_f64());
    ended
}

/// Logs what needs a look, and says whether to pause before the next try.
fn log_outcome(outcome: &WriteOutcome) -> bool {
    match outcome {
        WriteOutcome::Committed(_) => false,
        WriteOutcome::Taken => {
            metrics::counter!("amvaj_ledger_conflicts_total").increment(1);
            true
        }
        WriteOutcome::Poisoned(what) => {
            metrics::counter!("amvaj_ledger_poisoned_total").increment(1);
            tracing::error!(
                what,
                "a batch breaks a rule of the schema: the decision and the schema disagree"
            );
            false
        }
        WriteOutcome::Unknown(what) => {
            tracing::warn!(what, "the database went away while a batch was written");
            true
        }
    }
}

/// A count as a metric value; counts here are far below the range where this loses digits.
fn gauge(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
