//! The simulated database of a lane: tables in memory behind a network that delays, loses and fails.
//!
//! A read asks its questions one by one and takes time for each, so that another node commits in between. A write is
//! atomic, and waits for wallets that another batch has locked.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use amvaj_domain::{
    id::WalletId,
    ledger::{Wallet, WalletState},
};
use tokio::{sync::Notify, time};
use uuid::Uuid;

use super::{
    random::Random,
    tables::Tables,
    trace::Trace,
    weather::{ReadFault, Weather, WriteFault},
};
use crate::{
    db::StoreError,
    ledger::{batch::WriteBatch, rows},
};

/// Text that every failure of the simulated database carries.
pub(crate) const SIMULATED: &str = "simulated";

/// One node's way to the database. Clones and the other nodes' see the same tables.
#[derive(Debug, Clone)]
pub(crate) struct SimulatedStore {
    node: usize,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    /// Told when locks are released.
    released: Notify,
    trace: Trace,
}

/// What the nodes share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) tables: Tables,
    pub(crate) weather: Weather,
    random: Random,
    locked: BTreeSet<WalletId>,
    /// Every commit, in order: the operations that it added.
    pub(crate) commits: Vec<Commit>,
    /// The wallets as they were at each of their versions, with their open lots and holds.
    pub(crate) versions: BTreeMap<(WalletId, i64), Version>,
    /// What the store and the decision disagreed about; there must be nothing.
    pub(crate) defects: Vec<String>,
    /// Writes that were sent and are not done.
    pub(crate) under_way: usize,
}

/// What one commit added.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) at: time::Instant,
    pub(crate) batch: Uuid,
    /// The keys that it took.
    pub(crate) claims: Vec<Uuid>,
    /// Operations by wallet and sequence number, in that order.
    pub(crate) ops: Vec<(WalletId, i64)>,
}

/// A wallet at one of its versions.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) state: WalletState,
    /// When it was committed, in the time that passes for everybody.
    pub(crate) since: time::Instant,
}

/// Locks on wallets, released when dropped.
#[derive(Debug)]
pub(crate) struct SimulatedLocks {
    shared: Arc<Shared>,
    wallets: BTreeSet<WalletId>,
}

impl Drop for SimulatedLocks {
    fn drop(&mut self) {
        let mut inner = self.shared.inner();
        inner.locked.retain(|wallet| !self.wallets.contains(wallet));
        drop(inner);
        self.shared.released.notify_waiters();
    }
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A check that failed in another task is told by that task.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SimulatedStore {
    /// An empty database with some wallets.
    pub(crate) fn new(wallets: &[WalletId], weather: Weather, random: Random, trace: Trace) -> Self {
        let mut tables = Tables::default();
        let mut versions = BTreeMap::new();
        for id in wallets {
            let wallet = Wallet::new(*id);
            tables.add_wallet(&rows::wallet_row(&wallet));
            let state = WalletState { detail_read: true, ..WalletState::head(wallet) };
            versions.insert((*id, 0), Version { state, since: time::Instant::now() });
        }
        let inner = Inner {
            tables,
            weather,
            random,
            locked: BTreeSet::new(),
            commits: Vec::new(),
            versions,
            defects: Vec::new(),
            under_way: 0,
        };
        Self { node: 0, shared: Arc::new(Shared { inner: inner.into(), released: Notify::new(), trace }) }
    }

    /// The same database as another node reaches it.
    pub(crate) fn of_node(&self, node: usize) -> Self {
        Self { node, shared: Arc::clone(&self.shared) }
    }

    /// The tables and what else the nodes share.
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner()
    }

    /// Answers one question of a read.
    pub(crate) async fn select<R>(&self, answer: impl FnOnce(&Tables) -> R) -> Result<R, StoreError> {
        self.take_time().await;
        let fault = {
            let mut inner = self.inner();
            let weather = inner.weather;
            weather.read_fault(&mut inner.random)
        };
        if let Some(fault) = fault {
            self.trace(|| format!("a read fails: {fault:?}"));
            return Err(match fault {
                ReadFault::Unavailable => StoreError::Unavailable(SIMULATED.to_owned()),
                ReadFault::Contention => StoreError::Contention(SIMULATED.to_owned()),
                ReadFault::Failed => StoreError::Failed(SIMULATED.to_owned()),
            });
        }
        let rows = answer(&self.inner().tables);
        self.take_time().await;
        Ok(rows)
    }

    /// Locks wallets once nobody else has locked any of them.
    pub(crate) async fn lock(&self, wallets: HashSet<WalletId>) -> SimulatedLocks {
        self.take_time().await;
        let wallets: BTreeSet<WalletId> = wallets.into_iter().collect();
        self.when_free(&wallets, None, |inner| inner.locked.extend(&wallets)).await;
        self.trace(|| format!("locks {wallets:?}"));
        SimulatedLocks { shared: Arc::clone(&self.shared), wallets }
    }

