//! How the file names members.

use amvaj_domain::text::{CustomerRef, Mobile};

use super::map::Reference;

/// A member as the file names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberRef {
    /// By a customer number that all merchants of the file share.
    Customer(CustomerRef),
    /// By mobile number.
    Mobile(Mobile),
}

impl MemberRef {
    /// Reads a cell that is not blank.
    pub(super) fn parse(text: &str, reference: &Reference) -> Result<Self, String> {
        match reference {
            Reference::Customer { .. } => {
                CustomerRef::parse(text).map(Self::Customer).map_err(|error| error.to_string())
            }
            Reference::Mobile => Mobile::parse(text).map(Self::Mobile).map_err(|error| error.to_string()),
        }
    }

    /// The reference as text, for identities.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Customer(reference) => reference.as_str(),
            Self::Mobile(mobile) => mobile.as_str(),
        }
    }

    /// The reference as a name may show it: a mobile without its middle digits.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Customer(reference) => reference.to_string(),
            Self::Mobile(mobile) => mobile.masked(),
        }
    }
}
