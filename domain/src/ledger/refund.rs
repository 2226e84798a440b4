//! Refund: a merchant takes a purchase or a part of it back.
//!
//! What the kept basket earns is recomputed under the terms of the sale, and the difference is taken back; what
//! points had paid for the part that came back returns to the lots it came from.

use super::{
    AccountKind, CommandRefund, Fault, Lot, LotState, LotUseKind, OpKind, Operation, Purchase, ReceiptFile,
    ReceiptKey, RefundSpec, Rejection, WalletState,
    apply::{Stop, heading},
    earn::check_room,
    posting::{Heading, Posting, Reach, worth},
};
use crate::{
    earn::{Sale, floor_share},
    id::MerchantId,
    points::Points,
    time::{Instant, Span},
};

pub(super) fn refund(
    state: &mut WalletState,
    operation: &Operation,
    command: &CommandRefund,
    now: Instant,
) -> Result<(), Stop> {
    let merchant = operation.merchant.ok_or(Fault::Missing("the merchant"))?;
    let key = ReceiptKey { merchant, number: command.receipt.clone() };
    let file = state.receipts.get(&key).ok_or(Rejection::PurchaseNotFound)?.clone();
    let purchase = file.purchase.clone().ok_or(Rejection::PurchaseNotFound)?;
    // Points that paid after everything had come back are returned by one more refund of the whole.
    let owed = command.what == RefundSpec::Whole && points_to_return(&file, &purchase.sale) > 0;
    if purchase.sale.kept_total() == 0 && !owed {
        return Err(Stop::Refused(Rejection::RefundExceedsPurchase, Some(0)));
    }
    let sale = reduced(&purchase.sale, &command.what)?;
    let money = purchase.sale.kept_total().saturating_sub(sale.kept_total());
    let kept = sale.kept().map_err(Fault::from)?.points;
    let difference = purchase.kept.less(kept);
    let returned = points_to_return(&file, &sale);
    check_room(state, Points::new(returned).map_err(Fault::from)?)?;
    check_debt(state, difference)?;
    let ref_seq = Some(purchase.seq);

    let mut posting = Posting::open(state, now);
    let file = give_back(&mut posting, file, returned, merchant, command.grace)?;
    let purchase = Purchase { sale, kept, ..purchase };
    claw_back(&mut posting, merchant, &purchase, difference)?;
    posting.repay_debt()?;
    posting.state.changes.receipts.insert(key.clone());
    posting.state.receipts.insert(key, ReceiptFile { purchase: Some(purchase), ..file });
    posting.close(Heading {
        amount: difference,
        money: Some(money),
        ref_seq,
        ..heading(operation, OpKind::Refund)
    });
    Ok(())
}

/// Keeps debt in the range of points, whatever of the points that are taken back is still there.
pub(super) fn check_debt(state: &WalletState, taken: Points) -> Result<(), Stop> {
    state.wallet.balances.debt.plus(taken).map(|_| ()).map_err(|_| Rejection::AmountTooLarge.into())
}

/// The sale after more of it came back. Its counters only add up, so the order of refunds does not matter.
fn reduced(sale: &Sale, what: &RefundSpec) -> Result<Sale, Stop> {
    let left = sale.kept_total();
    let exceeds = |limit: i64| Stop::Refused(Rejection::RefundExceedsPurchase, Some(limit));
    let mut sale = sale.clone();
    match what {
        RefundSpec::Whole => {
            sale.refunded_amount = 0;
            for line in &mut sale.lines {
                line.refunded = line.quantity;
            }
        }
        RefundSpec::Amount(amount) => {
            if !(1..=left).contains(amount) {
                return Err(exceeds(left));
            }
            sale.refunded_amount = sale.refunded_amount.saturating_add(*amount);
        }
        RefundSpec::Lines(lines) => {
            for (line_no, quantity) in lines {
                let line = sale
                    .lines
                    .iter_mut()
                    .find(|line| line.line_no == *line_no)
                    .ok_or(Stop::Refused(Rejection::LineNotFound, Some(i64::from(*line_no))))?;
                let units_left = line.quantity.saturating_sub(line.refunded);
                if !(1..=units_left).contains(quantity) {
                    return Err(exceeds(units_left));
                }
                line.refunded = line.refunded.saturating_add(*quantity);
            }
            if sale.refunded_amount > sale.kept_lines() {
                return Err(exceeds(left));
            }
        }
    }
    Ok(sale)
}

/// Points to give back so that, of the points that paid for the receipt, the share that came back is returned:
/// `⌊paid × refunded ÷ total⌋` over the receipt's life, all of it when nothing is kept.
fn points_to_return(file: &ReceiptFile, sale: &Sale) -> i64 {
    let refunded = sale.total.saturating_sub(sale.kept_total());
    let due = floor_share(file.paid_points(), refunded, sale.total).unwrap_or(0);
    due.saturating_sub(file.reversed_points()).max(0)
}

