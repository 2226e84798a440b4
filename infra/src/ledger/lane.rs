//! The lane: a state machine without I/O that turns arrivals into batches and outcomes into answers.
//!
//! In go arrivals, the rows that were read, and the outcome of the write; out come what to read, what to write,
//! the answers and the balances for the cache. Whoever drives it does the waiting: the real writer over a
//! database, or a simulation.

use std::collections::{HashSet, VecDeque};

use amvaj_domain::{
    id::{BatchId, WalletId},
    ledger::WalletState,
    time::Instant,
};

use super::{
    batch::WriteBatch,
    decide::{Decided, Fate, decide},
    read::ReadSet,
    request::{Answer, Request, SubmitError},
};
use crate::db::StoreError;

/// How often a request may lose the guard before its wallets are locked for it.
const LOSSES_BEFORE_LOCK: u8 = 3;
/// How often a batch may find a claim or receipt taken, or lose, before it is halved to free the innocent part.
const LOSSES_BEFORE_SPLIT: u8 = 12;
/// How often a request is tried again after the database failed; with the driver's growing pauses about three
/// seconds.
const FAILURES_BEFORE_GIVING_UP: u8 = 12;

/// The name by which the driver knows who waits for an answer.
pub(crate) type Ticket = u64;

/// A request on its way.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) ticket: Ticket,
    pub(crate) request: Request,
    losses: u8,
    failures: u8,
    /// Whether a write that contained it may have been committed.
    written: bool,
}

impl Arrival {
    /// What to say when the request is put aside: that nothing was done only if that is sure.
    fn put_aside(&self, what: &str) -> Reply {
        let answer = if self.written {
            SubmitError::OutcomeUnknown
        } else {
            SubmitError::Quarantined(what.to_owned())
        };
        Reply { ticket: self.ticket, answer: Err(answer) }
    }
}

/// Requests that are decided together.
#[derive(Debug)]
pub(crate) struct Batch {
    arrivals: Vec<Arrival>,
    /// Whether the wallets must be locked before they are read, because the guard failed too often.
    pub(crate) locked: bool,
}

impl Batch {
    /// The requests in arrival order.
    pub(crate) fn requests(&self) -> Vec<&Request> {
        self.arrivals.iter().map(|arrival| &arrival.request).collect()
    }

    /// How many requests.
    pub(crate) fn len(&self) -> usize {
        self.arrivals.len()
    }
}

/// A batch after its decision: what to write, and what to say then.
#[derive(Debug)]
pub(crate) struct Pending {
    batch: Batch,
    decided: Decided,
}

impl Pending {
    /// What to write; empty when everything can be answered at once.
    pub(crate) const fn rows(&self) -> &WriteBatch {
        &self.decided.rows
    }
}

/// How a write ended.
#[derive(Debug)]
pub(crate) enum WriteOutcome {
    /// Committed for the wallets whose guard held.
    Committed(HashSet<WalletId>),
    /// Nothing written: another lane took a claim or receipt since the read, or was in the way.
    Taken,
    /// Nothing written: a row breaks a rule of the schema.
    Poisoned(String),
    /// The connection was lost: it may be written or not. The stored keys will tell.
    Unknown(String),
}

/// What to say to whom.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) ticket: Ticket,
    pub(crate) answer: Result<Answer, SubmitError>,
}

/// What a step of the lane leads to.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) replies: Vec<Reply>,
    /// Requests that belong to another wallet and so perhaps to another lane.
    pub(crate) rerouted: Vec<(Ticket, WalletId, Request)>,
    /// The wallets as they are after the commit, for the cache.
    pub(crate) fresh: Vec<WalletState>,
}

/// One lane.
#[derive(Debug)]
pub(crate) struct Lane {
    bucket: i16,
    max_batch: usize,
    queue: VecDeque<Arrival>,
    /// Parts of batches that were split to find a poisonous request; they go before the queue.
    parts: VecDeque<Vec<Arrival>>,
}

