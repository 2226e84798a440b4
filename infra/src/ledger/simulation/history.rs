//! The history: what was sent, what was answered and when, held against the tables at the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use amvaj_domain::{
    id::WalletId,
    ledger::{Idem, OpRecord, Operation, Rejection, Tenant},
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    store::{Commit, SIMULATED},
    tables::Tables,
};
use crate::{
    db::{StoreError, entity::refund_waiting},
    ledger::request::{Answer, Recorded, SubmitError, receipt_of},
};

/// One delivery of an operation to a node.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) operation: Operation,
    pub(crate) sent: Instant,
    /// When it was answered, and with what; nothing if the client stopped waiting.
    pub(crate) answered: Option<(Instant, Result<Answer, SubmitError>)>,
}

/// Operations by key and input, with the time of their first delivery.
pub(crate) type Sent = BTreeMap<(Idem, Uuid), (Instant, Operation)>;

/// Everything that was sent in a run.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Vec<Delivery>>);

impl History {
    /// Notes that an operation is on its way, and answers the place of its delivery.
    pub(crate) fn sends(&self, operation: &Operation) -> usize {
        let mut deliveries = self.0.lock().unwrap();
        deliveries.push(Delivery { operation: operation.clone(), sent: Instant::now(), answered: None });
        deliveries.len() - 1
    }

    /// Notes the answer to a delivery.
    pub(crate) fn answers(&self, place: usize, answer: Result<Answer, SubmitError>) {
        self.0.lock().unwrap()[place].answered = Some((Instant::now(), answer));
    }

    /// The operations that were sent, by key and input, each with the time of its first delivery.
    pub(crate) fn sent(&self) -> Sent {
        let mut sent = Sent::new();
        for Delivery { operation, sent: at, .. } in self.0.lock().unwrap().iter() {
            sent.entry((operation.idem, operation.body.kept().uuid()))
                .or_insert_with(|| (*at, operation.clone()));
        }
        sent
    }

    /// How many deliveries there were, and how many were answered with something that is recorded.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let deliveries = self.0.lock().unwrap();
        let recorded = |delivery: &&Delivery| {
            matches!(delivery.answered, Some((_, Ok(Answer::Recorded(_) | Answer::Waiting { .. }))))
        };
        (deliveries.len(), deliveries.iter().filter(recorded).count())
    }

    /// Holds everything that was answered against what is stored, and what is stored against what was sent.
    pub(crate) fn check(&self, tables: &Tables, commits: &[Commit]) {
        let deliveries = self.0.lock().unwrap();
        let taken = |commit: &Commit| commit.claims.iter().map(|key| (*key, commit.at)).collect::<Vec<_>>();
        let taken: BTreeMap<Uuid, Instant> = commits.iter().flat_map(taken).collect();
        let mut by_key: BTreeMap<Idem, Vec<&Delivery>> = BTreeMap::new();
        for delivery in deliveries.iter() {
            by_key.entry(delivery.operation.idem).or_default().push(delivery);
        }
        for (idem, deliveries) in &by_key {
            Key { idem: *idem, deliveries, taken: taken.get(&idem.uuid()).copied(), tables }.check();
        }
        check_nothing_came_from_nowhere(tables, &by_key);
        check_order(tables, &deliveries, &by_key);
    }
}

/// The deliveries under one key.
struct Key<'a> {
    idem: Idem,
    deliveries: &'a [&'a Delivery],
    /// When it was taken.
    taken: Option<Instant>,
    tables: &'a Tables,
}

