//! Look-ups that go together: while one is on its way to the database, those that come meanwhile gather and are the next.
//!
//! Nobody waits for others to come: the first goes at once. Whoever asks gets what was there after it asked, as if it had
//! asked alone.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{runtime::Handle, sync::oneshot, time::timeout};

use super::{Database, StoreError};

/// With so many keys or more a look-up takes no others along.
const ENOUGH: usize = 256;
/// How long a look-up is waited for: what is on its way must not hold up for ever what gathers behind it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The rows `V` of keys `K`; a key that has none is left out.
pub(crate) type Found<K, V> = Result<HashMap<K, V>, StoreError>;
/// Finds them.
pub(crate) type LookUp<K, V> = for<'a> fn(&'a Database, &'a [K]) -> BoxFuture<'a, Found<K, V>>;

/// One kind of look-up by key. Clones gather together.
#[derive(Debug)]
pub(crate) struct Gathered<K, V>(Arc<Shared<K, V>>);

#[derive(Debug)]
struct Shared<K, V> {
    database: Database,
    look_up: LookUp<K, V>,
    runtime: Handle,
    gathering: Mutex<Gathering<K, V>>,
}

#[derive(Debug)]
struct Gathering<K, V> {
    seekers: Vec<Seeker<K, V>>,
    /// Whether somebody works the seekers off.
    is_under_way: bool,
}

#[derive(Debug)]
struct Seeker<K, V> {
    keys: Vec<K>,
    answer: oneshot::Sender<Found<K, V>>,
}

impl<K, V> Clone for Gathered<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Gathered<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Look-ups in a database, which are made on the runtime that calls.
    pub(crate) fn new(database: Database, look_up: LookUp<K, V>) -> Self {
        let gathering = Gathering { seekers: Vec::new(), is_under_way: false };
        Self(Arc::new(Shared { database, look_up, runtime: Handle::current(), gathering: gathering.into() }))
    }

    /// The row of a key.
    pub(crate) async fn find(&self, key: K) -> Result<Option<V>, StoreError> {
        Ok(self.find_all(vec![key]).await?.into_values().next())
    }

    /// The rows of keys.
    pub(crate) async fn find_all(&self, keys: Vec<K>) -> Found<K, V> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let (answer, answered) = oneshot::channel();
        if self.0.is_first(Seeker { keys, answer }) {
            self.0.runtime.spawn(Arc::clone(&self.0).work_off());
        }
        let ended = |_| Err(StoreError::Unavailable("the server stopped before it was looked up".to_owned()));
        answered.await.unwrap_or_else(ended)
    }
}

