//! What must hold of a wallet after every operation, whatever was asked: reckoned from its journal in 128 bits, for
//! amounts, prices and times of any size.

use std::collections::{BTreeMap, BTreeSet};

use amvaj_domain::{
    ledger::{AccountKind, Balances, Entry, HoldState, LotState, LotUse, LotUseKind, OpRecord, WalletState},
    points::Points,
};
use proptest::prelude::*;

/// Fails with the first rule that a wallet breaks. The journal has to be its whole history.
pub(super) fn hold(state: &WalletState) -> Result<(), TestCaseError> {
    history(state)?;
    let mut running = [0_i128; 4];
    for op in &state.journal.ops {
        operation(state, op, &mut running)?;
    }
    lots(state)?;
    holds(state)?;
    receipts(state)
}

fn numbers(balances: Balances) -> [i128; 4] {
    [balances.posted, balances.held, balances.pending, balances.debt].map(|points| points.get().into())
}

fn history(state: &WalletState) -> Result<(), TestCaseError> {
    let ops = &state.journal.ops;
    prop_assert!((1..).zip(ops).all(|(place, op)| op.seq == place), "sequence numbers are dense");
    prop_assert!(ops.is_sorted_by_key(|op| op.recorded_at), "the time of recording never falls");
    prop_assert_eq!(state.wallet.version, ops.last().map_or(0, |op| op.seq));
    prop_assert_eq!(state.wallet.balances, ops.last().map(|op| op.after).unwrap_or_default());
    let keys: BTreeSet<_> = ops.iter().map(|op| op.idem).collect();
    prop_assert_eq!(keys.len(), ops.len(), "no key is used twice");
    Ok(())
}

fn operation(state: &WalletState, op: &OpRecord, running: &mut [i128; 4]) -> Result<(), TestCaseError> {
    let entries: Vec<&Entry> = state.journal.entries.iter().filter(|entry| entry.seq == op.seq).collect();
    let uses: Vec<&LotUse> = state.journal.lot_uses.iter().filter(|used| used.seq == op.seq).collect();
    prop_assert_eq!(
        entries.iter().map(|entry| i128::from(entry.amount)).sum::<i128>(),
        0,
        "legs sum to zero"
    );
    prop_assert!(
        op.rejection.is_none() || (entries.is_empty() && uses.is_empty()),
        "what is refused moves nothing"
    );
    for entry in entries {
        let amount = i128::from(entry.amount);
        prop_assert!(amount != 0 && (entry.value == 0 || (entry.value > 0) == (amount > 0)), "{:?}", entry);
        match entry.account_kind {
            AccountKind::Wallet => running[0] += amount,
            AccountKind::Pending => running[2] += amount,
            AccountKind::Debt => running[3] -= amount,
            AccountKind::MerchantIssue | AccountKind::MerchantRedeem | AccountKind::Breakage => {}
            AccountKind::Transit | AccountKind::Adjustment => prop_assert!(false, "{:?}", entry),
        }
    }
    running[1] += total(&uses, LotUseKind::Reserve) - total(&uses, LotUseKind::Release);
    prop_assert_eq!(numbers(op.after), *running, "balances are sums of entries: {:?}", op);
    prop_assert!(op.after.held <= op.after.posted, "{:?}", op);
    prop_assert!(op.after.debt.is_zero() || op.after.available().is_zero(), "debt beside points: {:?}", op);
    prop_assert!(running[0] + running[2] <= i128::from(Points::MAX), "{:?}", op);
    Ok(())
}

fn total(uses: &[&LotUse], kind: LotUseKind) -> i128 {
    uses.iter().filter(|used| used.kind == kind).map(|used| i128::from(used.quantity.get())).sum()
}

fn lots(state: &WalletState) -> Result<(), TestCaseError> {
    let mut sums = [0_i128; 3];
    for lot in state.lots.values() {
        let uses: Vec<&LotUse> =
            state.journal.lot_uses.iter().filter(|used| used.lot_no == lot.lot_no).collect();
        let taken = [
            LotUseKind::Spend,
            LotUseKind::Clawback,
            LotUseKind::Cancel,
            LotUseKind::Expire,
            LotUseKind::Repay,
            LotUseKind::Transfer,
        ];
        let used =
            taken.map(|kind| total(&uses, kind)).iter().sum::<i128>() - total(&uses, LotUseKind::Restore);
        let [original, remaining, reserved] =
            [lot.original, lot.remaining, lot.reserved].map(|points| i128::from(points.get()));
        prop_assert_eq!(original - used, remaining, "{:?}", lot);
        prop_assert_eq!(
            total(&uses, LotUseKind::Reserve) - total(&uses, LotUseKind::Release),
            reserved,
            "{:?}",
            lot
        );
        prop_assert!(reserved <= remaining && remaining <= original, "{:?}", lot);
        let lapsed = lot.state == LotState::Active && lot.expired(state.wallet.last_recorded_at);
        prop_assert!(!lapsed || lot.free().is_zero(), "free points outlived their lot: {:?}", lot);
        sums[1] += reserved;
        match lot.state {
            LotState::Active => sums[0] += remaining,
            LotState::Pending => sums[2] += remaining,
        }
    }
    prop_assert_eq!(&sums[..], &numbers(state.wallet.balances)[..3], "lots are the balances");
    Ok(())
}

fn holds(state: &WalletState) -> Result<(), TestCaseError> {
    let mut held = 0;
    for hold in state.holds.values() {
        let reserved: i128 = hold.reserved.iter().map(|(_, quantity)| i128::from(quantity.get())).sum();
        let open = hold.state == HoldState::Open;
        prop_assert_eq!(reserved, if open { hold.amount.get().into() } else { 0 }, "{:?}", hold);
        prop_assert!(hold.captured <= hold.amount, "{:?}", hold);
        held += reserved;
    }
    prop_assert_eq!(held, i128::from(state.wallet.balances.held.get()));
    Ok(())
}

fn receipts(state: &WalletState) -> Result<(), TestCaseError> {
    let mut used: BTreeMap<_, i64> = BTreeMap::new();
    for (key, file) in &state.receipts {
        prop_assert!(file.redemptions.iter().all(|paid| paid.reversed <= paid.points), "{:?}", file);
        let Some(purchase) = &file.purchase else { continue };
        prop_assert_eq!(purchase.sale.kept().map(|kept| kept.points), Ok(purchase.kept));
        prop_assert!(purchase.sale.lines.iter().all(|line| (0..=line.quantity).contains(&line.refunded)));
        prop_assert!((0..=purchase.sale.total).contains(&purchase.sale.refunded_amount));
        if let Some(day) = purchase.cap_day {
            *used.entry((key.merchant, day)).or_default() += purchase.kept.get();
        }
    }
    let caps: BTreeMap<_, i64> = state.caps.iter().map(|(key, used)| (*key, used.get())).collect();
    prop_assert_eq!(caps, used, "a day's cap is used by what its purchases kept");
    Ok(())
}
