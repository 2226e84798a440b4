//! Scalars: 64-bit numbers as digits, instants, days and currencies, as clients read and write them.
//!
//! A scalar only says that a text or number is of its kind. Whether the value is allowed (above zero, below a limit,
//! a currency that is accepted) is for whoever uses it to refuse, as a `userError`: so a number may be of any size.

use amvaj_domain::calendar::LocalDay;
use amvaj_domain::money::{Currency, InvalidMoney, Money};
use amvaj_domain::points::{InvalidPoints, Points};
use amvaj_domain::time::Instant;
use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// A whole number from the wire, of any size: what 128 bits cannot hold is held at their ends, far beyond every
/// limit of ours.
fn whole_number(value: &Value) -> Result<i128, &'static str> {
    const HOW: &str = "write a whole number in ASCII digits, such as \"250000\"";
    match value {
        Value::String(text) => digits(text).ok_or(HOW),
        Value::Number(number) => {
            let exact = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            exact.or_else(|| beyond_64_bits(number.as_f64()?)).ok_or(HOW)
        }
        _ => Err(HOW),
    }
}

fn digits(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let end = if negative { i128::MIN } else { i128::MAX };
    Some(text.parse().unwrap_or(end))
}

/// A number without a fraction that is too large for 64 bits reaches us as a float; which one it was no longer
/// matters.
fn beyond_64_bits(number: f64) -> Option<i128> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if number >= LIMIT {
        Some(i128::MAX)
    } else if number <= -LIMIT {
        Some(i128::MIN)
    } else {
        None
    }
}

/// Declares a scalar of digits over a 128-bit number.
macro_rules! digit_scalars {
    ($($(#[doc = $doc:literal])+ $name:ident = $page:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub i128);

        $(#[doc = $doc])+
        #[Scalar(specified_by_url = $page)]
        impl ScalarType for $name {
            fn parse(value: Value) -> InputValueResult<Self> {
                whole_number(&value).map(Self).map_err(InputValueError::custom)
            }

            fn to_value(&self) -> Value {
                Value::String(self.0.to_string())
            }
        }

        impl From<i64> for $name {
            fn from(number: i64) -> Self {
                Self(number.into())
            }
        }
    )+};
}

/// The scalars by the names that GraphQL gives them, some of which the domain has too.
mod digit {
    use super::{InputValueError, InputValueResult, Scalar, ScalarType, Value, whole_number};

    digit_scalars! {
        /// A whole number of points: a text of ASCII digits, because 64 bits do not fit into JSON numbers safely.
        /// Input may also be an integer. Amounts go from 1 to 1,000,000,000,000,000. Example: `"1250"`.
        Points = "/docs/scalars#points";

        /// A whole number of a currency's smallest unit (rials, or pence of a pound): a text of ASCII digits. Input
        /// may also be an integer. Amounts go from 1 to 1,000,000,000,000,000. Example: `"4500000"`.
        MinorUnits = "/docs/scalars#minorunits";

        /// The number of a wallet's last operation, from 0: a text of ASCII digits. Of two answers about one wallet
        /// the one with the higher version is the newer. Example: `"42"`.
        Version = "/docs/scalars#version";

        /// What was reached on a leaderboard, by its metric: points, visits or merchants. A text of ASCII digits, because
        /// 64 bits do not fit into JSON numbers safely. Example: `"1250"`.
        Score = "/docs/scalars#score";

        /// The length of a file in bytes, from 0: a text of ASCII digits. Example: `"180442"`.
        FileSize = "/docs/scalars#filesize";
    }
}

pub use digit::{FileSize, MinorUnits, Points as PointsScalar, Score, Version};

impl PointsScalar {
    /// The points, when they are in the domain's range.
    pub fn points(self) -> Result<Points, InvalidPoints> {
        let beyond = if self.0 < 0 { InvalidPoints::Negative } else { InvalidPoints::TooMany };
        i64::try_from(self.0).map_err(|_| beyond).and_then(Points::new)
    }
}

impl From<Points> for PointsScalar {
    fn from(points: Points) -> Self {
        points.get().into()
    }
}

impl MinorUnits {
    /// The money, when it is in the domain's range.
    pub fn money(self, currency: Currency) -> Result<Money, InvalidMoney> {
        let beyond = if self.0 < 0 { InvalidMoney::Negative } else { InvalidMoney::TooMuch };
        i64::try_from(self.0).map_err(|_| beyond).and_then(|amount| Money::new(amount, currency))
    }
}

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime(pub Instant);

/// A moment, by RFC 3339, to the microsecond. Answers are in UTC; input may have any offset.
/// Example: `"2026-03-21T05:30:00Z"`.
#[Scalar(specified_by_url = "/docs/scalars#datetime")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        const HOW: &str = "write a moment with its offset, such as \"2026-03-21T09:00:00+03:30\"";
        let Value::String(text) = value else { return Err(InputValueError::custom(HOW)) };
        let moment: jiff::Timestamp = text.parse().map_err(|_| InputValueError::custom(HOW))?;
        Ok(Self(Instant::from_micros(moment.as_microsecond())))
    }

    fn to_value(&self) -> Value {
        // Only an instant beyond the year 9999 has no text, and nothing that happens has such a one.
        let moment = jiff::Timestamp::from_microsecond(self.0.micros()).unwrap_or(jiff::Timestamp::MAX);
        Value::String(moment.to_string())
    }
}

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date(pub LocalDay);

