//! Iranian mobile numbers, the names by which members log in.

use super::{ascii_digit, is_invisible, is_separator};

/// An Iranian mobile number, kept as `+989xxxxxxxxx`.
///
/// The rule is "9 and nine more digits" and nothing finer: lists of operator prefixes age. `Debug` shows the
/// masked form, so that a value printed into a log does not give the number away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mobile([u8; 13]);

/// Why a text is not an Iranian mobile number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMobile {
    /// Nothing is left once spaces, dashes and invisible marks are dropped.
    #[error("a mobile number is needed")]
    Empty,
    /// It holds something other than digits and the usual separators.
    #[error("a mobile number consists of digits only")]
    NotDigits,
    /// It carries the code of another country.
    #[error("a mobile number must belong to Iran (+98)")]
    Foreign,
    /// It is a complete number, but not of a mobile.
    #[error("a mobile number begins with 09; this is a landline")]
    Landline,
    /// It has too few or too many digits.
    #[error("a mobile number has ten digits after the leading zero or +98, such as 0912 345 6789")]
    WrongLength,
}

/// How many digits a number has within Iran, without the leading zero.
const NATIONAL_DIGITS: usize = 10;

impl Mobile {
    /// What stands in the place of a number that was erased. No text reads as it, so nobody is found by it.
    pub const NOBODYS: Self = Self(*b"+98**********");

    /// Reads `09…`, `9…`, `989…`, `00989…` and `+98 (0)9…`, in Persian, Arabic or ASCII digits, with spaces,
    /// dashes, parentheses and invisible marks anywhere.
    pub fn parse(text: &str) -> Result<Self, InvalidMobile> {
        let dialled = dialled(text)?;
        let national = national(&dialled)?;
        if national.len() != NATIONAL_DIGITS {
            Err(InvalidMobile::WrongLength)
        } else if national.starts_with('9') {
            let canonical = format!("+98{national}");
            canonical.as_bytes().try_into().map(Self).map_err(|_| InvalidMobile::WrongLength)
        } else {
            Err(InvalidMobile::Landline)
        }
    }

    /// The number as `+989xxxxxxxxx`.
    pub fn as_str(&self) -> &str {
        // The bytes were ASCII digits after a plus sign when the value was made.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The number without its middle digits, such as `+98912***4567`, to remind its owner of it without
    /// telling it to others.
    pub fn masked(&self) -> String {
        let (start, rest) = self.as_str().split_at_checked(6).unwrap_or_default();
        let (_, end) = rest.split_at_checked(3).unwrap_or_default();
        format!("{start}***{end}")
    }
}

impl std::fmt::Display for Mobile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Mobile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Mobile").field(&format_args!("{}", self.masked())).finish()
    }
}

/// The digits in the order they would be dialled, with a leading plus sign written as `00`.
fn dialled(text: &str) -> Result<String, InvalidMobile> {
    let mut dialled = String::with_capacity(16);
    for c in text.chars().map(ascii_digit).filter(|&c| !is_padding(c)) {
        match c {
            '0'..='9' => dialled.push(c),
            '+' if dialled.is_empty() => dialled.push_str("00"),
            _ => return Err(InvalidMobile::NotDigits),
        }
    }
    if dialled.is_empty() { Err(InvalidMobile::Empty) } else { Ok(dialled) }
}

fn is_padding(c: char) -> bool {
    is_separator(c) || is_invisible(c) || matches!(c, '(' | ')')
}

/// What is left without the country code and the zero that is dialled inside the country.
fn national(dialled: &str) -> Result<&str, InvalidMobile> {
    let domestic = match dialled.strip_prefix("00") {
        Some(international) => international.strip_prefix("98").ok_or(InvalidMobile::Foreign)?,
        // Without a plus sign, 98 is the country code only when a whole number follows: 0989 is an operator too.
        None => dialled.strip_prefix("98").filter(|rest| rest.len() >= NATIONAL_DIGITS).unwrap_or(dialled),
    };
    Ok(domestic.strip_prefix('0').unwrap_or(domestic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_usual_spelling_gives_the_same_number() {
        for spelling in [
            "09121234567",
            "9121234567",
            "989121234567",
            "9809121234567",
            "00989121234567",
            "+989121234567",
            "+98 (0)912 123 4567",
            "+98-912-123-45-67",
            "۰۹۱۲۱۲۳۴۵۶۷",
            "٠٩١٢١٢٣٤٥٦٧",
            "\u{2068}۰۹۱۲\u{200C}۱۲۳\u{A0}۴۵۶۷\u{2069}",
            "\u{202A}+98 912 123 4567\u{202C}\u{200E}",
            "0912\u{2013}1234567",
        ] {
            let mobile = Mobile::parse(spelling).map(|mobile| mobile.to_string());
            assert_eq!(mobile.as_deref(), Ok("+989121234567"), "{spelling}");
        }
    }

    #[test]
    fn a_number_that_begins_with_98_inside_the_country_keeps_all_its_digits() {
        for spelling in ["09891234567", "9891234567", "+989891234567", "989891234567"] {
            assert_eq!(Mobile::parse(spelling).unwrap().as_str(), "+989891234567", "{spelling}");
        }
    }

    #[test]
    fn a_refusal_says_why() {
        for (text, reason) in [
            ("", InvalidMobile::Empty),
            (" \u{200F}-", InvalidMobile::Empty),
            ("0912x234567", InvalidMobile::NotDigits),
            ("09121234567+", InvalidMobile::NotDigits),
            ("½9121234567", InvalidMobile::NotDigits),
            ("+447911123456", InvalidMobile::Foreign),
            ("00447911123456", InvalidMobile::Foreign),
            ("02188776655", InvalidMobile::Landline),
            ("+982188776655", InvalidMobile::Landline),
            ("982188776655", InvalidMobile::Landline),
            ("0912123456", InvalidMobile::WrongLength),
            ("091212345678", InvalidMobile::WrongLength),
            ("+9891212345678", InvalidMobile::WrongLength),
            ("+98", InvalidMobile::WrongLength),
            ("88776655", InvalidMobile::WrongLength),
        ] {
            assert_eq!(Mobile::parse(text), Err(reason), "{text}");
        }
    }

    #[test]
    fn masking_and_debug_hide_the_middle_digits() {
        let mobile = Mobile::parse("09121234567").unwrap();
        assert_eq!(mobile.masked(), "+98912***4567");
        assert_eq!(format!("{mobile:?}"), "Mobile(+98912***4567)");
    }

    proptest! {
        #[test]
        fn any_nine_digits_after_a_nine_are_a_mobile_and_read_back(rest in "[0-9]{9}") {
            let mobile = Mobile::parse(&format!("09{rest}")).unwrap();
            prop_assert_eq!(mobile.to_string(), format!("+989{rest}"));
            prop_assert_eq!(Mobile::parse(mobile.as_str()), Ok(mobile));
            prop_assert_eq!(Mobile::parse(&format!("9{rest}")), Ok(mobile));
            prop_assert_eq!(Mobile::parse(&format!("989{rest}")), Ok(mobile));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[0-9+ ()۰-۹-]{0,20}|.*") {
            if let Ok(mobile) = Mobile::parse(&text) {
                prop_assert_eq!(mobile.as_str().len(), 13);
                prop_assert!(mobile.as_str().starts_with("+989"));
            }
        }
    }
}
