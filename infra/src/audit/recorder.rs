//! Entries of what changes nothing: many callers' entries in one commit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use amvaj_domain::audit::Act;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use super::repeats::Repeats;
use super::{AuditLog, chain};
use crate::clock::Clock;
use crate::db::{Database, StoreError};

/// Acts that may wait; whoever brings another one waits as well.
const QUEUE: usize = 256;
/// Most entries of one commit.
const BATCH: usize = 64;
/// How often a commit is tried when others are in the way.
const TRIES: usize = 3;
/// How often what was counted is looked through.
const FLUSH: Duration = Duration::from_secs(30);

type Written = Result<(), Arc<StoreError>>;

#[derive(Debug)]
enum Message {
    Write(Act, oneshot::Sender<Written>),
    Close(oneshot::Sender<()>),
}

/// Hands acts to the task that writes them.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    messages: mpsc::Sender<Message>,
    repeats: Arc<Mutex<Repeats>>,
}

impl Recorder {
    pub(super) fn start(db: Database, clock: Clock) -> Self {
        let (messages, received) = mpsc::channel(QUEUE);
        let repeats = Arc::default();
        tokio::spawn(write_all(db, clock, received, Arc::clone(&repeats)));
        Self { messages, repeats }
    }

    async fn write(&self, act: Act) -> Written {
        let (answer, answered) = oneshot::channel();
        let gone = || Arc::new(StoreError::Unavailable("the audit log is closed".to_owned()));
        self.messages.send(Message::Write(act, answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl AuditLog {
    /// Adds an entry of something that changes nothing, and returns when it is committed. The same act by the same
    /// actor is told once in ten minutes, and then how often it was repeated.
    pub async fn record(&self, act: Act) -> Result<(), Arc<StoreError>> {
        let admitted = lock(&self.recorder.repeats).admit(act);
        for act in admitted {
            if let Err(error) = self.recorder.write(act.clone()).await {
                lock(&self.recorder.repeats).forget(&act);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Adds an entry without counting repetitions.
    pub async fn record_each(&self, act: Act) -> Result<(), Arc<StoreError>> {
        self.recorder.write(act).await
    }

    /// Writes what was counted and accepts nothing more.
    pub async fn close(&self) {
        let (answer, answered) = oneshot::channel();
        if self.recorder.messages.send(Message::Close(answer)).await.is_ok() {
            // Whether it was written is in the log; either way it is over.
            let _ = answered.await;
        }
    }
}

fn lock(repeats: &Mutex<Repeats>) -> std::sync::MutexGuard<'_, Repeats> {
    repeats.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes until it is told to close, or nobody can send any more.
async fn write_all(
    db: Database,
    clock: Clock,
    mut messages: mpsc::Receiver<Message>,
    repeats: Arc<Mutex<Repeats>>,
) {
    let mut flush = tokio::time::interval(FLUSH);
    flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut received = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            count = messages.recv_many(&mut received, BATCH) => if count == 0 { break },
            _ = flush.tick() => {
                let counted = lock(&repeats).due(clock.now());
                write_counted(&db, &counted).await;
                continue;
            }
        }
        if let Some(closed) = write_received(&db, &mut received).await {
            let counted = lock(&repeats).all();
            write_counted(&db, &counted).await;
            // Whoever no longer waits needs no answer.
            let _ = closed.send(());
            return;
        }
    }
}

/// Writes what was received in one commit and answers; says whom to tell when the task has to end.
async fn write_received(db: &Database, received: &mut Vec<Message>) -> Option<oneshot::Sender<()>> {
    let (mut acts, mut answers, mut closing) = (Vec::new(), Vec::new(), None);
    for message in received.drain(..) {
        match message {
            Message::Write(act, answer) => {
                acts.push(act);
                answers.push(answer);
            }
            Message::Close(closed) => closing = Some(closed),
        }
    }
    if !acts.is_empty() {
        let written = write(db, &acts).await.map_err(Arc::new);
        for answer in answers {
            let _ = answer.send(written.clone());
        }
    }
    closing
}

/// Writes what nobody waits for.
async fn write_counted(db: &Database, acts: &[Act]) {
    for acts in acts.chunks(BATCH) {
        if let Err(error) = write(db, acts).await {
            tracing::error!(%error, acts = acts.len(), "what was counted is missing in the audit log");
        }
    }
}

async fn write(db: &Database, acts: &[Act]) -> Result<(), StoreError> {
    let mut tries = TRIES;
    loop {
        match write_once(db, acts).await {
            Err(error) if error.retryable() && tries > 1 => tries -= 1,
            written => return written,
        }
    }
}

async fn write_once(db: &Database, acts: &[Act]) -> Result<(), StoreError> {
    let transaction = db.begin().await?;
    chain::append(&transaction, acts).await?;
    Ok(transaction.commit().await?)
}
