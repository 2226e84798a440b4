//! Texts with a length and an alphabet: numbers of cards and receipts, keys, references and names.

use super::{ascii_digit, is_invisible, is_separator};

/// Declares a checked text and its error: the reader gives the text to keep, or nothing when it breaks the rule.
macro_rules! bounded_texts {
    ($($(#[$doc:meta])* $name:ident, $invalid:ident, $rule:literal, $reader:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        #[doc = concat!("A text is not a [`", stringify!($name), "`].")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        #[error($rule)]
        pub struct $invalid;

        impl $name {
            /// Checks a text and keeps its normal form.
            pub fn parse(text: &str) -> Result<Self, $invalid> {
                $reader(text).map(Self).ok_or($invalid)
            }

            /// The text in its normal form.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

bounded_texts! {
    /// The number of a member's card: 6–19 ASCII digits. Persian and Arabic digits are read; spaces, dashes and
    /// invisible marks are dropped.
    CardNumber, InvalidCardNumber, "a card number has 6 to 19 digits", card_number;

    /// A caller's retry token: 1–64 visible ASCII characters, taken byte for byte.
    IdempotencyKey, InvalidIdempotencyKey,
    "an idempotency key has 1 to 64 characters: letters, digits and signs of ASCII, no spaces", idempotency_key;

    /// A merchant's number for a purchase: 1–64 characters without control characters, as printed but for digits
    /// in ASCII, no spaces at the ends and no invisible marks. Case is kept.
    ReceiptNumber, InvalidReceiptNumber,
    "a receipt number has 1 to 64 characters and no control characters", reference;

    /// A merchant's own name for one of its customers, by the rules of a [`ReceiptNumber`].
    CustomerRef, InvalidCustomerRef,
    "a customer reference has 1 to 64 characters and no control characters", reference;

    /// A name to show to people: 1–120 characters without the spaces around it, kept as typed. Control characters
    /// are refused, and so are line breaks and whatever overrides the direction of the page around the name.
    Name, InvalidName, "a name has 1 to 120 characters and no control characters", name;

    /// A text of some lines to show to people: 1–2000 characters without the spaces around it, kept as typed. Refused is
    /// what a [`Name`] refuses, but for line feeds.
    Description, InvalidDescription, "a description has 1 to 2000 characters and no control characters", description;
}

impl Name {
    /// The first letters of its words, such as `م*** ک***`: enough for who knows the name to recognize it.
    pub fn masked(&self) -> String {
        // However many letters a word has, so many stars stand for the others.
        let initial =
            |word: &str| word.chars().find(|&c| !is_invisible(c)).map(|letter| format!("{letter}***"));
        self.0.split_whitespace().filter_map(initial).collect::<Vec<_>>().join(" ")
    }
}

fn card_number(text: &str) -> Option<String> {
    let digits: String =
        text.chars().filter(|&c| !is_separator(c) && !is_invisible(c)).map(ascii_digit).collect();
    let fits = (6..=19).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then_some(digits)
}

fn idempotency_key(text: &str) -> Option<String> {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

/// Invisible marks go because two copies of one number would differ only by them, and its earn be paid twice.
fn reference(text: &str) -> Option<String> {
    let visible: String = text.chars().filter(|&c| !is_invisible(c)).map(ascii_digit).collect();
    one_line(&visible, 64).map(str::to_owned)
}

fn name(text: &str) -> Option<String> {
    one_line(text, 120).filter(|name| !name.contains(reaches_out)).map(str::to_owned)
}

fn description(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let shows = trimmed.chars().any(|c| !is_invisible(c) && !c.is_whitespace());
    let breaks = trimmed.contains(|c: char| (c.is_control() && c != '\n') || reaches_out(c));
    (shows && !breaks && trimmed.chars().count() <= 2_000).then(|| trimmed.to_owned())
}

/// The two plain marks and the joiners are part of careful typing; embeddings, overrides and isolates reach beyond the
/// text itself.
const fn reaches_out(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The text without the spaces around it, when it shows something, fits and stays on one line.
fn one_line(text: &str, most: usize) -> Option<&str> {
    let trimmed = text.trim();
    let shows = trimmed.chars().any(|c| !is_invisible(c) && !c.is_whitespace());
    let breaks = trimmed.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
    (shows && !breaks && trimmed.chars().count() <= most).then_some(trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_card_number_is_six_to_nineteen_digits_however_grouped() {
        let card = CardNumber::parse("۶۲۷۳ ۰۰۱۲-٣٤٥٦\u{200E}").unwrap();
        assert_eq!(card.as_str(), "627300123456");
        assert_eq!(CardNumber::parse("123456").unwrap().as_str(), "123456");
        assert!(CardNumber::parse(&"1".repeat(19)).is_ok());
        for wrong in ["", "12345", &"1".repeat(20), "12345a", "123.456"] {
            assert_eq!(CardNumber::parse(wrong), Err(InvalidCardNumber), "{wrong}");
        }
    }

    #[test]
    fn an_idempotency_key_is_visible_ascii_taken_byte_for_byte() {
        assert_eq!(IdempotencyKey::parse("!Sale-42~").unwrap().as_str(), "!Sale-42~");
        assert!(IdempotencyKey::parse(&"k".repeat(64)).is_ok());
        for wrong in ["", " ", "a b", "a\n", "کلید", "۱۲", "\u{7f}", &"k".repeat(65)] {
            assert_eq!(IdempotencyKey::parse(wrong), Err(InvalidIdempotencyKey), "{wrong:?}");
        }
    }

    #[test]
    fn a_receipt_number_is_the_same_in_every_script_and_keeps_its_case() {
        let receipt = ReceiptNumber::parse(" A-۱۴۰۴/٠\u{200C}٠۷b\u{200F}\n").unwrap();
        assert_eq!(receipt.as_str(), "A-1404/007b");
        assert_ne!(ReceiptNumber::parse("a-1404/007b").unwrap(), receipt);
        assert!(ReceiptNumber::parse(&"ر".repeat(64)).is_ok());
        for wrong in ["", "  ", "\u{200E}", "\u{200C}", "a\tb", "a\u{0}b", &"ر".repeat(65)] {
            assert_eq!(ReceiptNumber::parse(wrong), Err(InvalidReceiptNumber), "{wrong:?}");
        }
    }

    #[test]
    fn a_description_has_lines_and_no_other_control_characters() {
        assert_eq!(Description::parse(" یک قهوه\nدر هر شعبه ").unwrap().as_str(), "یک قهوه\nدر هر شعبه");
        assert!(Description::parse(&"ت".repeat(2_000)).is_ok());
        for wrong in ["", " \n", "a\tb", "a\rb", "\u{202E}a", &"ت".repeat(2_001)] {
            assert_eq!(Description::parse(wrong), Err(InvalidDescription), "{wrong:?}");
        }
    }

    #[test]
    fn a_customer_reference_follows_the_rules_of_a_receipt_number() {
        assert_eq!(CustomerRef::parse(" مشتری ۱۲ ").unwrap().as_str(), "مشتری 12");
        assert_eq!(CustomerRef::parse("a\u{85}b"), Err(InvalidCustomerRef));
    }

    #[test]
    fn a_name_is_kept_as_typed() {
        assert_eq!(Name::parse("  کافه\u{200C} نادري ۲ ").unwrap().as_str(), "کافه\u{200C} نادري ۲");
        assert!(Name::parse(&"ن".repeat(120)).is_ok());
        for wrong in ["", " \u{200C} ", "a\nb", "a\u{2028}b", "a\u{202E}b", &"ن".repeat(121)] {
            assert_eq!(Name::parse(wrong), Err(InvalidName), "{wrong:?}");
        }
    }

    #[test]
    fn a_masked_name_shows_initials_and_not_how_long_the_words_are() {
        let masked = |name: &str| Name::parse(name).unwrap().masked();
        assert_eq!(masked("مینا کریمی"), "م*** ک***");
        assert_eq!(masked("\u{200E}Al  B"), "A*** B***");
    }

    proptest! {
        #[test]
        fn the_normal_form_of_every_text_reads_back_as_itself(text in "[0-9۰-۹ -]{0,24}|[ -~]{0,70}|.*") {
            if let Ok(card) = CardNumber::parse(&text) {
                prop_assert_eq!(CardNumber::parse(card.as_str()), Ok(card.clone()));
            }
            if let Ok(key) = IdempotencyKey::parse(&text) {
                prop_assert_eq!(key.as_str(), text.as_str());
            }
            if let Ok(receipt) = ReceiptNumber::parse(&text) {
                prop_assert_eq!(ReceiptNumber::parse(receipt.as_str()), Ok(receipt.clone()));
            }
            if let Ok(name) = Name::parse(&text) {
                prop_assert_eq!(name.as_str(), text.trim());
            }
        }
    }
}
