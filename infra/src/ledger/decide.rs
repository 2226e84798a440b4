//! DECIDE: one batch in memory, in arrival order, each wallet's operations chained on its folded state.

use std::collections::{HashMap, HashSet};

use amvaj_domain::{
    id::{BatchId, WalletId},
    ledger::{
        self, Body, Fault, Idem, OpRecord, Operation, Outcome, ReceiptKey, Rejection, WalletState, apply,
    },
    time::Instant,
};

use super::{
    batch::{Before, WriteBatch},
    read::{Claim, ClaimHolder, ReadSet, sort_allocations},
    request::{Answer, Recorded, Request},
    waiting::{WaitingState, waiting_row},
};
use crate::db::entity::claim;

/// What became of one request of a batch.
#[derive(Debug)]
pub(crate) enum Fate {
    /// The answer is known and nothing has to be written for it.
    Ready(Answer),
    /// The answer counts once the batch is committed and, where a wallet is named, its guard held.
    AfterCommit(Option<WalletId>, Answer),
    /// It depends on another wallet's undecided operation, or on rows that were not read: the next batch decides.
    Deferred,
    /// The purchase that a refund would have waited for is here: the refund goes to its wallet.
    Reroute(WalletId),
    /// The wallet does not exist.
    NoSuchWallet(WalletId),
    /// The decision failed on the wallet's state.
    Faulty(Fault),
}

/// A batch decided: the rows to write and every request's fate, in the order of the requests.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) rows: WriteBatch,
    pub(crate) fates: Vec<Fate>,
    /// The states after the batch, for the cache.
    pub(crate) states: HashMap<WalletId, WalletState>,
}

/// Decides a batch.
pub(crate) fn decide(
    requests: &[&Request],
    mut read: ReadSet,
    now: Instant,
    batch: BatchId,
    bucket: i16,
) -> Decided {
    let before: HashMap<WalletId, Before> =
        read.wallets.iter().map(|(id, state)| (*id, Before::of(&state.wallet))).collect();
    read.wallets.values_mut().for_each(sort_allocations);
    let mut deciding = Deciding {
        read,
        now,
        rows: WriteBatch::new(batch, bucket),
        keys: HashMap::new(),
        receipts: HashMap::new(),
        broken: HashSet::new(),
    };
    let mut fates: Vec<Fate> = requests.iter().map(|request| deciding.request(request)).collect();
    let Deciding { read, mut rows, broken, .. } = deciding;
    for fate in &mut fates {
        // What was folded onto a broken state is void; the requests come again without the one that broke it.
        if let Fate::AfterCommit(Some(wallet), _) = fate
            && broken.contains(wallet)
        {
            *fate = Fate::Deferred;
        }
    }
    rows.claims.retain(|row| row.wallet_id.is_none_or(|wallet| !broken.contains(&WalletId::new(wallet))));
    rows.refunds.retain(|row| row.wallet_id.is_none_or(|wallet| !broken.contains(&WalletId::new(wallet))));
    let mut states: Vec<(&WalletId, &WalletState)> = read.wallets.iter().collect();
    states.sort_by_key(|(id, _)| **id);
    for (id, state) in states {
        let Some(before) = before.get(id) else { continue };
        // A refused waiting refund moves nothing, but its refusal too counts only for the state it was made on.
        let refused = rows.refunds.iter().any(|row| row.wallet_id == Some(id.uuid()));
        if (state.wallet.version != before.version || refused) && !broken.contains(id) {
            rows.add_wallet(state, *before);
        }
    }
    Decided { rows, fates, states: read.wallets }
}

/// A batch while it is decided.
struct Deciding {
    read: ReadSet,
    now: Instant,
    rows: WriteBatch,
    /// The keys used in this batch: by which wallet, for which input, with which answer.
    keys: HashMap<Idem, (WalletId, Body, Answer)>,
    /// The receipts named in this batch: by which wallet (none for a refund that waits).
    receipts: HashMap<ReceiptKey, Option<WalletId>>,
    /// Wallets whose state a fault has spoilt.
    broken: HashSet<WalletId>,
}

impl Deciding {
    fn request(&mut self, request: &Request) -> Fate {
        if let Some(fate) = request.operation().and_then(|operation| self.used_key(request, operation)) {
            return fate;
        }
        if let Some(wallet) = request.wallet() {
            if !self.read.wallets.contains_key(&wallet) {
                return Fate::NoSuchWallet(wallet);
            }
            if self.broken.contains(&wallet) {
                return Fate::Deferred;
            }
        }
        if self.named_elsewhere(request) {
            return Fate::Deferred;
        }
        match request {
            Request::Apply(operation) => self.apply(operation),
            Request::AwaitPurchase(operation) => self.await_purchase(operation),
            Request::Tend { wallet, receipt } => self.tend(*wallet, receipt.as_ref()),
        }
    }

