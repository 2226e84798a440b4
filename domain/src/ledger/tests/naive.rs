//! A naive model of a wallet, written from the design and not from the code: every single point is a thing in a
//! place, time passes tick by tick, and nothing is ever summed up in advance. Slow, and hard to get wrong.

use std::collections::BTreeMap;

use super::naive_bill::{Bill, Sale};
use crate::{
    calendar::LocalDay,
    id::MerchantId,
    ledger::{Command, CommandEarn, CommandRefund, RefundSpec, Rejection, WalletStatus},
    points::Points,
    time::Instant,
};

/// Where a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Pending(Instant),
    Free,
    Held,
    Gone,
}

#[derive(Debug, Clone)]
struct Point {
    last_valid: Option<Instant>,
    lot: usize,
    only_at: Option<MerchantId>,
    place: Place,
}

#[derive(Debug, Clone)]
struct NaiveHold {
    merchant: MerchantId,
    receipt: Option<String>,
    over_at: Instant,
    points: Vec<usize>,
    /// How it ended, as a later request is told.
    end: Option<Rejection>,
}

/// The wallet as a heap of points.
#[derive(Debug, Default)]
pub(super) struct Naive {
    points: Vec<Point>,
    lots: usize,
    debt: i64,
    blocked: bool,
    holds: BTreeMap<i64, NaiveHold>,
    bills: BTreeMap<(MerchantId, String), Bill>,
    caps: BTreeMap<(MerchantId, LocalDay), i64>,
}

type Answer = Result<(), Rejection>;

impl Naive {
    /// Posted, held, pending and debt.
    pub(super) fn balances(&self) -> [i64; 4] {
        let count = |wanted: fn(Place) -> bool| {
            i64::try_from(self.points.iter().filter(|point| wanted(point.place)).count()).unwrap()
        };
        let held = count(|place| place == Place::Held);
        let pending = count(|place| matches!(place, Place::Pending(_)));
        [count(|place| place == Place::Free) + held, held, pending, self.debt]
    }

    /// Lets one instant come; it must be called for each.
    pub(super) fn tick(&mut self, now: Instant) {
        for lot in 0..=self.lots {
            for point in self.points.iter_mut().filter(|point| point.lot == lot) {
                if matches!(point.place, Place::Pending(from) if from <= now) {
                    point.place = Place::Free;
                }
            }
            self.tidy(now);
        }
        let over: Vec<i64> = self
            .holds
            .iter()
            .filter(|(_, hold)| hold.end.is_none() && hold.over_at <= now)
            .map(|(seq, _)| *seq)
            .collect();
        for seq in over {
            self.free(seq, Rejection::HoldExpired);
            self.tidy(now);
        }
    }

    /// Free points that are over vanish; free points repay debt.
    fn tidy(&mut self, now: Instant) {
        for point in &mut self.points {
            if point.place == Place::Free && point.last_valid.is_some_and(|last| last < now) {
                point.place = Place::Gone;
            }
        }
        while self.debt > 0
            && let Some(first) = self.spendable(None).first()
        {
            self.points[*first].place = Place::Gone;
            self.debt -= 1;
        }
    }

    /// Free points in spending order: those that may be spent at a merchant, or all.
    fn spendable(&self, merchant: Option<MerchantId>) -> Vec<usize> {
        let allowed =
            |point: &Point| merchant.is_none() || point.only_at.is_none() || point.only_at == merchant;
        let mut free: Vec<usize> = (0..self.points.len())
            .filter(|at| self.points[*at].place == Place::Free && allowed(&self.points[*at]))
            .collect();
        free.sort_by_key(|at| {
            let point = &self.points[*at];
            (point.last_valid.is_none(), point.last_valid, point.lot, *at)
        });
        free
    }

    fn take(&mut self, merchant: MerchantId, count: i64, place: Place) -> Result<Vec<usize>, Rejection> {
        if self.blocked {
            return Err(Rejection::MemberBlocked);
        }
        let count = usize::try_from(count).unwrap();
        let mut free = self.spendable(Some(merchant));
        if free.len() < count {
            return Err(Rejection::InsufficientPoints);
        }
        free.truncate(count);
        for at in &free {
            self.points[*at].place = place;
        }
        Ok(free)
    }

    /// Gives back what a hold still has.
    fn free(&mut self, seq: i64, end: Rejection) -> Vec<usize> {
        let hold = self.holds.get_mut(&seq).unwrap();
        hold.end = Some(end);
        let points = std::mem::take(&mut hold.points);
        for at in &points {
            self.points[*at].place = Place::Free;
        }
        points
    }

    /// Does what is asked; `seq` is the number that a new hold gets.
    pub(super) fn ask(&mut self, merchant: MerchantId, command: &Command, seq: i64, now: Instant) -> Answer {
        let answer = match command {
            Command::Earn(earn) => self.earn(merchant, earn, now),
            Command::Hold(hold) => self.take(merchant, hold.amount.get(), Place::Held).map(|points| {
                let receipt = hold.receipt.as_ref().map(ToString::to_string);
                let over_at = now.plus(hold.ttl);
                self.holds.insert(seq, NaiveHold { merchant, receipt, over_at, points, end: None });
            }),
            Command::Redeem(redeem) => self.take(merchant, redeem.amount.get(), Place::Gone).map(|points| {
                if let Some(number) = &redeem.receipt {
                    self.pay(merchant, number.as_str(), points);
                }
            }),
            Command::Capture { hold, amount } => self.capture(*hold, amount.map(Points::get), now),
            Command::Release { hold } => self.open_hold(*hold).map(|_| {
                self.free(*hold, Rejection::HoldReleased);
            }),
            Command::Refund(refund) => self.refund(merchant, refund, now),
            Command::SetStatus(status) => {
                self.blocked = *status == WalletStatus::Blocked;
                Ok(())
            }
            Command::Settle => Ok(()),
        };
        self.tidy(now);
        answer
    }

