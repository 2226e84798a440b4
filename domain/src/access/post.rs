//! Posts: where a merchant's people work, and as what.

use super::{Role, Scope, Scopes};
use crate::id::BranchId;

/// What somebody is at a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StaffRole {
    /// Serves at a till: earns, redeems, enrols.
    Cashier,
    /// Leads a branch: refunds as well.
    Manager,
    /// Everything that the merchant may do: keys and people as well.
    Owner,
}

/// A place of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Post {
    /// The branch; none stands for all branches and for business at none of them.
    pub branch: Option<BranchId>,
    /// What the person is there.
    pub role: StaffRole,
}

impl Post {
    /// Whether the post is about this branch.
    pub fn covers(&self, branch: Option<BranchId>) -> bool {
        self.branch.is_none() || self.branch == branch
    }
}

impl StaffRole {
    /// What the role may do.
    pub fn scopes(self) -> Scopes {
        use Scope::{MembersEnrol, MembersRead, OperationsRead, PointsEarn, PointsRedeem, PointsRefund};
        match self {
            Self::Cashier => Scopes::of(&[PointsEarn, PointsRedeem, MembersRead, MembersEnrol]),
            Self::Manager => Self::Cashier.scopes().union(Scopes::of(&[PointsRefund, OperationsRead])),
            Self::Owner => Scopes::of_role(Role::Merchant),
        }
    }

    /// The role's name in a token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cashier => "cashier",
            Self::Manager => "manager",
            Self::Owner => "owner",
        }
    }

    /// The role of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Cashier, Self::Manager, Self::Owner].into_iter().find(|role| role.as_str() == text)
    }

    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Owner => 1,
            Self::Manager => 2,
            Self::Cashier => 3,
        }
    }

    /// What storage keeps under a number.
    pub const fn from_stored(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Owner),
            2 => Some(Self::Manager),
            3 => Some(Self::Cashier),
            _ => None,
        }
    }
}
