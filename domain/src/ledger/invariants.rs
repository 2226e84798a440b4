//! What must hold of a wallet after every operation, checked from its journal and its rows without any help from
//! the code that made them. The journal has to be the wallet's whole history. Only tests have this: those of the
//! domain, and with the feature `testing` those of other crates.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AccountKind, Balances, Entry, HoldState, LotState, LotUse, LotUseKind, OpKind, OpRecord, Prices,
    WalletState, lot::NEVER, settle,
};
use crate::{
    points::Points,
    time::{Instant, Span},
};

/// Checks a wallet all of whose operations were made at these prices.
///
/// # Panics
/// With the invariant that the wallet breaks.
pub fn check(state: &WalletState, prices: Prices) {
    check_history(state);
    check_operations(state, prices);
    check_lots(state);
    check_holds(state);
    check_receipts(state);
    check_next_due(state);
}

fn check_history(state: &WalletState) {
    let ops = &state.journal.ops;
    for (place, op) in (1..).zip(ops) {
        assert_eq!(op.seq, place, "sequence numbers are dense");
    }
    for pair in ops.windows(2) {
        assert!(pair[0].recorded_at <= pair[1].recorded_at, "the time of recording never falls");
    }
    let last = ops.last();
    assert_eq!(state.wallet.version, last.map_or(0, |op| op.seq), "the version is the last operation");
    assert_eq!(state.wallet.balances, last.map(|op| op.after).unwrap_or_default());
    if let Some(op) = last {
        assert_eq!(state.wallet.last_recorded_at, op.recorded_at);
    }
    let keys: BTreeSet<_> = ops.iter().map(|op| op.idem).collect();
    assert_eq!(keys.len(), ops.len(), "no key is used twice, the ledger's own included");
}

fn check_operations(state: &WalletState, prices: Prices) {
    let mut running = [0_i64; 4];
    let ops: BTreeSet<_> = state.journal.ops.iter().map(|op| op.seq).collect();
    assert!(state.journal.entries.iter().all(|entry| ops.contains(&entry.seq)), "no orphan entries");
    assert!(state.journal.lot_uses.iter().all(|lot_use| ops.contains(&lot_use.seq)), "no orphan lot uses");
    for op in &state.journal.ops {
        let entries: Vec<&Entry> = state.journal.entries.iter().filter(|entry| entry.seq == op.seq).collect();
        let uses: Vec<&LotUse> = state.journal.lot_uses.iter().filter(|used| used.seq == op.seq).collect();
        check_entries(op, &entries, prices);
        check_uses(state, op, &uses);
        for entry in entries {
            match entry.account_kind {
                AccountKind::Wallet => running[0] += entry.amount,
                AccountKind::Pending => running[2] += entry.amount,
                AccountKind::Debt => running[3] -= entry.amount,
                AccountKind::MerchantIssue
                | AccountKind::MerchantRedeem
                | AccountKind::Breakage
                | AccountKind::Transit
                | AccountKind::Adjustment => {}
            }
        }
        running[1] += total(&uses, LotUseKind::Reserve) - total(&uses, LotUseKind::Release);
        assert_eq!(numbers(op.after), running, "balances are the sums of entries: {op:?}");
        assert!(op.after.debt.is_zero() || op.after.available().is_zero(), "debt beside points: {op:?}");
    }
}

fn check_entries(op: &OpRecord, entries: &[&Entry], prices: Prices) {
    assert_eq!(
        entries.iter().map(|entry| entry.amount).sum::<i64>(),
        0,
        "legs sum to zero: {op:?} {entries:?}"
    );
    for (leg, entry) in (1..).zip(entries) {
        assert_eq!(entry.leg, leg, "legs are dense");
        assert_ne!(entry.amount, 0, "no leg is empty");
        let price = match entry.account_kind {
            AccountKind::MerchantIssue | AccountKind::Breakage => prices.issue,
            AccountKind::MerchantRedeem => prices.redeem,
            AccountKind::Wallet
            | AccountKind::Pending
            | AccountKind::Debt
            | AccountKind::Transit
            | AccountKind::Adjustment => 0,
        };
        assert_eq!(entry.value, entry.amount * price, "a leg is worth its points: {entry:?}");
    }
    let accounts: BTreeSet<_> = entries.iter().map(|entry| (entry.account_kind, entry.account)).collect();
    assert_eq!(accounts.len(), entries.len(), "one leg for each account");
    if op.rejection.is_some() || matches!(op.kind, OpKind::Block | OpKind::Unblock) {
        assert!(entries.is_empty(), "nothing moved: {op:?}");
    }
    if op.rejection.is_none() && matches!(op.kind, OpKind::Hold | OpKind::Release | OpKind::HoldEnd) {
        let allowed = [AccountKind::Wallet, AccountKind::Debt, AccountKind::Breakage];
        assert!(entries.iter().all(|entry| allowed.contains(&entry.account_kind)), "{op:?} {entries:?}");
    }
}

/// The instant by which an operation's lots are judged: when it was recorded, or, for what is due, when it fell due.
fn judged_at(op: &OpRecord) -> Instant {
    match op.kind {
        OpKind::Activation | OpKind::HoldEnd | OpKind::Expiry => op.occurred_at,
        OpKind::Earn
        | OpKind::Hold
        | OpKind::Capture
        | OpKind::Release
        | OpKind::Redeem
        | OpKind::Refund
        | OpKind::Block
        | OpKind::Unblock => op.recorded_at,
    }
}

