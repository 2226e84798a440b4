//! Passwords, after NIST SP 800-63B: long enough, none that anybody would guess first, and no rule about which kinds of
//! characters they are made of.

use unicode_normalization::UnicodeNormalization as _;

use super::UserName;
use crate::text::ascii_digits;

/// The fewest characters of a password.
pub const SHORTEST_PASSWORD: usize = 12;
/// The most characters of a password.
pub const LONGEST_PASSWORD: usize = 128;
/// A name of fewer characters may well be part of a good password.
const SHORTEST_NAME: usize = 4;
/// A password has at least so many different characters.
const FEWEST_DIFFERENT: usize = 5;
/// A password of digits alone has at least so many characters.
const SHORTEST_NUMBER: usize = 20;
/// A password does not consist of the same few characters over and over.
const LONGEST_PERIOD: usize = 4;

/// Words that make no password when only digits and signs stand around them, or nothing else than each other.
const GUESSED_FIRST: [&str; 36] = [
    "password",
    "passwort",
    "passw",
    "pass",
    "word",
    "qwertyuiop",
    "qwerty",
    "qwert",
    "asdfghjkl",
    "asdfgh",
    "asdf",
    "zxcvbnm",
    "zxcv",
    "admin",
    "administrator",
    "operator",
    "letmein",
    "welcome",
    "changeme",
    "change",
    "iloveyou",
    "love",
    "secret",
    "master",
    "monkey",
    "dragon",
    "football",
    "superman",
    "batman",
    "sunshine",
    "princess",
    "test",
    "amvaj",
    "iran",
    "tehran",
    "user",
];

/// A password in Unicode's normal form C. It cannot print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// Why a text is not taken for a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// It has fewer than 12 characters.
    #[error("a password has at least {SHORTEST_PASSWORD} characters")]
    TooShort,
    /// It has more than 128 characters.
    #[error("a password has at most {LONGEST_PASSWORD} characters")]
    TooLong,
    /// It has control characters, which no keyboard types twice the same.
    #[error("a password has no control characters")]
    Unreadable,
    /// It would be guessed among the first: it has the user's name in it, repeats itself, or is well known.
    #[error("this password would be guessed soon: leave out your name, sequences and well-known words")]
    Guessable,
}

impl Password {
    /// Takes a text for a new password of a user, unless it is a bad one.
    pub fn choose(text: &str, user: &UserName) -> Result<Self, PasswordRefused> {
        let password: String = text.nfc().collect();
        let characters = password.chars().count();
        if characters < SHORTEST_PASSWORD {
            return Err(PasswordRefused::TooShort);
        }
        if characters > LONGEST_PASSWORD {
            return Err(PasswordRefused::TooLong);
        }
        if password.contains(char::is_control) {
            return Err(PasswordRefused::Unreadable);
        }
        if is_guessable(&password, user) {
            return Err(PasswordRefused::Guessable);
        }
        Ok(Self(password))
    }

    /// Takes a text for a password that somebody tries. Of one that is too long only so much is kept that it cannot be
    /// anybody's.
    pub fn tried(text: &str) -> Self {
        Self(text.nfc().take(LONGEST_PASSWORD.saturating_add(1)).collect())
    }

    /// The password, to be hashed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[password]")
    }
}

fn is_guessable(password: &str, user: &UserName) -> bool {
    let folded = ascii_digits(&password.to_lowercase());
    let local = user.local_part();
    let characters: Vec<char> = folded.chars().collect();
    (local.len() >= SHORTEST_NAME && folded.contains(local))
        || folded.contains(user.as_str())
        || has_few_characters(&characters)
        || repeats_itself(&characters)
        || is_sequence(&characters)
        || is_well_known(&folded)
}

fn has_few_characters(characters: &[char]) -> bool {
    let mut different = characters.to_vec();
    different.sort_unstable();
    different.dedup();
    different.len() < FEWEST_DIFFERENT
}