impl Key<'_> {
    fn check(&self) {
        let ops = self.tables.ops.rows().filter(|row| row.idem == self.idem.uuid()).count();
        assert!(ops <= 1, "{:?} was done {ops} times", self.idem);
        for delivery in self.deliveries {
            if let Some((_, answer)) = &delivery.answered {
                self.check_answer(&delivery.operation, answer);
            }
        }
        let answers = || self.deliveries.iter().filter_map(|delivery| delivery.answered.as_ref());
        let firsts = answers().filter(|(_, answer)| answer.as_ref().is_ok_and(is_first)).count();
        assert!(firsts <= 1, "{:?} was answered as new {firsts} times", self.idem);
        self.check_undone_is_not_done();
        self.check_waiting_comes_first();
    }

    /// A key was taken by a delivery that was sent before and whose answer does not say that nothing was done.
    fn check_undone_is_not_done(&self) {
        assert_eq!(self.taken.is_some(), self.claim().is_some(), "{:?} was taken by no commit", self.idem);
        let Some(taken) = self.taken else { return };
        let may_have_done = |delivery: &&&Delivery| {
            let says_nothing_was_done =
                delivery.answered.as_ref().is_some_and(|(_, answer)| is_undone(answer));
            delivery.sent <= taken && !says_nothing_was_done
        };
        let doer = self.deliveries.iter().find(may_have_done);
        assert!(doer.is_some(), "{:?} was done, but all were told that nothing was", self.idem);
    }

    fn check_answer(&self, operation: &Operation, answer: &Result<Answer, SubmitError>) {
        match answer {
            Ok(Answer::Recorded(recorded)) => self.check_recorded(operation, recorded),
            Ok(Answer::Mismatch) => {
                let (_, body) = self.claim().expect("a mismatch needs a stored key");
                assert_ne!(
                    body,
                    operation.body.kept().uuid(),
                    "a key was refused with its own input: {operation:?}"
                );
            }
            Ok(Answer::Waiting { .. }) => {
                assert_eq!(self.claim(), Some((None, operation.body.kept().uuid())), "{operation:?}");
                assert!(self.refund().is_some(), "nothing waits for {operation:?}");
            }
            Ok(Answer::RefusedLater(rejection)) => {
                let refund = self.refund().expect("a refund that waited");
                let refused = (refund.state, refund.reject_code);
                assert_eq!(refused, (3, Some(rejection.stored())), "{operation:?}");
            }
            Ok(Answer::Dismissed(rejection)) => {
                let by_time = [Rejection::OccurredInFuture, Rejection::OccurredTooLongAgo];
                let is_explained = operation.refusal == Some(*rejection) || by_time.contains(rejection);
                assert!(is_explained, "{operation:?} was dismissed: {rejection:?}");
            }
            Ok(Answer::Tended) => panic!("{operation:?} was not to tend a wallet"),
            Err(SubmitError::NoSuchWallet(wallet)) => {
                let row = self.tables.wallets.get(&(wallet.shard_no(), wallet.uuid()));
                assert!(row.is_none(), "{wallet} does exist");
            }
            Err(SubmitError::Quarantined(what)) => {
                assert!(what.contains(SIMULATED), "{operation:?} was put aside: {what}");
            }
            Err(SubmitError::Store(error)) => {
                assert!(matches!(error, StoreError::Unavailable(_)), "{operation:?}: {error}");
            }
            Err(SubmitError::Overloaded | SubmitError::OutcomeUnknown) => {}
        }
    }

    fn check_recorded(&self, operation: &Operation, recorded: &Recorded) {
        let Recorded { wallet, op, first, .. } = recorded;
        let stored = self.tables.op(*wallet, op.seq);
        assert_eq!(stored.as_ref(), Some(op), "what was answered is not what is stored: {operation:?}");
        if op.idem == self.idem {
            let claim = (Some(wallet.uuid()), operation.body.kept().uuid());
            assert_eq!(self.claim(), Some(claim), "{operation:?}");
        } else {
            let refund = self.refund().expect("a refund that waited");
            let posted = (refund.state, refund.wallet_id, refund.seq);
            assert_eq!(posted, (2, Some(wallet.uuid()), Some(op.seq)), "{operation:?}");
        }
        if op.rejection == Some(Rejection::ReceiptAlreadyUsed) {
            let key = receipt_of(operation).expect("it names a receipt");
            let row = self.tables.receipts.get(&(key.merchant.uuid(), key.number.as_str().to_owned()));
            let holder = row.and_then(|row| Some((WalletId::new(row.wallet_id), row.seq?)));
            assert!(
                holder.is_some() && *first == holder,
                "{operation:?} is told of {first:?}, not {holder:?}"
            );
        }
    }

    /// Once a refund was posted or refused nobody hears any more that it waits.
    fn check_waiting_comes_first(&self) {
        let waits =
            |delivery: &&&Delivery| matches!(delivery.answered, Some((_, Ok(Answer::Waiting { .. }))));
        let is_over = |delivery: &&&Delivery| {
            matches!(delivery.answered, Some((_, Ok(Answer::Recorded(_) | Answer::RefusedLater(_)))))
        };
        for waiting in self.deliveries.iter().filter(waits) {
            for over in self.deliveries.iter().filter(is_over) {
                let (at, _) = over.answered.as_ref().unwrap();
                assert!(*at >= waiting.sent, "{:?} waits again", waiting.operation);
            }
        }
    }

    /// The stored key: its wallet, and the fingerprint of its input.
    fn claim(&self) -> Option<(Option<Uuid>, Uuid)> {
        self.tables.claims.get(&(self.idem.uuid(),)).map(|row| (row.wallet_id, row.body_hash))
    }

    fn refund(&self) -> Option<&refund_waiting::Model> {
        self.tables.refunds.rows().find(|row| row.idem == self.idem.uuid())
    }
}

