//! Numbers, moments, days and policies: what the scalars of the API and the texts in the database are read as.

use amvaj_api::graphql::scalar::{CurrencyCode, Date, DateTime, MinorUnits, PointsScalar, Version};
use amvaj_domain::{
    calendar::{ExpiryPolicy, LocalDay, Term},
    money::{Currency, Money},
    points::Points,
};
use async_graphql::{ScalarType, Value};
use proptest::prelude::*;

use super::{
    corpus::{spoilt, wild},
    fuzz,
};

/// What a whole number is held at when it is too large for 128 bits; nothing when the text is none.
fn whole(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    if digits.is_empty() || digits.chars().any(|c| !c.is_ascii_digit()) {
        return None;
    }
    let mut number: i128 = 0;
    for digit in digits.chars().filter_map(|c| c.to_digit(10)) {
        let digit = if negative { -i128::from(digit) } else { i128::from(digit) };
        number = number.saturating_mul(10).saturating_add(digit);
    }
    Some(number)
}

fn scalar<S: ScalarType>(value: Value) -> Option<S> {
    S::parse(value).ok()
}

/// A scalar of digits is read from a text if and only if it is a whole number, and is written so that it reads back.
macro_rules! digit_scalar {
    ($scalar:ident, $text:ident) => {
        let read = scalar::<$scalar>(Value::String($text.clone()));
        prop_assert_eq!(read.map(|number| number.0), whole(&$text));
        if let Some(number) = read {
            prop_assert_eq!(scalar::<$scalar>(number.to_value()), Some(number));
        }
    };
}

#[test]
fn whole_numbers_are_read_at_any_size_and_in_ascii_digits_only() {
    fuzz(3_000, prop_oneof![3 => spoilt("-?[0-9]{1,45}"), 1 => wild()], |text| {
        digit_scalar!(PointsScalar, text);
        digit_scalar!(MinorUnits, text);
        digit_scalar!(Version, text);
        if let Some(number) = whole(&text) {
            let fits = |most: i64| (0..=i128::from(most)).contains(&number);
            let points = PointsScalar(number).points();
            prop_assert_eq!(points.is_ok(), fits(Points::MAX));
            prop_assert!(points.map_or(true, |points| i128::from(points.get()) == number));
            let money = MinorUnits(number).money(Currency::IRR);
            prop_assert_eq!(money.is_ok(), fits(Money::MAX));
            prop_assert!(money.map_or(true, |money| i128::from(money.minor_units()) == number));
        }
        Ok(())
    });
}

#[test]
fn numbers_of_json_are_whole_or_refused() {
    let number = prop_oneof![
        "-?(0|[1-9][0-9]{0,40})",
        "-?[0-9]{1,5}\\.[0-9]{1,5}",
        "-?[1-9]([.][0-9]{1,20})?[eE][+-]?[0-9]{1,6}",
        "\"-?[0-9]{1,30}\"",
        "\"\\\\u[0-9a-fA-F]{4}(\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}){0,2}\"",
    ];
    fuzz(3_000, prop_oneof![3 => number.boxed(), 1 => spoilt("\"?-?[0-9]{1,25}\"?").boxed()], |json| {
        let Ok(parsed) = serde_json::from_str::<serde_json::Value>(&json) else { return Ok(()) };
        let Ok(value) = Value::from_json(parsed) else { return Ok(()) };
        let read = scalar::<PointsScalar>(value.clone());
        let json = json.trim_matches([' ', '\t', '\r', '\n']);
        let plain = json.trim_matches('"');
        if json == "-0" {
            // JSON's minus zero is a float for every reader of it, and no amount.
            prop_assert_eq!(read, None);
        } else if let Some(number) = whole(plain).filter(|_| !json.contains('\\')) {
            let written =
                json.starts_with('"') || i64::try_from(number).is_ok() || u64::try_from(number).is_ok();
            let number = if written { number } else { i128::MAX * number.signum() };
            let read = read.map(|read| if read.0 == i128::MIN { -i128::MAX } else { read.0 });
            prop_assert_eq!(read, Some(number.max(-i128::MAX)));
        } else if let Some(beyond) = read {
            // A number in another spelling is whole only where nothing behind the mark could be told any more.
            prop_assert!(
                beyond.0 == i128::MAX || beyond.0 == i128::MIN || json.contains('\\'),
                "{:?}",
                beyond
            );
        }
        prop_assert!(scalar::<DateTime>(value.clone()).is_none() && scalar::<Date>(value).is_none());
        Ok(())
    });
}

#[test]
fn moments_are_written_so_that_they_read_back() {
    let good = "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]([.][0-9]{1,9})?\
                (Z|[+-][01][0-9]:[0-5][0-9])";
    fuzz(3_000, prop_oneof![3 => spoilt(good), 1 => wild()], |text| {
        if let Some(moment) = scalar::<DateTime>(Value::String(text)) {
            let Value::String(written) = moment.to_value() else {
                return Err(TestCaseError::fail("no text"));
            };
            prop_assert!(written.is_ascii() && written.ends_with('Z'), "{}", written);
            prop_assert_eq!(scalar::<DateTime>(Value::String(written)), Some(moment));
        }
        Ok(())
    });
}

#[test]
fn days_terms_policies_and_currencies_have_one_spelling() {
    let good = prop_oneof![
        "[0-9]{4}-[0-1][0-9]-[0-3][0-9]",
        "P[0-9]{1,5}[DMY]",
        "never|after P[0-9]{1,5}[DMY]|on [0-9]{4}-[0-1][0-9]-[0-3][0-9]",
        "end (gregorian|jalali) (month|quarter|year) after P[0-9]{1,5}[DMY]",
        "[A-Z]{3}",
    ];
    fuzz(
        4_000,
        prop_oneof![2 => good.clone().boxed(), 3 => spoilt(good).boxed(), 1 => wild().boxed()],
        |text| {
            let spellings = [
                LocalDay::parse(&text).map(|day| day.to_string()).map_err(|error| error.to_string()),
                Term::parse(&text).map(|term| term.to_string()).map_err(|error| error.to_string()),
                ExpiryPolicy::parse(&text).map(ExpiryPolicy::to_text).map_err(|error| error.to_string()),
                Currency::parse(&text)
                    .map(|currency| currency.to_string())
                    .map_err(|error| error.to_string()),
            ];
            for spelling in spellings {
                match spelling {
                    Ok(written) => prop_assert_eq!(written, text.clone()),
                    Err(why) => prop_assert!(!why.is_empty()),
                }
            }
            let value = Value::String(text.clone());
            prop_assert_eq!(scalar::<Date>(value.clone()).map(|day| day.0), LocalDay::parse(&text).ok());
            prop_assert_eq!(scalar::<CurrencyCode>(value).map(|code| code.0), Currency::parse(&text).ok());
            Ok(())
        },
    );
}
