//! Users: operators and agents, who log in with a password and a one-time code.

mod name;
mod password;

use crate::access::{Actor, Caller, Identity, Role, Scope, Scopes};
use crate::id::UserId;
use crate::text::Name;
use crate::time::Instant;

pub use name::{InvalidUserName, UserName};
pub use password::{LONGEST_PASSWORD, Password, PasswordRefused, SHORTEST_PASSWORD};

/// What a user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserRole {
    /// Runs the network.
    Operator,
    /// Looks after members.
    Agent,
}

/// Whether a user can log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserStatus {
    /// Invited and not there yet: has never had a password and a one-time code.
    Invited,
    /// Can log in.
    Active,
    /// Was disabled: cannot log in.
    Disabled,
}

/// Somebody who works for the party that runs the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub id: UserId,
    /// The name to log in with.
    pub name: UserName,
    /// The name to show.
    pub display_name: Name,
    /// What the user is.
    pub role: UserRole,
    /// What the user may do at most, where that is less than the role may; none for all of it, whatever that comes to be.
    pub limit: Option<Scopes>,
    /// Whether the user can log in.
    pub status: UserStatus,
    /// When the user was added or invited.
    pub created_at: Instant,
    /// When the user last logged in.
    pub logged_in_at: Option<Instant>,
}

impl User {
    /// What the user may do.
    pub fn scopes(&self) -> Scopes {
        let all = Scopes::of_role(self.role.role());
        self.limit.map_or(all, |limit| all.intersection(limit))
    }

    /// Who the user is once logged in.
    pub fn identity(&self) -> Identity {
        Identity::new(self.role.caller(), Actor::User(self.id)).limited_to(self.scopes())
    }

    /// Whether the user can log in and invite and disable others then.
    pub fn manages_users(&self) -> bool {
        self.status == UserStatus::Active && self.scopes().contain(Scope::UsersManage)
    }
}

impl UserRole {
    /// Every role of users.
    pub const ALL: [Self; 2] = [Self::Operator, Self::Agent];

    /// The role among all callers'.
    pub const fn role(self) -> Role {
        match self {
            Self::Operator => Role::Operator,
            Self::Agent => Role::Agent,
        }
    }

    /// In whose name the user acts.
    pub const fn caller(self) -> Caller {
        match self {
            Self::Operator => Caller::Operator,
            Self::Agent => Caller::Agent,
        }
    }

    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Operator => 1,
            Self::Agent => 2,
        }
    }

    /// What storage keeps under a number.
    pub const fn from_stored(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Operator),
            2 => Some(Self::Agent),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(role: UserRole, limit: Option<Scopes>) -> User {
        User {
            id: UserId::new(Uuid::from_u128(1)),
            name: UserName::parse("mina").unwrap(),
            display_name: Name::parse("مینا").unwrap(),
            role,
            limit,
            status: UserStatus::Active,
            created_at: Instant::from_micros(0),
            logged_in_at: None,
        }
    }

    #[test]
    fn a_user_may_do_what_its_role_and_its_limit_both_allow() {
        let operator = user(UserRole::Operator, None);
        assert_eq!(operator.scopes(), Scopes::of_role(Role::Operator));
        assert!(operator.manages_users());
        let limit = Scopes::of(&[Scope::MembersRead, Scope::PointsEarn]);
        let reader = user(UserRole::Operator, Some(limit));
        assert_eq!(reader.identity().scopes, Scopes::of(&[Scope::MembersRead]), "no operator earns points");
        assert!(!reader.manages_users());
        assert!(!user(UserRole::Agent, Some(Scopes::of(&[Scope::UsersManage]))).manages_users());
        assert!(!User { status: UserStatus::Disabled, ..operator }.manages_users());
    }

    #[test]
    fn every_role_reads_back_from_its_number() {
        for role in UserRole::ALL {
            assert_eq!(UserRole::from_stored(role.stored()), Some(role));
            assert_eq!(role.caller().role(), role.role());
        }
        assert_eq!(UserRole::from_stored(0), None);
    }
}