/// A day in the network's time zone, by its Gregorian date. Example: `"2027-03-20"`.
#[Scalar(specified_by_url = "/docs/scalars#date")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        const HOW: &str = "write a Gregorian date that exists, such as \"2027-03-20\"";
        let Value::String(text) = value else { return Err(InputValueError::custom(HOW)) };
        LocalDay::parse(&text).map(Self).map_err(|_| InputValueError::custom(HOW))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrencyCode(pub Currency);

/// A currency by its ISO 4217 code of three capital letters. Example: `"IRR"`, the Iranian rial.
#[Scalar(specified_by_url = "/docs/scalars#currencycode")]
impl ScalarType for CurrencyCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        const HOW: &str = "write a currency as three capital letters, such as \"IRR\"";
        let Value::String(text) = value else { return Err(InputValueError::custom(HOW)) };
        Currency::parse(&text).map(Self).map_err(|_| InputValueError::custom(HOW))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(json: serde_json::Value) -> Result<i128, ()> {
        PointsScalar::parse(Value::from_json(json).unwrap()).map(|points| points.0).map_err(|_| ())
    }

    #[test]
    fn whole_numbers_of_any_size_are_read() {
        for (written, read) in [
            (serde_json::json!("1250"), 1_250),
            (serde_json::json!(1250), 1_250),
            (serde_json::json!(0), 0),
            (serde_json::json!("-3"), -3),
            (serde_json::json!("9223372036854775808"), 1 << 63),
            (serde_json::json!(9_223_372_036_854_775_808_u64), 1 << 63),
            (serde_json::json!("9".repeat(60)), i128::MAX),
            (serde_json::json!(1e30), i128::MAX),
            (serde_json::json!(-1e30), i128::MIN),
        ] {
            assert_eq!(points(written.clone()), Ok(read), "{written}");
        }
        let beyond = PointsScalar(i128::MAX);
        assert_eq!(beyond.points(), Err(InvalidPoints::TooMany));
        assert_eq!(PointsScalar(-1).points(), Err(InvalidPoints::Negative));
    }

    #[test]
    fn what_is_not_a_whole_number_is_refused() {
        for wrong in [
            serde_json::json!("1.5"),
            serde_json::json!(1.5),
            serde_json::json!(""),
            serde_json::json!("-"),
            serde_json::json!("+1"),
            serde_json::json!("۱۲"),
            serde_json::json!("1e3"),
            serde_json::json!(true),
            serde_json::json!(null),
            serde_json::json!([1]),
        ] {
            assert_eq!(points(wrong.clone()), Err(()), "{wrong}");
        }
    }

    #[test]
    fn moments_are_written_in_utc() {
        let moment = DateTime::parse(Value::from("2026-03-21T09:00:00.25+03:30")).map_err(|_| ()).unwrap();
        assert_eq!(moment.to_value(), Value::from("2026-03-21T05:30:00.25Z"));
        assert!(DateTime::parse(Value::from("2026-03-21T09:00:00")).is_err());
    }
}
