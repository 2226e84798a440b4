//! What time alone does to a wallet: activation of pending points, the end of holds, expiry of lots.
//!
//! Every decision settles first what is due, in order of due time and each as an operation of its own with a
//! deterministic key. So answers never depend on whether a sweep ran before.

use std::collections::BTreeSet;

use super::{
    AccountKind, Command, Digest, Fault, HoldState, Idem, LotState, LotUseKind, OpKind, Tenant, Wallet,
    WalletState,
    posting::{Heading, Posting},
    state::due_after,
};
use crate::{id::MerchantId, points::Points, time::Instant};

/// One thing that is due, in the order in which simultaneous ones happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A pending lot becomes active.
    Activation(i64),
    /// A hold's time is over.
    HoldEnd(i64),
    /// A lot's last valid instant has passed.
    Expiry(i64),
}

/// Whether a decision on a wallet at `now` needs its open lots and holds. An earn on a wallet that owes nothing
/// and has nothing due does not: the hot path reads one row.
pub fn needs_detail(wallet: &Wallet, command: &Command, now: Instant) -> bool {
    let command_needs = match command {
        Command::Earn(_) => !wallet.balances.debt.is_zero(),
        Command::SetStatus(_) | Command::Reopen { .. } => false,
        Command::Hold(_)
        | Command::Capture { .. }
        | Command::Release { .. }
        | Command::Redeem(_)
        | Command::Refund(_)
        | Command::Settle => true,
    };
    command_needs || wallet.next_due <= now.max(wallet.last_recorded_at)
}

/// Settles what is due on the wallet at `now`. Readers run the same function and write nothing.
///
/// # Errors
/// [`Fault`] when the state is incomplete.
pub fn settle(state: &mut WalletState, now: Instant) -> Result<(), Fault> {
    let now = now.max(state.wallet.last_recorded_at);
    if state.wallet.next_due > now {
        return Ok(());
    }
    if !state.detail_read {
        return Err(Fault::DetailNotRead);
    }
    let mut queue = due_now(state, now);
    while let Some((at, due)) = queue.pop_first() {
        match due {
            Due::Activation(lot_no) => {
                activate(state, lot_no, at, now)?;
                queue.extend(expiry_of(state, lot_no, now));
            }
            Due::HoldEnd(hold) => {
                let freed = end_hold(state, hold, at, now)?;
                queue.extend(freed.into_iter().filter_map(|lot_no| expiry_of(state, lot_no, now)));
            }
            Due::Expiry(lot_no) => expire(state, lot_no, at, now)?,
        }
    }
    state.refresh_next_due();
    Ok(())
}

fn due_now(state: &WalletState, now: Instant) -> BTreeSet<(Instant, Due)> {
    let mut queue = BTreeSet::new();
    for lot in state.lots.values() {
        match lot.state {
            LotState::Pending if lot.active_from <= now && !lot.remaining.is_zero() => {
                queue.insert((lot.active_from, Due::Activation(lot.lot_no)));
            }
            LotState::Pending | LotState::Active => queue.extend(expiry_of(state, lot.lot_no, now)),
        }
    }
    for hold in state.holds.values().filter(|hold| hold.state == HoldState::Open && hold.expires_at <= now) {
        queue.insert((hold.expires_at, Due::HoldEnd(hold.seq)));
    }
    queue
}

fn expiry_of(state: &WalletState, lot_no: i64, now: Instant) -> Option<(Instant, Due)> {
    let lot = state.lots.get(&lot_no)?;
    let over = lot.state == LotState::Active && lot.expired(now) && !lot.free().is_zero();
    over.then(|| (due_after(lot.expires_at), Due::Expiry(lot_no)))
}

fn activate(state: &mut WalletState, lot_no: i64, at: Instant, now: Instant) -> Result<(), Fault> {
    let key = format!("activate:{}:{lot_no}", state.wallet.id);
    let mut posting = Posting::open_due(state, now, at);
    let seq = posting.seq;
    let lot = posting.state.lot_mut(lot_no)?;
    lot.state = LotState::Active;
    lot.changed_seq = seq;
    let quantity = lot.remaining;
    posting.post(AccountKind::Pending, posting.state.account(), quantity.get().saturating_neg(), 0)?;
    posting.post_wallet(quantity.get())?;
    // A fixed last day may pass while the points are still pending.
    posting.expire_if_over(lot_no)?;
    posting.repay_debt()?;
    posting.close(internal(OpKind::Activation, &key, quantity, at));
    Ok(())
}

/// Ends a hold whose time is over; answers the lots it had reserved.
fn end_hold(state: &mut WalletState, hold: i64, at: Instant, now: Instant) -> Result<Vec<i64>, Fault> {
    let key = format!("hold-end:{}:{hold}", state.wallet.id);
    let held = state.holds.get(&hold).ok_or(Fault::Missing("a hold"))?;
    let freed = held.reserved.iter().map(|(lot_no, _)| *lot_no).collect();
    let mut posting = Posting::open_due(state, now, at);
    let (amount, merchant) = free_hold(&mut posting, hold, HoldState::Expired)?;
    posting.close(Heading {
        merchant: Some(merchant),
        ref_seq: Some(hold),
        ..internal(OpKind::HoldEnd, &key, amount, at)
    });
    Ok(freed)
}

fn expire(state: &mut WalletState, lot_no: i64, at: Instant, now: Instant) -> Result<(), Fault> {
    let changed_seq = state.lots.get(&lot_no).map_or(0, |lot| lot.changed_seq);
    let key = format!("expire:{}:{lot_no}:{changed_seq}", state.wallet.id);
    let mut posting = Posting::open_due(state, now, at);
    let quantity = posting.expire_if_over(lot_no)?;
    if !quantity.is_zero() {
        posting.close(internal(OpKind::Expiry, &key, quantity, at));
    }
    Ok(())
}

/// Frees all that a hold reserved; what is freed in a lot that has expired expires with it, and debt is repaid.
pub(super) fn free_hold(
    posting: &mut Posting<'_>,
    hold: i64,
    end: HoldState,
) -> Result<(Points, MerchantId), Fault> {
    posting.state.changes.holds.insert(hold);
    let held = posting.state.holds.get_mut(&hold).ok_or(Fault::Missing("a hold"))?;
    held.state = end;
    let (amount, merchant) = (held.amount, held.merchant);
    let reserved = std::mem::take(&mut held.reserved);
    for (lot_no, quantity) in &reserved {
        posting.allocate(*lot_no, *quantity, LotUseKind::Release)?;
    }
    posting.move_held(amount.get().saturating_neg())?;
    for (lot_no, _) in &reserved {
        posting.expire_if_over(*lot_no)?;
    }
    posting.repay_debt()?;
    Ok((amount, merchant))
}

fn internal(kind: OpKind, key: &str, amount: Points, occurred_at: Instant) -> Heading {
    Heading {
        tenant: Tenant::Internal,
        idem: Idem::internal(key),
        body: Digest::NONE,
        kind,
        amount,
        money: None,
        merchant: None,
        branch: None,
        receipt: None,
        ref_seq: None,
        rejection: None,
        limit: None,
        occurred_at,
    }
}
