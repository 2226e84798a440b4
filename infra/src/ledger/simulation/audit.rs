//! The invariants of the ledger's design over the tables of a run. What concerns one wallet is checked by the domain's
//! own invariants and by the replay of `amvaj verify`; here are those between tables.

use std::collections::{BTreeMap, BTreeSet};

use amvaj_domain::{id::WalletId, ledger::invariants, time::Instant};

use super::{asks::PRICES, tables::Tables};
use crate::{ledger::touched::MERCHANT_ACCOUNTS, verify::in_memory};

/// Checks everything that holds once nothing is under way; `now` is the present of the node that tended the wallets.
pub(crate) fn check(tables: &Tables, wallets: &[WalletId], now: Instant) {
    for wallet in wallets {
        invariants::check(&tables.history(*wallet), PRICES);
        let findings = in_memory::check(*wallet, tables.rows_of(*wallet));
        assert!(findings.is_empty(), "{findings:#?}");
    }
    check_book(tables);
    check_claims(tables);
    check_receipts(tables);
    check_merchant_totals(tables);
    check_nothing_is_stuck(tables, now);
}

/// 2: the book sums to zero.
fn check_book(tables: &Tables) {
    assert_eq!(tables.entries.rows().map(|entry| entry.amount).sum::<i64>(), 0, "the book sums to zero");
}

/// 11: one operation or one refund for each key.
fn check_claims(tables: &Tables) {
    for claim in tables.claims.rows() {
        let refunds = tables.refunds.rows().filter(|row| row.idem == claim.idem).count();
        let with_key = tables.ops.rows().filter(|row| row.idem == claim.idem);
        let ops: Vec<_> = with_key.map(|row| (row.wallet_id, row.seq)).collect();
        let expected: Vec<_> = claim.wallet_id.zip(claim.seq).into_iter().collect();
        assert_eq!((&ops, refunds), (&expected, 1 - expected.len()), "operations and refunds of {claim:?}");
    }
    let mut keys = BTreeSet::new();
    for row in tables.ops.rows() {
        assert!(keys.insert((row.wallet_id, row.idem)), "two operations have one key, one of them {row:?}");
    }
    for refund in tables.refunds.rows() {
        let claim = tables.claims.get(&(refund.idem,)).expect("a refund that waited has its key");
        assert_eq!((claim.wallet_id, claim.body_hash), (None, refund.body_hash), "{refund:?}");
    }
}

/// 11: a receipt is of one wallet, which has at most one earn with it and everything that paid for it.
fn check_receipts(tables: &Tables) {
    let mut receipts = BTreeMap::new();
    for row in tables.purchases.rows() {
        let before = receipts.insert((row.merchant_id, &row.receipt_no), (row.wallet_id, Some(row.seq)));
        assert_eq!(before, None, "two purchases have one receipt, one of them {row:?}");
    }
    for row in tables.redemptions.rows() {
        let (wallet, _) = receipts.entry((row.merchant_id, &row.receipt_no)).or_insert((row.wallet_id, None));
        assert_eq!(*wallet, row.wallet_id, "two wallets have one receipt, one of them {row:?}");
    }
    let stored =
        tables.receipts.rows().map(|row| ((row.merchant_id, &row.receipt_no), (row.wallet_id, row.seq)));
    assert_eq!(stored.collect::<BTreeMap<_, _>>(), receipts, "receipts, and what names them");
}

/// 12: a merchant's buckets add up to its entries.
fn check_merchant_totals(tables: &Tables) {
    let mut totals: BTreeMap<_, [i64; 3]> = BTreeMap::new();
    for row in tables.merchant_balances.rows() {
        add(totals.entry((row.merchant_id, row.kind)).or_default(), [row.points, row.value, row.n]);
    }
    for leg in tables.entries.rows().filter(|leg| MERCHANT_ACCOUNTS.contains(&leg.account_kind)) {
        add(totals.entry((leg.account_id, leg.account_kind)).or_default(), [-leg.amount, -leg.value, -1]);
    }
    totals.retain(|_, sums| *sums != [0, 0, 0]);
    assert!(totals.is_empty(), "totals of merchants and their entries differ: {totals:?}");
}

fn add(sums: &mut [i64; 3], more: [i64; 3]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
}

/// 7, 11, 18: nothing that is due was left, and no refund waits beside its purchase.
fn check_nothing_is_stuck(tables: &Tables, now: Instant) {
    for row in tables.wallets.rows() {
        assert!(row.next_due > now.micros(), "something is due since {} on {row:?}", row.next_due);
    }
    for refund in tables.refunds.rows().filter(|row| row.state == 1) {
        let receipt = tables.receipts.get(&(refund.merchant_id, refund.receipt_no.clone()));
        assert!(receipt.is_none_or(|row| row.seq.is_none()), "{refund:?} waits beside {receipt:?}");
    }
}