fn check_uses(state: &WalletState, op: &OpRecord, uses: &[&LotUse]) {
    assert!(op.rejection.is_none() || uses.is_empty(), "a refused operation uses no lot: {op:?}");
    for lot_use in uses {
        assert!(!lot_use.quantity.is_zero());
        let expired = state.lots[&lot_use.lot_no].expires_at < judged_at(op);
        match lot_use.kind {
            LotUseKind::Expire | LotUseKind::Transfer => {
                assert!(expired, "not expired yet: {lot_use:?} {op:?}");
            }
            LotUseKind::Reserve | LotUseKind::Repay | LotUseKind::Clawback => {
                assert!(!expired, "an expired lot was used: {lot_use:?} {op:?}");
            }
            LotUseKind::Spend => assert!(!expired || op.kind == OpKind::Capture, "{lot_use:?} {op:?}"),
            LotUseKind::Release | LotUseKind::Restore | LotUseKind::Cancel => {}
        }
    }
    let breakage: i64 = state
        .journal
        .entries
        .iter()
        .filter(|entry| entry.seq == op.seq && entry.account_kind == AccountKind::Breakage)
        .map(|entry| entry.amount)
        .sum();
    assert_eq!(total(uses, LotUseKind::Expire), breakage, "what expired is breakage: {op:?}");
}

fn total(uses: &[&LotUse], kind: LotUseKind) -> i64 {
    uses.iter().filter(|used| used.kind == kind).map(|used| used.quantity.get()).sum()
}

fn check_lots(state: &WalletState) {
    let mut sums = [0_i64; 3];
    for lot in state.lots.values() {
        let uses: Vec<&LotUse> =
            state.journal.lot_uses.iter().filter(|used| used.lot_no == lot.lot_no).collect();
        let of = |kind| total(&uses, kind);
        let used = of(LotUseKind::Spend)
            + of(LotUseKind::Clawback)
            + of(LotUseKind::Cancel)
            + of(LotUseKind::Expire)
            + of(LotUseKind::Repay)
            + of(LotUseKind::Transfer)
            - of(LotUseKind::Restore);
        assert_eq!(lot.original.get() - used, lot.remaining.get(), "original less used remains: {lot:?}");
        assert_eq!(of(LotUseKind::Reserve) - of(LotUseKind::Release), lot.reserved.get(), "{lot:?}");
        assert!(lot.reserved <= lot.remaining && lot.remaining <= lot.original, "{lot:?}");
        assert!(state.changes.lots.contains(&lot.lot_no), "a changed row is named");
        match lot.state {
            LotState::Active => sums[0] += lot.remaining.get(),
            LotState::Pending => sums[2] += lot.remaining.get(),
        }
        sums[1] += lot.reserved.get();
    }
    assert_eq!(sums, numbers(state.wallet.balances)[..3], "lots are the balances");
}

fn check_holds(state: &WalletState) {
    let mut held = 0;
    for hold in state.holds.values() {
        assert!(hold.captured <= hold.amount);
        assert!(state.changes.holds.contains(&hold.seq), "a changed row is named");
        let reserved: i64 = hold.reserved.iter().map(|(_, quantity)| quantity.get()).sum();
        if hold.state == HoldState::Open {
            assert_eq!(reserved, hold.amount.get());
            held += reserved;
        } else {
            assert_eq!(reserved, 0);
        }
        let ends =
            state.journal.ops.iter().filter(|op| op.ref_seq == Some(hold.seq) && op.rejection.is_none());
        let ends =
            ends.filter(|op| matches!(op.kind, OpKind::Capture | OpKind::Release | OpKind::HoldEnd)).count();
        assert_eq!(ends, usize::from(hold.state != HoldState::Open), "one end for each hold: {hold:?}");
    }
    assert_eq!(held, state.wallet.balances.held.get(), "open holds are what is held");
}

fn check_receipts(state: &WalletState) {
    let mut used: BTreeMap<_, i64> = BTreeMap::new();
    for (key, file) in &state.receipts {
        assert!(file.redemptions.iter().all(|paid| paid.reversed <= paid.points), "{file:?}");
        let Some(purchase) = &file.purchase else { continue };
        let sale = &purchase.sale;
        assert_eq!(purchase.kept, sale.kept().unwrap().points, "what is kept is what the formula says");
        let earn = &state.journal.ops[usize::try_from(purchase.seq).unwrap() - 1];
        assert!(purchase.kept <= earn.amount, "no refund adds points");
        assert!(sale.lines.iter().all(|line| (0..=line.quantity).contains(&line.refunded)), "{sale:?}");
        assert!((0..=sale.total).contains(&sale.refunded_amount), "{sale:?}");
        if let Some(day) = purchase.cap_day {
            *used.entry((key.merchant, day)).or_default() += purchase.kept.get();
        }
    }
    let caps: BTreeMap<_, i64> = state.caps.iter().map(|(key, used)| (*key, used.get())).collect();
    assert_eq!(caps, used, "a day's cap is used by what its purchases kept");
}

fn check_next_due(state: &WalletState) {
    let next_due = state.wallet.next_due;
    let before = next_due.plus(Span::from_micros(-1)).max(state.wallet.last_recorded_at);
    // Forgetting when the wallet is due makes settling look at every row.
    let mut forgotten = state.clone();
    forgotten.wallet.next_due = Instant::from_micros(i64::MIN);
    settle(&mut forgotten, before).unwrap();
    assert_eq!(forgotten.journal.ops.len(), state.journal.ops.len(), "something is due before {next_due:?}");
    if next_due < NEVER {
        let mut then = state.clone();
        settle(&mut then, next_due).unwrap();
        assert!(then.journal.ops.len() > state.journal.ops.len(), "nothing is due at {next_due:?}");
    }
    assert!(state.wallet.balances.posted <= Points::new(Points::MAX).unwrap());
}

/// Posted, held, pending and debt.
const fn numbers(balances: Balances) -> [i64; 4] {
    [balances.posted.get(), balances.held.get(), balances.pending.get(), balances.debt.get()]
}
