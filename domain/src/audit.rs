//! The audit log: who did what with a privilege, in entries that are chained by their hashes.
//!
//! An [`Act`] is what somebody did. Stored, it becomes a [`Record`], whose hash covers everything that is stored of it
//! and the hash of the record before it: who changes, removes or swaps a record breaks the chain there.

mod kind;
mod record;

use crate::access::{Actor, Caller, Identity};
use crate::id::{
    ApiKeyId, BoardId, BranchId, MemberId, MerchantId, RewardId, SessionId, StaffId, UserId,
    WebhookEndpointId,
};
use crate::text::{CardNumber, CustomerRef, Mobile};
use crate::time::Instant;

pub use kind::ActKind;
pub use record::{ActorKind, Record, read_actor, stored_actor};

/// The longest text that one detail keeps, in characters; the rest is cut off.
pub const LONGEST_DETAIL: usize = 200;
/// The longest request id that is kept, in characters.
const LONGEST_REQUEST_ID: usize = 64;

/// Who acts, in whose name, and in which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// In whose name; nobody who failed to log in has one.
    pub caller: Option<Caller>,
    /// Who in person; nobody when it is not known.
    pub actor: Option<Actor>,
    /// The id of the request, by which the server's log tells more; empty on the command line.
    pub request_id: String,
}

/// Something that was done with a privilege.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Who did it.
    pub author: Author,
    /// What was done.
    pub kind: ActKind,
    /// What or whom it was done to.
    pub target: Target,
    /// When.
    pub at: Instant,
    /// What else is worth knowing: names in `camelCase` and values, in the order in which they were added.
    pub details: Vec<(&'static str, Detail)>,
}

/// What or whom an act is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Nothing that has an id, or nothing that was found.
    Nothing,
    /// A merchant.
    Merchant(MerchantId),
    /// A branch.
    Branch(BranchId),
    /// A member.
    Member(MemberId),
    /// An operator or an agent.
    User(UserId),
    /// One of a merchant's people.
    Staff(StaffId),
    /// A merchant's key.
    ApiKey(ApiKeyId),
    /// A session.
    Session(SessionId),
    /// A board.
    Board(BoardId),
    /// A merchant's endpoint for webhooks.
    Webhook(WebhookEndpointId),
    /// A reward.
    Reward(RewardId),
}

/// A value of a detail. Secrets have no way into one, and numbers of people only masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// A short text.
    Text(String),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

impl Author {
    /// The author of a request.
    pub fn new(identity: &Identity, request_id: &str) -> Self {
        Self { caller: Some(identity.caller), actor: Some(identity.actor), request_id: shortened(request_id) }
    }

    /// Whoever may use the server's command line.
    pub fn console() -> Self {
        Self::new(&Identity::console(Caller::Operator), "")
    }

    /// Somebody who is not known, such as one who did not log in.
    pub fn unknown(request_id: &str) -> Self {
        Self { caller: None, actor: None, request_id: shortened(request_id) }
    }
}

fn shortened(request_id: &str) -> String {
    request_id.chars().take(LONGEST_REQUEST_ID).collect()
}

impl Act {
    /// Something that `author` did at `at`.
    pub fn new(author: &Author, kind: ActKind, target: Target, at: Instant) -> Self {
        Self { author: author.clone(), kind, target, at, details: Vec::new() }
    }

    /// The same with one thing more that is worth knowing. Never a secret.
    #[must_use]
    pub fn detail(mut self, name: &'static str, value: impl Into<Detail>) -> Self {
        self.add(name, value);
        self
    }

    /// Adds a detail.
    pub fn add(&mut self, name: &'static str, value: impl Into<Detail>) {
        self.details.push((name, value.into()));
    }
}

impl From<&str> for Detail {
    fn from(text: &str) -> Self {
        Self::Text(text.chars().take(LONGEST_DETAIL).collect())
    }
}

impl From<&Mobile> for Detail {
    fn from(mobile: &Mobile) -> Self {
        Self::Text(mobile.masked())
    }
}

impl From<&CardNumber> for Detail {
    fn from(card: &CardNumber) -> Self {
        let digits = card.as_str();
        let last = digits.get(digits.len().saturating_sub(4)..).unwrap_or_default();
        Self::Text(format!("***{last}"))
    }
}

impl From<&CustomerRef> for Detail {
    fn from(reference: &CustomerRef) -> Self {
        Self::masked(reference.as_str())
    }
}

impl Detail {
    /// What somebody typed who looks for a person: its beginning, which tells what kind of thing it was and not whom.
    pub fn masked(text: &str) -> Self {
        let shown: String = text.chars().take(2).collect();
        Self::Text(format!("{shown}***"))
    }
}

impl From<i64> for Detail {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Detail {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Detail {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<usize> for Detail {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn numbers_of_people_are_masked_and_long_texts_cut() {
        let mobile = Mobile::parse("09123456789").unwrap();
        let card = CardNumber::parse("6273001234567890").unwrap();
        assert_eq!(Detail::from(&mobile), Detail::Text(mobile.masked()));
        assert_eq!(Detail::from(&card), Detail::Text("***7890".to_owned()));
        let reference = CustomerRef::parse("C-2041").unwrap();
        assert_eq!(Detail::from(&reference), Detail::Text("C-***".to_owned()));
        assert_eq!(Detail::masked("پ"), Detail::Text("پ***".to_owned()));
        let long = "ن".repeat(LONGEST_DETAIL.saturating_mul(2));
        let Detail::Text(cut) = Detail::from(long.as_str()) else { panic!("a text stays a text") };
        assert_eq!(cut.chars().count(), LONGEST_DETAIL);
    }

    #[test]
    fn an_author_is_the_identity_of_its_request() {
        let user = Actor::User(UserId::new(Uuid::from_u128(7)));
        let author = Author::new(&Identity::new(Caller::Agent, user), &"r".repeat(100));
        assert_eq!((author.caller, author.actor), (Some(Caller::Agent), Some(user)));
        assert_eq!(author.request_id.len(), 64);
        assert_eq!(Author::unknown("r-1").actor, None);
    }
}
