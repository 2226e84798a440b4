//! Relations: what there is between a merchant and a member, and what the merchant may therefore see of the member.
//!
//! A merchant that a member never dealt with learns what the member shows at its till, masked. Once there is a
//! relation it knows whom it serves: the name and the balance. The member has the last word and may show more, or
//! nothing, to each merchant.

use crate::{
    id::{MemberId, MerchantId},
    time::Instant,
};

/// How a relation began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelationSource {
    /// The merchant enrolled the member.
    Enrolled,
    /// The merchant gave the member its own reference.
    Linked,
    /// The member earned or spent points at the merchant, or let it hold some.
    Operation,
    /// There is none yet: the member only said what the merchant may see.
    Consent,
}

/// What a member allowed or forbade a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Consent {
    /// The merchant sees no more than one that the member never dealt with.
    Hidden,
    /// The merchant sees the mobile number and the card as well, whether or not the member was there before.
    Profile,
}

/// How much of a member is shown; each shows what those before it show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disclosure {
    /// The initials of the name and the ends of the mobile number.
    Masked,
    /// The name, the balance and when the member joined.
    Known,
    /// The mobile number and the card.
    Profile,
    /// Everything.
    Whole,
}

/// A relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation {
    /// The member.
    pub member: MemberId,
    /// The merchant.
    pub merchant: MerchantId,
    /// When it began.
    pub since: Instant,
    /// How it began.
    pub source: RelationSource,
    /// What the member allowed or forbade, and when.
    pub consent: Option<(Consent, Instant)>,
}

/// What there is between a merchant and a member, as far as it decides what the merchant sees. The default is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tie {
    /// Whether they dealt with each other.
    pub related: bool,
    /// What the member allowed or forbade.
    pub consent: Option<Consent>,
}

impl Relation {
    /// What it comes down to.
    pub fn tie(&self) -> Tie {
        Tie { related: self.source.is_dealing(), consent: self.consent.map(|(consent, _)| consent) }
    }
}

impl Tie {
    /// What the merchant sees of the member.
    pub const fn disclosure(self) -> Disclosure {
        match (self.consent, self.related) {
            (Some(Consent::Profile), _) => Disclosure::Profile,
            (None, true) => Disclosure::Known,
            (Some(Consent::Hidden), _) | (None, false) => Disclosure::Masked,
        }
    }

    /// Whether the merchant finds the member by its id. Without this it finds it only by what the member shows.
    pub fn finds_by_id(self) -> bool {
        self.related || self.disclosure() > Disclosure::Masked
    }
}

impl RelationSource {
    /// Whether they dealt with each other.
    pub const fn is_dealing(self) -> bool {
        match self {
            Self::Enrolled | Self::Linked | Self::Operation => true,
            Self::Consent => false,
        }
    }

    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Enrolled => 1,
            Self::Linked => 2,
            Self::Operation => 3,
            Self::Consent => 4,
        }
    }

    /// What storage keeps under a number.
    pub const fn from_stored(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Enrolled),
            2 => Some(Self::Linked),
            3 => Some(Self::Operation),
            4 => Some(Self::Consent),
            _ => None,
        }
    }
}

impl Consent {
    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Hidden => 1,
            Self::Profile => 2,
        }
    }

    /// What storage keeps under a number.
    pub const fn from_stored(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Hidden),
            2 => Some(Self::Profile),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_member_has_the_last_word() {
        let shown = |related, consent| Tie { related, consent }.disclosure();
        assert_eq!(shown(false, None), Disclosure::Masked);
        assert_eq!(shown(true, None), Disclosure::Known);
        for related in [false, true] {
            assert_eq!(shown(related, Some(Consent::Hidden)), Disclosure::Masked);
            assert_eq!(shown(related, Some(Consent::Profile)), Disclosure::Profile);
        }
    }

    #[test]
    fn an_id_is_of_use_only_to_whom_the_member_dealt_with_or_shows_itself() {
        let finds = |related, consent| Tie { related, consent }.finds_by_id();
        assert!(!finds(false, None) && !finds(false, Some(Consent::Hidden)));
        assert!(finds(true, None) && finds(true, Some(Consent::Hidden)));
        assert!(finds(false, Some(Consent::Profile)));
    }

    #[test]
    fn what_is_stored_reads_back() {
        for source in [
            RelationSource::Enrolled,
            RelationSource::Linked,
            RelationSource::Operation,
            RelationSource::Consent,
        ] {
            assert_eq!(RelationSource::from_stored(source.stored()), Some(source));
        }
        for consent in [Consent::Hidden, Consent::Profile] {
            assert_eq!(Consent::from_stored(consent.stored()), Some(consent));
        }
        assert_eq!((RelationSource::from_stored(0), Consent::from_stored(0)), (None, None));
    }
}