impl Lane {
    /// A lane that owns a bucket of merchants' totals and drains at most so many requests at once.
    pub(crate) const fn new(bucket: i16, max_batch: usize) -> Self {
        Self { bucket, max_batch, queue: VecDeque::new(), parts: VecDeque::new() }
    }

    /// Takes a request in.
    pub(crate) fn arrive(&mut self, ticket: Ticket, request: Request) {
        self.queue.push_back(Arrival { ticket, request, losses: 0, failures: 0, written: false });
    }

    /// How many requests wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len() + self.parts.iter().map(Vec::len).sum::<usize>()
    }

    /// The bucket that the lane owns, which is also its number.
    pub(crate) const fn bucket(&self) -> i16 {
        self.bucket
    }

    /// The most requests that one batch takes.
    pub(crate) const fn max_batch(&self) -> usize {
        self.max_batch
    }

    /// Takes the next batch: whatever waits, up to the limit. Requests of one wallet keep their order of arrival.
    pub(crate) fn drain(&mut self) -> Option<Batch> {
        let arrivals = match self.parts.pop_front() {
            Some(part) => part,
            None => self.queue.drain(..self.queue.len().min(self.max_batch)).collect(),
        };
        if arrivals.is_empty() {
            return None;
        }
        let locked = arrivals.iter().any(|arrival| arrival.losses >= LOSSES_BEFORE_LOCK);
        Some(Batch { arrivals, locked })
    }

    /// Decides a batch on the rows that were read.
    pub(crate) fn decide(&self, batch: Batch, read: ReadSet, now: Instant, id: BatchId) -> Pending {
        let decided = decide(&batch.requests(), read, now, id, self.bucket);
        Pending { batch, decided }
    }

    /// The batch could not be read: it is tried again, or given up when that did not help often enough. A row that
    /// cannot be read as what it should be concerns one request, so the others are parted from it.
    pub(crate) fn not_read(&mut self, batch: Batch, failure: &StoreError) -> Effects {
        let mut effects = Effects::default();
        match failure {
            StoreError::Unavailable(_) | StoreError::Contention(_) => {
                self.retry(batch.arrivals, &failure.to_string(), &mut effects);
            }
            StoreError::CorruptRow { .. }
            | StoreError::Duplicate(_)
            | StoreError::Constraint(_)
            | StoreError::Newer(_)
            | StoreError::Failed(_) => self.split(batch.arrivals, &failure.to_string(), &mut effects),
        }
        effects
    }

    /// Ends a batch whose write ended: answers, and requests that come again.
    pub(crate) fn end(&mut self, pending: Pending, outcome: WriteOutcome) -> Effects {
        let Pending { batch, decided } = pending;
        let mut effects = Effects::default();
        match outcome {
            WriteOutcome::Committed(survivors) => self.committed(batch, decided, &survivors, &mut effects),
            WriteOutcome::Taken => self.taken(batch.arrivals, &mut effects),
            WriteOutcome::Poisoned(what) => self.split(batch.arrivals, &what, &mut effects),
            WriteOutcome::Unknown(what) => {
                let written = batch.arrivals.into_iter().map(|arrival| Arrival { written: true, ..arrival });
                self.retry(written.collect(), &what, &mut effects);
            }
        }
        effects
    }

    fn committed(
        &mut self,
        batch: Batch,
        decided: Decided,
        survivors: &HashSet<WalletId>,
        effects: &mut Effects,
    ) {
        let guarded: HashSet<WalletId> =
            decided.rows.wallets.iter().map(|wallet| WalletId::new(wallet.row.wallet_id)).collect();
        let survived = |wallet: &WalletId| survivors.contains(wallet) || !guarded.contains(wallet);
        let mut again = Vec::new();
        for (arrival, fate) in batch.arrivals.into_iter().zip(decided.fates) {
            let ticket = arrival.ticket;
            match fate {
                // A dismissal is not stored, and a write of before may still be on its way.
                Fate::Ready(Answer::Dismissed(_)) if arrival.written => {
                    effects.replies.push(Reply { ticket, answer: Err(SubmitError::OutcomeUnknown) });
                }
                Fate::Ready(answer) => effects.replies.push(Reply { ticket, answer: Ok(answer) }),
                Fate::AfterCommit(wallet, answer) if wallet.as_ref().is_none_or(survived) => {
                    effects.replies.push(Reply { ticket, answer: Ok(answer) });
                }
                Fate::AfterCommit(..) => {
                    again.push(Arrival { losses: arrival.losses.saturating_add(1), ..arrival });
                }
                Fate::Deferred => again.push(arrival),
                Fate::Reroute(wallet) => effects.rerouted.push((ticket, wallet, arrival.request)),
                Fate::NoSuchWallet(wallet) => {
                    effects.replies.push(Reply { ticket, answer: Err(SubmitError::NoSuchWallet(wallet)) });
                }
                // Rows that another node changed between two statements of the read look like a fault: only one that
                // comes back with the wallet locked is one.
                Fate::Faulty(_) if !batch.locked => {
                    again.push(Arrival { losses: arrival.losses.saturating_add(1), ..arrival });
                }
                Fate::Faulty(fault) => {
                    tracing::error!(%fault, "a decision failed on its wallet's state; the operation is put aside");
                    effects.replies.push(arrival.put_aside(&fault.to_string()));
                }
            }
        }
        self.again(again);
        effects
            .fresh
            .extend(decided.states.into_values().filter(|state| survivors.contains(&state.wallet.id)));
    }

    /// Brings a batch again that found a claim or receipt taken; one that does so for ever is halved until the
    /// request alone is left, whose key will tell.
    fn taken(&mut self, arrivals: Vec<Arrival>, effects: &mut Effects) {
        let arrivals: Vec<Arrival> = arrivals
            .into_iter()
            .map(|arrival| Arrival { losses: arrival.losses.saturating_add(1), ..arrival })
            .collect();
        if arrivals.iter().all(|arrival| arrival.losses < LOSSES_BEFORE_SPLIT) {
            self.again(arrivals);
        } else if let [alone] = arrivals.as_slice() {
            effects.replies.push(Reply { ticket: alone.ticket, answer: Err(SubmitError::OutcomeUnknown) });
        } else {
            self.split(arrivals, "its key or receipt is taken again and again", effects);
        }
    }

    /// Puts requests back at the head, in their order: before the parts of a split batch that came after them.
    fn again(&mut self, arrivals: Vec<Arrival>) {
        if !self.parts.is_empty() {
            if !arrivals.is_empty() {
                self.parts.push_front(arrivals);
            }
            return;
        }
        for arrival in arrivals.into_iter().rev() {
            self.queue.push_front(arrival);
        }
    }

    /// Halves a batch that holds a poisonous request; alone, the request is put aside.
    fn split(&mut self, mut arrivals: Vec<Arrival>, what: &str, effects: &mut Effects) {
        if arrivals.len() <= 1 {
            for arrival in arrivals {
                effects.replies.push(arrival.put_aside(what));
            }
            return;
        }
        let rest = arrivals.split_off(arrivals.len().div_ceil(2));
        self.parts.push_front(rest);
        self.parts.push_front(arrivals);
    }

    fn retry(&mut self, arrivals: Vec<Arrival>, failure: &str, effects: &mut Effects) {
        let (again, given_up): (Vec<Arrival>, Vec<Arrival>) = arrivals
            .into_iter()
            .map(|arrival| Arrival { failures: arrival.failures.saturating_add(1), ..arrival })
            .partition(|arrival| arrival.failures < FAILURES_BEFORE_GIVING_UP);
        for arrival in given_up {
            let answer = if arrival.written {
                Err(SubmitError::OutcomeUnknown)
            } else {
                Err(SubmitError::Store(StoreError::Unavailable(failure.to_owned())))
            };
            effects.replies.push(Reply { ticket: arrival.ticket, answer });
        }
        self.again(again);
    }
}
