//! Single flight: of the callers who need the same wallet at the same time one loads it, the others wait for it.

use super::balance::Balance;
use amvaj_domain::id::WalletId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Semaphore, SemaphorePermit, watch};

/// The loads underway.
#[derive(Debug)]
pub(super) struct Flights {
    underway: Mutex<HashMap<WalletId, watch::Receiver<Option<Outcome>>>>,
    permits: Semaphore,
}

/// What a flight brought; nothing while it is in the air.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    Loaded(Balance),
    Failed,
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
    outcome: Option<Outcome>,
    landing: watch::Sender<Option<Outcome>>,
}

/// A place to wait for the landing.
pub(super) struct Follower(watch::Receiver<Option<Outcome>>);

/// How a flight ended for those who waited.
pub(super) enum Landing {
    /// With a balance.
    Loaded(Balance),
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
        if let Some(landing) = underway.get(&wallet) {
            return Seat::Follower(Follower(landing.clone()));
        }
        let (landing, followers) = watch::channel(None);
        underway.insert(wallet, followers);
        Seat::Leader(Flight { flights: self, wallet, outcome: None, landing })
    }

    /// Waits for a place among the loads. The semaphore is never closed; if it were, loading without a place would
    /// be right.
    pub(super) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        self.permits.acquire().await.ok()
    }

    fn underway(&self) -> MutexGuard<'_, HashMap<WalletId, watch::Receiver<Option<Outcome>>>> {
        // The map is whole between any two statements, so a panic elsewhere cannot have left it broken.
        self.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight<'_> {
    /// Runs the load and lets the followers know.
    pub(super) async fn fly<E>(
        mut self,
        load: impl Future<Output = Result<Balance, E>>,
    ) -> Result<Balance, E> {
        let result = load.await;
        self.outcome = Some(result.as_ref().map_or(Outcome::Failed, |balance| Outcome::Loaded(*balance)));
        result
    }
}

impl Drop for Flight<'_> {
    /// Leaves the map before telling: a follower that is not content must not board the same flight again.
    fn drop(&mut self) {
        self.flights.underway().remove(&self.wallet);
        if self.outcome.is_some() {
            self.landing.send_replace(self.outcome);
        }
    }
}

impl Follower {
    pub(super) async fn wait(&mut self) -> Landing {
        match self.0.wait_for(Option::is_some).await.map(|outcome| *outcome) {
            Ok(Some(Outcome::Loaded(balance))) => Landing::Loaded(balance),
            Ok(Some(Outcome::Failed)) => Landing::Failed,
            // The sender is gone without a word.
            Ok(None) | Err(_) => Landing::Lost,
        }
    }
}
