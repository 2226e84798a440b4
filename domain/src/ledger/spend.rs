//! Redeem and hold: a member's points are spent, or reserved to be spent.

use super::{
    AccountKind, CommandHold, CommandRedeem, Fault, Hold, HoldState, LotUseKind, OpKind, Operation,
    ReceiptKey, Redemption, Rejection, WalletState,
    apply::{Stop, heading},
    posting::{Heading, Posting, Reach, priced},
    refund::{check_debt, claw_back},
};
use crate::{id::MerchantId, money::Money, points::Points, text::ReceiptNumber, time::Instant};

pub(super) fn redeem(
    state: &mut WalletState,
    operation: &Operation,
    command: &CommandRedeem,
    now: Instant,
) -> Result<(), Stop> {
    let merchant = operation.merchant.ok_or(Fault::Missing("the merchant"))?;
    let receipt = receipt_key(state, merchant, command.receipt.as_ref())?;
    check_points(state, merchant, command.amount, now)?;
    let value = priced(command.amount, operation.prices.redeem)?;
    if let Some(key) = &receipt {
        check_payable(state, key, command.amount, value)?;
    }

    let mut posting = Posting::open(state, now);
    let spent =
        posting.allocate_in_order(command.amount, Reach::Spendable(Some(merchant)), LotUseKind::Spend)?;
    pay(&mut posting, merchant, command.amount, value)?;
    if let Some(key) = receipt {
        pay_receipt(&mut posting, &key, command.amount, operation.prices.redeem, spent)?;
    }
    posting.close(Heading { amount: command.amount, ..heading(operation, OpKind::Redeem) });
    Ok(())
}

pub(super) fn hold(
    state: &mut WalletState,
    operation: &Operation,
    command: &CommandHold,
    now: Instant,
) -> Result<(), Stop> {
    let merchant = operation.merchant.ok_or(Fault::Missing("the merchant"))?;
    receipt_key(state, merchant, command.receipt.as_ref())?;
    check_points(state, merchant, command.amount, now)?;

    let mut posting = Posting::open(state, now);
    let reserved =
        posting.allocate_in_order(command.amount, Reach::Spendable(Some(merchant)), LotUseKind::Reserve)?;
    posting.move_held(command.amount.get())?;
    let (seq, expires_at) = (posting.seq, posting.now.plus(command.ttl));
    posting.state.changes.holds.insert(seq);
    posting.state.holds.insert(
        seq,
        Hold {
            seq,
            merchant,
            branch: operation.branch,
            receipt: command.receipt.clone(),
            amount: command.amount,
            captured: Points::ZERO,
            expires_at,
            state: HoldState::Open,
            reserved,
        },
    );
    posting.close(Heading { amount: command.amount, ..heading(operation, OpKind::Hold) });
    Ok(())
}

/// The receipt's key, unless the receipt belongs to another wallet.
fn receipt_key(
    state: &WalletState,
    merchant: MerchantId,
    receipt: Option<&ReceiptNumber>,
) -> Result<Option<ReceiptKey>, Stop> {
    let Some(number) = receipt else { return Ok(None) };
    let key = ReceiptKey { merchant, number: number.clone() };
    let elsewhere =
        state.receipts.get(&key).is_some_and(|file| file.earned_elsewhere || file.redeemed_elsewhere);
    if elsewhere { Err(Rejection::ReceiptOfAnotherMember.into()) } else { Ok(Some(key)) }
}

fn check_points(state: &WalletState, merchant: MerchantId, asked: Points, now: Instant) -> Result<(), Stop> {
    let spendable = state.spendable_at(Some(merchant), now.max(state.wallet.last_recorded_at));
    if spendable < asked.get() {
        Err(Stop::Refused(Rejection::InsufficientPoints, Some(spendable)))
    } else {
        Ok(())
    }
}

/// Keeps what pays for one receipt in the range of points and of money, so that a refund can always give it back, and
/// what may have to be taken back in the range of debt.
pub(super) fn check_payable(
    state: &WalletState,
    key: &ReceiptKey,
    points: Points,
    value: i64,
) -> Result<(), Stop> {
    let Some(file) = state.receipts.get(key) else { return Ok(()) };
    let fits = file.paid_points().saturating_add(points.get()) <= Points::MAX
        && file.paid_value().saturating_add(value) <= Money::MAX;
    if !fits {
        return Err(Rejection::AmountTooLarge.into());
    }
    check_debt(state, file.purchase.as_ref().map_or(Points::ZERO, |purchase| purchase.kept))
}

/// Moves spent points from the wallet to the merchant that accepts them.
pub(super) fn pay(
    posting: &mut Posting<'_>,
    merchant: MerchantId,
    amount: Points,
    value: i64,
) -> Result<(), Fault> {
    posting.post_wallet(amount.get().saturating_neg())?;
    posting.post(AccountKind::MerchantRedeem, merchant.uuid(), amount.get(), value)
}

/// Records that points paid for a receipt. Points earn no points: if the receipt's earn came first, it is
/// recomputed and the difference taken back.
pub(super) fn pay_receipt(
    posting: &mut Posting<'_>,
    key: &ReceiptKey,
    points: Points,
    price: i64,
    spent: Vec<(i64, Points)>,
) -> Result<(), Fault> {
    let seq = posting.seq;
    posting.state.changes.receipts.insert(key.clone());
    let file = posting.state.receipts.entry(key.clone()).or_default();
    file.redemptions.push(Redemption { seq, points, reversed: Points::ZERO, price, spent });
    let paid_value = file.paid_value();
    let Some(purchase) = &mut file.purchase else { return Ok(()) };
    purchase.sale.paid_value = paid_value;
    let kept = purchase.sale.kept()?.points;
    let difference = purchase.kept.less(kept);
    purchase.kept = kept;
    let purchase = purchase.clone();
    claw_back(posting, key.merchant, &purchase, difference)?;
    posting.repay_debt()
}
