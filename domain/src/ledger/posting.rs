//! One operation in the making: it moves points between accounts and allocates lots, and keeps both in step.

use uuid::Uuid;

use super::{
    AccountKind, Digest, Entry, Fault, Idem, Lot, LotState, LotUse, LotUseKind, OpKind, OpRecord, Rejection,
    Tenant, WalletState,
};
use crate::{
    id::{BranchId, MerchantId},
    money::Money,
    points::Points,
    text::ReceiptNumber,
    time::Instant,
};

/// What an operation's record says besides its balances.
pub(super) struct Heading {
    pub(super) tenant: Tenant,
    pub(super) idem: Idem,
    pub(super) body: Digest,
    pub(super) kind: OpKind,
    pub(super) amount: Points,
    pub(super) money: Option<i64>,
    pub(super) merchant: Option<MerchantId>,
    pub(super) branch: Option<BranchId>,
    pub(super) receipt: Option<ReceiptNumber>,
    pub(super) ref_seq: Option<i64>,
    pub(super) rejection: Option<Rejection>,
    pub(super) limit: Option<i64>,
    pub(super) occurred_at: Instant,
}

/// One operation in the making. Nothing is recorded until [`Posting::close`].
pub(super) struct Posting<'a> {
    pub(super) state: &'a mut WalletState,
    /// The operation's sequence number.
    pub(super) seq: i64,
    /// The ledger's time: the clock, or the wallet's last operation if the clock is behind it.
    pub(super) now: Instant,
    /// The instant by which the operation judges lots: `now`, or when it fell due for what time alone does. So a
    /// late sweep decides what a punctual one would have decided.
    pub(super) as_of: Instant,
    entries: Vec<Entry>,
}

impl<'a> Posting<'a> {
    /// Opens the wallet's next operation.
    pub(super) fn open(state: &'a mut WalletState, now: Instant) -> Self {
        let seq = state.wallet.version.saturating_add(1);
        let now = now.max(state.wallet.last_recorded_at);
        Self { state, seq, now, as_of: now, entries: Vec::new() }
    }

    /// Opens the wallet's next operation for what fell due at `at`.
    pub(super) fn open_due(state: &'a mut WalletState, now: Instant, at: Instant) -> Self {
        Self { as_of: at, ..Self::open(state, now) }
    }

    /// Posts one leg. A leg on an account of the wallet moves the wallet's balance with it.
    pub(super) fn post(
        &mut self,
        account_kind: AccountKind,
        account: Uuid,
        amount: i64,
        value: i64,
    ) -> Result<(), Fault> {
        let balances = &mut self.state.wallet.balances;
        match account_kind {
            AccountKind::Wallet => balances.posted = moved(balances.posted, amount)?,
            AccountKind::Pending => balances.pending = moved(balances.pending, amount)?,
            AccountKind::Debt => balances.debt = moved(balances.debt, amount.saturating_neg())?,
            AccountKind::MerchantIssue
            | AccountKind::MerchantRedeem
            | AccountKind::Breakage
            | AccountKind::Transit
            | AccountKind::Adjustment => {}
        }
        if let Some(leg) =
            self.entries.iter_mut().find(|leg| leg.account_kind == account_kind && leg.account == account)
        {
            leg.amount = leg.amount.checked_add(amount).ok_or(Fault::Overflow)?;
            leg.value = leg.value.checked_add(value).ok_or(Fault::Overflow)?;
        } else {
            self.entries.push(Entry { seq: self.seq, leg: 0, account_kind, account, amount, value });
        }
        Ok(())
    }

    /// Posts a leg on the wallet's own posted points.
    pub(super) fn post_wallet(&mut self, amount: i64) -> Result<(), Fault> {
        self.post(AccountKind::Wallet, self.state.account(), amount, 0)
    }

    /// Moves points into or out of the wallet's held part.
    pub(super) fn move_held(&mut self, amount: i64) -> Result<(), Fault> {
        let balances = &mut self.state.wallet.balances;
        balances.held = moved(balances.held, amount)?;
        Ok(())
    }

    /// Allocates points of a lot and records how.
    pub(super) fn allocate(&mut self, lot_no: i64, quantity: Points, kind: LotUseKind) -> Result<(), Fault> {
        if quantity.is_zero() {
            return Ok(());
        }
        let seq = self.seq;
        let lot = self.state.lot_mut(lot_no)?;
        match kind {
            LotUseKind::Spend
            | LotUseKind::Expire
            | LotUseKind::Repay
            | LotUseKind::Clawback
            | LotUseKind::Cancel
            | LotUseKind::Transfer => lot.remaining = lot.remaining.minus(quantity)?,
            LotUseKind::Restore => lot.remaining = lot.remaining.plus(quantity)?,
            LotUseKind::Reserve => lot.reserved = lot.reserved.plus(quantity)?,
            LotUseKind::Release => lot.reserved = lot.reserved.minus(quantity)?,
        }
        lot.changed_seq = seq;
        self.state.journal.lot_uses.push(LotUse { seq, lot_no, quantity, kind });
        Ok(())
    }