    /// A key that is in use answers what it answered; with another input it is refused.
    fn used_key(&self, request: &Request, operation: &Operation) -> Option<Fate> {
        if let Some(claim) = self.read.claims.get(&operation.idem) {
            return Some(Fate::Ready(self.replay(claim, operation)));
        }
        if self.waits_now(operation.idem) {
            return Some(Fate::Deferred);
        }
        let (wallet, body, answer) = self.keys.get(&operation.idem)?;
        if request.wallet() != Some(*wallet) {
            return Some(Fate::Deferred);
        }
        // A twin shares the fate of the first: both count only if the wallet's guard holds.
        let answer = if *body == operation.body { replayed(answer.clone()) } else { Answer::Mismatch };
        Some(Fate::AfterCommit(Some(*wallet), answer))
    }

    /// Whether a refund of this batch has begun to wait under the key: the next batch finds its claim.
    fn waits_now(&self, idem: Idem) -> bool {
        self.rows.refunds.iter().any(|row| row.idem == idem.uuid())
    }

    fn replay(&self, claim: &Claim, operation: &Operation) -> Answer {
        if !operation.body.was_kept_as(claim.body) {
            return Answer::Mismatch;
        }
        match &claim.holder {
            ClaimHolder::Op(wallet, op) | ClaimHolder::Refund(_, Some((wallet, op))) => {
                self.recorded(*wallet, op, true)
            }
            ClaimHolder::Refund(refund, None) => match refund.state {
                WaitingState::Rejected(rejection) => Answer::RefusedLater(rejection),
                WaitingState::Waiting | WaitingState::Posted => Answer::Waiting { replayed: true },
            },
        }
    }

    /// Whether another wallet of this batch names the same receipt and is not decided yet.
    fn named_elsewhere(&mut self, request: &Request) -> bool {
        let Some(key) = self.receipt_of(request) else { return false };
        let wallet = request.wallet();
        *self.receipts.entry(key).or_insert(wallet) != wallet
    }

    /// The receipt that a request names, through its hold if need be.
    fn receipt_of(&self, request: &Request) -> Option<ReceiptKey> {
        if let Some(key) = request.receipt() {
            return Some(key);
        }
        let Request::Apply(operation) = request else { return None };
        let ledger::Command::Capture { hold, .. } = operation.command else { return None };
        let hold = self.read.wallets.get(&operation.wallet)?.holds.get(&hold)?;
        Some(ReceiptKey { merchant: hold.merchant, number: hold.receipt.clone()? })
    }

    fn apply(&mut self, operation: &Operation) -> Fate {
        let wallet = operation.wallet;
        let Some(state) = self.read.wallets.get_mut(&wallet) else { return Fate::NoSuchWallet(wallet) };
        let outcome = match apply(state, operation, self.now) {
            Ok(outcome) => outcome,
            Err(Fault::DetailNotRead) => return Fate::Deferred,
            Err(fault) => {
                self.broken.insert(wallet);
                return Fate::Faulty(fault);
            }
        };
        let answer = match outcome {
            Outcome::Applied(seq) | Outcome::Rejected(seq) => {
                let Some(op) = record(state, seq) else {
                    self.broken.insert(wallet);
                    return Fate::Faulty(Fault::Missing("the operation"));
                };
                self.rows.claims.push(claim::Model {
                    idem: operation.idem.uuid(),
                    wallet_id: Some(wallet.uuid()),
                    seq: Some(seq),
                    body_hash: operation.body.kept().uuid(),
                });
                let answer = self.recorded(wallet, &op, false);
                self.keys.insert(operation.idem, (wallet, operation.body, answer.clone()));
                answer
            }
            Outcome::Dismissed(rejection) => Answer::Dismissed(rejection),
            Outcome::Settled => Answer::Tended,
        };
        if let (ledger::Command::Earn(_), Outcome::Applied(_), Some(key)) =
            (&operation.command, outcome, super::request::receipt_of(operation))
            && let Err(fault) = self.post_waiting(wallet, &key)
        {
            self.broken.insert(wallet);
            return Fate::Faulty(fault);
        }
        Fate::AfterCommit(Some(wallet), answer)
    }

