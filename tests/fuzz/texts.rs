//! What people type: mobiles, cards, receipts, keys, references, names and codes.

use amvaj_domain::{
    text::{
        CardNumber, CustomerRef, IdempotencyKey, InvalidMobile, Mobile, Name, ReceiptNumber, ascii_digits,
        search_key, six_digits,
    },
    user::UserName,
};
use proptest::prelude::*;

use super::{
    corpus::{spoilt, wild},
    fuzz,
};

/// Spaces, dashes and marks that a reader of numbers passes over.
fn is_passed_over(c: char) -> bool {
    c.is_whitespace()
        || "-\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\u{2212}\u{061C}\u{FEFF}".contains(c)
        || ('\u{200B}'..='\u{200F}').contains(&c)
        || ('\u{202A}'..='\u{202E}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}

/// The nine digits after the first nine of a mobile, when the text is one of its spellings.
fn spelt(text: &str) -> Option<String> {
    let dialled: String =
        ascii_digits(text).chars().filter(|c| !is_passed_over(*c) && !"()".contains(*c)).collect();
    let spellings = ["09", "9", "989", "9809", "00989", "009809", "+989", "+9809"];
    let rests = spellings.iter().filter_map(|start| dialled.strip_prefix(start));
    rests
        .filter(|rest| rest.len() == 9 && rest.bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_owned)
        .next()
}

#[test]
fn mobiles_are_read_in_every_spelling_and_in_no_other() {
    let good = "(0|98|0098|\\+98 ?\\(?0?\\)?)?9[0-9۰-۹٠-٩]{2}[ -]?[0-9۰-۹٠-٩]{3}[ -]?[0-9۰-۹٠-٩]{4}";
    fuzz(4_000, prop_oneof![4 => spoilt(good), 1 => wild()], |text| {
        let read = Mobile::parse(&text);
        prop_assert_eq!(
            read.map(|mobile| mobile.to_string()).ok(),
            spelt(&text).map(|rest| format!("+989{rest}"))
        );
        match read {
            Ok(mobile) => {
                prop_assert_eq!(Mobile::parse(mobile.as_str()), Ok(mobile));
                let (shown, hidden) = mobile.as_str().split_at(6);
                prop_assert_eq!(mobile.masked(), format!("{shown}***{}", &hidden[3..]));
            }
            Err(why) => {
                let digits = ascii_digits(&text).chars().any(|c| c.is_ascii_digit());
                prop_assert!(!digits || why != InvalidMobile::Empty);
                prop_assert!(!why.to_string().is_empty());
            }
        }
        Ok(())
    });
}

/// Declares the check of a text with a normal form: what is accepted fits, reads back as itself, and is refused with
/// a sentence otherwise.
macro_rules! normal_forms {
    ($text:ident: $($kind:ident, $least:literal to $most:literal, $may:expr;)+) => {$(
        match $kind::parse(&$text) {
            Ok(read) => {
                let may: fn(char) -> bool = $may;
                prop_assert!(($least..=$most).contains(&read.as_str().chars().count()), "{:?}", read);
                prop_assert!(read.as_str().chars().all(may), "{:?}", read);
                prop_assert_eq!(read.to_string(), read.as_str());
                prop_assert_eq!($kind::parse(read.as_str()), Ok(read.clone()));
            }
            Err(why) => prop_assert!(!why.to_string().is_empty()),
        }
    )+};
}

#[test]
fn texts_have_a_normal_form_that_is_read_as_itself() {
    let good = "[A-Za-z0-9._@+/-]{1,70}|[0-9۰-۹ -]{6,25}|[آ-ی \u{200C}]{1,130}";
    fuzz(4_000, prop_oneof![2 => spoilt(good), 1 => wild()], |text| {
        let shown = |c: char| !c.is_control();
        normal_forms! { text:
            CardNumber, 6 to 19, |c| c.is_ascii_digit();
            IdempotencyKey, 1 to 64, |c| c.is_ascii_graphic();
            ReceiptNumber, 1 to 64, |c| !c.is_control() && !"۰۹٠٩\u{200C}\u{200E}\u{FEFF}\u{2028}".contains(c);
            CustomerRef, 1 to 64, |c| !c.is_control() && !"۰۹٠٩\u{200C}\u{200E}\u{FEFF}\u{2028}".contains(c);
            Name, 1 to 120, |c| !c.is_control() && !"\u{202A}\u{202E}\u{2066}\u{2069}\u{2028}".contains(c);
            UserName, 3 to 100, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-+@".contains(c);
        }
        if let Ok(name) = Name::parse(&text) {
            prop_assert!(name.masked().chars().all(shown));
            prop_assert_eq!(search_key(name.as_str()), search_key(&text), "a name is found as it was typed");
        }
        Ok(())
    });
}

#[test]
fn codes_are_six_digits_and_search_keys_are_their_own() {
    fuzz(2_000, prop_oneof![1 => spoilt("[0-9۰-۹]{6}"), 1 => wild()], |text| {
        if let Some(code) = six_digits(&text) {
            prop_assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert_eq!(six_digits(&code), Some(code.clone()));
            let digits: String = ascii_digits(&text).chars().filter(char::is_ascii_digit).collect();
            prop_assert_eq!(digits, code);
        }
        let key = search_key(&text);
        prop_assert_eq!(search_key(&key), key.clone());
        prop_assert_eq!(search_key(&format!("\u{200F} {text}\u{FEFF} ")), key);
        Ok(())
    });
}
