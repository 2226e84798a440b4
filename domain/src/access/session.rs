//! Sessions: whose they can be, how long they last, and why they end.

use uuid::Uuid;

use crate::{
    id::{MemberId, StaffId, UserId},
    time::{Instant, Span},
};

/// Whose session it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A member's.
    Member(MemberId),
    /// One of a merchant's people's.
    Staff(StaffId),
    /// An operator's or an agent's.
    User(UserId),
}

/// A kind of subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    /// Members.
    Member,
    /// Merchants' people.
    Staff,
    /// Operators and agents.
    User,
}

/// Why a session ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Its owner ended it.
    LoggedOut,
    /// A refresh token came a second time: somebody else may have it.
    Reuse,
    /// Its owner was blocked or removed.
    Blocked,
    /// What its owner may do was changed.
    Changed,
    /// Its owner has more sessions than are allowed.
    Replaced,
    /// Somebody who may ended it.
    ByOthers,
}

impl Subject {
    /// What kind it is.
    pub const fn kind(self) -> SubjectKind {
        match self {
            Self::Member(_) => SubjectKind::Member,
            Self::Staff(_) => SubjectKind::Staff,
            Self::User(_) => SubjectKind::User,
        }
    }

    /// The id, whatever the kind.
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Member(id) => id.uuid(),
            Self::Staff(id) => id.uuid(),
            Self::User(id) => id.uuid(),
        }
    }

    /// The subject of a kind and an id.
    pub const fn of(kind: SubjectKind, id: Uuid) -> Self {
        match kind {
            SubjectKind::Member => Self::Member(MemberId::new(id)),
            SubjectKind::Staff => Self::Staff(StaffId::new(id)),
            SubjectKind::User => Self::User(UserId::new(id)),
        }
    }
}

impl SubjectKind {
    /// How long a session lasts without being used.
    pub const fn idle(self) -> Span {
        match self {
            Self::Member => Span::days(30),
            Self::Staff => Span::days(7),
            Self::User => Span::minutes(12 * 60),
        }
    }

    /// How long a session lasts however often it is used.
    pub const fn longest(self) -> Span {
        match self {
            Self::Member => Span::days(365),
            Self::Staff => Span::days(90),
            Self::User => Span::days(7),
        }
    }

    /// When a session that began at `began` ends if it is not used after `used`.
    pub fn ends(self, began: Instant, used: Instant) -> Instant {
        used.plus(self.idle()).min(began.plus(self.longest()))
    }

    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Member => 1,
            Self::Staff => 2,
            Self::User => 3,
        }
    }

    /// What storage keeps under a number.
    pub const fn from_stored(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Member),
            2 => Some(Self::Staff),
            3 => Some(Self::User),
            _ => None,
        }
    }
}

impl EndReason {
    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::LoggedOut => 1,
            Self::Reuse => 2,
            Self::Blocked => 3,
            Self::Changed => 4,
            Self::Replaced => 5,
            Self::ByOthers => 6,
        }
    }
}
