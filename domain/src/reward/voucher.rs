//! Voucher codes: twelve digits by which a merchant finds the redemption that somebody comes to collect.

use uuid::Uuid;

use crate::text::code_of_digits;

/// Digits of a code.
const DIGITS: usize = 12;
/// So many codes there are.
const CODES: u128 = 1_000_000_000_000;

/// A code that proves at its merchant that somebody may collect a redemption. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VoucherCode(String);

/// A text is no voucher code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a voucher code has 12 digits")]
pub struct InvalidVoucherCode;

impl VoucherCode {
    /// Reads a code as somebody types it: in Persian, Arabic or ASCII digits, with spaces and dashes anywhere.
    pub fn parse(text: &str) -> Result<Self, InvalidVoucherCode> {
        code_of_digits(text, DIGITS).map(Self).ok_or(InvalidVoucherCode)
    }

    /// The code that random bits give. They are so many more than there are codes that all codes are as likely.
    pub fn from_random(random: Uuid) -> Self {
        // The lowest bits of a random UUID are all random, the highest are not.
        let low = random.as_u128() & u128::from(u64::MAX >> 2);
        Self(format!("{:012}", low % CODES))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for VoucherCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("VoucherCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        assert_eq!(VoucherCode::parse("۱۲۳۴-۵۶۷۸ 9012").unwrap().as_str(), "123456789012");
        for wrong in ["", "12345678901", "1234567890123", "12345678901a"] {
            assert_eq!(VoucherCode::parse(wrong), Err(InvalidVoucherCode), "{wrong}");
        }
    }

    #[test]
    fn a_code_of_random_bits_has_twelve_digits_and_is_not_logged() {
        let code = VoucherCode::from_random(Uuid::from_u128(7));
        assert_eq!(code.as_str(), "000000000007");
        assert_eq!(VoucherCode::parse(code.as_str()), Ok(code.clone()));
        assert_eq!(format!("{code:?}"), "VoucherCode");
    }
}