    /// Writes a batch and answers the wallets whose guard held.
    pub(crate) async fn write(
        &self,
        batch: &WriteBatch,
        locks: Option<SimulatedLocks>,
    ) -> Result<HashSet<WalletId>, StoreError> {
        let lost = || StoreError::Unavailable(SIMULATED.to_owned());
        self.take_time().await;
        let fault = {
            let mut inner = self.inner();
            let weather = inner.weather;
            weather.write_fault(&mut inner.random)
        };
        match fault {
            None => {
                let written = self.commit(batch, locks.as_ref()).await;
                drop(locks);
                self.take_time().await;
                written
            }
            Some(WriteFault::Before) => {
                self.trace(|| format!("batch {} is lost", batch.batch));
                Err(lost())
            }
            Some(WriteFault::Contention) => Err(StoreError::Contention(SIMULATED.to_owned())),
            Some(WriteFault::AnswerLost) => {
                let written = self.commit(batch, locks.as_ref()).await;
                drop(locks);
                self.trace(|| format!("the answer to batch {} is lost", batch.batch));
                self.take_time().await;
                written.and_then(|_| Err(lost()))
            }
            Some(WriteFault::Late) => {
                self.trace(|| format!("batch {} will come late", batch.batch));
                self.commit_later(batch.clone(), locks);
                Err(lost())
            }
        }
    }

    /// Passes a read on, and notes if it found rows that do not fit together.
    pub(crate) fn noting_defects<R>(&self, read: Result<R, StoreError>) -> Result<R, StoreError> {
        if let Err(error @ StoreError::CorruptRow { .. }) = &read {
            self.defect(|| format!("a read found rows that do not fit together: {error}"));
        }
        read
    }

    /// Notes what must not happen; a run in which it did fails.
    pub(crate) fn defect(&self, what: impl FnOnce() -> String) {
        let what = what();
        self.trace(|| format!("DEFECT: {what}"));
        self.inner().defects.push(what);
    }

    /// Goes on with a write whose client is gone.
    fn commit_later(&self, batch: WriteBatch, locks: Option<SimulatedLocks>) {
        let store = self.clone();
        let delay = {
            let mut inner = self.inner();
            inner.under_way += 1;
            Duration::from_micros(u64::try_from(inner.random.within(0, 400_000)).unwrap())
        };
        tokio::spawn(async move {
            time::sleep(delay).await;
            // Nobody hears how it ends: it may find its wallets moved or its keys taken.
            let _ = store.commit(&batch, locks.as_ref()).await;
            drop(locks);
            store.inner().under_way -= 1;
        });
    }

    async fn commit(
        &self,
        batch: &WriteBatch,
        own: Option<&SimulatedLocks>,
    ) -> Result<HashSet<WalletId>, StoreError> {
        let wallets = batch.wallets.iter().map(|wallet| WalletId::new(wallet.row.wallet_id)).collect();
        let written = self.when_free(&wallets, own, |inner| inner.write(batch)).await;
        self.trace(|| match &written {
            Ok(survivors) => {
                let survivors: BTreeSet<&WalletId> = survivors.iter().collect();
                format!("batch {} of {} operations commits for {survivors:?}", batch.batch, batch.ops.len())
            }
            Err(error) => format!("batch {} is refused: {error}", batch.batch),
        });
        written
    }

    /// Does something once nobody but `own` has locked one of the wallets.
    async fn when_free<R>(
        &self,
        wallets: &BTreeSet<WalletId>,
        own: Option<&SimulatedLocks>,
        mut act: impl FnMut(&mut Inner) -> R,
    ) -> R {
        loop {
            let released = self.shared.released.notified();
            {
                let mut inner = self.inner();
                let is_own = |wallet: &WalletId| own.is_some_and(|locks| locks.wallets.contains(wallet));
                if wallets.iter().all(|wallet| is_own(wallet) || !inner.locked.contains(wallet)) {
                    return act(&mut inner);
                }
            }
            released.await;
        }
    }

    async fn take_time(&self) {
        let delay = {
            let mut inner = self.inner();
            let weather = inner.weather;
            weather.delay(&mut inner.random)
        };
        time::sleep(delay).await;
    }

    fn trace(&self, what: impl FnOnce() -> String) {
        self.shared.trace.note(|| format!("node {}: {}", self.node, what()));
    }
}

impl Inner {
    fn write(&mut self, batch: &WriteBatch) -> Result<HashSet<WalletId>, StoreError> {
        let survivors = self.tables.write(batch)?;
        let mut ops: Vec<(WalletId, i64)> =
            batch.ops.iter().map(|row| (WalletId::new(row.wallet_id), row.seq)).collect();
        ops.retain(|(wallet, _)| survivors.contains(wallet));
        ops.sort_unstable();
        let claims = batch
            .claims
            .iter()
            .filter(|row| row.wallet_id.is_none_or(|wallet| survivors.contains(&WalletId::new(wallet))));
        let claims = claims.map(|row| row.idem).collect();
        self.commits.push(Commit { at: time::Instant::now(), batch: batch.batch.uuid(), claims, ops });
        for wallet in &survivors {
            let state = self.tables.state(*wallet);
            let since = time::Instant::now();
            self.versions.insert((*wallet, state.wallet.version), Version { state, since });
        }
        Ok(survivors)
    }
}
