//! The journal played once more, operation by operation in the order of the commits, on wallets that are known whole.
//!
//! The lanes decided on what they had read and in batches; whatever they missed shows here as another record. Only of
//! what other wallets have of a receipt may an operation miss what was committed after it was sent: nothing guards one
//! wallet's decision against another wallet but the earn's unique receipt.

use std::collections::{BTreeMap, BTreeSet};

use amvaj_domain::{
    id::WalletId,
    ledger::{
        Command, LotUse, OpKind, OpRecord, Operation, ReceiptFile, ReceiptKey, Tenant, Wallet, WalletState,
        apply, settle,
    },
    time::Instant,
};
use tokio::time;

use super::{history::Sent, node::made_at, store::Commit, tables::Tables};
use crate::ledger::{request::receipt_of, waiting::waiting_from};

/// What is known while the commits are played.
struct Replay<'a> {
    tables: &'a Tables,
    sent: &'a Sent,
    wallets: BTreeMap<WalletId, WalletState>,
    /// What wallets have of receipts, and since when.
    shares: BTreeMap<ReceiptKey, Vec<Share>>,
}

/// Something that a wallet has of a receipt.
struct Share {
    wallet: WalletId,
    since: time::Instant,
    /// Its earn, or a payment for it.
    is_earn: bool,
}

/// Plays the commits and holds every record, and what the wallets are at the end, against the tables.
pub(crate) fn check(tables: &Tables, commits: &[Commit], sent: &Sent, wallets: &[WalletId]) {
    let whole =
        |id: &WalletId| (*id, WalletState { detail_read: true, ..WalletState::head(Wallet::new(*id)) });
    let wallets = wallets.iter().map(whole).collect();
    let mut replay = Replay { tables, sent, wallets, shares: BTreeMap::new() };
    let mut played = BTreeSet::new();
    for commit in commits {
        for (wallet, seq) in &commit.ops {
            assert!(played.insert((*wallet, *seq)), "{wallet} seq {seq} was committed twice");
            replay.play(*wallet, *seq, commit);
        }
    }
    assert_eq!(played.len(), tables.ops.rows().count(), "every operation belongs to a commit");
    for (id, state) in replay.wallets {
        check_end(tables, id, state);
    }
}

/// The rows of a wallet are what its history makes of it.
fn check_end(tables: &Tables, id: WalletId, state: WalletState) {
    let stored = tables.history(id);
    assert_eq!(stored.wallet, state.wallet, "the head of {id}");
    assert_eq!(stored.lots, state.lots, "the lots of {id}");
    assert_eq!(stored.holds, state.holds, "the holds of {id}");
    assert_eq!(stored.caps, state.caps, "the caps of {id}");
    assert_eq!(own(stored.receipts), own(state.receipts), "the receipts of {id}");
    assert_eq!(stored.journal.entries, state.journal.entries, "the entries of {id}");
    assert_eq!(uses(&stored.journal.lot_uses), uses(&state.journal.lot_uses), "the uses of lots of {id}");
}