    fn open_hold(&self, seq: i64) -> Result<NaiveHold, Rejection> {
        let hold = self.holds.get(&seq).ok_or(Rejection::HoldNotFound)?;
        hold.end.map_or_else(|| Ok(hold.clone()), Err)
    }

    fn earn(&mut self, merchant: MerchantId, earn: &CommandEarn, now: Instant) -> Answer {
        if self.blocked {
            return Err(Rejection::MemberBlocked);
        }
        let bill = self.bills.entry((merchant, earn.receipt.to_string())).or_default();
        if bill.sale.is_some() {
            return Err(Rejection::ReceiptAlreadyUsed);
        }
        let rule = earn.rule.as_ref().unwrap();
        let used = self.caps.entry((merchant, earn.day)).or_default();
        let caps =
            [rule.cap_per_purchase.map(Points::get), rule.cap_per_day.map(|cap| (cap.get() - *used).max(0))];
        self.lots += 1;
        let mut sale = Sale::new(earn, caps.into_iter().flatten().min(), self.lots);
        sale.earned = sale.worth(bill.paid_value());
        if sale.capped_day.is_some() {
            *used += sale.earned;
        }
        let place = if earn.active_from <= now { Place::Free } else { Place::Pending(earn.active_from) };
        for _ in 0..sale.earned {
            let only_at = rule.spend_only_at_issuer.then_some(merchant);
            self.points.push(Point { last_valid: earn.expires_at, lot: self.lots, only_at, place });
        }
        bill.sale = Some(sale);
        Ok(())
    }

    fn capture(&mut self, seq: i64, amount: Option<i64>, now: Instant) -> Answer {
        let hold = self.open_hold(seq)?;
        let amount = amount.map_or(hold.points.len(), |amount| usize::try_from(amount).unwrap());
        if amount > hold.points.len() {
            return Err(Rejection::CaptureExceedsHold);
        }
        let mut points = self.free(seq, Rejection::HoldCaptured);
        points.truncate(amount);
        for at in &points {
            self.points[*at].place = Place::Gone;
        }
        self.tidy(now);
        if let Some(number) = hold.receipt {
            self.pay(hold.merchant, &number, points);
        }
        Ok(())
    }

    /// Points pay for a receipt; what they paid for earns nothing, also when it had.
    fn pay(&mut self, merchant: MerchantId, number: &str, points: Vec<usize>) {
        self.bills.entry((merchant, number.to_owned())).or_default().pay(points);
        self.recount(merchant, number);
    }

    /// Takes back what a purchase no longer earns: pending, then its own lot, then any other, then as debt.
    fn recount(&mut self, merchant: MerchantId, number: &str) {
        let bill = self.bills.get_mut(&(merchant, number.to_owned())).unwrap();
        let value = bill.paid_value();
        let Some(sale) = &mut bill.sale else { return };
        let worth = sale.worth(value);
        let (lost, lot) = (sale.earned - worth, sale.lot);
        sale.earned = worth;
        if let Some(day) = sale.capped_day {
            *self.caps.get_mut(&(merchant, day)).unwrap() -= lost;
        }
        for _ in 0..lost {
            let own = (0..self.points.len()).find(|at| {
                let point = &self.points[*at];
                point.lot == lot && matches!(point.place, Place::Pending(_) | Place::Free)
            });
            match own.or_else(|| self.spendable(None).first().copied()) {
                Some(at) => self.points[at].place = Place::Gone,
                None => self.debt += 1,
            }
        }
    }

    fn refund(&mut self, merchant: MerchantId, refund: &CommandRefund, now: Instant) -> Answer {
        let number = refund.receipt.to_string();
        let bill = self.bills.get_mut(&(merchant, number.clone())).ok_or(Rejection::PurchaseNotFound)?;
        let sale = bill.sale.as_mut().ok_or(Rejection::PurchaseNotFound)?;
        let before = sale.clone();
        sale.take_back(&refund.what)?;
        let everything_was_back = before.left() == 0;
        let back = bill.points_to_give_back();
        if everything_was_back && (refund.what != RefundSpec::Whole || back.is_empty()) {
            bill.sale = Some(before);
            return Err(Rejection::RefundExceedsPurchase);
        }
        bill.gave_back(back.len());
        for at in back {
            let over = self.points[at].last_valid.is_some_and(|last| last < now);
            match refund.grace {
                Some(grace) if over => {
                    self.lots += 1;
                    let last_valid = Some(now.plus(grace));
                    let point =
                        Point { last_valid, lot: self.lots, place: Place::Free, ..self.points[at].clone() };
                    self.points.push(point);
                }
                _ if over => {}
                _ => self.points[at].place = Place::Free,
            }
        }
        self.recount(merchant, &number);
        Ok(())
    }
}
