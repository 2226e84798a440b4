//! Money: whole minor units of a named currency (rial has no minor unit; a pound has 100 pence).

/// An ISO 4217 currency code such as `IRR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// A text is not a currency code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three capital letters, such as IRR")]
pub struct InvalidCurrency;

impl Currency {
    /// The Iranian rial, the network's default.
    pub const IRR: Self = Self(*b"IRR");

    /// Reads three capital letters A–Z.
    pub fn parse(code: &str) -> Result<Self, InvalidCurrency> {
        let letters: [u8; 3] = code.as_bytes().try_into().map_err(|_| InvalidCurrency)?;
        if letters.iter().all(u8::is_ascii_uppercase) { Ok(Self(letters)) } else { Err(InvalidCurrency) }
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        // The letters were checked to be ASCII when the value was made.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of money, zero to [`Money::MAX`] minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor_units: i64,
    currency: Currency,
}

/// Why a number is not an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMoney {
    /// The number is below zero.
    #[error("an amount of money cannot be negative")]
    Negative,
    /// The number is above [`Money::MAX`].
    #[error("an amount of money cannot exceed {max} minor units", max = Money::MAX)]
    TooMuch,
}

impl Money {
    /// The largest amount that one purchase may name, in minor units.
    pub const MAX: i64 = 1_000_000_000_000_000;

    /// Checks the range.
    pub const fn new(minor_units: i64, currency: Currency) -> Result<Self, InvalidMoney> {
        if minor_units < 0 {
            Err(InvalidMoney::Negative)
        } else if minor_units > Self::MAX {
            Err(InvalidMoney::TooMuch)
        } else {
            Ok(Self { minor_units, currency })
        }
    }

    /// The amount in minor units.
    pub const fn minor_units(self) -> i64 {
        self.minor_units
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_three_capital_letters() {
        assert_eq!(Currency::parse("GBP").map(|c| c.to_string()), Ok("GBP".to_owned()));
        for wrong in ["", "gbp", "GB", "GBPX", "ریال"] {
            assert_eq!(Currency::parse(wrong), Err(InvalidCurrency), "{wrong}");
        }
    }

    #[test]
    fn money_keeps_its_range() {
        assert_eq!(Money::new(-1, Currency::IRR), Err(InvalidMoney::Negative));
        assert_eq!(Money::new(i64::MAX, Currency::IRR), Err(InvalidMoney::TooMuch));
    }
}
