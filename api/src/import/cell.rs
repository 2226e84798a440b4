//! Numbers and times as people write them in cells: exact, by whole numbers, in Persian, Arabic or ASCII digits.

use amvaj_domain::text::ascii_digits;
use amvaj_domain::time::Instant;
use jiff::fmt::strtime;

use super::map::{PriceFormat, TimeFormat};

/// A decimal number: `digits` with its last `places` digits behind the mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: i64,
    places: u32,
}

/// Most digits of a price, before and behind the mark together: they fit 64 bits.
const MOST_DIGITS: usize = 18;

impl Decimal {
    /// Reads `-1,234.50` with the map's marks; both are optional.
    pub(super) fn parse(text: &str, format: &PriceFormat) -> Result<Self, &'static str> {
        let text = ascii_digits(text.trim());
        let (negative, text) = signed(&text);
        let ungrouped: String = text.chars().filter(|sign| Some(*sign) != format.group_mark).collect();
        let (whole, decimals) = ungrouped.split_once(format.decimal_mark).unwrap_or((&ungrouped, ""));
        let joined = format!("{whole}{decimals}");
        if joined.is_empty() || !joined.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("a price is a number, such as 2.55");
        }
        if joined.len() > MOST_DIGITS {
            return Err("a price has at most 18 digits");
        }
        let digits: i64 = joined.parse().map_err(|_| "a price has at most 18 digits")?;
        let places = u32::try_from(decimals.len()).unwrap_or_default();
        Ok(Self { digits: if negative { digits.saturating_neg() } else { digits }, places })
    }

    pub(super) const fn is_negative(self) -> bool {
        self.digits < 0
    }

    /// What `units` cost at this price each, in minor units of a currency with so many decimal places: the exact
    /// product, rounded once, half a minor unit up. This is the only place where the import rounds money. Nothing
    /// when it leaves 64 bits; prices below zero are not rounded here.
    pub(super) fn times(self, units: i64, decimals: u32) -> Option<i64> {
        let exact = i128::from(self.digits).checked_mul(i128::from(units))?;
        let shifted = exact.checked_mul(10_i128.checked_pow(decimals)?)?;
        let scale = 10_i128.checked_pow(self.places)?;
        let rounded = shifted.checked_add(scale.checked_div(2)?)?.checked_div(scale)?;
        i64::try_from(rounded).ok()
    }
}

/// Reads a whole number with an optional sign.
pub(super) fn whole_number(text: &str) -> Option<i64> {
    let text = ascii_digits(text.trim());
    let (negative, digits) = signed(&text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = digits.parse().ok()?;
    Some(if negative { number.saturating_neg() } else { number })
}

/// Reads a time by the map's format.
pub(super) fn time(text: &str, format: &TimeFormat) -> Result<Instant, String> {
    let parsed =
        strtime::parse(&format.format, ascii_digits(text.trim())).map_err(|error| error.to_string())?;
    let timestamp = parsed.to_timestamp().or_else(|_| {
        // Without an offset it is a local time.
        let local = parsed.to_datetime()?;
        format.zone.to_ambiguous_timestamp(local).compatible()
    });
    let timestamp = timestamp.map_err(|error| error.to_string())?;
    Ok(Instant::from_micros(timestamp.as_microsecond()))
}

/// Parts a sign from what follows it; the typographic minus counts too.
fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    const POUNDS: PriceFormat = PriceFormat { decimals: 2, decimal_mark: '.', group_mark: None };

    fn amount(price: &str, units: i64) -> Option<i64> {
        Decimal::parse(price, &POUNDS).unwrap().times(units, 2)
    }

    #[test]
    fn a_line_costs_the_exact_product_rounded_once_half_up() {
        assert_eq!(amount("2.55", 6), Some(1_530));
        assert_eq!(amount("0.1", 3), Some(30));
        assert_eq!(amount("0.005", 1), Some(1));
        assert_eq!(amount("0.0049999", 1), Some(0));
        assert_eq!(amount("0.005", 3), Some(2), "1.5 pence are 2, although each half penny alone would be 1");
        assert_eq!(amount("12", 1), Some(1_200));
        assert_eq!(amount("999999999999999999", 1_000_000_000), None);
    }

    #[test]
    fn prices_are_read_in_every_script_with_the_marks_of_the_map() {
        let rials = PriceFormat { decimals: 0, decimal_mark: '٫', group_mark: Some('٬') };
        let price = Decimal::parse(" ۱٬۲۵۰٬۰۰۰٫۵ ", &rials).unwrap();
        assert_eq!(price.times(2, 0), Some(2_500_001));
        assert!(Decimal::parse("\u{2212}3", &POUNDS).unwrap().is_negative());
        for wrong in ["", "-", "1,5", "1.2.3", "1e3", "£3", "NaN", "1 000", &"9".repeat(19), "--1"] {
            assert!(Decimal::parse(wrong, &POUNDS).is_err(), "{wrong}");
        }
    }

    #[test]
    fn quantities_are_whole_numbers() {
        assert_eq!(whole_number("۱۲"), Some(12));
        assert_eq!(whole_number("-3"), Some(-3));
        for wrong in ["", "1.0", "a", "9223372036854775808", "1 2"] {
            assert_eq!(whole_number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_local_unless_they_have_an_offset() {
        let at = |format: &str, text: &str| {
            let zone = TimeZone::get("Europe/London").unwrap();
            time(text, &TimeFormat { format: format.to_owned(), zone }).map(Instant::micros)
        };
        assert_eq!(at("%m/%d/%y %H:%M", "12/1/10 8:26"), Ok(1_291_191_960_000_000));
        assert_eq!(at("%m/%d/%y %H:%M", "۱۲/۱/۱۰ ۸:۲۶"), Ok(1_291_191_960_000_000));
        assert_eq!(at("%m/%d/%y %H:%M", "7/1/10 8:26"), Ok(1_277_969_160_000_000), "summer time");
        assert_eq!(at("%Y-%m-%dT%H:%M:%S%z", "2010-12-01T08:26:00+0330"), Ok(1_291_179_360_000_000));
        assert_eq!(at("%s", "1291191960"), Ok(1_291_191_960_000_000));
        for wrong in ["", "13/1/10 8:26", "12/1/10", "12/1/10 8:26 x", "2/30/11 8:00"] {
            assert!(at("%m/%d/%y %H:%M", wrong).is_err(), "{wrong}");
        }
    }
}
