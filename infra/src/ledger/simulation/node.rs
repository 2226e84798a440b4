//! A node of the network: a real writer over the simulated database, a clock of its own, and the cache.

use std::{
    cell::RefCell,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use amvaj_domain::{id::WalletId, time::Instant};
use tokio::time;
use uuid::Uuid;

use super::{plan::Plan, random::Random, store::SimulatedStore};
use crate::{
    cache::{Balance, BalanceCache, simulated::SimulatedRedis},
    clock::Clock,
    db::StoreError,
    ledger::{
        reader,
        request::{Answer, Request, SubmitError},
        source::Source,
        store::LedgerStore,
        writer::LedgerWriter,
    },
};

/// When the time of a run begins.
const START: Instant = Instant::from_micros(1_700_000_000_000_000);

thread_local! {
    /// What makes the ids of the run that plays on this thread: the writer takes a function without a state.
    static IDS: RefCell<Random> = const { RefCell::new(Random::new(0)) };
}

/// Begins the ids of a run.
pub(crate) fn begin_ids(random: Random) {
    IDS.with(|ids| *ids.borrow_mut() = random);
}

/// An id of which [`made_at`] tells the time.
fn new_id(now: Instant) -> Uuid {
    let chance = IDS.with(|ids| ids.borrow_mut().next());
    Uuid::from_u64_pair(u64::try_from(now.micros()).unwrap(), chance)
}

/// By which time an id was made: for a batch the present on which it decided.
pub(crate) fn made_at(id: Uuid) -> Instant {
    Instant::from_micros(i64::try_from(id.as_u64_pair().0).unwrap())
}

/// One node. A crash ends its writer, a restart begins another.
pub(crate) struct Node {
    store: SimulatedStore,
    clock: Clock,
    off: Arc<AtomicI64>,
    balances: Arc<BalanceCache>,
    plan: Plan,
    writer: Mutex<LedgerWriter>,
}

impl Node {
    /// Starts a node.
    pub(crate) fn start(store: SimulatedStore, redis: SimulatedRedis, plan: &Plan) -> Self {
        let off = Arc::new(AtomicI64::new(0));
        let clock = Clock::Simulated { start: START, origin: time::Instant::now(), off: Arc::clone(&off) };
        let balances = Arc::new(BalanceCache::simulated(redis, plan.time_to_live));
        let writer = Self::writer_over(&store, &balances, &clock, plan).into();
        Self { store, clock, off, balances, plan: plan.clone(), writer }
    }

    fn writer_over(
        store: &SimulatedStore,
        balances: &Arc<BalanceCache>,
        clock: &Clock,
        plan: &Plan,
    ) -> LedgerWriter {
        let store = || LedgerStore::Simulated(store.clone());
        LedgerWriter::start_on(store, Arc::clone(balances), clock, new_id, plan.lanes, &plan.settings)
    }

    /// The time that the node believes it is.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Sets the clock off by so many microseconds, perhaps back.
    pub(crate) fn set_clock_off(&self, micros: i64) {
        self.off.store(micros, Ordering::SeqCst);
    }

    /// Loses whatever the node had not written.
    pub(crate) fn crash(&self) {
        self.writer().crash();
    }

    /// Whether all its lanes are there.
    pub(crate) fn is_alive(&self) -> bool {
        self.writer().is_alive()
    }

    /// Starts the node again.
    pub(crate) fn restart(&self) {
        *self.writer.lock().unwrap() =
            Self::writer_over(&self.store, &self.balances, &self.clock, &self.plan);
    }

    /// Submits a request.
    pub(crate) async fn submit(&self, request: Request) -> Result<Answer, SubmitError> {
        let writer = self.writer();
        writer.submit(request).await
    }

    /// Ends the node in good order.
    pub(crate) async fn close(&self) {
        let writer = self.writer();
        writer.close().await;
    }

    /// The cache as the node uses it.
    pub(crate) fn balances(&self) -> &BalanceCache {
        &self.balances
    }

    /// The balance as the service answers it: from the cache, else by the real reader from the simulated database.
    pub(crate) async fn balance(
        &self,
        wallet: WalletId,
        at_least: Option<i64>,
    ) -> Result<Balance, StoreError> {
        let now = self.now();
        let load = async || {
            let source = Source::Simulated(&self.store);
            let found = match reader::head(source, wallet).await {
                Ok(Some(head)) => reader::balance_of(source, &head, now).await,
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            };
            let missing = || StoreError::Failed(format!("wallet {wallet} does not exist"));
            self.store.noting_defects(found)?.ok_or_else(missing)
        };
        self.balances.read_through(wallet, at_least, now, load).await
    }

    fn writer(&self) -> LedgerWriter {
        self.writer.lock().unwrap().clone()
    }
}
