//! The two ways a merchant ends a hold: capture and release.

use super::{
    Fault, Hold, HoldState, LotUseKind, OpKind, Operation, ReceiptKey, Rejection, WalletState,
    apply::{Stop, heading},
    due::free_hold,
    posting::{Heading, Posting, priced},
    spend::{check_payable, pay, pay_receipt},
};
use crate::{points::Points, time::Instant};

pub(super) fn capture(
    state: &mut WalletState,
    operation: &Operation,
    hold: i64,
    amount: Option<Points>,
    now: Instant,
) -> Result<(), Stop> {
    let held = open_hold(state, operation, hold)?.clone();
    let amount = amount.unwrap_or(held.amount);
    if amount > held.amount {
        return Err(Stop::Refused(Rejection::CaptureExceedsHold, Some(held.amount.get())));
    }
    let value = priced(amount, operation.prices.redeem)?;
    let receipt = held.receipt.clone().map(|number| ReceiptKey { merchant: held.merchant, number });
    let elsewhere = receipt
        .as_ref()
        .and_then(|key| state.receipts.get(key))
        .is_some_and(|file| file.earned_elsewhere || file.redeemed_elsewhere);
    if elsewhere {
        return Err(Rejection::ReceiptOfAnotherMember.into());
    }
    if let Some(key) = &receipt {
        check_payable(state, key, amount, value)?;
    }

    let mut posting = Posting::open(state, now);
    let spent = take_reserved(&mut posting, &held, amount)?;
    pay(&mut posting, held.merchant, amount, value)?;
    for (lot_no, _) in &held.reserved {
        posting.expire_if_over(*lot_no)?;
    }
    if let Some(key) = &receipt {
        pay_receipt(&mut posting, key, amount, operation.prices.redeem, spent)?;
    }
    posting.repay_debt()?;
    let receipt = receipt.map(|key| key.number);
    posting.close(Heading { amount, receipt, ref_seq: Some(hold), ..heading(operation, OpKind::Capture) });
    Ok(())
}

pub(super) fn release(
    state: &mut WalletState,
    operation: &Operation,
    hold: i64,
    now: Instant,
) -> Result<(), Stop> {
    let receipt = open_hold(state, operation, hold)?.receipt.clone();
    let mut posting = Posting::open(state, now);
    let (amount, _) = free_hold(&mut posting, hold, HoldState::Released)?;
    posting.close(Heading { amount, receipt, ref_seq: Some(hold), ..heading(operation, OpKind::Release) });
    Ok(())
}

/// The merchant's open hold; a hold that ended says how it ended.
fn open_hold<'a>(state: &'a WalletState, operation: &Operation, hold: i64) -> Result<&'a Hold, Stop> {
    let held = state
        .holds
        .get(&hold)
        .filter(|held| Some(held.merchant) == operation.merchant)
        .ok_or(Rejection::HoldNotFound)?;
    match held.state {
        HoldState::Open => Ok(held),
        HoldState::Captured => Err(Rejection::HoldCaptured.into()),
        HoldState::Released => Err(Rejection::HoldReleased.into()),
        HoldState::Expired => Err(Rejection::HoldExpired.into()),
    }
}

/// Frees the whole reservation and spends the captured part of it, in spending order.
fn take_reserved(
    posting: &mut Posting<'_>,
    held: &Hold,
    amount: Points,
) -> Result<Vec<(i64, Points)>, Fault> {
    posting.state.changes.holds.insert(held.seq);
    let stored = posting.state.holds.get_mut(&held.seq).ok_or(Fault::Missing("a hold"))?;
    stored.state = HoldState::Captured;
    stored.captured = amount;
    stored.reserved = Vec::new();
    posting.move_held(held.amount.get().saturating_neg())?;
    let mut left = amount;
    let mut spent = Vec::new();
    for (lot_no, quantity) in &held.reserved {
        posting.allocate(*lot_no, *quantity, LotUseKind::Release)?;
        let taken = left.min(*quantity);
        if !taken.is_zero() {
            posting.allocate(*lot_no, taken, LotUseKind::Spend)?;
            left = left.less(taken);
            spent.push((*lot_no, taken));
        }
    }
    Ok(spent)
}
