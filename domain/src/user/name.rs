//! The name that a user logs in with.

use crate::text::ascii_digits;

const SHORTEST: usize = 3;
const LONGEST: usize = 100;

/// The name that a user logs in with, such as an e-mail address: 3–100 ASCII letters, digits and `. _ - + @`, of which
/// the first is a letter or digit. Small and capital letters are the same, so it is kept in small ones; no two names
/// look alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

/// A text is not a [`UserName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a user name has 3 to 100 characters: English letters, digits and . _ - + @, such as an e-mail address"
)]
pub struct InvalidUserName;

impl UserName {
    /// Checks a text and keeps its normal form.
    pub fn parse(text: &str) -> Result<Self, InvalidUserName> {
        let name = ascii_digits(text.trim()).to_ascii_lowercase();
        let fits = (SHORTEST..=LONGEST).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@'));
        if fits { Ok(Self(name)) } else { Err(InvalidUserName) }
    }

    /// The name in its normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first `@`; of a name that is no e-mail address, all of it.
    pub fn local_part(&self) -> &str {
        self.0.split_once('@').map_or(self.as_str(), |(local, _)| local)
    }
}

impl std::fmt::Display for UserName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_however_it_is_typed() {
        let name = UserName::parse("  Mina.K+۷@Club.example ").unwrap();
        assert_eq!(name.as_str(), "mina.k+7@club.example");
        assert_eq!(name.local_part(), "mina.k+7");
        assert_eq!(UserName::parse(name.as_str()), Ok(name));
        assert_eq!(UserName::parse("root").unwrap().local_part(), "root");
    }

    #[test]
    fn what_could_be_taken_for_another_name_is_none() {
        let long = "a".repeat(101);
        for wrong in ["", "ab", "مینا", "mіna", "mi na", "@mina", "-mina", "mina\u{200C}k", "mina\n1", &long]
        {
            assert_eq!(UserName::parse(wrong), Err(InvalidUserName), "{wrong:?}");
        }
    }
}
