//! Single flight: of the callers who need the same wallet at the same time one loads it, the others wait for it.

use super::balance::Balance;
use amvaj_domain::id::WalletId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// The loads underway.
#[derive(Debug)]
pub(super) struct Flights {
    underway: Mutex<HashMap<WalletId, Arc<Runway>>>,
    permits: Semaphore,
}

/// Where followers wait for a flight. They go on in the order in which they came.
#[derive(Debug, Default)]
struct Runway {
    /// How the flight ended; nothing while it is in the air.
    landing: OnceLock<Landing>,
    landed: Notify,
}

/// A caller's part in a flight.
pub(super) enum Seat<'a> {
    /// Nobody loads this wallet: the caller does.
    Leader(Flight<'a>),
    /// Somebody does: the caller waits.
    Follower(Follower),
}

/// A load that others wait for. However it ends, its leader's cancellation included, dropping it lets them go on.
pub(super) struct Flight<'a> {
    flights: &'a Flights,
    wallet: WalletId,
    landing: Landing,
    runway: Arc<Runway>,
}

/// A place to wait for the landing.
pub(super) struct Follower(Arc<Runway>);

/// What a leader came back with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Brought {
    /// A balance that somebody else had kept meanwhile. It serves the leader and says nothing about the database.
    FromCache(Balance),
    /// What the database said after the flight had begun.
    FromDatabase(Balance),
}

/// How a flight ended for those who waited.
#[derive(Debug, Clone, Copy)]
pub(super) enum Landing {
    /// With a balance.
    Loaded(Brought),
    /// With an error, which its leader has.
    Failed,
    /// With the leader cancelled.
    Lost,
}

impl Flights {
    /// At most `concurrent_loads` permits, but at least one, or nothing could ever be read.
    pub(super) fn new(concurrent_loads: usize) -> Self {
        let permits = concurrent_loads.clamp(1, Semaphore::MAX_PERMITS);
        Self { underway: Mutex::default(), permits: Semaphore::new(permits) }
    }

    /// Joins the wallet's flight, or begins one.
    pub(super) fn board(&self, wallet: WalletId) -> Seat<'_> {
        let mut underway = self.underway();
        if let Some(runway) = underway.get(&wallet) {
            return Seat::Follower(Follower(Arc::clone(runway)));
        }
        let runway = Arc::<Runway>::default();
        underway.insert(wallet, Arc::clone(&runway));
        Seat::Leader(Flight { flights: self, wallet, landing: Landing::Lost, runway })
    }

    /// Waits for a place among the loads. The semaphore is never closed; if it were, loading without a place would
    /// be right.
    pub(super) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        self.permits.acquire().await.ok()
    }

    fn underway(&self) -> MutexGuard<'_, HashMap<WalletId, Arc<Runway>>> {
        // The map is whole between any two statements, so a panic elsewhere cannot have left it broken.
        self.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight<'_> {
    /// Runs the load and lets the followers know.
    pub(super) async fn fly<E>(
        mut self,
        load: impl Future<Output = Result<Brought, E>>,
    ) -> Result<Balance, E> {
        let result = load.await;
        self.landing = result.as_ref().map_or(Landing::Failed, |brought| Landing::Loaded(*brought));
        result.map(Brought::balance)
    }
}

impl Brought {
    /// The balance, wherever it is from.
    pub(super) const fn balance(self) -> Balance {
        let (Self::FromCache(balance) | Self::FromDatabase(balance)) = self;
        balance
    }
}

impl Drop for Flight<'_> {
    /// Leaves the map before telling: a follower that is not content must not board the same flight again.
    fn drop(&mut self) {
        self.flights.underway().remove(&self.wallet);
        self.runway.landing.get_or_init(|| self.landing);
        self.runway.landed.notify_waiters();
    }
}

impl Follower {
    pub(super) async fn wait(&self) -> Landing {
        loop {
            // Whoever asks to be told before looking cannot miss a landing in between.
            let landed = self.0.landed.notified();
            if let Some(landing) = self.0.landing.get() {
                return *landing;
            }
            landed.await;
        }
    }
}
