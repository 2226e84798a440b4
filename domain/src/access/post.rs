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

/// The most posts of one person: they travel in every token.
pub const MOST_POSTS: usize = 20;

/// The posts of one person: one to [`MOST_POSTS`], at most one at a branch, and owners for the whole merchant only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posts(Vec<Post>);

/// Why a list of posts is not what somebody can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPosts {
    /// There is none.
    #[error("a person needs a post")]
    None,
    /// There are too many.
    #[error("a person has at most {MOST_POSTS} posts")]
    TooMany,
    /// Two are for the same branch, or for all.
    #[error("a person has one post at a branch, and one for all branches")]
    Repeated,
    /// Nobody owns a part of a merchant.
    #[error("an owner is one of the whole merchant")]
    OwnerOfBranch,
}

impl Posts {
    /// Checks a list and puts it in order: what is for all branches comes first.
    pub fn new(mut posts: Vec<Post>) -> Result<Self, InvalidPosts> {
        posts.sort_by_key(|post| post.branch);
        if posts.is_empty() {
            Err(InvalidPosts::None)
        } else if posts.len() > MOST_POSTS {
            Err(InvalidPosts::TooMany)
        } else if posts.iter().zip(posts.iter().skip(1)).any(|(one, next)| one.branch == next.branch) {
            Err(InvalidPosts::Repeated)
        } else if posts.iter().any(|post| post.role == StaffRole::Owner && post.branch.is_some()) {
            Err(InvalidPosts::OwnerOfBranch)
        } else {
            Ok(Self(posts))
        }
    }

    /// The posts.
    pub fn as_slice(&self) -> &[Post] {
        &self.0
    }

    /// Whether one of them is an owner's.
    pub fn own(&self) -> bool {
        self.0.iter().any(|post| post.role == StaffRole::Owner)
    }
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
        use Scope::{
            MembersEnrol, MembersRead, OperationsRead, PointsEarn, PointsRedeem, PointsRefund, RewardsManage,
            WebhooksManage,
        };
        match self {
            Self::Cashier => Scopes::of(&[PointsEarn, PointsRedeem, MembersRead, MembersEnrol]),
            Self::Manager => {
                let more = [PointsRefund, OperationsRead, WebhooksManage, RewardsManage];
                Self::Cashier.scopes().union(Scopes::of(&more))
            }
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(branch: u128, role: StaffRole) -> Post {
        Post { branch: Some(BranchId::new(Uuid::from_u128(branch))), role }
    }

    #[test]
    fn posts_are_kept_in_order_and_what_nobody_can_have_is_refused() {
        let (owner, all) = (StaffRole::Owner, Post { branch: None, role: StaffRole::Manager });
        let (one, two) = (at(1, StaffRole::Cashier), at(2, StaffRole::Manager));
        assert_eq!(Posts::new(vec![two, one, all]).unwrap().as_slice(), [all, one, two]);
        assert!(!Posts::new(vec![all]).unwrap().own());
        assert!(Posts::new(vec![Post { branch: None, role: owner }]).unwrap().own());
        assert_eq!(Posts::new(Vec::new()), Err(InvalidPosts::None));
        assert_eq!(Posts::new(vec![one, two, at(1, StaffRole::Manager)]), Err(InvalidPosts::Repeated));
        assert_eq!(Posts::new(vec![all, all]), Err(InvalidPosts::Repeated));
        assert_eq!(Posts::new(vec![at(1, owner)]), Err(InvalidPosts::OwnerOfBranch));
        let many = |count| (1..=count).map(|number| at(number, StaffRole::Cashier)).collect();
        assert!(Posts::new(many(20)).is_ok());
        assert_eq!(Posts::new(many(21)), Err(InvalidPosts::TooMany));
    }
}