impl<K, V> Shared<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Takes a seeker in; whether somebody has to begin to work off.
    fn is_first(&self, seeker: Seeker<K, V>) -> bool {
        let mut gathering = self.gathering();
        gathering.seekers.push(seeker);
        !std::mem::replace(&mut gathering.is_under_way, true)
    }

    async fn work_off(self: Arc<Self>) {
        while let Some(mut seekers) = self.next() {
            // Who has gone meanwhile needs no answer.
            seekers.retain(|seeker| !seeker.answer.is_closed());
            let found = self.found(&seekers).await;
            for Seeker { keys, answer } in seekers {
                let own = |rows: &HashMap<K, V>| {
                    keys.into_iter().filter_map(|key| Some((key.clone(), rows.get(&key)?.clone()))).collect()
                };
                // Nobody may be waiting any more.
                let _ = answer.send(found.as_ref().map(own).map_err(Clone::clone));
            }
        }
    }

    /// The next that go together; none ends the work.
    fn next(&self) -> Option<Vec<Seeker<K, V>>> {
        let mut gathering = self.gathering();
        let mut keys = 0_usize;
        let is_room = |seeker: &&Seeker<K, V>| {
            let is_room = keys < ENOUGH;
            keys = keys.saturating_add(seeker.keys.len());
            is_room
        };
        let many = gathering.seekers.iter().take_while(is_room).count();
        gathering.is_under_way = many > 0;
        (many > 0).then(|| gathering.seekers.drain(..many).collect())
    }

    async fn found(&self, seekers: &[Seeker<K, V>]) -> Found<K, V> {
        let keys: HashSet<&K> = seekers.iter().flat_map(|seeker| &seeker.keys).collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let keys: Vec<K> = keys.into_iter().cloned().collect();
        // A look-up that panics must not leave the others waiting for ever.
        let looked_up = AssertUnwindSafe((self.look_up)(&self.database, &keys)).catch_unwind();
        match timeout(PATIENCE, looked_up).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err(StoreError::Failed("a look-up panicked".to_owned())),
            Err(_) => Err(StoreError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }

    fn gathering(&self) -> MutexGuard<'_, Gathering<K, V>> {
        // Whoever panicked while it held the lock has left a whole list behind.
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::db::DatabaseSettings;

    async fn database() -> Database {
        let settings = DatabaseSettings {
            url: "sqlite::memory:".to_owned(),
            max_connections: 1,
            read_timeout: None,
            acquire_timeout: Duration::from_secs(5),
        };
        Database::open(&settings).await.unwrap()
    }

    /// Lets seekers come while nothing is answered yet.
    async fn let_them_come() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn those_who_come_while_one_is_under_way_go_together() {
        static LOOK_UPS: AtomicUsize = AtomicUsize::new(0);
        static GATE: Semaphore = Semaphore::const_new(0);
        fn look_up<'a>(_: &'a Database, keys: &'a [u32]) -> BoxFuture<'a, Found<u32, u32>> {
            async move {
                LOOK_UPS.fetch_add(1, Ordering::Relaxed);
                GATE.acquire().await.unwrap().forget();
                Ok(keys.iter().filter(|key| *key % 2 == 0).map(|key| (*key, key * 10)).collect())
            }
            .boxed()
        }
        let gathered = Gathered::new(database().await, look_up);
        let seek = |key: u32| {
            let gathered = gathered.clone();
            tokio::spawn(async move { gathered.find(key).await })
        };
        let first = seek(0);
        let_them_come().await;
        let mut others: Vec<_> = (1..=100).chain([2, 2]).map(seek).collect();
        let_them_come().await;
        // One of them loses patience; the others do not notice.
        others.remove(40).abort();
        GATE.add_permits(2);
        assert_eq!(first.await.unwrap().unwrap(), Some(0));
        let found: Vec<Option<u32>> =
            join_all(others).await.into_iter().map(|row| row.unwrap().unwrap()).collect();
        let keys = (1..=100).filter(|key| *key != 41).chain([2, 2]);
        assert!(keys.map(|key| (key % 2 == 0).then_some(key * 10)).eq(found));
        assert_eq!(LOOK_UPS.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_look_up_that_fails_or_panics_fails_those_who_went_along_and_nobody_else() {
        fn look_up<'a>(_: &'a Database, keys: &'a [u32]) -> BoxFuture<'a, Found<u32, u32>> {
            async move {
                assert_ne!(keys, [1], "what a defect would do");
                if keys == [2] {
                    return Err(StoreError::Unavailable("away".to_owned()));
                }
                Ok(keys.iter().map(|key| (*key, *key)).collect())
            }
            .boxed()
        }
        let gathered = Gathered::new(database().await, look_up);
        assert!(matches!(gathered.find(1).await, Err(StoreError::Failed(_))));
        assert!(matches!(gathered.find(2).await, Err(StoreError::Unavailable(_))));
        assert_eq!(gathered.find(3).await.unwrap(), Some(3));
    }

    #[tokio::test]
    async fn a_great_look_up_takes_few_others_along() {
        static MOST: AtomicUsize = AtomicUsize::new(0);
        fn look_up<'a>(_: &'a Database, keys: &'a [usize]) -> BoxFuture<'a, Found<usize, usize>> {
            async move {
                MOST.fetch_max(keys.len(), Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok(keys.iter().map(|key| (*key, *key)).collect())
            }
            .boxed()
        }
        let gathered = Gathered::new(database().await, look_up);
        let seek = |from: usize| gathered.find_all((from..from + 200).collect());
        let found = join_all((0..20).map(|number| seek(number * 1_000))).await;
        assert!(found.into_iter().all(|rows| rows.unwrap().len() == 200));
        assert_eq!(MOST.load(Ordering::Relaxed), 400);
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_up_that_hangs_is_given_up() {
        fn look_up<'a>(_: &'a Database, _: &'a [u32]) -> BoxFuture<'a, Found<u32, u32>> {
            std::future::pending().boxed()
        }
        // A paused clock runs ahead while the database is opened, so it is opened without one.
        tokio::time::resume();
        let database = database().await;
        tokio::time::pause();
        let gathered = Gathered::new(database, look_up);
        let (one, other) = tokio::join!(gathered.find(1), gathered.find(2));
        assert!([one, other].iter().all(|found| matches!(found, Err(StoreError::Unavailable(_)))));
    }
}
