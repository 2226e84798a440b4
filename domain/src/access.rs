//! Who is calling, in whose name, and what it may do.
//!
//! A request has at most one [`Identity`]. Its [`Caller`] says whose part of the network is seen, its [`Actor`] who
//! acted in person (for the audit log), and its [`Scopes`] what may be done.

mod api_key;
mod post;
mod scope;
mod session;

use std::sync::Arc;

use crate::id::{ApiKeyId, BranchId, MemberId, MerchantId, SessionId, StaffId, UserId};

pub use api_key::{ApiKey, ApiKeyStatus};
pub use post::{InvalidPosts, MOST_POSTS, Post, Posts, StaffRole};
pub use scope::{Scope, Scopes};
pub use session::{EndReason, Subject, SubjectKind};

/// In whose name a request is made, and so what it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// The party that runs the network.
    Operator,
    /// Somebody who looks after members for the operator: sees what the operator sees and changes nothing of the
    /// network.
    Agent,
    /// A partner business, acting for itself only.
    Merchant(MerchantId),
    /// A member, acting for its own wallet only.
    Member(MemberId),
}

/// What a caller is, without whom it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs the network.
    Operator,
    /// Looks after members.
    Agent,
    /// Issues and accepts points.
    Merchant,
    /// Collects and spends points.
    Member,
}

/// Who acted in person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Whoever may use the command line of the server.
    Console,
    /// An operator or an agent who logged in.
    User(UserId),
    /// One of a merchant's people who logged in.
    Staff(StaffId),
    /// A merchant's program.
    ApiKey(ApiKeyId),
    /// A member who logged in.
    Member(MemberId),
    /// The bearer of a token that an outside issuer signed.
    Outside,
}

/// An authenticated caller with what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// In whose name.
    pub caller: Caller,
    /// Who in person.
    pub actor: Actor,
    /// What may be done at all; for staff, at one of its posts at least.
    pub scopes: Scopes,
    /// Where a merchant's staff works and as what; empty for everybody else, who is not bound to a branch.
    pub posts: Arc<[Post]>,
    /// The session that the token belongs to; none for keys and for tokens made on the command line.
    pub session: Option<SessionId>,
}

impl Caller {
    /// The caller's role.
    pub const fn role(self) -> Role {
        match self {
            Self::Operator => Role::Operator,
            Self::Agent => Role::Agent,
            Self::Merchant(_) => Role::Merchant,
            Self::Member(_) => Role::Member,
        }
    }
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Operator, Self::Agent, Self::Merchant, Self::Member];

    /// The role's name in a token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Agent => "agent",
            Self::Merchant => "merchant",
            Self::Member => "member",
        }
    }
}

impl Identity {
    /// Somebody in the name of `caller` with everything that its role may do.
    pub fn new(caller: Caller, actor: Actor) -> Self {
        Self { caller, actor, scopes: Scopes::of_role(caller.role()), posts: Arc::default(), session: None }
    }

    /// Whoever may use the server's command line, in the name of `caller`.
    pub fn console(caller: Caller) -> Self {
        Self::new(caller, Actor::Console)
    }

    /// A merchant's staff with its posts.
    pub fn staff(merchant: MerchantId, staff: StaffId, posts: Vec<Post>) -> Self {
        let scopes = posts.iter().map(|post| post.role.scopes()).fold(Scopes::NONE, Scopes::union);
        Self { scopes, posts: posts.into(), ..Self::new(Caller::Merchant(merchant), Actor::Staff(staff)) }
    }

    /// The same with a smaller set of scopes: what the identity had and `scopes` has.
    #[must_use]
    pub fn limited_to(self, scopes: Scopes) -> Self {
        Self { scopes: self.scopes.intersection(scopes), ..self }
    }

    /// The same within a session.
    #[must_use]
    pub fn within(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// Whether `scope` is given at all.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contain(scope)
    }

    /// Whether `scope` is given at a branch; `None` stands for business at no branch in particular, which needs a
    /// post for the whole merchant.
    pub fn may_at(&self, scope: Scope, branch: Option<BranchId>) -> bool {
        self.may(scope)
            && (self.posts.is_empty()
                || self.posts.iter().any(|post| post.covers(branch) && post.role.scopes().contain(scope)))
    }

    /// Where `scope` is given, when that is at some branches only; nothing when it is given everywhere. Of a scope that is
    /// not given at all there are no branches.
    pub fn branches(&self, scope: Scope) -> Option<Vec<BranchId>> {
        if self.may_at(scope, None) {
            return None;
        }
        let given = self.posts.iter().filter(|post| self.may(scope) && post.role.scopes().contain(scope));
        Some(given.filter_map(|post| post.branch).collect())
    }

    /// Whether these posts may be given: nobody gives what it does not have. The operator has none of a merchant's scopes;
    /// it gives every post, an owner's only when it runs the network.
    pub fn may_give(&self, posts: &[Post]) -> bool {
        posts.iter().all(|post| match self.caller {
            Caller::Operator => post.role != StaffRole::Owner || self.may(Scope::NetworkManage),
            Caller::Merchant(_) => post.role.scopes().iter().all(|scope| self.may_at(scope, post.branch)),
            Caller::Agent | Caller::Member(_) => false,
        })
    }