    /// Allocates `amount` over lots in spending order: those that can be spent at `merchant`, or any active one
    /// when `merchant` does not matter. Answers what was allocated; less than asked when the lots end.
    pub(super) fn allocate_in_order(
        &mut self,
        amount: Points,
        reach: Reach,
        kind: LotUseKind,
    ) -> Result<Vec<(i64, Points)>, Fault> {
        let mut left = amount;
        let mut taken = Vec::new();
        for lot_no in self.state.lots_by_spending_order() {
            if left.is_zero() {
                break;
            }
            let quantity =
                self.state.lots.get(&lot_no).map_or(Points::ZERO, |lot| reach.of(lot, self.as_of)).min(left);
            if !quantity.is_zero() {
                self.allocate(lot_no, quantity, kind)?;
                left = left.less(quantity);
                taken.push((lot_no, quantity));
            }
        }
        Ok(taken)
    }

    /// Opens a new lot and answers its number.
    pub(super) fn open_lot(&mut self, mut lot: Lot) -> i64 {
        let lot_no = self.state.wallet.next_lot;
        self.state.wallet.next_lot = lot_no.saturating_add(1);
        lot.lot_no = lot_no;
        lot.changed_seq = self.seq;
        self.state.lots.insert(lot_no, lot);
        self.state.changes.lots.insert(lot_no);
        lot_no
    }

    /// Expires what is free in an active lot whose last valid instant has passed.
    pub(super) fn expire_if_over(&mut self, lot_no: i64) -> Result<Points, Fault> {
        let lot = self.state.lots.get(&lot_no).ok_or(Fault::Missing("a lot"))?;
        let (quantity, issuer, price) = (lot.free(), lot.issuer, lot.price);
        match lot.state {
            LotState::Active if lot.expired(self.as_of) && !quantity.is_zero() => {}
            LotState::Active | LotState::Pending => return Ok(Points::ZERO),
        }
        self.allocate(lot_no, quantity, LotUseKind::Expire)?;
        self.post_wallet(quantity.get().saturating_neg())?;
        self.post(AccountKind::Breakage, issuer.uuid(), quantity.get(), worth(quantity, price)?)?;
        Ok(quantity)
    }

    /// Repays debt from whatever can be spent, so that a wallet never has both.
    pub(super) fn repay_debt(&mut self) -> Result<(), Fault> {
        let balances = self.state.wallet.balances;
        let owed = balances.debt.min(balances.available());
        if owed.is_zero() {
            return Ok(());
        }
        let taken = self.allocate_in_order(owed, Reach::Any, LotUseKind::Repay)?;
        let repaid = taken.iter().fold(0, |sum: i64, (_, quantity)| sum.saturating_add(quantity.get()));
        self.post_wallet(repaid.saturating_neg())?;
        self.post(AccountKind::Debt, self.state.account(), repaid, 0)
    }

    /// Records the operation and moves the wallet to its version.
    pub(super) fn close(mut self, heading: Heading) {
        let mut leg: i16 = 0;
        for mut entry in self.entries.drain(..).filter(|entry| entry.amount != 0 || entry.value != 0) {
            leg = leg.saturating_add(1);
            entry.leg = leg;
            self.state.journal.entries.push(entry);
        }
        let wallet = &mut self.state.wallet;
        wallet.version = self.seq;
        wallet.last_recorded_at = self.now;
        let after = wallet.balances;
        let Heading { tenant, idem, body, kind, amount, money, merchant, branch, receipt, ref_seq, .. } =
            heading;
        self.state.journal.ops.push(OpRecord {
            seq: self.seq,
            tenant,
            idem,
            body,
            kind,
            amount,
            money,
            merchant,
            branch,
            receipt,
            ref_seq,
            rejection: heading.rejection,
            limit: heading.limit,
            after,
            occurred_at: heading.occurred_at,
            recorded_at: self.now,
        });
        self.state.refresh_next_due();
    }
}

/// Which lots an allocation may touch.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reach {
    /// Those that can be spent at a merchant.
    Spendable(Option<MerchantId>),
    /// Any active lot, whatever its restriction.
    Any,
}

impl Reach {
    fn of(self, lot: &Lot, now: Instant) -> Points {
        match self {
            Self::Spendable(merchant) => lot.spendable_at(merchant, now),
            Self::Any => lot.spendable_at(lot.restriction, now),
        }
    }
}

/// What points are worth at a price in minor units per point.
pub(super) fn worth(points: Points, price: i64) -> Result<i64, Fault> {
    points.get().checked_mul(price).ok_or(Fault::Overflow)
}

/// What points are worth at the price that an operation brings. It is kept to the range of money, so that sums of
/// thousands of such values, in one operation or on a merchant's account, stay far below the limit of 64 bits.
pub(super) fn priced(points: Points, price: i64) -> Result<i64, Rejection> {
    let value = worth(points, price).ok().filter(|value| *value <= Money::MAX);
    value.ok_or(Rejection::AmountTooLarge)
}

fn moved(balance: Points, amount: i64) -> Result<Points, Fault> {
    Ok(Points::new(balance.get().checked_add(amount).ok_or(Fault::Overflow)?)?)
}
