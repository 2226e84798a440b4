//! The feed of a node: follows the outbox while anybody listens, and hands its rows on.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use amvaj_domain::id::WalletId;
use tokio::sync::{Notify, mpsc};
use tokio_util::task::AbortOnDropHandle;

use super::{
    listener::{Listener, Topic},
    numbered::{Numbers, Row, Told, last_numbers, rows_after, told},
};
use crate::db::{Database, StoreError};

/// Pause between two looks while anybody listens.
const LISTENED: Duration = Duration::from_millis(50);
/// Pause while nobody does.
const UNHEARD: Duration = Duration::from_secs(1);
/// Rows of each bucket that one round reads, and about how many operations of them together.
const PAGE: u32 = 64;
const MOST_OPERATIONS: i64 = 4_096;
/// Rows that may wait for one listener. One that falls further behind reads the journal by itself.
const QUEUE: usize = 256;

/// The feed of a node. Clones share it; it ends with the last of them.
#[derive(Debug, Clone)]
pub struct Feed {
    shared: Arc<Shared>,
    _follower: Arc<AbortOnDropHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    database: Database,
    listeners: Mutex<Listeners>,
    /// Wakes the follower when the first listener comes.
    heard: Notify,
}

/// Who listens, by what.
#[derive(Debug, Default)]
struct Listeners {
    next: u64,
    by_topic: HashMap<Topic, HashMap<u64, mpsc::Sender<Arc<Told>>>>,
}

/// A place among the listeners, which ends with the value.
#[derive(Debug)]
pub(super) struct Registration {
    shared: Arc<Shared>,
    topic: Topic,
    number: u64,
}

impl Feed {
    /// Starts to follow on the runtime that calls, from the rows that are numbered now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(database: Database) -> Result<Self, StoreError> {
        let passed = last_numbers(&database).await?;
        let shared = Arc::new(Shared { database, listeners: Mutex::default(), heard: Notify::new() });
        let follower = tokio::spawn(follow(Arc::clone(&shared), passed));
        Ok(Self { shared, _follower: Arc::new(AbortOnDropHandle::new(follower)) })
    }

    /// Somebody who wants to hear of a topic from some place on; see [`Listener`].
    pub fn listener(&self, topic: Topic) -> Listener {
        Listener::new(self.clone(), topic)
    }

    pub(super) fn database(&self) -> &Database {
        &self.shared.database
    }

    /// Puts a listener among those whom rows are handed to. Every row that is numbered from now on comes into its queue,
    /// unless that is full: then the queue ends.
    pub(super) fn register(&self, topic: Topic) -> (Registration, mpsc::Receiver<Arc<Told>>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let mut listeners = self.shared.listeners();
        if listeners.by_topic.is_empty() {
            self.shared.heard.notify_one();
        }
        let number = listeners.next;
        listeners.next = number.wrapping_add(1);
        listeners.by_topic.entry(topic).or_default().insert(number, sender);
        metrics::gauge!("amvaj_live_listeners").increment(1.0);
        (Registration { shared: Arc::clone(&self.shared), topic, number }, receiver)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut listeners = self.shared.listeners();
        if let Some(of_topic) = listeners.by_topic.get_mut(&self.topic) {
            of_topic.remove(&self.number);
            if of_topic.is_empty() {
                listeners.by_topic.remove(&self.topic);
            }
        }
        metrics::gauge!("amvaj_live_listeners").decrement(1.0);
    }
}

impl Shared {
    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        // Whoever panicked while it held the lock has left whole maps behind.
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_unheard(&self) -> bool {
        self.listeners().by_topic.is_empty()
    }

    /// What is listened to: the wallets, and whether there is any merchant, whose operations may be on any wallet.
    fn topics(&self) -> (HashSet<WalletId>, bool) {
        let listeners = self.listeners();
        let wallets = listeners.by_topic.keys().filter_map(|topic| match topic {
            Topic::Wallet(wallet) => Some(*wallet),
            Topic::Merchant(_) => None,
        });
        let wallets: HashSet<WalletId> = wallets.collect();
        let merchants = listeners.by_topic.len() > wallets.len();
        (wallets, merchants)
    }

    /// Hands rows to those whom they concern.
    fn hand_on(&self, rows: Vec<Told>) {
        let mut listeners = self.listeners();
        for row in rows.into_iter().map(Arc::new) {
            let merchants = row.operations.iter().filter_map(|one| one.op.merchant).map(Topic::Merchant);
            let wallets = row.operations.iter().map(|one| Topic::Wallet(one.wallet));
            for topic in merchants.chain(wallets).collect::<HashSet<Topic>>() {
                if let Some(of_topic) = listeners.by_topic.get_mut(&topic) {
                    // One without room loses its queue and reads the journal by itself.
                    of_topic.retain(|_, queue| queue.try_send(Arc::clone(&row)).is_ok());
                }
            }
        }
    }
}

async fn follow(shared: Arc<Shared>, mut passed: Numbers) {
    let mut failing = false;
    loop {
        let pause = match round(&shared, &mut passed).await {
            Ok(pause) => {
                failing = false;
                pause
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "the outbox cannot be followed and is tried again");
                }
                UNHEARD
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.heard.notified() => {}
        }
    }
}

/// Hands on what has been numbered since, and answers how long to pause.
async fn round(shared: &Shared, passed: &mut Numbers) -> Result<Duration, StoreError> {
    let ahead = last_numbers(&shared.database).await?;
    // Who listens is asked after the reading, here and below: whoever begins to listen later reads at least so far by itself.
    if shared.is_unheard() {
        *passed = ahead;
        return Ok(UNHEARD);
    }
    if *passed == ahead {
        return Ok(LISTENED);
    }
    let mut rows = rows_after(&shared.database, passed, PAGE).await?;
    keep_few(&mut rows);
    let (wallets, merchants) = shared.topics();
    let mut last = *passed;
    for row in &rows {
        if let Some(number) = last.get_mut(row.bucket) {
            *number = row.relay_no;
        }
    }
    if !merchants {
        for row in &mut rows {
            row.touched.retain(|touched| wallets.contains(&touched.wallet()));
        }
        rows.retain(|row| !row.touched.is_empty());
    }
    if !rows.is_empty() {
        let before = Some(Arc::new(*passed));
        shared.hand_on(told(&shared.database, &rows, None, before).await?);
    }
    *passed = last;
    let is_there = last.iter().zip(&ahead).all(|(last, ahead)| last >= ahead);
    Ok(if is_there { LISTENED } else { Duration::ZERO })
}

/// Leaves rows to the next round that tell of too many operations together; one row may tell of more.
fn keep_few(rows: &mut Vec<Row>) {
    let mut operations = 0_i64;
    let fitting = rows.iter().take_while(|row| {
        let of_row = row.touched.iter().map(|one| one.last().saturating_sub(one.first()).saturating_add(1));
        operations = of_row.fold(operations, i64::saturating_add);
        operations <= MOST_OPERATIONS
    });
    let count = fitting.count().max(1);
    rows.truncate(count);
}
