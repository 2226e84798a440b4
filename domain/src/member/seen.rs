//! A member as one caller sees it. Whatever is not shown cannot be taken out.

use std::borrow::Cow;

use super::{Member, MemberStatus};
use crate::{
    id::{MemberId, WalletId},
    language::Language,
    relation::Disclosure,
    text::{CardNumber, Mobile},
    time::Instant,
};

/// A member as one caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenMember {
    /// The member.
    pub id: MemberId,
    /// The wallet of the member's points; what is in it is shown only from [`Disclosure::Known`] on.
    pub wallet: WalletId,
    /// Whether the member takes part.
    pub status: MemberStatus,
    whole: Member,
    disclosure: Disclosure,
}

impl SeenMember {
    /// What is shown of a member.
    pub const fn new(member: Member, disclosure: Disclosure) -> Self {
        Self { id: member.id, wallet: member.wallet, status: member.status, whole: member, disclosure }
    }

    /// How much is shown.
    pub const fn disclosure(&self) -> Disclosure {
        self.disclosure
    }

    /// The name, or its initials.
    pub fn name(&self) -> Cow<'_, str> {
        match self.at_least(Disclosure::Known) {
            Some(member) => Cow::Borrowed(member.name.as_str()),
            None => Cow::Owned(self.whole.name.masked()),
        }
    }

    /// The mobile number without its middle digits.
    pub fn masked_mobile(&self) -> String {
        self.whole.mobile.masked()
    }

    /// When the member joined.
    pub fn enrolled_at(&self) -> Option<Instant> {
        Some(self.at_least(Disclosure::Known)?.enrolled_at)
    }

    /// The mobile number.
    pub fn mobile(&self) -> Option<&Mobile> {
        let member = self.at_least(Disclosure::Profile)?;
        (member.status != MemberStatus::Erased).then_some(&member.mobile)
    }

    /// The number of the card.
    pub fn card_number(&self) -> Option<&CardNumber> {
        self.at_least(Disclosure::Profile)?.card_number.as_ref()
    }

    /// The language in which the member wants to be told things.
    pub fn language(&self) -> Option<Language> {
        self.whole()?.language
    }

    /// The member, when everything is shown.
    pub fn whole(&self) -> Option<&Member> {
        self.at_least(Disclosure::Whole)
    }

    fn at_least(&self, least: Disclosure) -> Option<&Member> {
        (self.disclosure >= least).then_some(&self.whole)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::text::Name;

    fn seen(disclosure: Disclosure) -> SeenMember {
        let member = Member {
            id: MemberId::new(Uuid::from_u128(1)),
            wallet: WalletId::new(Uuid::from_u128(2)),
            mobile: Mobile::parse("09123456789").expect("a mobile"),
            card_number: CardNumber::parse("62730012").ok(),
            name: Name::parse("مینا کریمی").expect("a name"),
            status: MemberStatus::Open,
            enrolled_at: Instant::from_micros(7),
            language: Some(Language::Persian),
        };
        SeenMember::new(member, disclosure)
    }

    #[test]
    fn each_disclosure_shows_what_those_before_it_show_and_more() {
        let masked = seen(Disclosure::Masked);
        assert_eq!((masked.name().as_ref(), masked.enrolled_at()), ("م*** ک***", None));
        assert_eq!(masked.masked_mobile(), "+98912***6789");
        let known = seen(Disclosure::Known);
        assert_eq!((known.name().as_ref(), known.mobile()), ("مینا کریمی", None));
        assert!(known.enrolled_at().is_some() && known.card_number().is_none());
        let profile = seen(Disclosure::Profile);
        assert!(profile.mobile().is_some() && profile.card_number().is_some());
        assert_eq!((profile.language(), profile.whole()), (None, None));
        assert!(seen(Disclosure::Whole).whole().is_some());
    }
}