    /// The only branch where `scope` is given, when there is exactly one: what a cashier need not say.
    pub fn only_branch(&self, scope: Scope) -> Option<BranchId> {
        let mut posts = self.posts.iter().filter(|post| post.role.scopes().contain(scope));
        match (posts.next(), posts.next()) {
            (Some(post), None) => post.branch,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn branch(number: u128) -> BranchId {
        BranchId::new(Uuid::from_u128(number))
    }

    fn staff(posts: Vec<Post>) -> Identity {
        Identity::staff(MerchantId::new(Uuid::from_u128(1)), StaffId::new(Uuid::from_u128(2)), posts)
    }

    #[test]
    fn a_cashier_acts_at_its_branch_only() {
        let cashier = staff(vec![Post { branch: Some(branch(7)), role: StaffRole::Cashier }]);
        assert!(cashier.may_at(Scope::PointsEarn, Some(branch(7))));
        assert!(!cashier.may_at(Scope::PointsEarn, Some(branch(8))));
        assert!(!cashier.may_at(Scope::PointsEarn, None));
        assert!(!cashier.may_at(Scope::PointsRefund, Some(branch(7))));
        assert_eq!(cashier.only_branch(Scope::PointsEarn), Some(branch(7)));
    }

    #[test]
    fn a_person_may_do_at_each_branch_what_its_post_there_gives() {
        let both = staff(vec![
            Post { branch: Some(branch(7)), role: StaffRole::Cashier },
            Post { branch: Some(branch(8)), role: StaffRole::Manager },
        ]);
        assert!(both.may(Scope::PointsRefund));
        assert!(both.may_at(Scope::PointsRefund, Some(branch(8))));
        assert!(!both.may_at(Scope::PointsRefund, Some(branch(7))));
        assert_eq!(both.only_branch(Scope::PointsEarn), None);
        assert_eq!(both.only_branch(Scope::PointsRefund), Some(branch(8)));
    }

    #[test]
    fn a_manager_reads_where_it_manages_and_no_further() {
        let both = staff(vec![
            Post { branch: Some(branch(7)), role: StaffRole::Cashier },
            Post { branch: Some(branch(8)), role: StaffRole::Manager },
        ]);
        assert_eq!(both.branches(Scope::OperationsRead), Some(vec![branch(8)]));
        assert_eq!(both.branches(Scope::PointsEarn), Some(vec![branch(7), branch(8)]));
        assert_eq!(both.branches(Scope::StaffManage), Some(Vec::new()));
        let key = Identity::console(Caller::Merchant(MerchantId::new(Uuid::from_u128(1))));
        assert_eq!(key.branches(Scope::OperationsRead), None);
        let limited = key.limited_to(Scopes::of(&[Scope::PointsEarn]));
        assert_eq!(limited.branches(Scope::OperationsRead), Some(Vec::new()));
    }

    #[test]
    fn an_owner_and_a_key_are_bound_to_no_branch() {
        let owner = staff(vec![Post { branch: None, role: StaffRole::Owner }]);
        assert!(owner.may_at(Scope::PointsRefund, None) && owner.may_at(Scope::StaffManage, Some(branch(7))));
        let merchant = Identity::console(Caller::Merchant(MerchantId::new(Uuid::from_u128(1))));
        assert!(merchant.may_at(Scope::PointsRefund, Some(branch(7))));
        let limited = merchant.limited_to(Scopes::of(&[Scope::PointsEarn, Scope::NetworkManage]));
        assert!(limited.may(Scope::PointsEarn));
        assert!(!limited.may(Scope::NetworkManage), "nobody is given what the role does not have");
    }

    #[test]
    fn nobody_gives_a_post_that_does_more_than_it_may() {
        let post = |role, branch| [Post { branch, role }];
        let owner = staff(vec![Post { branch: None, role: StaffRole::Owner }]);
        assert!(owner.may_give(&post(StaffRole::Owner, None)));
        let merchant = Identity::console(Caller::Merchant(MerchantId::new(Uuid::from_u128(1))));
        let keeper = merchant.clone().limited_to(Scopes::of(&[Scope::StaffManage]));
        assert!(merchant.may_give(&post(StaffRole::Owner, None)));
        assert!(!keeper.may_give(&post(StaffRole::Owner, None)));
        assert!(!keeper.may_give(&post(StaffRole::Cashier, Some(branch(7)))));
        let operator = Identity::console(Caller::Operator);
        assert!(operator.may_give(&post(StaffRole::Owner, None)));
        let limited = operator.limited_to(Scopes::of(&[Scope::StaffManage]));
        assert!(limited.may_give(&post(StaffRole::Manager, None)));
        assert!(!limited.may_give(&post(StaffRole::Owner, None)));
    }

    #[test]
    fn staff_without_a_post_may_do_nothing() {
        let nobody = staff(Vec::new());
        assert!(!nobody.may_at(Scope::PointsEarn, None));
    }
}
