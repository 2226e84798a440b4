//! What a purchase earns: the merchant's rule, and the arithmetic from basket to points with its explanation.

mod basket;
mod kept;
mod rule;

pub use basket::{Basket, BasketLine, InvalidBasket};
pub use kept::{Kept, Sale, SaleLine, floor_share};
pub use rule::{EarnRule, InvalidEarnRule, Rate, next_version, rule_at};

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "an overflow fails a test as it should")]
mod tests;
