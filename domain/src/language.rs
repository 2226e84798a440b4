//! The languages in which people are answered.

/// A language that every message is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Persian.
    Persian,
    /// English.
    English,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::Persian, Self::English];

    /// Its ISO 639-1 code, which is also what storage keeps.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Persian => "fa",
            Self::English => "en",
        }
    }

    /// The language of an ISO 639-1 code in lower case; nothing for one that messages are not written in.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_survives_storage() {
        for language in Language::ALL {
            assert_eq!(Language::from_code(language.code()), Some(language));
        }
        assert_eq!(Language::from_code("de"), None);
    }
}
