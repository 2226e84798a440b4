//! The one normaliser for searching names: the stored name and the typed query both pass through it.

use unicode_normalization::UnicodeNormalization;

use super::{ZWNJ, ascii_digit, is_invisible};

/// The form under which a name is found, whatever keyboard it was typed on. Never shown: people see the name
/// as it was typed.
///
/// Arabic ye and kaf become Persian, digits become ASCII, letters lower-case; vowel marks (harakat), kashida and
/// invisible marks go. A zero-width non-joiner counts as a space, so "می‌روم" and "می روم" have one key, but
/// "میروم" has another. Runs of spaces become one, and none is left at the ends. What Unicode writes in two
/// ways (آ in one character or as alef and madda) is composed.
///
/// The key of a key is the key itself, so applying it at both ends, or twice, is harmless.
pub fn search_key(text: &str) -> String {
    let folded: String = text
        .chars()
        .filter(|&c| !is_dropped(c))
        .flat_map(char::to_lowercase)
        // Composing precedes the folding of ye: Arabic ye and hamza above make ئ, and Persian ye would not.
        .nfc()
        .map(folded)
        .collect();
    let words: Vec<&str> = folded.split_whitespace().collect();
    words.join(" ")
}

fn is_dropped(c: char) -> bool {
    const KASHIDA: char = '\u{0640}';
    c == KASHIDA || is_vowel_mark(c) || (is_invisible(c) && c != ZWNJ)
}

/// Whether a character is one of the harakat. Madda and hamza (U+0653–U+0655) make letters, not vowels.
fn is_vowel_mark(c: char) -> bool {
    matches!(c, '\u{064B}'..='\u{0652}' | '\u{0656}'..='\u{065F}' | '\u{0670}')
}

fn folded(c: char) -> char {
    match c {
        'ي' | 'ى' => 'ی',
        'ك' => 'ک',
        ZWNJ => ' ',
        other => ascii_digit(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn arabic_and_persian_keyboards_find_the_same_name() {
        assert_eq!(search_key("علي كريمى"), search_key("علی کریمی"));
        assert_eq!(search_key("فروشگاه ۲۴"), "فروشگاه 24");
        assert_eq!(search_key("فروشگاه ٢٤"), "فروشگاه 24");
    }

    #[test]
    fn a_zero_width_non_joiner_counts_as_a_space() {
        assert_eq!(search_key("می\u{200C}روم"), search_key("می روم"));
        assert_eq!(search_key("می\u{200C} روم"), "می روم");
        assert_ne!(search_key("می\u{200C}روم"), search_key("میروم"));
    }

    #[test]
    fn vowel_marks_kashida_and_invisible_marks_are_dropped() {
        assert_eq!(search_key("مُحَمَّد"), "محمد");
        assert_eq!(search_key("ســـلام"), "سلام");
        assert_eq!(search_key("\u{2068}سارا\u{2069}\u{200F}"), "سارا");
    }

    #[test]
    fn latin_letters_are_lower_cased_and_spaces_collapsed() {
        assert_eq!(search_key("  Café\u{A0}\t NADERI "), "café naderi");
        assert_eq!(search_key(" \u{200C} "), "");
    }

    #[test]
    fn letters_written_in_two_ways_have_one_key() {
        assert_eq!(search_key("ا\u{0653}رش"), search_key("آرش"));
        assert_eq!(search_key("ا\u{0640}\u{0653}رش"), search_key("آرش"));
        assert_eq!(search_key("رضا\u{064A}\u{0654}ی"), search_key("رضائی"));
        assert_eq!(search_key("CAFE\u{0301}"), search_key("café"));
    }

    proptest! {
        #[test]
        fn the_key_of_a_key_is_itself(text in "[ -~]*|[\u{0600}-\u{06FF}\u{200B}-\u{200F} ]*|\\PC*|(?s).*") {
            let key = search_key(&text);
            prop_assert_eq!(search_key(&key), key);
        }
    }
}