/// Whether an answer says that its delivery did nothing.
const fn is_undone(answer: &Result<Answer, SubmitError>) -> bool {
    match answer {
        Ok(Answer::Dismissed(_))
        | Err(
            SubmitError::Overloaded
            | SubmitError::NoSuchWallet(_)
            | SubmitError::Quarantined(_)
            | SubmitError::Store(_),
        ) => true,
        Ok(_) | Err(SubmitError::OutcomeUnknown) => false,
    }
}

/// Whether an answer says that nobody was answered before.
const fn is_first(answer: &Answer) -> bool {
    match answer {
        Answer::Recorded(recorded) => !recorded.replayed,
        Answer::Waiting { replayed } => !*replayed,
        Answer::Mismatch | Answer::RefusedLater(_) | Answer::Dismissed(_) | Answer::Tended => false,
    }
}

/// Every stored key was sent, with the input that is stored; every operation has its key.
fn check_nothing_came_from_nowhere(tables: &Tables, by_key: &BTreeMap<Idem, Vec<&Delivery>>) {
    for claim in tables.claims.rows() {
        let deliveries = by_key.get(&Idem::stored(claim.idem)).expect("a stored key was sent by somebody");
        let sent: BTreeSet<_> =
            deliveries.iter().map(|delivery| delivery.operation.body.kept().uuid()).collect();
        assert!(sent.contains(&claim.body_hash), "nobody sent the input of {claim:?}");
    }
    for row in tables.ops.rows() {
        let op = tables.op(WalletId::new(row.wallet_id), row.seq).unwrap();
        if op.tenant == Tenant::Internal {
            continue;
        }
        let claim = tables.claims.get(&(row.idem,)).expect("an operation has its key");
        assert_eq!((claim.wallet_id, claim.body_hash), (Some(row.wallet_id), row.body_hash), "{op:?}");
        let deliveries = &by_key[&op.idem];
        let is_sent = deliveries.iter().any(|delivery| is_of(&op, row.wallet_id, &delivery.operation));
        assert!(is_sent, "nobody sent {op:?}");
    }
}

/// Whether an operation in the journal is what was sent.
fn is_of(op: &OpRecord, wallet: Uuid, sent: &Operation) -> bool {
    let is_refund = sent.wallet.uuid().is_nil();
    (is_refund || sent.wallet.uuid() == wallet)
        && (op.tenant, op.body, op.merchant) == (sent.tenant, sent.body.kept(), sent.merchant)
        && sent.command.kind() == Some(op.kind)
        && op.receipt.as_ref().is_none_or(|number| sent.command.receipt().is_none_or(|sent| sent == number))
        && (op.occurred_at, op.branch) == (sent.occurred_at, sent.branch)
}

/// What was answered before something else was sent comes before it in the journal of their wallet.
fn check_order(tables: &Tables, all: &[Delivery], by_key: &BTreeMap<Idem, Vec<&Delivery>>) {
    let first_sent = |idem: Idem| by_key.get(&idem).and_then(|sent| sent.iter().map(|one| one.sent).min());
    let mut sent_at: BTreeMap<WalletId, Vec<(Instant, i64)>> = BTreeMap::new();
    for row in tables.ops.rows() {
        if let Some(sent) = first_sent(Idem::stored(row.idem)) {
            sent_at.entry(WalletId::new(row.wallet_id)).or_default().push((sent, row.seq));
        }
    }
    for delivery in all {
        let Some((answered, Ok(Answer::Recorded(recorded)))) = &delivery.answered else { continue };
        let later = sent_at.get(&recorded.wallet).into_iter().flatten().filter(|(sent, _)| sent > answered);
        for (_, seq) in later {
            let before = recorded.op.seq;
            assert!(before < *seq, "{} seq {seq} was sent after {before} was answered", recorded.wallet);
        }
    }
}
