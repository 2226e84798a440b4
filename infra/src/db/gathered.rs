//! Look-ups that go together: while one is on its way to the database, those that come meanwhile gather and are the next.
//!
//! On a quiet server a look-up begins at once and alone. Whoever comes later is looked up when the one under way is back, or
//! sooner when that is slow or many have gathered. Whoever asks gets what was there after it asked, as if it had asked alone.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{Instant, timeout},
};

use super::{Database, StoreError};

/// With so many keys or more a look-up takes no others along, and so many that wait are worth another one beside.
const ENOUGH: usize = 256;
/// The most look-ups of a kind that are under way at the same time.
const MOST_UNDER_WAY: u8 = 4;
/// Behind a look-up that takes longer nobody else has to wait.
const SLOW: Duration = Duration::from_millis(100);

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
    under_way: u8,
    /// When the last look-up began.
    begun_at: Instant,
}

#[derive(Debug)]
struct Seeker<K, V> {
    keys: Vec<K>,
    answer: oneshot::Sender<Found<K, V>>,
}

/// Looks up what gathers, until nobody waits.
struct Turn<K, V> {
    shared: Arc<Shared<K, V>>,
    is_over: bool,
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
    ///
    /// # Panics
    /// Outside of a runtime.
    pub(crate) fn new(database: Database, look_up: LookUp<K, V>) -> Self {
        let gathering = Gathering { seekers: Vec::new(), under_way: 0, begun_at: Instant::now() };
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
        if self.0.takes_in(Seeker { keys, answer }) {
            let turn = Turn { shared: Arc::clone(&self.0), is_over: false };
            self.0.runtime.spawn(turn.take());
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
    /// Takes a seeker in; whether another turn has to begin.
    fn takes_in(&self, seeker: Seeker<K, V>) -> bool {
        let mut gathering = self.gathering();
        gathering.seekers.push(seeker);
        let waiting = || gathering.seekers.iter().map(|seeker| seeker.keys.len()).sum::<usize>();
        let begins = gathering.under_way == 0
            || (gathering.under_way < MOST_UNDER_WAY
                && (gathering.begun_at.elapsed() > SLOW || waiting() >= ENOUGH));
        if begins {
            gathering.under_way = gathering.under_way.saturating_add(1);
            gathering.begun_at = Instant::now();
        }
        begins
    }

    async fn found(&self, seekers: &[Seeker<K, V>]) -> Found<K, V> {
        let keys: HashSet<&K> = seekers.iter().flat_map(|seeker| &seeker.keys).collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let keys: Vec<K> = keys.into_iter().cloned().collect();
        // A look-up that panics fails those whom it took along, and no others.
        let looked_up =
            AssertUnwindSafe(async { (self.look_up)(&self.database, &keys).await }).catch_unwind();
        // PostgreSQL ends it by itself after that time; a connection of which nothing is heard any more does not.
        let patience = self.database.read_timeout().unwrap_or(Duration::MAX);
        match timeout(patience, looked_up).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err(StoreError::Failed("a look-up panicked".to_owned())),
            Err(_) => Err(StoreError::Unavailable(format!("no answer within {} ms", patience.as_millis()))),
        }
    }
}

impl<K, V> Shared<K, V> {
    fn gathering(&self) -> MutexGuard<'_, Gathering<K, V>> {
        // Whoever panicked while it held the lock has left a whole list behind.
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Turn<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    async fn take(mut self) {
        while let Some(mut seekers) = self.next() {
            // Who has gone meanwhile needs no answer.
            seekers.retain(|seeker| !seeker.answer.is_closed());
            let found = self.shared.found(&seekers).await;
            for Seeker { keys, answer } in seekers {
                let own = |rows: &HashMap<K, V>| {
                    keys.into_iter().filter_map(|key| Some((key.clone(), rows.get(&key)?.clone()))).collect()
                };
                // Nobody may be waiting any more.
                let _ = answer.send(found.as_ref().map(own).map_err(Clone::clone));
            }
        }
    }

