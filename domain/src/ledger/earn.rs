//! Earn: a merchant issues points for a purchase.

use super::{
    AccountKind, CommandEarn, Fault, Lot, LotState, OpKind, Operation, Purchase, ReceiptKey, Rejection,
    WalletState,
    apply::{Stop, heading},
    lot::NEVER,
    posting::{Heading, Posting, priced},
};
use crate::{
    earn::{EarnRule, Sale},
    id::MerchantId,
    points::Points,
    time::Instant,
};

pub(super) fn earn(
    state: &mut WalletState,
    operation: &Operation,
    command: &CommandEarn,
    now: Instant,
) -> Result<(), Stop> {
    let merchant = operation.merchant.ok_or(Fault::Missing("the merchant"))?;
    let rule = command.rule.as_ref().ok_or(Rejection::NoEarnRule)?;
    let key = ReceiptKey { merchant, number: command.receipt.clone() };
    let paid_value = check_receipt(state, &key)?;
    let cap_day = rule.cap_per_day.map(|_| command.day);
    let used = state.caps.get(&(merchant, command.day)).copied().unwrap_or_default();
    let cap_left = rule.cap_left(used);
    let sale = Sale::new(&command.basket, rule, cap_left, paid_value);
    let points = sale.kept().map_err(|_| Rejection::AmountTooLarge)?.points;
    let value = priced(points, operation.prices.issue)?;
    check_room(state, points)?;

    let mut posting = Posting::open(state, now);
    let lot_no = issue(&mut posting, operation, command, rule, merchant, points)?;
    posting.post(
        AccountKind::MerchantIssue,
        merchant.uuid(),
        points.get().saturating_neg(),
        value.saturating_neg(),
    )?;
    if let Some(day) = cap_day {
        let used = posting.state.caps.entry((merchant, day)).or_default();
        *used = used.plus(points).map_err(Fault::from)?;
        posting.state.changes.caps.insert((merchant, day));
    }
    let seq = posting.seq;
    posting.state.changes.receipts.insert(key.clone());
    posting.state.receipts.entry(key).or_default().purchase =
        Some(Purchase { seq, sale, kept: points, lot_no, cap_day, price: operation.prices.issue });
    if let Some(lot_no) = lot_no {
        // A purchase reported late may earn points whose last valid instant has passed.
        posting.expire_if_over(lot_no)?;
    }
    posting.repay_debt()?;
    posting.close(Heading { amount: points, ..heading(operation, OpKind::Earn) });
    Ok(())
}

/// Refuses a receipt that is taken; answers the value of the points that have already paid for it.
fn check_receipt(state: &WalletState, key: &ReceiptKey) -> Result<i64, Stop> {
    let Some(file) = state.receipts.get(key) else { return Ok(0) };
    if file.purchase.is_some() || file.earned_elsewhere {
        return Err(Rejection::ReceiptAlreadyUsed.into());
    }
    if file.redeemed_elsewhere {
        return Err(Rejection::ReceiptOfAnotherMember.into());
    }
    Ok(file.paid_value())
}

/// Keeps posted and pending together in the range of points, so that no later activation can leave it.
pub(super) fn check_room(state: &WalletState, points: Points) -> Result<(), Stop> {
    let balances = state.wallet.balances;
    let room = balances.posted.plus(balances.pending).and_then(|sum| sum.plus(points));
    room.map(|_| ()).map_err(|_| Rejection::AmountTooLarge.into())
}

/// Puts the points in a lot and on the account that its state belongs to.
fn issue(
    posting: &mut Posting<'_>,
    operation: &Operation,
    command: &CommandEarn,
    rule: &EarnRule,
    merchant: MerchantId,
    points: Points,
) -> Result<Option<i64>, Fault> {
    if points.is_zero() {
        return Ok(None);
    }
    let (state, account) = if command.active_from <= posting.now {
        (LotState::Active, AccountKind::Wallet)
    } else {
        (LotState::Pending, AccountKind::Pending)
    };
    posting.post(account, posting.state.account(), points.get(), 0)?;
    Ok(Some(posting.open_lot(Lot {
        lot_no: 0,
        issuer: merchant,
        price: operation.prices.issue,
        original: points,
        remaining: points,
        reserved: Points::ZERO,
        state,
        active_from: command.active_from,
        expires_at: command.expires_at.unwrap_or(NEVER),
        restriction: rule.spend_only_at_issuer.then_some(merchant),
        rule_version: rule.version,
        changed_seq: 0,
    })))
}
