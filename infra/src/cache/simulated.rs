//! A Redis that lies and is late: it forgets writes, answers what was once true, does things after nobody waits for
//! them any more, or is away. It keeps to the meaning of the two scripts, which run in a real one in the crate of tests.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::{self, Instant};

use super::redis::Entry;
use crate::{ledger::simulation::random::Random, link::LinkError};

/// Where version and rank stand in a line: behind `b1 `, one number of 19 digits and three of them.
const VERSION: std::ops::Range<usize> = 3..22;
const RANK: std::ops::Range<usize> = 3..62;

/// A simulated Redis. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct SimulatedRedis(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    random: Random,
    /// How often a call goes wrong, in times of a thousand.
    often: u64,
    kept: BTreeMap<String, Kept>,
    /// What was kept before, for a replica that lags behind.
    past: BTreeMap<String, Vec<Kept>>,
    /// When it comes back, while it is away.
    away_until: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Kept {
    line: String,
    ends: Instant,
}

/// What befalls a call.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It is not done, and nobody says so.
    Forgotten,
    /// It is done after the caller has given up.
    Late,
    /// The server is away for a while.
    Away,
}

impl SimulatedRedis {
    /// An empty one.
    pub(crate) fn new(mut random: Random) -> Self {
        let often = *random.pick(&[0, 50, 200, 500]);
        let (kept, past) = (BTreeMap::new(), BTreeMap::new());
        Self(Arc::new(Mutex::new(Inner { random, often, kept, past, away_until: None })))
    }

    /// From now on it does what it says.
    pub(crate) fn behave(&self) {
        let mut inner = self.inner();
        (inner.often, inner.away_until) = (0, None);
    }

    /// The texts that it keeps now, whosever they are.
    pub(crate) fn lines(&self) -> Vec<(String, String)> {
        let now = Instant::now();
        let inner = self.inner();
        let alive = inner.kept.iter().filter(|(_, kept)| kept.ends > now);
        alive.map(|(key, kept)| (key.clone(), kept.line.clone())).collect()
    }

    pub(super) async fn fetch(&self, key: &str) -> Result<Option<Vec<u8>>, LinkError> {
        match self.call().await? {
            Some(Fault::Late | Fault::Away) => Err(LinkError::TimedOut),
            Some(Fault::Forgotten) => Ok(self.inner().once_kept(key)),
            None => Ok(self.inner().kept(key).map(|kept| kept.line.clone().into_bytes())),
        }
    }

    pub(super) async fn compare_and_set(&self, entries: Vec<Entry>) -> Result<usize, LinkError> {
        match self.call().await? {
            None => Ok(self.inner().compare_and_set(entries)),
            Some(Fault::Forgotten) => Ok(entries.len()),
            Some(Fault::Away) => Err(LinkError::TimedOut),
            Some(Fault::Late) => {
                self.later(move |inner| {
                    inner.compare_and_set(entries);
                });
                Err(LinkError::TimedOut)
            }
        }
    }

    pub(super) async fn delete_older(&self, versions: Vec<(String, String)>) -> Result<(), LinkError> {
        match self.call().await? {
            None => {
                self.inner().delete_older(&versions);
                Ok(())
            }
            Some(Fault::Forgotten) => Ok(()),
            Some(Fault::Away) => Err(LinkError::TimedOut),
            Some(Fault::Late) => {
                self.later(move |inner| inner.delete_older(&versions));
                Err(LinkError::TimedOut)
            }
        }
    }

    /// Takes the time of a call, and says what befalls it.
    async fn call(&self) -> Result<Option<Fault>, LinkError> {
        let (delay, fault) = {
            let mut inner = self.inner();
            let now = Instant::now();
            if inner.away_until.is_some_and(|until| now < until) {
                return Err(LinkError::Open);
            }
            let Inner { random, often, .. } = &mut *inner;
            let faults = [Fault::Forgotten, Fault::Forgotten, Fault::Late, Fault::Away];
            let fault = random.per_mille(*often).then(|| *random.pick(&faults));
            let (delay, away) = (random.below(5), Duration::from_millis(random.below(500)));
            if let Some(Fault::Away) = fault {
                inner.away_until = Some(now + away);
            }
            (Duration::from_millis(delay), fault)
        };
        time::sleep(delay).await;
        Ok(fault)
    }

    /// Does something when its caller has given up.
    fn later(&self, act: impl FnOnce(&mut Inner) + Send + 'static) {
        let delay = Duration::from_millis(self.inner().random.below(400));
        let redis = self.clone();
        tokio::spawn(async move {
            time::sleep(delay).await;
            act(&mut redis.inner());
        });
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }
}

impl Inner {
    fn kept(&self, key: &str) -> Option<&Kept> {
        self.kept.get(key).filter(|kept| kept.ends > Instant::now())
    }

    /// Something that was kept and whose life is not over.
    fn once_kept(&mut self, key: &str) -> Option<Vec<u8>> {
        let now = Instant::now();
        let alive: Vec<&Kept> = self.past.get(key)?.iter().filter(|kept| kept.ends > now).collect();
        (!alive.is_empty()).then(|| self.random.pick(&alive).line.clone().into_bytes())
    }

    /// See `compare_and_set.lua`.
    fn compare_and_set(&mut self, entries: Vec<Entry>) -> usize {
        let mut stored = 0;
        for Entry { key, line, milliseconds } in entries {
            if self.kept(&key).is_some_and(|kept| kept.line[RANK] >= line[RANK]) {
                continue;
            }
            if let Ok(milliseconds @ 1..) = u64::try_from(milliseconds) {
                let kept = Kept { line, ends: Instant::now() + Duration::from_millis(milliseconds) };
                self.past.entry(key.clone()).or_default().push(kept.clone());
                self.kept.insert(key, kept);
                stored += 1;
            } else {
                self.kept.remove(&key);
            }
        }
        stored
    }

    /// See `delete_older.lua`.
    fn delete_older(&mut self, versions: &[(String, String)]) {
        for (key, version) in versions {
            if self.kept(key).is_some_and(|kept| kept.line[VERSION] < **version) {
                self.kept.remove(key);
            }
        }
    }
}
