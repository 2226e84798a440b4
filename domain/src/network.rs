//! What an installation is for: each is the live network or its sandbox, with data of its own.

/// Whether an installation moves points that are worth something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NetworkMode {
    /// The network itself.
    #[default]
    Live,
    /// A copy of it to build and try against: nothing in it is worth anything.
    Sandbox,
}

impl NetworkMode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Live, Self::Sandbox];

    /// Its name in settings, keys and tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Sandbox => "sandbox",
        }
    }

    /// The mode of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }

    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Live => 1,
            Self::Sandbox => 2,
        }
    }

    /// What storage keeps under a number.
    pub fn from_stored(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.stored() == number)
    }
}

impl std::fmt::Display for NetworkMode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Live => "the live network",
            Self::Sandbox => "the sandbox",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_reads_back_from_its_name_and_its_number() {
        for mode in NetworkMode::ALL {
            assert_eq!(NetworkMode::parse(mode.as_str()), Some(mode));
            assert_eq!(NetworkMode::from_stored(mode.stored()), Some(mode));
        }
        assert_eq!(NetworkMode::parse("test"), None);
    }
}
