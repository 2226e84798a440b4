//! Scopes: what a token or a key may do, one by one.

use super::Role;

macro_rules! scopes {
    ($($(#[doc = $doc:literal])+ $name:ident = $bit:literal, $text:literal;)+) => {
        /// One thing that may be allowed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Scope {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The scope's name in tokens and keys.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The scope of that name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|scope| scope.as_str() == text)
            }

            /// The scope's place in a stored set; places are never reused.
            const fn bit(self) -> u32 {
                match self { $(Self::$name => 1 << $bit,)+ }
            }
        }
    };
}

scopes! {
    /// Quote and earn points.
    PointsEarn = 0, "points:earn";
    /// Hold, capture, release and redeem points.
    PointsRedeem = 1, "points:redeem";
    /// Refund purchases.
    PointsRefund = 2, "points:refund";
    /// Look members up and read their balances.
    MembersRead = 3, "members:read";
    /// Enrol members and link them to the merchant's own references.
    MembersEnrol = 4, "members:enrol";
    /// Read operations, holds and purchases.
    OperationsRead = 5, "operations:read";
    /// Make, rotate and revoke the merchant's API keys.
    KeysManage = 6, "keys:manage";
    /// Add and remove the merchant's staff.
    StaffManage = 7, "staff:manage";
    /// Register merchants and branches, set earn rules and statuses.
    NetworkManage = 8, "network:manage";
    /// Block members and open their accounts again.
    MembersManage = 9, "members:manage";
    /// Invite and remove operators and agents.
    UsersManage = 10, "users:manage";
    /// Read the audit log.
    AuditRead = 11, "audit:read";
    /// Register endpoints for webhooks, replace their secrets, and have events sent again.
    WebhooksManage = 12, "webhooks:manage";
    /// Offer rewards, change them and their stock, and close them.
    RewardsManage = 13, "rewards:manage";
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scopes(u32);

impl Scopes {
    /// No scope.
    pub const NONE: Self = Self(0);

    /// The set of these scopes.
    pub fn of(scopes: &[Scope]) -> Self {
        scopes.iter().fold(Self::NONE, |set, scope| Self(set.0 | scope.bit()))
    }

    /// All that a role may ever do.
    pub fn of_role(role: Role) -> Self {
        use Scope::{
            AuditRead, KeysManage, MembersEnrol, MembersManage, MembersRead, NetworkManage, OperationsRead,
            PointsEarn, PointsRedeem, PointsRefund, RewardsManage, StaffManage, UsersManage, WebhooksManage,
        };
        Self::of(match role {
            Role::Operator => &[
                MembersRead,
                MembersEnrol,
                OperationsRead,
                KeysManage,
                StaffManage,
                NetworkManage,
                MembersManage,
                UsersManage,
                AuditRead,
            ],
            Role::Agent => &[MembersRead, OperationsRead],
            Role::Merchant => &[
                PointsEarn,
                PointsRedeem,
                PointsRefund,
                MembersRead,
                MembersEnrol,
                OperationsRead,
                KeysManage,
                StaffManage,
                WebhooksManage,
                RewardsManage,
            ],
            // What a member may do needs no scope: it is about the member itself.
            Role::Member => &[],
        })
    }

    /// Whether the scope is in the set.
    pub const fn contain(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of `other` is in the set.
    pub const fn contain_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is allowed.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes of the set, in the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.contain(*scope))
    }

    /// The names of the set's scopes with spaces between them, as OAuth 2 writes them (RFC 6749 §3.3).
    pub fn to_text(self) -> String {
        self.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The set of a text's names; names that are unknown here give nothing.
    pub fn from_text(text: &str) -> Self {
        text.split(' ').filter_map(Scope::parse).fold(Self::NONE, |set, scope| Self(set.0 | scope.bit()))
    }

    /// The number that storage keeps.
    pub const fn stored(self) -> u32 {
        self.0
    }

    /// What storage keeps under a number; places that are unknown here are left out.
    pub fn from_stored(number: u32) -> Self {
        Self::of(Scope::ALL).intersection(Self(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_reads_back_from_its_text_and_its_number() {
        for role in Role::ALL {
            let set = Scopes::of_role(role);
            assert_eq!(Scopes::from_text(&set.to_text()), set);
            assert_eq!(Scopes::from_stored(set.stored()), set);
        }
        assert_eq!(
            Scopes::of(&[Scope::PointsRedeem, Scope::PointsEarn]).to_text(),
            "points:earn points:redeem"
        );
        assert!(Scopes::from_text("points:mint  POINTS:EARN").is_empty());
        assert_eq!(Scopes::from_stored(u32::MAX), Scopes::of(Scope::ALL));
    }

    #[test]
    fn every_scope_has_a_place_of_its_own() {
        let places: std::collections::HashSet<_> = Scope::ALL.iter().map(|scope| scope.bit()).collect();
        assert_eq!(places.len(), Scope::ALL.len());
    }
}
