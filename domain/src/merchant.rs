//! Merchants and their branches: who issues and accepts points, and where.

use crate::{
    id::{BranchId, MerchantId},
    ledger::Prices,
    money::Currency,
    text::Name,
    time::Instant,
};

/// A name in the two languages of the network.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Names {
    /// The name in Persian.
    pub fa: Name,
    /// The name in English.
    pub en: Name,
}

/// Whether a merchant takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MerchantStatus {
    /// It issues and accepts points.
    Open,
    /// The operator blocked it: it can only end what it began.
    Blocked,
}

/// A partner business that issues and accepts points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// The merchant.
    pub id: MerchantId,
    /// Its names.
    pub names: Names,
    /// Whether it takes part.
    pub status: MerchantStatus,
    /// The currency of its purchases and its prices.
    pub currency: Currency,
    /// What a point costs it at issue and brings it at redemption.
    pub prices: Prices,
    /// When it was registered.
    pub created_at: Instant,
}

/// Whether a branch takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BranchStatus {
    /// Points are earned and spent there.
    Open,
    /// It is closed: what was begun there can be ended.
    Closed,
}

/// A place or channel of a merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The branch.
    pub id: BranchId,
    /// The merchant whose branch it is.
    pub merchant: MerchantId,
    /// Its names.
    pub names: Names,
    /// Whether it takes part.
    pub status: BranchStatus,
    /// When it was registered.
    pub created_at: Instant,
}

/// A price of a point is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a point costs between 0 and {MOST_EXPENSIVE_POINT} minor units")]
pub struct InvalidPrices;

/// The highest price of one point, in minor units.
pub const MOST_EXPENSIVE_POINT: i64 = 1_000_000;

/// Checks the range of both prices.
pub fn checked_prices(issue: i64, redeem: i64) -> Result<Prices, InvalidPrices> {
    let fits = |price| (0..=MOST_EXPENSIVE_POINT).contains(&price);
    if fits(issue) && fits(redeem) { Ok(Prices { issue, redeem }) } else { Err(InvalidPrices) }
}

impl Names {
    /// One key for searching in both languages.
    pub fn search_key(&self) -> String {
        crate::text::search_key(&format!("{} {}", self.fa, self.en))
    }
}

impl MerchantStatus {
    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Open => 1,
            Self::Blocked => 2,
        }
    }

    /// What storage keeps under a number.
    pub const fn from_stored(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Open),
            2 => Some(Self::Blocked),
            _ => None,
        }
    }
}

impl BranchStatus {
    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Open => 1,
            Self::Closed => 2,
        }
    }

    /// What storage keeps under a number.
    pub const fn from_stored(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Open),
            2 => Some(Self::Closed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_keep_their_range() {
        assert_eq!(checked_prices(0, 1_000_000), Ok(Prices { issue: 0, redeem: 1_000_000 }));
        assert_eq!(checked_prices(-1, 0), Err(InvalidPrices));
        assert_eq!(checked_prices(0, 1_000_001), Err(InvalidPrices));
    }

    #[test]
    fn a_merchant_is_found_by_either_of_its_names() {
        let name = |text| Name::parse(text).unwrap();
        let key = Names { fa: name("كافه باغ"), en: name("Garden Café") }.search_key();
        assert_eq!(key, "کافه باغ garden café");
    }
}
