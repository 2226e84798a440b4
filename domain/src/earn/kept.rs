//! The one formula from basket to points. An earn, its quote and every refund use it: a refund recomputes
//! what the kept part of the basket earns under the terms of the sale, and the ledger posts the difference.

use super::{Basket, EarnRule, Rate};
use crate::points::{InvalidPoints, Points};

/// `floor(whole × part ÷ of)`: the only place where a fraction is rounded, always down, so that rounding never
/// makes points. `None` when `of` is zero or the result leaves 64 bits.
pub fn floor_share(whole: i64, part: i64, of: i64) -> Option<i64> {
    let product = i128::from(whole).checked_mul(i128::from(part))?;
    i64::try_from(product.checked_div_euclid(i128::from(of))?).ok()
}

/// One line of a sale and how much of it came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaleLine {
    /// The line's number on the receipt.
    pub line_no: i32,
    /// The merchant's product code.
    pub product: Option<String>,
    /// The merchant's category.
    pub category: Option<String>,
    /// Price of the whole line in minor units.
    pub amount: i64,
    /// Units bought.
    pub quantity: i64,
    /// Units refunded so far, at most `quantity`.
    pub refunded: i64,
    /// Whether the rule of the sale lets the line earn.
    pub eligible: bool,
}

impl SaleLine {
    /// The one line of a purchase that was reported by its total only, of which nothing has come back.
    pub const fn whole(amount: i64) -> Self {
        // What has no category is excluded by no rule.
        Self { line_no: 1, product: None, category: None, amount, quantity: 1, refunded: 0, eligible: true }
    }

    /// Minor units of the units that were kept.
    fn kept_amount(&self) -> i64 {
        let returned = floor_share(self.amount, self.refunded, self.quantity).unwrap_or(self.amount);
        self.amount.saturating_sub(returned)
    }
}

/// A sale with the terms that held when it was made, and what has come back of it since. All that a refund
/// changes are the counters `refunded_amount` and `SaleLine::refunded`, which only add up: so any sequence of
/// partial refunds ends where the full one does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    /// Price of the whole basket in minor units, above zero.
    pub total: i64,
    /// The lines; their amounts add up to `total`.
    pub lines: Vec<SaleLine>,
    /// Minor units refunded by amount, not by line.
    pub refunded_amount: i64,
    /// Value in minor units of the points that paid a part of the basket.
    pub paid_value: i64,
    /// Version of the rule.
    pub rule_version: i32,
    /// The rule's ratio.
    pub rate: Rate,
    /// The rule's minimum basket in minor units.
    pub minimum_basket: i64,
    /// The most that the sale could earn: the smaller of the cap per purchase and what the day's cap left.
    pub cap_left: Option<Points>,
}

/// What the kept part of a sale earns, step by step, so that it can be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Minor units of the basket that were kept.
    pub total: i64,
    /// Kept minor units of the lines that may earn, after refunds by amount took their share.
    pub eligible: i64,
    /// `eligible` without the share that was paid with points.
    pub earning: i64,
    /// Whether the kept basket is below the rule's minimum, so that it earns nothing.
    pub below_minimum: bool,
    /// Points by the ratio, rounded down, before the cap.
    pub uncapped: Points,
    /// Points after the cap.
    pub points: Points,
}

impl Sale {
    /// A new sale of `basket` under `rule`, of which nothing has come back yet.
    pub fn new(basket: &Basket, rule: &EarnRule, cap_left: Option<Points>, paid_value: i64) -> Self {
        let lines = basket
            .lines()
            .iter()
            .map(|line| SaleLine {
                line_no: line.line_no,
                product: line.product.clone(),
                category: line.category.clone(),
                amount: line.amount,
                quantity: line.quantity,
                refunded: 0,
                eligible: rule.includes(line.category.as_deref()),
            })
            .collect();
        Self {
            total: basket.total().minor_units(),
            lines,
            refunded_amount: 0,
            paid_value,
            rule_version: rule.version,
            rate: rule.rate,
            minimum_basket: rule.minimum_basket,
            cap_left,
        }
    }

    /// Minor units of the lines whose units were kept, before refunds by amount.
    pub fn kept_lines(&self) -> i64 {
        self.lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.kept_amount()))
    }

    /// Minor units of the basket that were kept.
    pub fn kept_total(&self) -> i64 {
        self.kept_lines().saturating_sub(self.refunded_amount).max(0)
    }

    /// What the kept part earns.
    ///
    /// With `K` = kept lines, `U` = refunded by amount, `E` = kept lines that may earn, `T` = total,
    /// `P` = paid with points: `eligible = ⌊E × (K − U) ÷ K⌋`, `earning = ⌊eligible × (T − P) ÷ T⌋`,
    /// `points = min(⌊earning × rate⌋, cap_left)`, and zero below the minimum basket. Each step falls or stays
    /// when more comes back, so a refund never mints points.
    ///
    /// # Errors
    /// When the points leave the range of [`Points`].
    pub fn kept(&self) -> Result<Kept, InvalidPoints> {
        let lines = self.kept_lines();
        let total = self.kept_total();
        let eligible_lines = self
            .lines
            .iter()
            .filter(|line| line.eligible)
            .fold(0, |sum: i64, line| sum.saturating_add(line.kept_amount()));
        let eligible = floor_share(eligible_lines, total, lines).unwrap_or(0);
        let unpaid = self.total.saturating_sub(self.paid_value).max(0);
        let earning = floor_share(eligible, unpaid, self.total).unwrap_or(0);
        let below_minimum = total < self.minimum_basket;
        let by_ratio = floor_share(earning, self.rate.points, self.rate.per).ok_or(InvalidPoints::TooMany)?;
        let uncapped = if below_minimum { Points::ZERO } else { Points::new(by_ratio)? };
        let points = self.cap_left.map_or(uncapped, |cap| uncapped.min(cap));
        Ok(Kept { total, eligible, earning, below_minimum, uncapped, points })
    }
}