    /// The next that go together. Where nobody waits the turn is over, and whoever comes from then on begins another.
    fn next(&mut self) -> Option<Vec<Seeker<K, V>>> {
        let mut gathering = self.shared.gathering();
        let mut keys = 0_usize;
        let is_room = |seeker: &&Seeker<K, V>| {
            let is_room = keys < ENOUGH;
            keys = keys.saturating_add(seeker.keys.len());
            is_room
        };
        let many = gathering.seekers.iter().take_while(is_room).count();
        if many == 0 {
            gathering.under_way = gathering.under_way.saturating_sub(1);
            self.is_over = true;
            return None;
        }
        gathering.begun_at = Instant::now();
        Some(gathering.seekers.drain(..many).collect())
    }
}

impl<K, V> Drop for Turn<K, V> {
    /// A turn that was cut short, because the runtime stops, leaves nobody waiting for ever.
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut gathering = self.shared.gathering();
        gathering.under_way = gathering.under_way.saturating_sub(1);
        if gathering.under_way == 0 {
            gathering.seekers.clear();
        }
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
            read_timeout: Some(Duration::from_secs(5)),
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
    async fn whoever_asks_gets_what_was_there_after_it_asked() {
        static STORED: AtomicUsize = AtomicUsize::new(1);
        static GATE: Semaphore = Semaphore::const_new(0);
        fn look_up<'a>(_: &'a Database, keys: &'a [u32]) -> BoxFuture<'a, Found<u32, usize>> {
            async move {
                let stored = STORED.load(Ordering::Relaxed);
                GATE.acquire().await.unwrap().forget();
                Ok(keys.iter().map(|key| (*key, stored)).collect())
            }
            .boxed()
        }
        let gathered = Gathered::new(database().await, look_up);
        let seek = || {
            let gathered = gathered.clone();
            tokio::spawn(async move { gathered.find(1).await })
        };
        let before = seek();
        let_them_come().await;
        STORED.store(2, Ordering::Relaxed);
        let after = seek();
        let_them_come().await;
        GATE.add_permits(2);
        assert_eq!(before.await.unwrap().unwrap(), Some(1));
        assert_eq!(after.await.unwrap().unwrap(), Some(2));
    }

    #[tokio::test]
    async fn a_look_up_that_fails_or_panics_fails_those_who_went_along_and_nobody_else() {
        fn look_up<'a>(_: &'a Database, keys: &'a [u32]) -> BoxFuture<'a, Found<u32, u32>> {
            assert_ne!(keys, [0], "what a defect would do before anything is awaited");
            async move {
                assert_ne!(keys, [1], "and after");
                if keys == [2] {
                    return Err(StoreError::Unavailable("away".to_owned()));
                }
                Ok(keys.iter().map(|key| (*key, *key)).collect())
            }
            .boxed()
        }
        let gathered = Gathered::new(database().await, look_up);
        assert!(matches!(gathered.find(0).await, Err(StoreError::Failed(_))));
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

    #[tokio::test]
    async fn a_look_up_that_hangs_holds_nobody_up_and_is_given_up() {
        fn look_up<'a>(_: &'a Database, keys: &'a [u32]) -> BoxFuture<'a, Found<u32, u32>> {
            if keys.contains(&0) {
                return std::future::pending().boxed();
            }
            async move { Ok(keys.iter().map(|key| (*key, *key)).collect()) }.boxed()
        }
        // The clock stands from here on, and runs ahead when nothing else is to be done.
        let database = database().await;
        tokio::time::pause();
        let gathered = Gathered::new(database, look_up);
        let hanging = tokio::spawn({
            let gathered = gathered.clone();
            async move { gathered.find(0).await }
        });
        let_them_come().await;
        tokio::time::advance(2 * SLOW).await;
        assert_eq!(gathered.find(1).await.unwrap(), Some(1));
        assert!(!hanging.is_finished());
        assert!(matches!(hanging.await.unwrap(), Err(StoreError::Unavailable(_))));
    }

    #[test]
    fn a_runtime_that_stops_leaves_nobody_waiting() {
        fn look_up<'a>(_: &'a Database, _: &'a [u32]) -> BoxFuture<'a, Found<u32, u32>> {
            std::future::pending().boxed()
        }
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (stopping, other) = (runtime(), runtime());
        let gathered = stopping.block_on(async { Gathered::new(database().await, look_up) });
        let waiting = other.spawn({
            let gathered = gathered.clone();
            async move { gathered.find(1).await }
        });
        other.block_on(let_them_come());
        drop(stopping);
        assert!(matches!(other.block_on(waiting).unwrap(), Err(StoreError::Unavailable(_))));
        assert!(matches!(other.block_on(gathered.find(2)), Err(StoreError::Unavailable(_))));
    }
}