impl Replay<'_> {
    fn play(&mut self, wallet: WalletId, seq: i64, commit: &Commit) {
        let stored = self.tables.op(wallet, seq).unwrap();
        let now = made_at(commit.batch);
        if self.wallets[&wallet].wallet.version < seq {
            match self.operation(wallet, &stored) {
                Some((sent, operation)) => self.decide(wallet, sent, &operation, &stored, now),
                None => settle(self.wallets.get_mut(&wallet).unwrap(), now).unwrap(),
            }
        }
        let played = record(&self.wallets[&wallet], seq);
        assert_eq!(played, Some(&stored), "{wallet} seq {seq} is not what its operation does");
        self.note_share(wallet, &stored, commit.at);
    }

    /// What a record was made from and when it was first sent; nothing for what time alone did.
    fn operation(&self, wallet: WalletId, stored: &OpRecord) -> Option<(Option<time::Instant>, Operation)> {
        if [OpKind::Activation, OpKind::HoldEnd, OpKind::Expiry].contains(&stored.kind) {
            return None;
        }
        if stored.tenant == Tenant::Internal {
            let refunds = self.tables.refunds.rows().map(|row| waiting_from(row).unwrap().operation(wallet));
            let refund = refunds.into_iter().find(|refund| refund.idem == stored.idem);
            return Some((None, refund.expect("a refund that waited")));
        }
        let (at, operation) = self.sent.get(&(stored.idem, stored.body.uuid())).expect("it was sent");
        Some((Some(*at), Operation { wallet, ..operation.clone() }))
    }

    /// Decides an operation as the lane may have, by what it can have known of other wallets; the last way stays if
    /// none leads to the record.
    fn decide(
        &mut self,
        wallet: WalletId,
        sent: Option<time::Instant>,
        operation: &Operation,
        stored: &OpRecord,
        now: Instant,
    ) {
        let before = self.wallets[&wallet].clone();
        for (earned_elsewhere, redeemed_elsewhere) in self.known_of_others(wallet, sent, operation) {
            let mut state = before.clone();
            if let Some(key) = receipt_named(&state, operation) {
                let file = state.receipts.entry(key).or_default();
                (file.earned_elsewhere, file.redeemed_elsewhere) = (earned_elsewhere, redeemed_elsewhere);
            }
            apply(&mut state, operation, now).unwrap();
            let is_it = record(&state, stored.seq) == Some(stored);
            self.wallets.insert(wallet, state);
            if is_it {
                return;
            }
        }
    }

    /// What the lane can have known of the receipt that an operation names: whether other wallets have its earn, and
    /// whether they paid for it. What was committed before the operation was sent it must have known.
    fn known_of_others(
        &self,
        wallet: WalletId,
        sent: Option<time::Instant>,
        operation: &Operation,
    ) -> Vec<(bool, bool)> {
        let Some(key) = receipt_named(&self.wallets[&wallet], operation) else { return vec![(false, false)] };
        let shares = self.shares.get(&key).map_or(&[][..], Vec::as_slice);
        let since = |is_earn: bool| {
            let others = shares.iter().filter(|share| share.wallet != wallet && share.is_earn == is_earn);
            others.map(|share| share.since).min()
        };
        let known = |since: Option<time::Instant>| match (since, sent) {
            (None, _) => vec![false],
            (Some(since), Some(sent)) if since > sent => vec![true, false],
            (Some(_), _) => vec![true],
        };
        let (earned, redeemed) = (known(since(true)), known(since(false)));
        earned.iter().flat_map(|earned| redeemed.iter().map(|redeemed| (*earned, *redeemed))).collect()
    }

    fn note_share(&mut self, wallet: WalletId, stored: &OpRecord, since: time::Instant) {
        let is_share = [OpKind::Earn, OpKind::Redeem, OpKind::Capture].contains(&stored.kind);
        if let (true, None, Some(merchant), Some(number)) =
            (is_share, stored.rejection, stored.merchant, stored.receipt.clone())
        {
            let share = Share { wallet, since, is_earn: stored.kind == OpKind::Earn };
            self.shares.entry(ReceiptKey { merchant, number }).or_default().push(share);
        }
    }
}

fn record(state: &WalletState, seq: i64) -> Option<&OpRecord> {
    state.journal.ops.get(usize::try_from(seq - 1).unwrap())
}

/// The receipt that an operation names, through its hold if need be.
fn receipt_named(state: &WalletState, operation: &Operation) -> Option<ReceiptKey> {
    let Command::Capture { hold, .. } = operation.command else { return receipt_of(operation) };
    let hold = state.holds.get(&hold)?;
    Some(ReceiptKey { merchant: hold.merchant, number: hold.receipt.clone()? })
}

/// The receipts of which the wallet has something itself.
fn own(receipts: BTreeMap<ReceiptKey, ReceiptFile>) -> BTreeMap<ReceiptKey, ReceiptFile> {
    let files = receipts
        .into_iter()
        .map(|(key, file)| (key, ReceiptFile { earned_elsewhere: false, redeemed_elsewhere: false, ..file }));
    files.filter(|(_, file)| *file != ReceiptFile::default()).collect()
}

/// The sums by operation, lot and kind: what a row keeps.
fn uses(uses: &[LotUse]) -> BTreeMap<(i64, i64, i16), i64> {
    let mut sums = BTreeMap::new();
    for used in uses {
        *sums.entry((used.seq, used.lot_no, used.kind.stored())).or_default() += used.quantity.get();
    }
    sums
}