/// `abcdabcdabcd`: from its first few characters on, each is the one that stood a period before.
fn repeats_itself(characters: &[char]) -> bool {
    (1..=LONGEST_PERIOD)
        .any(|period| characters.iter().zip(characters.iter().skip(period)).all(|(a, b)| a == b))
}

/// `123456789012` and `abcdefghijkl`: each character follows the one before it, upwards or downwards; zero follows nine.
fn is_sequence(characters: &[char]) -> bool {
    let follows =
        |a: char, b: char| u32::from(a).checked_add(1) == Some(u32::from(b)) || (a, b) == ('9', '0');
    let pairs = || characters.iter().copied().zip(characters.iter().copied().skip(1));
    pairs().all(|(a, b)| follows(a, b)) || pairs().all(|(a, b)| follows(b, a))
}

/// Whether nothing is left when the words that are guessed first, digits and signs are taken away. Digits alone have to
/// be more than a telephone number and a birthday have.
fn is_well_known(folded: &str) -> bool {
    let letters: String = folded.chars().filter(|c| c.is_alphabetic()).collect();
    if letters.is_empty() {
        return folded.chars().count() < SHORTEST_NUMBER;
    }
    let mut rest = letters.as_str();
    while !rest.is_empty() {
        match GUESSED_FIRST.iter().find_map(|word| rest.strip_prefix(word)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(text: &str) -> Result<Password, PasswordRefused> {
        Password::choose(text, &UserName::parse("mina.karimi@club.example").unwrap())
    }

    #[test]
    fn a_password_is_long_and_may_be_of_any_characters() {
        assert_eq!(choose("سه کتاب آبی و چای").unwrap().expose(), "سه کتاب آبی و چای");
        assert!(choose("three blue books").is_ok());
        assert!(choose("kxq7v9wz2m1b").is_ok());
        assert!(choose("71828 18284 59045 23536").is_ok());
        assert_eq!(choose("elevenchars"), Err(PasswordRefused::TooShort));
        assert!(choose(&"kxq7v9wz2m1b".repeat(10)).is_ok());
        assert_eq!(choose(&"kxq7v9wz2m1b".repeat(11)), Err(PasswordRefused::TooLong));
        assert_eq!(choose("three blue\nbooks"), Err(PasswordRefused::Unreadable));
    }

    #[test]
    fn the_same_password_is_the_same_on_every_keyboard() {
        let composed = choose("caf\u{e9} by the river").unwrap();
        let decomposed = choose("cafe\u{301} by the river").unwrap();
        assert_eq!(composed, decomposed);
        assert_eq!(Password::tried("cafe\u{301} by the river"), composed);
    }

    #[test]
    fn what_would_be_guessed_first_is_refused() {
        for silly in [
            "mina.karimi2026",
            "I am Mina.Karimi!",
            "aaaaaaaaaaaaaaa",
            "abababababab",
            "abcdabcdabcd",
            "123456789012",
            "987654321098",
            "abcdefghijkl",
            "password1234",
            "PassWord!2026",
            "qwertyuiop12",
            "passwordpassword",
            "۰۹۱۲۳۴۵۶۷۸۹۱",
            "13650421-1399",
            "welcomeadmin!!",
            "amvaj-iran-1405",
        ] {
            assert_eq!(choose(silly), Err(PasswordRefused::Guessable), "{silly}");
        }
    }

    #[test]
    fn a_tried_password_that_is_too_long_is_nobodys() {
        let longest = "kxq7v9wz2m1b5c3d".repeat(8);
        assert_eq!(Password::tried(&longest).expose(), longest);
        assert_ne!(Password::tried(&format!("{longest}x")).expose(), longest);
        assert_eq!(Password::tried(&"x".repeat(100_000)).expose().len(), LONGEST_PASSWORD.saturating_add(1));
        assert_eq!(format!("{:?}", Password::tried("three blue books")), "[password]");
    }
}
