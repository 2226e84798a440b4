//! A naive model of a wallet, written from the design and not from the code: every single point is a thing in a
//! place, time passes tick by tick, and nothing is ever summed up in advance. Slow, and hard to get wrong.
//!
//! Where the design is silent, the model decides and says so:
//!
//! - Of several refusals the one is answered that was known first: what was found at submission, then the member's
//!   block, then the time of the purchase, then the receipt, then the points or the basket.
//! - "Pending first" when points are taken back means the purchase's own pending points. Those of other purchases are
//!   not touched: what is missing becomes debt, which they repay when they become active.
//! - Points that a refund returns to a lot which has expired get one grace lot for each lot of each payment.
//! - What a hold's end or a capture frees in a lot which has expired lapses with it; only refunds know a grace.
//! - A cap that a refund gives back is there for the next purchase of its day, not for those that it cut short.

use std::collections::BTreeMap;

use super::naive_bill::Bill;
use crate::{
    calendar::LocalDay,
    id::MerchantId,
    ledger::{AccountKind, Rejection},
    points::Points,
    time::Instant,
};

/// Where a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Pending,
    Free,
    Held,
    Gone,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    /// Its lot's place in the list.
    pub(super) lot: usize,
    pub(super) place: Place,
}

/// What points that were issued together have in common.
#[derive(Debug, Clone)]
pub(super) struct NaiveLot {
    pub(super) issuer: MerchantId,
    pub(super) price: i64,
    pub(super) active_from: Instant,
    pub(super) last_valid: Option<Instant>,
    pub(super) only_at: Option<MerchantId>,
    pub(super) rule_version: i32,
}

#[derive(Debug, Clone)]
pub(super) struct NaiveHold {
    pub(super) merchant: MerchantId,
    pub(super) receipt: Option<String>,
    pub(super) over_at: Instant,
    pub(super) amount: i64,
    pub(super) captured: i64,
    pub(super) points: Vec<usize>,
    /// How it ended, as a later request is told.
    pub(super) end: Option<Rejection>,
}

/// What other wallets have to do with a receipt.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Elsewhere {
    pub(super) earned: bool,
    pub(super) paid: bool,
}

/// The wallet as a heap of points.
#[derive(Debug, Clone, Default)]
pub(super) struct Naive {
    pub(super) points: Vec<Point>,
    pub(super) lots: Vec<NaiveLot>,
    pub(super) debt: i64,
    /// How many operations there were, those of time alone and refused ones included.
    pub(super) version: i64,
    pub(super) blocked: bool,
    pub(super) holds: BTreeMap<i64, NaiveHold>,
    pub(super) bills: BTreeMap<(MerchantId, String), Bill>,
    pub(super) caps: BTreeMap<(MerchantId, LocalDay), i64>,
    /// Points and minor units on the accounts of merchants.
    pub(super) book: BTreeMap<(AccountKind, MerchantId), (i64, i64)>,
}

/// The points that an operation moved, reserved or freed; or why it was refused, and the number that it met.
pub(super) type Answer = Result<i64, (Rejection, Option<i64>)>;

impl Naive {
    /// Posted, held, pending and debt.
    pub(super) fn balances(&self) -> [i64; 4] {
        let [pending, free, held] = [Place::Pending, Place::Free, Place::Held].map(|place| self.count(place));
        [free + held, held, pending, self.debt]
    }

    fn count(&self, place: Place) -> i64 {
        i64::try_from(self.points.iter().filter(|point| point.place == place).count()).unwrap()
    }

    /// Lets one instant come; it must be called for each.
    pub(super) fn tick(&mut self, now: Instant) {
        for lot in 0..self.lots.len() {
            let pending = self.points_of(lot, Place::Pending);
            if self.lots[lot].active_from <= now && !pending.is_empty() {
                self.version += 1;
                for at in pending {
                    self.points[at].place = Place::Free;
                }
                self.lapse(lot, now);
                self.repay(now);
            }
        }
        let over = |hold: &NaiveHold| hold.end.is_none() && hold.over_at <= now;
        let ended: Vec<i64> = self.holds.iter().filter(|(_, hold)| over(hold)).map(|(seq, _)| *seq).collect();
        for seq in ended {
            self.version += 1;
            for at in self.free(seq, Rejection::HoldExpired) {
                self.lapse(self.points[at].lot, now);
            }
            self.repay(now);
        }
        for lot in 0..self.lots.len() {
            if self.lapse(lot, now) > 0 {
                self.version += 1;
            }
        }
    }

    pub(super) fn points_of(&self, lot: usize, place: Place) -> Vec<usize> {
        let found = self.points.iter().enumerate().filter(|(_, at)| at.lot == lot && at.place == place);
        found.map(|(at, _)| at).collect()
    }

    pub(super) fn is_over(&self, lot: usize, now: Instant) -> bool {
        self.lots[lot].last_valid.is_some_and(|last| last < now)
    }

    /// Free points of a lot that is over are lost; answers how many.
    pub(super) fn lapse(&mut self, lot: usize, now: Instant) -> usize {
        if !self.is_over(lot, now) {
            return 0;
        }
        let lost = self.points_of(lot, Place::Free);
        for at in &lost {
            self.points[*at].place = Place::Gone;
            let NaiveLot { issuer, price, .. } = self.lots[lot];
            self.enter(AccountKind::Breakage, issuer, 1, price);
        }
        lost.len()
    }

    /// Free points repay debt.
    pub(super) fn repay(&mut self, now: Instant) {
        for at in self.spendable(None, now) {
            if self.debt > 0 {
                self.points[at].place = Place::Gone;
                self.debt -= 1;
            }
        }
    }

    pub(super) fn enter(&mut self, kind: AccountKind, merchant: MerchantId, points: i64, price: i64) {
        let account = self.book.entry((kind, merchant)).or_default();
        account.0 += points;
        account.1 += points * price;
    }

    /// Free points in spending order: those that may be spent at a merchant, or all.
    pub(super) fn spendable(&self, merchant: Option<MerchantId>, now: Instant) -> Vec<usize> {
        let allowed = |lot: &NaiveLot| merchant.is_none() || lot.only_at.is_none() || lot.only_at == merchant;
        let mut free: Vec<usize> = (0..self.points.len())
            .filter(|at| {
                let Point { lot, place } = self.points[*at];
                place == Place::Free && allowed(&self.lots[lot]) && !self.is_over(lot, now)
            })
            .collect();
        free.sort_by_key(|at| {
            let lot = self.points[*at].lot;
            let last = self.lots[lot].last_valid;
            (last.is_none(), last, lot, *at)
        });
        free
    }

    pub(super) fn take(
        &mut self,
        merchant: MerchantId,
        count: Points,
        now: Instant,
        place: Place,
    ) -> Result<Vec<usize>, (Rejection, Option<i64>)> {
        let count = usize::try_from(count.get()).unwrap();
        let mut free = self.spendable(Some(merchant), now);
        if free.len() < count {
            return Err((Rejection::InsufficientPoints, Some(i64::try_from(free.len()).unwrap())));
        }
        free.truncate(count);
        for at in &free {
            self.points[*at].place = place;
        }
        Ok(free)
    }

    /// Gives back what a hold still has.
    pub(super) fn free(&mut self, seq: i64, end: Rejection) -> Vec<usize> {
        let hold = self.holds.get_mut(&seq).unwrap();
        hold.end = Some(end);
        let points = std::mem::take(&mut hold.points);
        for at in &points {
            self.points[*at].place = Place::Free;
        }
        points
    }
}
