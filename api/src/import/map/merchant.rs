//! The merchants of a map: which products are theirs, and what they are when the network does not know them.

use std::ops::RangeInclusive;

use amvaj_domain::earn::EarnRule;
use amvaj_domain::id::MerchantId;
use amvaj_domain::ledger::Prices;
use amvaj_domain::merchant::Names;
use amvaj_domain::money::Currency;

/// One merchant of a map.
#[derive(Debug, Clone)]
pub struct MerchantPlan {
    /// Its code in the map and in reports.
    pub code: String,
    /// Its id: written in the map, or made from the map's name and the code.
    pub id: MerchantId,
    /// The currency of its lines.
    pub currency: Currency,
    /// Which products are its own.
    pub products: Products,
    /// What to register when the network does not know it; nothing when the map names it by id.
    pub new: Option<NewMerchant>,
}

/// A merchant to register.
#[derive(Debug, Clone)]
pub struct NewMerchant {
    /// Its names.
    pub names: Names,
    /// The prices of a point.
    pub prices: Prices,
    /// Its first earn rule. It takes effect with the first line of the file.
    pub rule: EarnRule,
}

/// Which products belong to a merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Products {
    /// Those whose code begins with two digits in these ranges; perhaps all that nobody else has, too.
    FirstTwoDigits {
        /// The ranges.
        ranges: Vec<RangeInclusive<u8>>,
        /// Whether it takes what no range covers.
        others: bool,
    },
    /// All: the file is this merchant's.
    All,
}

impl Products {
    pub(super) fn covers(&self, digits: u8) -> bool {
        match self {
            Self::FirstTwoDigits { ranges, .. } => ranges.iter().any(|range| range.contains(&digits)),
            Self::All => true,
        }
    }

    pub(super) const fn takes_others(&self) -> bool {
        match self {
            Self::FirstTwoDigits { others, .. } => *others,
            Self::All => true,
        }
    }
}

/// The number that the first two signs of a product code make, when both are digits.
pub(super) fn first_two_digits(product: &str) -> Option<u8> {
    let digits = product.get(..2)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Reads `21` or `10-19`.
pub(super) fn parse_range(text: &str) -> Option<RangeInclusive<u8>> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let two_digits = |text: &str| (text.len() == 2).then(|| first_two_digits(text)).flatten();
    let (from, to) = (two_digits(from)?, two_digits(to)?);
    (from <= to).then_some(from..=to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_two_digits_or_a_pair_of_them() {
        assert_eq!(parse_range("21"), Some(21..=21));
        assert_eq!(parse_range("00-09"), Some(0..=9));
        for wrong in ["", "1", "1-2", "20-10", "100", "ab", "+1", "10-"] {
            assert_eq!(parse_range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn codes_that_do_not_begin_with_two_digits_have_none() {
        assert_eq!(first_two_digits("85123A"), Some(85));
        for wrong in ["", "8", "POST", "C2", "8é"] {
            assert_eq!(first_two_digits(wrong), None, "{wrong}");
        }
    }
}