    /// Makes a refund wait, unless its purchase is here by now.
    fn await_purchase(&mut self, operation: &Operation) -> Fate {
        let Some(row) = waiting_row(operation, self.now) else {
            return Fate::Ready(Answer::Dismissed(Rejection::PurchaseNotFound));
        };
        let refusal = operation.refusal.or_else(|| operation.window.refusal(operation.occurred_at, self.now));
        if let Some(refusal) = refusal {
            return Fate::Ready(Answer::Dismissed(refusal));
        }
        let key = super::request::receipt_of(operation);
        if let Some((wallet, _)) = key.and_then(|key| self.read.earns.get(&key)) {
            return Fate::Reroute(*wallet);
        }
        self.rows.claims.push(claim::Model {
            idem: operation.idem.uuid(),
            wallet_id: None,
            seq: None,
            body_hash: operation.body.kept().uuid(),
        });
        self.rows.refunds.push(row);
        Fate::AfterCommit(None, Answer::Waiting { replayed: false })
    }

    /// Settles what is due and posts the refunds that wait for a receipt.
    fn tend(&mut self, wallet: WalletId, receipt: Option<&ReceiptKey>) -> Fate {
        let Some(state) = self.read.wallets.get_mut(&wallet) else { return Fate::NoSuchWallet(wallet) };
        let before = state.wallet.version;
        let tended = match ledger::settle(state, self.now) {
            Ok(()) => receipt.map_or(Ok(()), |key| self.post_waiting(wallet, key)),
            Err(fault) => Err(fault),
        };
        match tended {
            Err(Fault::DetailNotRead) => Fate::Deferred,
            Err(fault) => {
                self.broken.insert(wallet);
                Fate::Faulty(fault)
            }
            Ok(()) => {
                let after = self.read.wallets.get(&wallet).map_or(before, |state| state.wallet.version);
                let wrote = after != before || receipt.is_some();
                if wrote {
                    Fate::AfterCommit(Some(wallet), Answer::Tended)
                } else {
                    Fate::Ready(Answer::Tended)
                }
            }
        }
    }

    /// Posts the refunds that wait for a receipt whose purchase this wallet has, each as an operation of its own.
    fn post_waiting(&mut self, wallet: WalletId, key: &ReceiptKey) -> Result<(), Fault> {
        let Some(refunds) = self.read.waiting.remove(key) else { return Ok(()) };
        let Some(state) = self.read.wallets.get_mut(&wallet) else { return Ok(()) };
        if state.receipts.get(key).is_none_or(|file| file.purchase.is_none()) {
            return Ok(());
        }
        // The refunds need the lots: an earn that read the head only leaves them to the recovery pass.
        if !state.detail_read {
            return Ok(());
        }
        for refund in refunds {
            let operation = refund.operation(wallet);
            match apply(state, &operation, self.now)? {
                Outcome::Applied(seq) => self.rows.refunds.push(refund.posted_row(wallet, seq)),
                Outcome::Dismissed(rejection) => {
                    self.rows.refunds.push(refund.rejected_row(wallet, rejection));
                }
                Outcome::Rejected(_) | Outcome::Settled => {}
            }
        }
        Ok(())
    }

    fn recorded(&self, wallet: WalletId, op: &OpRecord, replayed: bool) -> Answer {
        let taken = op.rejection == Some(Rejection::ReceiptAlreadyUsed);
        let first = taken.then(|| self.earn_of(wallet, op)).flatten();
        Answer::Recorded(Box::new(Recorded { wallet, op: op.clone(), replayed, first }))
    }

    /// The earn that has an operation's receipt: stored, or earlier in this batch.
    fn earn_of(&self, wallet: WalletId, op: &OpRecord) -> Option<(WalletId, i64)> {
        let key = ReceiptKey { merchant: op.merchant?, number: op.receipt.clone()? };
        let stored = self.read.earns.get(&key).copied();
        stored.or_else(|| {
            let purchase = self.read.wallets.get(&wallet)?.receipts.get(&key)?.purchase.as_ref()?;
            Some((wallet, purchase.seq))
        })
    }
}

fn record(state: &WalletState, seq: i64) -> Option<OpRecord> {
    state.journal.ops.iter().rev().find(|op| op.seq == seq).cloned()
}

fn replayed(answer: Answer) -> Answer {
    match answer {
        Answer::Recorded(recorded) => Answer::Recorded(Box::new(Recorded { replayed: true, ..*recorded })),
        other => other,
    }
}
