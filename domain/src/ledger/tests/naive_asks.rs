//! What is asked of the naive model, command by command.

use std::collections::BTreeMap;

use super::{
    naive::{Answer, Elsewhere, Naive, NaiveHold, NaiveLot, Place, Point},
    naive_bill::{Back, Sale},
};
use crate::{
    id::MerchantId,
    ledger::{
        AccountKind, Command, CommandEarn, CommandHold, CommandRefund, Operation, Rejection, WalletStatus,
    },
    points::Points,
    time::Instant,
};

impl Naive {
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
            Command::Reopen { .. } => {
                self.blocked = false;
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