/// Returns points to the lots that paid, the last spent first, oldest redemption first.
fn give_back(
    posting: &mut Posting<'_>,
    mut file: ReceiptFile,
    points: i64,
    merchant: MerchantId,
    grace: Option<Span>,
) -> Result<ReceiptFile, Fault> {
    let mut left = Points::new(points)?;
    for paid in &mut file.redemptions {
        let quantity = left.min(paid.points.less(paid.reversed));
        if quantity.is_zero() {
            continue;
        }
        for (lot_no, piece) in pieces(&paid.spent, paid.reversed, quantity) {
            restore(posting, lot_no, piece, grace)?;
        }
        let value = worth(quantity, paid.price)?;
        let amount = quantity.get().saturating_neg();
        posting.post(AccountKind::MerchantRedeem, merchant.uuid(), amount, value.saturating_neg())?;
        paid.reversed = paid.reversed.plus(quantity)?;
        left = left.less(quantity);
    }
    Ok(file)
}

/// The lots that `quantity` more points return to when `reversed` have already returned: the allocation read from
/// its end, so that the pieces depend on the sums alone.
fn pieces(spent: &[(i64, Points)], reversed: Points, quantity: Points) -> Vec<(i64, Points)> {
    let (mut skip, mut left) = (reversed, quantity);
    let mut pieces = Vec::new();
    for (lot_no, used) in spent.iter().rev() {
        let here = used.less(skip).min(left);
        skip = skip.less(*used);
        left = left.less(here);
        if !here.is_zero() {
            pieces.push((*lot_no, here));
        }
    }
    pieces
}

/// Puts points back into the lot they came from. If that has expired they get a lot of grace with the same issuer
/// and price, or expire at once.
fn restore(
    posting: &mut Posting<'_>,
    lot_no: i64,
    quantity: Points,
    grace: Option<Span>,
) -> Result<(), Fault> {
    posting.allocate(lot_no, quantity, LotUseKind::Restore)?;
    posting.post_wallet(quantity.get())?;
    let lot = posting.state.lots.get(&lot_no).ok_or(Fault::Missing("a lot"))?.clone();
    if !lot.expired(posting.now) {
        return Ok(());
    }
    let Some(grace) = grace else {
        posting.expire_if_over(lot_no)?;
        return Ok(());
    };
    posting.allocate(lot_no, quantity, LotUseKind::Transfer)?;
    posting.open_lot(Lot {
        original: quantity,
        remaining: quantity,
        reserved: Points::ZERO,
        state: LotState::Active,
        active_from: posting.now,
        expires_at: posting.now.plus(grace),
        ..lot
    });
    Ok(())
}

/// Takes points of a purchase back: from its own lot while pending, from its own lot, from the others in spending
/// order, and the rest as debt. Reserved points are never taken. The day's cap gets its points back.
pub(super) fn claw_back(
    posting: &mut Posting<'_>,
    merchant: MerchantId,
    purchase: &Purchase,
    points: Points,
) -> Result<(), Fault> {
    if points.is_zero() {
        return Ok(());
    }
    let own = claw_back_own(posting, purchase, points)?;
    let others = posting.allocate_in_order(points.less(own), Reach::Any, LotUseKind::Clawback)?;
    let from_others = others.iter().fold(0, |sum: i64, (_, quantity)| sum.saturating_add(quantity.get()));
    posting.post_wallet(from_others.saturating_neg())?;
    let owed = points.less(own).get().saturating_sub(from_others);
    posting.post(AccountKind::Debt, posting.state.account(), owed.saturating_neg(), 0)?;
    posting.post(
        AccountKind::MerchantIssue,
        merchant.uuid(),
        points.get(),
        worth(points, purchase.price)?,
    )?;
    if let Some(day) = purchase.cap_day {
        // What a sale keeps is counted in its day's cap, so the cap is there when it was read as it must be.
        let used = posting.state.caps.get_mut(&(merchant, day)).ok_or(Fault::Missing("a daily cap"))?;
        *used = used.minus(points)?;
        posting.state.changes.caps.insert((merchant, day));
    }
    Ok(())
}

fn claw_back_own(posting: &mut Posting<'_>, purchase: &Purchase, points: Points) -> Result<Points, Fault> {
    let Some(lot_no) = purchase.lot_no else { return Ok(Points::ZERO) };
    let lot = posting.state.lots.get(&lot_no).ok_or(Fault::Missing("a lot"))?;
    let quantity = lot.free().min(points);
    let account = posting.state.account();
    match lot.state {
        LotState::Pending => {
            posting.allocate(lot_no, quantity, LotUseKind::Cancel)?;
            posting.post(AccountKind::Pending, account, quantity.get().saturating_neg(), 0)?;
        }
        LotState::Active => {
            posting.allocate(lot_no, quantity, LotUseKind::Clawback)?;
            posting.post_wallet(quantity.get().saturating_neg())?;
        }
    }
    Ok(quantity)
}
