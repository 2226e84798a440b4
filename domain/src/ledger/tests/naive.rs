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

use super::naive_bill::{Back, Bill, Sale};
use crate::{
    calendar::LocalDay,
    id::MerchantId,
    ledger::{
        AccountKind, Command, CommandEarn, CommandHold, CommandRefund, Operation, Rejection, WalletStatus,
    },
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
    blocked: bool,
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

    fn points_of(&self, lot: usize, place: Place) -> Vec<usize> {
        let found = self.points.iter().enumerate().filter(|(_, at)| at.lot == lot && at.place == place);
        found.map(|(at, _)| at).collect()
    }

    fn is_over(&self, lot: usize, now: Instant) -> bool {
        self.lots[lot].last_valid.is_some_and(|last| last < now)
    }

    /// Free points of a lot that is over are lost; answers how many.
    fn lapse(&mut self, lot: usize, now: Instant) -> usize {
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
    fn repay(&mut self, now: Instant) {
        for at in self.spendable(None, now) {
            if self.debt > 0 {
                self.points[at].place = Place::Gone;
                self.debt -= 1;
            }
        }
    }

    fn enter(&mut self, kind: AccountKind, merchant: MerchantId, points: i64, price: i64) {
        let account = self.book.entry((kind, merchant)).or_default();
        account.0 += points;
        account.1 += points * price;
    }

    /// Free points in spending order: those that may be spent at a merchant, or all.
    fn spendable(&self, merchant: Option<MerchantId>, now: Instant) -> Vec<usize> {
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

    fn take(
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
    fn free(&mut self, seq: i64, end: Rejection) -> Vec<usize> {
        let hold = self.holds.get_mut(&seq).unwrap();
        hold.end = Some(end);
        let points = std::mem::take(&mut hold.points);
        for at in &points {
            self.points[*at].place = Place::Free;
        }
        points
    }

    /// Does what is asked. A refused request changes nothing and is still an operation; one of the ledger itself, a
    /// refund that waited, is none when it is refused.
    pub(super) fn ask(
        &mut self,
        operation: &Operation,
        elsewhere: Elsewhere,
        now: Instant,
        own: bool,
    ) -> Answer {
        let before = self.clone();
        self.version += 1;
        let answer = self.admit(operation, now, own).and_then(|()| self.run(operation, elsewhere, now));
        self.repay(now);
        if answer.is_err() {
            *self = Self { version: if own { before.version } else { self.version }, ..before };
        }
        answer
    }

    fn admit(&self, operation: &Operation, now: Instant, own: bool) -> Result<(), (Rejection, Option<i64>)> {
        let begins = matches!(operation.command, Command::Earn(_) | Command::Hold(_) | Command::Redeem(_));
        let age = now.micros() - operation.occurred_at.micros();
        if let Some(refusal) = operation.refusal {
            Err((refusal, None))
        } else if begins && self.blocked {
            Err((Rejection::MemberBlocked, None))
        } else if age > operation.window.look_back.micros() && !own {
            Err((Rejection::OccurredTooLongAgo, None))
        } else if -age > operation.window.ahead.micros() && !own {
            Err((Rejection::OccurredInFuture, None))
        } else {
            Ok(())
        }
    }

    fn run(&mut self, operation: &Operation, elsewhere: Elsewhere, now: Instant) -> Answer {
        let merchant = operation.merchant.unwrap();
        let price = operation.prices.redeem;
        match &operation.command {
            Command::Earn(earn) => self.earn(merchant, earn, operation.prices.issue, elsewhere, now),
            Command::Hold(hold) => self.hold(merchant, hold, elsewhere, now),
            Command::Redeem(redeem) => {
                let number = redeem.receipt.as_ref().map(ToString::to_string);
                own_receipt(number.as_ref(), elsewhere)?;
                let points = self.take(merchant, redeem.amount, now, Place::Gone)?;
                self.pay(merchant, number, points, price, now);
                Ok(redeem.amount.get())
            }
            Command::Capture { hold, amount } => {
                self.capture(merchant, *hold, amount.map(Points::get), price, elsewhere, now)
            }
            Command::Release { hold } => {
                let held = self.open_hold(merchant, *hold)?;
                for at in self.free(*hold, Rejection::HoldReleased) {
                    self.lapse(self.points[at].lot, now);
                }
                Ok(held.amount)
            }
            Command::Refund(refund) => self.refund(merchant, refund, now),
            Command::SetStatus(status) => {
                self.blocked = *status == WalletStatus::Blocked;
                Ok(0)
            }
            Command::Settle => Ok(0),
        }
    }

    fn open_hold(&self, merchant: MerchantId, seq: i64) -> Result<NaiveHold, (Rejection, Option<i64>)> {
        let hold = self.holds.get(&seq).filter(|hold| hold.merchant == merchant);
        let hold = hold.ok_or((Rejection::HoldNotFound, None))?;
        hold.end.map_or_else(|| Ok(hold.clone()), |end| Err((end, None)))
    }

    fn earn(
        &mut self,
        merchant: MerchantId,
        earn: &CommandEarn,
        price: i64,
        elsewhere: Elsewhere,
        now: Instant,
    ) -> Answer {
        let rule = earn.rule.as_ref().ok_or((Rejection::NoEarnRule, None))?;
        let bill = self.bills.entry((merchant, earn.receipt.to_string())).or_default();
        if bill.sale.is_some() || elsewhere.earned {
            return Err((Rejection::ReceiptAlreadyUsed, None));
        }
        if elsewhere.paid {
            return Err((Rejection::ReceiptOfAnotherMember, None));
        }
        let used = self.caps.entry((merchant, earn.day)).or_default();
        let caps =
            [rule.cap_per_purchase.map(Points::get), rule.cap_per_day.map(|cap| (cap.get() - *used).max(0))];
        let mut sale = Sale::new(earn, price, caps.into_iter().flatten().min(), self.lots.len());
        sale.earned = sale.worth(bill.paid_value()).points;
        if sale.capped_day.is_some() {
            *used += sale.earned;
        }
        let earned = sale.earned;
        bill.sale = Some(sale);
        self.enter(AccountKind::MerchantIssue, merchant, -earned, price);
        if earned > 0 {
            self.lots.push(NaiveLot {
                issuer: merchant,
                price,
                active_from: earn.active_from,
                last_valid: earn.expires_at,
                only_at: rule.spend_only_at_issuer.then_some(merchant),
                rule_version: rule.version,
            });
            let lot = self.lots.len() - 1;
            let place = if earn.active_from <= now { Place::Free } else { Place::Pending };
            self.points.extend((0..earned).map(|_| Point { lot, place }));
            self.lapse(lot, now);
        }
        Ok(earned)
    }

    fn hold(
        &mut self,
        merchant: MerchantId,
        hold: &CommandHold,
        elsewhere: Elsewhere,
        now: Instant,
    ) -> Answer {
        let receipt = hold.receipt.as_ref().map(ToString::to_string);
        own_receipt(receipt.as_ref(), elsewhere)?;
        let points = self.take(merchant, hold.amount, now, Place::Held)?;
        let (amount, over_at) = (hold.amount.get(), now.plus(hold.ttl));
        let hold = NaiveHold { merchant, receipt, over_at, amount, captured: 0, points, end: None };
        self.holds.insert(self.version, hold);
        Ok(amount)
    }

    fn capture(
        &mut self,
        merchant: MerchantId,
        seq: i64,
        amount: Option<i64>,
        price: i64,
        elsewhere: Elsewhere,
        now: Instant,
    ) -> Answer {
        let hold = self.open_hold(merchant, seq)?;
        let amount = amount.unwrap_or(hold.amount);
        if amount > hold.amount {
            return Err((Rejection::CaptureExceedsHold, Some(hold.amount)));
        }
        own_receipt(hold.receipt.as_ref(), elsewhere)?;
        let mut points = self.free(seq, Rejection::HoldCaptured);
        let rest = points.split_off(usize::try_from(amount).unwrap());
        for at in &points {
            self.points[*at].place = Place::Gone;
        }
        for at in rest {
            self.lapse(self.points[at].lot, now);
        }
        self.holds.get_mut(&seq).unwrap().captured = amount;
        self.pay(merchant, hold.receipt, points, price, now);
        Ok(amount)
    }

    /// Points pay at a merchant. What they paid for on a receipt earns nothing, also when it had.
    fn pay(
        &mut self,
        merchant: MerchantId,
        number: Option<String>,
        points: Vec<usize>,
        price: i64,
        now: Instant,
    ) {
        self.enter(AccountKind::MerchantRedeem, merchant, i64::try_from(points.len()).unwrap(), price);
        if let Some(number) = number {
            self.bills.entry((merchant, number.clone())).or_default().pay(points, price);
            self.recount(merchant, &number, now);
        }
    }

    /// Takes back what a purchase no longer earns: its own pending or free points, then any other, then as debt.
    /// Answers how many points that are.
    fn recount(&mut self, merchant: MerchantId, number: &str, now: Instant) -> i64 {
        let bill = self.bills.get_mut(&(merchant, number.to_owned())).unwrap();
        let value = bill.paid_value();
        let Some(sale) = &mut bill.sale else { return 0 };
        let worth = sale.worth(value).points;
        let (lost, lot, price) = (sale.earned - worth, sale.lot, sale.price);
        sale.earned = worth;
        if let Some(day) = sale.capped_day {
            *self.caps.get_mut(&(merchant, day)).unwrap() -= lost;
        }
        let own = [Place::Pending, Place::Free].map(|place| self.points_of(lot, place)).concat();
        let others = self.spendable(None, now).into_iter().filter(|at| self.points[*at].lot != lot);
        let takeable: Vec<usize> = own.into_iter().chain(others).collect();
        let mut takeable = takeable.into_iter();
        for _ in 0..lost {
            match takeable.next() {
                Some(at) => self.points[at].place = Place::Gone,
                None => self.debt += 1,
            }
        }
        self.enter(AccountKind::MerchantIssue, merchant, lost, price);
        lost
    }

    fn refund(&mut self, merchant: MerchantId, refund: &CommandRefund, now: Instant) -> Answer {
        let number = refund.receipt.to_string();
        let bill = self.bills.get_mut(&(merchant, number.clone()));
        let bill = bill.filter(|bill| bill.sale.is_some()).ok_or((Rejection::PurchaseNotFound, None))?;
        let back = bill.take_back(&refund.what)?;
        let mut graces: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for Back { payment, point, price } in back {
            self.enter(AccountKind::MerchantRedeem, merchant, -1, price);
            let lot = self.points[point].lot;
            match refund.grace {
                Some(grace) if self.is_over(lot, now) => {
                    let last_valid = Some(now.plus(grace));
                    let fresh = NaiveLot { active_from: now, last_valid, ..self.lots[lot].clone() };
                    let graced = *graces.entry((payment, lot)).or_insert_with(|| {
                        self.lots.push(fresh);
                        self.lots.len() - 1
                    });
                    self.points.push(Point { lot: graced, place: Place::Free });
                }
                Some(_) | None => {
                    self.points[point].place = Place::Free;
                    self.lapse(lot, now);
                }
            }
        }
        Ok(self.recount(merchant, &number, now))
    }
}

/// A receipt that another wallet earned on or paid for cannot be paid for.
fn own_receipt(number: Option<&String>, elsewhere: Elsewhere) -> Result<(), (Rejection, Option<i64>)> {
    if number.is_some() && (elsewhere.earned || elsewhere.paid) {
        Err((Rejection::ReceiptOfAnotherMember, None))
    } else {
        Ok(())
    }
}
