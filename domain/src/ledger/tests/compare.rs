//! What the ledger and the naive model must have in common, down to the single lot, hold, receipt and account.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    builders::numbers,
    naive::{Naive, NaiveHold, Place},
};
use crate::{
    id::MerchantId,
    ledger::{AccountKind, HoldState, LotState, Rejection, WalletState, lot::NEVER},
    time::Instant,
};

/// Fails with the first thing in which the two differ.
pub(super) fn agree(state: &WalletState, naive: &Naive) -> Result<(), TestCaseError> {
    prop_assert_eq!(numbers(state.wallet.balances), naive.balances());
    prop_assert_eq!(state.wallet.version, naive.version);
    prop_assert_eq!(lots(state), naive_lots(naive));
    prop_assert_eq!(holds(state), naive_holds(naive));
    let caps: BTreeMap<_, _> = state.caps.iter().map(|(key, used)| (*key, used.get())).collect();
    prop_assert_eq!(without_zeros(caps, &0), without_zeros(naive.caps.clone(), &0));
    prop_assert_eq!(bills(state), naive_bills(naive));
    prop_assert_eq!(book(state), without_zeros(naive.book.clone(), &(0, 0)));
    prop_assert_eq!(own_accounts(state), {
        let [posted, _, pending, debt] = naive.balances();
        [posted, pending, -debt]
    });
    Ok(())
}

fn without_zeros<K: Ord, V: PartialEq>(mut sums: BTreeMap<K, V>, zero: &V) -> BTreeMap<K, V> {
    sums.retain(|_, sum| sum != zero);
    sums
}

#[derive(Debug, PartialEq, Eq)]
struct LotSeen {
    issuer: MerchantId,
    price: i64,
    rule_version: i32,
    only_at: Option<MerchantId>,
    active_from: Instant,
    last_valid: Instant,
    original: i64,
    /// Pending, free and held.
    points: [i64; 3],
}

fn lots(state: &WalletState) -> Vec<LotSeen> {
    let seen = state.lots.values().map(|lot| LotSeen {
        issuer: lot.issuer,
        price: lot.price,
        rule_version: lot.rule_version,
        only_at: lot.restriction,
        active_from: lot.active_from,
        last_valid: lot.expires_at,
        original: lot.original.get(),
        points: match lot.state {
            LotState::Pending => [lot.remaining.get(), 0, lot.reserved.get()],
            LotState::Active => [0, lot.free().get(), lot.reserved.get()],
        },
    });
    seen.collect()
}

fn naive_lots(naive: &Naive) -> Vec<LotSeen> {
    let mut lots: Vec<LotSeen> = naive
        .lots
        .iter()
        .map(|lot| LotSeen {
            issuer: lot.issuer,
            price: lot.price,
            rule_version: lot.rule_version,
            only_at: lot.only_at,
            active_from: lot.active_from,
            last_valid: lot.last_valid.unwrap_or(NEVER),
            original: 0,
            points: [0; 3],
        })
        .collect();
    for point in &naive.points {
        let lot = &mut lots[point.lot];
        lot.original += 1;
        match point.place {
            Place::Pending => lot.points[0] += 1,
            Place::Free => lot.points[1] += 1,
            Place::Held => lot.points[2] += 1,
            Place::Gone => {}
        }
    }
    lots
}

type HoldSeen = (MerchantId, Option<String>, [i64; 2], Instant, Option<Rejection>, Vec<(usize, i64)>);

fn holds(state: &WalletState) -> Vec<(i64, HoldSeen)> {
    let seen = state.holds.values().map(|hold| {
        let end = match hold.state {
            HoldState::Open => None,
            HoldState::Captured => Some(Rejection::HoldCaptured),
            HoldState::Released => Some(Rejection::HoldReleased),
            HoldState::Expired => Some(Rejection::HoldExpired),
        };
        let reserved =
            hold.reserved.iter().map(|(lot, quantity)| (usize::try_from(*lot).unwrap(), quantity.get()));
        let amounts = [hold.amount.get(), hold.captured.get()];
        let receipt = hold.receipt.as_ref().map(ToString::to_string);
        (hold.seq, (hold.merchant, receipt, amounts, hold.expires_at, end, reserved.collect()))
    });
    seen.collect()
}

fn naive_holds(naive: &Naive) -> Vec<(i64, HoldSeen)> {
    let seen = naive.holds.iter().map(|(seq, hold)| {
        let NaiveHold { merchant, receipt, over_at, amount, captured, points, end } = hold.clone();
        let mut reserved: Vec<(usize, i64)> = Vec::new();
        for at in points {
            let number = naive.points[at].lot + 1;
            match reserved.last_mut() {
                Some((lot, count)) if *lot == number => *count += 1,
                Some(_) | None => reserved.push((number, 1)),
            }
        }
        (*seq, (merchant, receipt, [amount, captured], over_at, end, reserved))
    });
    seen.collect()
}

/// A receipt: what its purchase keeps and each step towards it, then the points of each payment and how many returned.
type BillSeen = (Option<(i64, [i64; 5], bool)>, Vec<[i64; 2]>);

fn bills(state: &WalletState) -> BTreeMap<(MerchantId, String), BillSeen> {
    let seen = state.receipts.iter().map(|(key, file)| {
        let sale = file.purchase.as_ref().map(|purchase| {
            let kept = purchase.sale.kept().unwrap();
            let steps = [kept.total, kept.eligible, kept.earning, kept.uncapped.get(), kept.points.get()];
            (purchase.kept.get(), steps, kept.below_minimum)
        });
        let payments = file.redemptions.iter().map(|paid| [paid.points.get(), paid.reversed.get()]).collect();
        ((key.merchant, key.number.to_string()), (sale, payments))
    });
    without_zeros(seen.collect(), &(None, Vec::new()))
}

fn naive_bills(naive: &Naive) -> BTreeMap<(MerchantId, String), BillSeen> {
    let seen = naive.bills.iter().map(|(key, bill)| {
        let sale = bill.sale.as_ref().map(|sale| {
            let worth = sale.worth(bill.paid_value());
            let steps = [worth.total, worth.eligible, worth.earning, worth.uncapped, worth.points];
            (sale.earned, steps, worth.below_minimum)
        });
        let count = |count: usize| i64::try_from(count).unwrap();
        let payments = bill.payments.iter().map(|paid| [count(paid.points.len()), count(paid.returned)]);
        (key.clone(), (sale, payments.collect()))
    });
    without_zeros(seen.collect(), &(None, Vec::new()))
}

/// Sums of points and value on the accounts of merchants.
fn book(state: &WalletState) -> BTreeMap<(AccountKind, MerchantId), (i64, i64)> {
    let mut sums: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    let own = [AccountKind::Wallet, AccountKind::Pending, AccountKind::Debt];
    for entry in state.journal.entries.iter().filter(|entry| !own.contains(&entry.account_kind)) {
        let sum = sums.entry((entry.account_kind, MerchantId::new(entry.account))).or_default();
        sum.0 += entry.amount;
        sum.1 += entry.value;
    }
    without_zeros(sums, &(0, 0))
}

/// Sums of points on the accounts of the wallet: posted, pending and debt.
fn own_accounts(state: &WalletState) -> [i64; 3] {
    [AccountKind::Wallet, AccountKind::Pending, AccountKind::Debt].map(|kind| {
        let entries = state.journal.entries.iter().filter(|entry| entry.account_kind == kind);
        entries.map(|entry| entry.amount).sum()
    })
}
