//! The naive model's side of a receipt: what a basket earns, and which points paid for it.

use crate::{
    calendar::LocalDay,
    ledger::{CommandEarn, RefundSpec, Rejection},
};

/// A receipt: its sale once it earned, and the payments in points for it, the oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Bill {
    pub(super) sale: Option<Sale>,
    pub(super) payments: Vec<Payment>,
}

/// Points that paid, in the order in which they were spent; they come back from the end.
#[derive(Debug, Clone)]
pub(super) struct Payment {
    pub(super) points: Vec<usize>,
    pub(super) returned: usize,
    price: i64,
}

/// A point that comes back, with the payment that it was part of and what it had paid.
#[derive(Debug)]
pub(super) struct Back {
    pub(super) payment: usize,
    pub(super) point: usize,
    pub(super) price: i64,
}

#[derive(Debug, Clone)]
struct NaiveLine {
    line_no: i32,
    amount: i64,
    units: i64,
    back: i64,
    earns: bool,
}

/// A purchase that earned.
#[derive(Debug, Clone)]
pub(super) struct Sale {
    lines: Vec<NaiveLine>,
    amount_back: i64,
    points_per: (i64, i64),
    minimum: i64,
    most: Option<i64>,
    pub(super) price: i64,
    pub(super) capped_day: Option<LocalDay>,
    /// The place of its lot, when it earned anything.
    pub(super) lot: usize,
    pub(super) earned: i64,
}

/// What the rest of a basket earns, step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Worth {
    pub(super) total: i64,
    pub(super) eligible: i64,
    pub(super) earning: i64,
    pub(super) below_minimum: bool,
    pub(super) uncapped: i64,
    pub(super) points: i64,
}

impl Bill {
    pub(super) fn pay(&mut self, points: Vec<usize>, price: i64) {
        self.payments.push(Payment { points, returned: 0, price });
    }

    /// What all payments were worth, those included that came back: the share of the basket that they paid for stays
    /// the same, whatever comes back of both.
    pub(super) fn paid_value(&self) -> i64 {
        self.payments.iter().map(|paid| i64::try_from(paid.points.len()).unwrap() * paid.price).sum()
    }

    /// Takes a part of the purchase back; answers the points that return with it: of all that paid, the share of the
    /// basket that is back by now.
    pub(super) fn take_back(&mut self, what: &RefundSpec) -> Result<Vec<Back>, (Rejection, Option<i64>)> {
        let sale = self.sale.as_mut().unwrap();
        let nothing_was_left = sale.left() == 0;
        let taken = sale.take_back(what);
        let (total, left) = (sale.total(), sale.left());
        let paid = self.payments.iter().map(|paid| paid.points.len()).sum::<usize>();
        let returned = self.payments.iter().map(|paid| paid.returned).sum::<usize>();
        let due = usize::try_from(i64::try_from(paid).unwrap() * (total - left) / total).unwrap();
        let coming = due.saturating_sub(returned);
        // Points that paid after everything had come back return with one more refund of the whole.
        if nothing_was_left && (*what != RefundSpec::Whole || coming == 0) {
            return Err((Rejection::RefundExceedsPurchase, Some(0)));
        }
        taken?;
        Ok((0..coming).map(|_| self.next_back()).collect())
    }

    fn next_back(&mut self) -> Back {
        let mut payments = self.payments.iter_mut().enumerate();
        let (payment, paid) = payments.find(|(_, paid)| paid.returned < paid.points.len()).unwrap();
        paid.returned += 1;
        Back { payment, point: paid.points[paid.points.len() - paid.returned], price: paid.price }
    }
}

impl Sale {
    pub(super) fn new(earn: &CommandEarn, price: i64, most: Option<i64>, lot: usize) -> Self {
        let rule = earn.rule.as_ref().unwrap();
        let line = |line: &crate::earn::BasketLine| NaiveLine {
            line_no: line.line_no,
            amount: line.amount,
            units: line.quantity,
            back: 0,
            earns: line.category.as_ref().is_none_or(|name| !rule.excluded_categories.contains(name)),
        };
        Self {
            lines: earn.basket.lines().iter().map(line).collect(),
            amount_back: 0,
            points_per: (rule.rate.points, rule.rate.per),
            minimum: rule.minimum_basket,
            most,
            price,
            capped_day: rule.cap_per_day.map(|_| earn.day),
            lot,
            earned: 0,
        }
    }

    fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.amount).sum()
    }

    fn lines_left(&self, wanted: fn(&NaiveLine) -> bool) -> i64 {
        let left = |line: &NaiveLine| line.amount - line.amount * line.back / line.units;
        self.lines.iter().filter(|line| wanted(line)).map(left).sum()
    }

    /// Money of the basket that is not back.
    pub(super) fn left(&self) -> i64 {
        self.lines_left(|_| true) - self.amount_back
    }

    /// What the rest of the basket earns, when points worth `paid` paid for the basket.
    pub(super) fn worth(&self, paid: i64) -> Worth {
        let (total, lines) = (self.left(), self.lines_left(|_| true));
        let eligible = if total == 0 { 0 } else { self.lines_left(|line| line.earns) * total / lines };
        let earning = eligible * (self.total() - paid).max(0) / self.total();
        let below_minimum = total < self.minimum;
        let uncapped = if below_minimum { 0 } else { earning * self.points_per.0 / self.points_per.1 };
        let points = self.most.map_or(uncapped, |most| uncapped.min(most));
        Worth { total, eligible, earning, below_minimum, uncapped, points }
    }

    fn take_back(&mut self, what: &RefundSpec) -> Result<(), (Rejection, Option<i64>)> {
        let left = self.left();
        let mut next = self.clone();
        match what {
            RefundSpec::Whole => {
                next.amount_back = 0;
                next.lines.iter_mut().for_each(|line| line.back = line.units);
            }
            RefundSpec::Amount(amount) if *amount > left => {
                return Err((Rejection::RefundExceedsPurchase, Some(left)));
            }
            RefundSpec::Amount(amount) => next.amount_back += amount,
            RefundSpec::Lines(lines) => {
                for (line_no, units) in lines {
                    let line = next.lines.iter_mut().find(|line| line.line_no == *line_no);
                    let line = line.ok_or((Rejection::LineNotFound, Some(i64::from(*line_no))))?;
                    if *units > line.units - line.back {
                        return Err((Rejection::RefundExceedsPurchase, Some(line.units - line.back)));
                    }
                    line.back += units;
                }
                // Lines of which an amount has come back already may be worth more than what is left of the purchase.
                if next.left() < 0 {
                    return Err((Rejection::RefundExceedsPurchase, Some(left)));
                }
            }
        }
        *self = next;
        Ok(())
    }
}
