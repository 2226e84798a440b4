//! Numbers as people write them.

use super::Language;

/// A whole number in ASCII digits, perhaps with a minus sign, as a language writes it: its digits, in groups of three.
pub fn grouped(number: &str, language: Language) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("\u{2212}", digits));
    let separator = match language {
        Language::English => ',',
        Language::Persian => '٬',
    };
    let mut written = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len().saturating_sub(at)).is_multiple_of(3) {
            written.push(separator);
        }
        written.push(in_digits_of(language, digit));
    }
    written
}

fn in_digits_of(language: Language, digit: char) -> char {
    match (language, digit.to_digit(10)) {
        (Language::Persian, Some(value)) => {
            u32::from('۰').checked_add(value).and_then(char::from_u32).unwrap_or(digit)
        }
        _ => digit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_in_threes_in_the_language_s_digits() {
        for (number, english, persian) in [
            ("0", "0", "۰"),
            ("999", "999", "۹۹۹"),
            ("1000", "1,000", "۱٬۰۰۰"),
            ("4500000", "4,500,000", "۴٬۵۰۰٬۰۰۰"),
            ("-120", "−120", "−۱۲۰"),
            ("-1200", "−1,200", "−۱٬۲۰۰"),
            ("9223372036854775807", "9,223,372,036,854,775,807", "۹٬۲۲۳٬۳۷۲٬۰۳۶٬۸۵۴٬۷۷۵٬۸۰۷"),
        ] {
            assert_eq!(grouped(number, Language::English), english);
            assert_eq!(grouped(number, Language::Persian), persian);
        }
    }
}
