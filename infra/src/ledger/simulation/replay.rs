//! The journal played once more, operation by operation in the order of the commits, on wallets that are known whole.
//!
//! The lanes decided on what they had read and in batches; whatever they missed shows here as another record.

use std::collections::{BTreeMap, BTreeSet};

use amvaj_domain::{
    id::WalletId,
    ledger::{
        Command, Idem, OpKind, OpRecord, Operation, ReceiptFile, ReceiptKey, Tenant, Wallet, WalletState, apply,
        settle,
    },
    time::Instant,
};

use super::{node::made_at, store::Commit, tables::Tables};
use crate::ledger::{request::receipt_of, waiting::waiting_from};

/// What is known while the commits are played.
struct Replay<'a> {
    tables: &'a Tables,
    sent: &'a BTreeMap<Idem, Vec<Operation>>,
    wallets: BTreeMap<WalletId, WalletState>,
}

/// Plays the commits and holds every record, and what the wallets are at the end, against the tables.
pub(crate) fn check(
    tables: &Tables,
    commits: &[Commit],
    sent: &BTreeMap<Idem, Vec<Operation>>,
    wallets: &[WalletId],
) {
    let whole = |id: &WalletId| {
        (*id, WalletState { detail_read: true, ..WalletState::head(Wallet::new(*id)) })
    };
    let mut replay = Replay { tables, sent, wallets: wallets.iter().map(whole).collect() };
    let mut played = BTreeSet::new();
    for commit in commits {
        for (wallet, seq) in &commit.ops {
            assert!(played.insert((*wallet, *seq)), "{wallet} seq {seq} was committed twice");
            replay.play(*wallet, *seq, made_at(commit.batch));
        }
    }
    assert_eq!(played.len(), tables.ops.rows().count(), "every operation belongs to a commit");
    for (id, state) in replay.wallets {
        let stored = tables.history(id);
        assert_eq!(stored.wallet, state.wallet, "the head of {id}");
        assert_eq!(stored.lots, state.lots, "the lots of {id}");
        assert_eq!(stored.holds, state.holds, "the holds of {id}");
        assert_eq!(stored.caps, state.caps, "the caps of {id}");
        assert_eq!(own(stored.receipts), own(state.receipts), "the receipts of {id}");
        assert_eq!(stored.journal.entries, state.journal.entries, "the entries of {id}");
        assert_eq!(uses(&stored.journal.lot_uses), uses(&state.journal.lot_uses), "the uses of lots of {id}");
    }
}

impl Replay<'_> {
    fn play(&mut self, wallet: WalletId, seq: i64, now: Instant) {
        let stored = self.tables.op(wallet, seq).unwrap();
        if self.wallets[&wallet].wallet.version < seq {
            if let Some(operation) = self.operation(wallet, &stored) {
                self.tell_of_others(wallet, &operation);
                let state = self.wallets.get_mut(&wallet).unwrap();
                apply(state, &operation, now).unwrap();
            } else {
                settle(self.wallets.get_mut(&wallet).unwrap(), now).unwrap();
            }
        }
        let place = usize::try_from(seq - 1).unwrap();
        let played = self.wallets[&wallet].journal.ops.get(place);
        assert_eq!(played, Some(&stored), "{wallet} seq {seq} is not what its operation does");
    }

    /// What a record was made from; nothing for what time alone did.
    fn operation(&self, wallet: WalletId, stored: &OpRecord) -> Option<Operation> {
        if [OpKind::Activation, OpKind::HoldEnd, OpKind::Expiry].contains(&stored.kind) {
            return None;
        }
        if stored.tenant == Tenant::Internal {
            let mut refunds = self.tables.refunds.rows().map(|row| waiting_from(row).unwrap().operation(wallet));
            return Some(refunds.find(|refund| refund.idem == stored.idem).expect("a refund that waited"));
        }
        let sent = self.sent[&stored.idem].iter().find(|sent| sent.body == stored.body);
        Some(Operation { wallet, ..sent.expect("it was sent").clone() })
    }

    /// Tells the wallet what the others have of the receipt that the operation names, as READ does.
    fn tell_of_others(&mut self, wallet: WalletId, operation: &Operation) {
        let Some(key) = self.receipt_of(wallet, operation) else { return };
        let others = self.wallets.iter().filter(|(id, _)| **id != wallet);
        let others: Vec<&ReceiptFile> = others.filter_map(|(_, state)| state.receipts.get(&key)).collect();
        let earned_elsewhere = others.iter().any(|file| file.purchase.is_some());
        let redeemed_elsewhere = others.iter().any(|file| !file.redemptions.is_empty());
        if earned_elsewhere || redeemed_elsewhere {
            let state = self.wallets.get_mut(&wallet).unwrap();
            let file = state.receipts.entry(key).or_default();
            (file.earned_elsewhere, file.redeemed_elsewhere) = (earned_elsewhere, redeemed_elsewhere);
        }
    }

    fn receipt_of(&self, wallet: WalletId, operation: &Operation) -> Option<ReceiptKey> {
        let Command::Capture { hold, .. } = operation.command else { return receipt_of(operation) };
        let hold = self.wallets[&wallet].holds.get(&hold)?;
        Some(ReceiptKey { merchant: hold.merchant, number: hold.receipt.clone()? })
    }
}

/// The receipts of which the wallet has something itself.
fn own(receipts: BTreeMap<ReceiptKey, ReceiptFile>) -> BTreeMap<ReceiptKey, ReceiptFile> {
    let files = receipts.into_iter().map(|(key, file)| {
        (key, ReceiptFile { earned_elsewhere: false, redeemed_elsewhere: false, ..file })
    });
    files.filter(|(_, file)| *file != ReceiptFile::default()).collect()
}

/// The sums by operation, lot and kind: what a row keeps.
fn uses(uses: &[amvaj_domain::ledger::LotUse]) -> BTreeMap<(i64, i64, i16), i64> {
    let mut sums = BTreeMap::new();
    for used in uses {
        *sums.entry((used.seq, used.lot_no, used.kind.stored())).or_default() += used.quantity.get();
    }
    sums
}
