//! Texts as people type them in Iran, read into checked values: mobiles, cards, receipts, keys and names.
//!
//! Keyboards differ (Persian, Arabic and Latin digits, two forms of ye and kaf) and text copied from a page
//! carries invisible marks, so whatever is compared or stored as a key passes through this module first.

mod bounded;
mod mobile;
mod search;

pub use bounded::{
    CardNumber, CustomerRef, Description, IdempotencyKey, InvalidCardNumber, InvalidCustomerRef,
    InvalidDescription, InvalidIdempotencyKey, InvalidName, InvalidReceiptNumber, Name, ReceiptNumber,
};
pub use mobile::{InvalidMobile, Mobile};
pub use search::search_key;

/// The text with Persian digits (۰–۹) and Arabic digits (٠–٩) written as 0–9, and all else unchanged.
pub fn ascii_digits(text: &str) -> String {
    text.chars().map(ascii_digit).collect()
}

/// The six digits of a code as somebody types it: Persian, Arabic or ASCII digits, with spaces, dashes and invisible
/// marks anywhere. Nothing when it has anything else, or more or fewer.
pub fn six_digits(text: &str) -> Option<String> {
    code_of_digits(text, 6)
}

/// So many digits, by the rules of [`six_digits`].
pub(crate) fn code_of_digits(text: &str, count: usize) -> Option<String> {
    let typed = text.chars().filter(|&c| !is_separator(c) && !is_invisible(c)).map(ascii_digit);
    let digits: String = typed.take(count.saturating_add(1)).collect();
    (digits.len() == count && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

fn ascii_digit(c: char) -> char {
    match c {
        '۰' | '٠' => '0',
        '۱' | '١' => '1',
        '۲' | '٢' => '2',
        '۳' | '٣' => '3',
        '۴' | '٤' => '4',
        '۵' | '٥' => '5',
        '۶' | '٦' => '6',
        '۷' | '٧' => '7',
        '۸' | '٨' => '8',
        '۹' | '٩' => '9',
        other => other,
    }
}

/// The zero-width non-joiner, which Persian puts between the parts of one word.
const ZWNJ: char = '\u{200C}';

/// Whether a character leaves neither a mark nor a space on the page: those that steer the direction of the text
/// around them, joiners and the byte order mark. Copying from a right-to-left page brings them along unseen.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{061C}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}'
            | '\u{FEFF}'
    )
}

/// Whether a character separates groups of digits in a number written for people: a space or any dash.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn persian_and_arabic_digits_become_ascii_and_the_rest_stays() {
        assert_eq!(ascii_digits("۰۱۲۳۴۵۶۷۸۹"), "0123456789");
        assert_eq!(ascii_digits("٠١٢٣٤٥٦٧٨٩"), "0123456789");
        assert_eq!(ascii_digits("کد ۱۲-A٪ ½"), "کد 12-A٪ ½");
    }

    #[test]
    fn a_code_is_six_digits_however_they_are_typed() {
        for typed in ["482913", "۴۸۲۹۱۳", "٤٨٢٩١٣", " 482 913\n", "۴۸۲-٩١3", "\u{2068}482913\u{2069}"]
        {
            assert_eq!(six_digits(typed).as_deref(), Some("482913"), "{typed}");
        }
        for wrong in ["", "48291", "4829130", "48291x", "482.913", "+482913", "½82913", &"4".repeat(1_000)] {
            assert_eq!(six_digits(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn folding_digits_twice_changes_nothing(text in ".*") {
            let once = ascii_digits(&text);
            prop_assert_eq!(ascii_digits(&once), once.clone());
            prop_assert_eq!(once.chars().count(), text.chars().count());
        }
    }
}
