//! A basket: the lines of one purchase as the merchant reported them.

use crate::money::{InvalidMoney, Money};

/// One line of a basket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasketLine {
    /// The line's number on the receipt, unique in the basket.
    pub line_no: i32,
    /// The merchant's product code, when it gave one.
    pub product: Option<String>,
    /// The merchant's product category, compared with the categories a rule excludes.
    pub category: Option<String>,
    /// Price of the whole line in minor units, zero or more.
    pub amount: i64,
    /// Units bought, one or more.
    pub quantity: i64,
}

/// The checked lines of one purchase. A purchase reported by its total only has one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basket {
    total: Money,
    lines: Vec<BasketLine>,
}

/// Why lines and total do not make a basket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBasket {
    /// A purchase of nothing earns nothing and cannot be refunded.
    #[error("the amount must be above zero")]
    Empty,
    /// Two lines have one number.
    #[error("line {0} appears twice")]
    RepeatedLine(i32),
    /// A line has a negative amount or one above the limit.
    #[error("the amount of line {0} is out of range")]
    LineAmount(i32),
    /// A line has no units, or too many.
    #[error("the quantity of line {0} must be between 1 and 1,000,000,000")]
    Quantity(i32),
    /// The lines do not add up to the total.
    #[error("the lines add up to {lines}, the amount says {total}")]
    Sum {
        /// Sum of the lines in minor units.
        lines: i64,
        /// The stated total in minor units.
        total: i64,
    },
    /// More lines than one purchase may have.
    #[error("a basket has at most {max} lines", max = Basket::MAX_LINES)]
    TooManyLines,
}

impl Basket {
    /// The most lines of one purchase.
    pub const MAX_LINES: usize = 2_000;
    /// The most units of one line.
    const MAX_QUANTITY: i64 = 1_000_000_000;

    /// Checks lines against the total; no lines stand for one line of the whole amount.
    pub fn new(total: Money, lines: Vec<BasketLine>) -> Result<Self, InvalidBasket> {
        if total.minor_units() == 0 {
            return Err(InvalidBasket::Empty);
        }
        if lines.is_empty() {
            let whole = BasketLine {
                line_no: 1,
                product: None,
                category: None,
                amount: total.minor_units(),
                quantity: 1,
            };
            return Ok(Self { total, lines: vec![whole] });
        }
        if lines.len() > Self::MAX_LINES {
            return Err(InvalidBasket::TooManyLines);
        }
        let mut seen = std::collections::BTreeSet::new();
        let mut sum: i64 = 0;
        for line in &lines {
            if !seen.insert(line.line_no) {
                return Err(InvalidBasket::RepeatedLine(line.line_no));
            }
            if !(1..=Self::MAX_QUANTITY).contains(&line.quantity) {
                return Err(InvalidBasket::Quantity(line.line_no));
            }
            match Money::new(line.amount, total.currency()) {
                Ok(_) => sum = sum.saturating_add(line.amount),
                Err(InvalidMoney::Negative | InvalidMoney::TooMuch) => {
                    return Err(InvalidBasket::LineAmount(line.line_no));
                }
            }
        }
        if sum == total.minor_units() {
            Ok(Self { total, lines })
        } else {
            Err(InvalidBasket::Sum { lines: sum, total: total.minor_units() })
        }
    }

    /// The price of the whole basket.
    pub const fn total(&self) -> Money {
        self.total
    }

    /// The lines, at least one.
    pub fn lines(&self) -> &[BasketLine] {
        &self.lines
    }
}
