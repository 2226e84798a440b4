//! Members: people who collect points, and the ways to find one.

mod seen;

pub use seen::SeenMember;

use crate::{
    id::{MemberId, MerchantId, WalletId},
    language::Language,
    text::{CardNumber, CustomerRef, Mobile, Name, ascii_digits, search_key},
    time::Instant,
};

/// Whether a member takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberStatus {
    /// The member earns and spends.
    Open,
    /// The operator blocked the member: what was begun can be ended.
    Blocked,
    /// The member's identity is gone for good; the wallet is blocked.
    Erased,
}

/// A person who collects points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The member.
    pub id: MemberId,
    /// The wallet of the member's points.
    pub wallet: WalletId,
    /// The mobile number, by which the member logs in; no two members share one.
    pub mobile: Mobile,
    /// The number of the member's card; no two members share one.
    pub card_number: Option<CardNumber>,
    /// The name.
    pub name: Name,
    /// Whether the member takes part.
    pub status: MemberStatus,
    /// When the member joined.
    pub enrolled_at: Instant,
    /// The language in which the member wants to be told things; none when the member has not said.
    pub language: Option<Language>,
}

/// One way to name a member.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MemberLookup {
    /// By id.
    Id(MemberId),
    /// By mobile number.
    Mobile(Mobile),
    /// By card number.
    CardNumber(CardNumber),
    /// By a merchant's own reference.
    Customer {
        /// The merchant.
        merchant: MerchantId,
        /// Its reference.
        customer_ref: CustomerRef,
    },
    /// By wallet.
    Wallet(WalletId),
}

/// What an operator typed to search for members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberSearch {
    /// A part of the name, as a search key.
    Name(String),
    /// The beginning of a mobile number, as numbers are stored.
    MobilePrefix(String),
}

impl MemberSearch {
    /// Reads digits as the beginning of a mobile number and anything else as a part of a name; nothing when there
    /// is nothing to search for.
    pub fn parse(text: &str) -> Option<Self> {
        let key = search_key(text);
        if key.is_empty() {
            return None;
        }
        let compact: String = ascii_digits(&key).chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let digits = compact.strip_prefix('+').unwrap_or(&compact);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::Name(key));
        }
        let national =
            ["0098", "98", "0"].iter().find_map(|code| digits.strip_prefix(code)).unwrap_or(digits);
        Some(Self::MobilePrefix(format!("+98{national}")))
    }
}

impl MemberStatus {
    /// The number that storage keeps; numbers are never reused. That a member was erased stands beside it.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Open => 1,
            Self::Blocked | Self::Erased => 2,
        }
    }

    /// What storage keeps under a number.
    pub const fn from_stored(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Open),
            2 => Some(Self::Blocked),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_search_mobiles_and_letters_search_names() {
        let mobile = |prefix: &str| Some(MemberSearch::MobilePrefix(prefix.to_owned()));
        assert_eq!(MemberSearch::parse("۰۹۱۲ ۳۴"), mobile("+9891234"));
        assert_eq!(MemberSearch::parse("+98 912"), mobile("+98912"));
        assert_eq!(MemberSearch::parse("912"), mobile("+98912"));
        assert_eq!(MemberSearch::parse("علي"), Some(MemberSearch::Name("علی".to_owned())));
        assert_eq!(MemberSearch::parse(" \u{200C} "), None);
    }
}
