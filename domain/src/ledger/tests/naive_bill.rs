//! The naive model's side of a receipt: what a basket earns, and which points paid for it.

use crate::{
    calendar::LocalDay,
    ledger::{CommandEarn, RefundSpec, Rejection},
};

use super::builders::PRICES;

/// A receipt: its sale once it earned, and the points that paid for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Bill {
    pub(super) sale: Option<Sale>,
    /// Points in the order in which they come back: the oldest payment first, of each the last spent first.
    paid: Vec<usize>,
    returned: usize,
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
    pub(super) capped_day: Option<LocalDay>,
    pub(super) lot: usize,
    pub(super) earned: i64,
}

impl Bill {
    pub(super) fn pay(&mut self, mut points: Vec<usize>) {
        points.reverse();
        self.paid.extend(points);
    }

    pub(super) fn paid_value(&self) -> i64 {
        i64::try_from(self.paid.len()).unwrap() * PRICES.redeem
    }

    /// The points that come back next: of all that paid, the share of the basket that is back.
    pub(super) fn points_to_give_back(&self) -> Vec<usize> {
        let sale = self.sale.as_ref().unwrap();
        let share = i64::try_from(self.paid.len()).unwrap() * (sale.total() - sale.left()) / sale.total();
        let upto = usize::try_from(share).unwrap().max(self.returned);
        self.paid[self.returned..upto].to_vec()
    }

    pub(super) fn gave_back(&mut self, count: usize) {
        self.returned += count;
    }
}

impl Sale {
    pub(super) fn new(earn: &CommandEarn, most: Option<i64>, lot: usize) -> Self {
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
    pub(super) fn worth(&self, paid: i64) -> i64 {
        if self.left() < self.minimum || self.left() == 0 {
            return 0;
        }
        let earning = self.lines_left(|line| line.earns) * self.left() / self.lines_left(|_| true);
        let unpaid = earning * (self.total() - paid).max(0) / self.total();
        let points = unpaid * self.points_per.0 / self.points_per.1;
        self.most.map_or(points, |most| points.min(most))
    }

    pub(super) fn take_back(&mut self, what: &RefundSpec) -> Result<(), Rejection> {
        let mut next = self.clone();
        match what {
            RefundSpec::Whole => {
                next.amount_back = 0;
                next.lines.iter_mut().for_each(|line| line.back = line.units);
            }
            RefundSpec::Amount(amount) => next.amount_back += amount,
            RefundSpec::Lines(lines) => {
                for (line_no, units) in lines {
                    let line = next.lines.iter_mut().find(|line| line.line_no == *line_no);
                    let nothing_left = self.left() == 0;
                    let unknown =
                        if nothing_left { Rejection::RefundExceedsPurchase } else { Rejection::LineNotFound };
                    line.ok_or(unknown)?.back += units;
                }
            }
        }
        if next.left() < 0 || next.lines.iter().any(|line| line.back > line.units) {
            return Err(Rejection::RefundExceedsPurchase);
        }
        *self = next;
        Ok(())
    }
}
