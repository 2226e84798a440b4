//! Records: acts as they are stored, and the chain of their hashes.

use uuid::Uuid;

use super::{Act, ActKind, Target};
use crate::access::{Actor, Caller, Role};
use crate::id::{
    ApiKeyId, BoardId, BranchId, MemberId, MerchantId, RewardId, SessionId, StaffId, UserId,
    WebhookEndpointId,
};
use crate::sealed::{Hash, Sealing};

/// What the encoding begins with, so that the hash of a record is the hash of nothing else.
const SEPARATOR: &[u8] = b"amvaj audit record 1";

/// A record as it is stored, column by column. Its numbers are kept as they are even where this program does not know
/// them, so that the chain of a newer program can still be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number, from 1 without gaps.
    pub seq: i64,
    /// When it was done, in microseconds since the epoch.
    pub recorded_at: i64,
    /// Who did it in person: the kind.
    pub actor_kind: i16,
    /// Who did it in person: the id, if that kind has one.
    pub actor_id: Option<Uuid>,
    /// In whose name: the role.
    pub caller_role: i16,
    /// In whose name: the merchant or member, if that role has one.
    pub caller_id: Option<Uuid>,
    /// What was done.
    pub act: i16,
    /// What it was done to: the kind.
    pub target_kind: i16,
    /// What it was done to: the id.
    pub target_id: Option<Uuid>,
    /// The details as a JSON object.
    pub detail: String,
    /// The request.
    pub request_id: String,
    /// The hash of the record before it; empty in the first one.
    pub previous_hash: Vec<u8>,
}

impl Record {
    /// The record of an act with the number `seq`, after the record whose hash is `previous_hash`. `detail` is the JSON
    /// text of the act's details.
    pub fn of(act: &Act, detail: String, seq: i64, previous_hash: Vec<u8>) -> Self {
        let (actor_kind, actor_id) = stored_actor(act.author.actor);
        let (caller_role, caller_id) = act.author.caller.map_or((0, None), stored_caller);
        let (target_kind, target_id) = act.target.stored();
        Self {
            seq,
            recorded_at: act.at.micros(),
            actor_kind: actor_kind.stored(),
            actor_id,
            caller_role,
            caller_id,
            act: act.kind.stored(),
            target_kind,
            target_id,
            detail,
            request_id: act.author.request_id.clone(),
            previous_hash,
        }
    }

    /// The record's hash: SHA-256 over all columns, each with its length before it, so that no two records are encoded
    /// alike. Pinned for ever by a test vector.
    pub fn hash(&self) -> Hash {
        let mut sealing = Sealing::new(SEPARATOR);
        let mut column = |bytes: Option<&[u8]>| sealing.column(bytes);
        column(Some(&self.previous_hash));
        column(Some(&self.seq.to_be_bytes()));
        column(Some(&self.recorded_at.to_be_bytes()));
        column(Some(&self.actor_kind.to_be_bytes()));
        column(self.actor_id.as_ref().map(|id| &id.as_bytes()[..]));
        column(Some(&self.caller_role.to_be_bytes()));
        column(self.caller_id.as_ref().map(|id| &id.as_bytes()[..]));
        column(Some(&self.act.to_be_bytes()));
        column(Some(&self.target_kind.to_be_bytes()));
        column(self.target_id.as_ref().map(|id| &id.as_bytes()[..]));
        column(Some(self.detail.as_bytes()));
        column(Some(self.request_id.as_bytes()));
        sealing.hash()
    }

    /// Who did it; `None` within when that is not known, and `None` when this program cannot read it.
    pub fn actor(&self) -> Option<Option<Actor>> {
        read_actor(self.actor_kind, self.actor_id)
    }

    /// In whose name; like [`Self::actor`].
    pub fn caller(&self) -> Option<Option<Caller>> {
        Some(match (self.caller_role, self.caller_id) {
            (0, None) => None,
            (1, None) => Some(Caller::Operator),
            (2, None) => Some(Caller::Agent),
            (3, Some(id)) => Some(Caller::Merchant(MerchantId::new(id))),
            (4, Some(id)) => Some(Caller::Member(MemberId::new(id))),
            _ => return None,
        })
    }

    /// What was done; nothing when this program does not know it.
    pub fn kind(&self) -> Option<ActKind> {
        ActKind::from_stored(self.act)
    }

    /// What it was done to; nothing when this program does not know it.
    pub fn target(&self) -> Option<Target> {
        Some(match (self.target_kind, self.target_id) {
            (0, None) => Target::Nothing,
            (1, Some(id)) => Target::Merchant(MerchantId::new(id)),
            (2, Some(id)) => Target::Branch(BranchId::new(id)),
            (3, Some(id)) => Target::Member(MemberId::new(id)),
            (4, Some(id)) => Target::User(UserId::new(id)),
            (5, Some(id)) => Target::Staff(StaffId::new(id)),
            (6, Some(id)) => Target::ApiKey(ApiKeyId::new(id)),
            (7, Some(id)) => Target::Session(SessionId::new(id)),
            (8, Some(id)) => Target::Board(BoardId::new(id)),
            (9, Some(id)) => Target::Webhook(WebhookEndpointId::new(id)),
            (10, Some(id)) => Target::Reward(RewardId::new(id)),
            _ => return None,
        })
    }
}

impl Target {
    /// What storage keeps: a number for the kind and the id; numbers are never reused.
    pub const fn stored(self) -> (i16, Option<Uuid>) {
        match self {
            Self::Nothing => (0, None),
            Self::Merchant(id) => (1, Some(id.uuid())),
            Self::Branch(id) => (2, Some(id.uuid())),
            Self::Member(id) => (3, Some(id.uuid())),
            Self::User(id) => (4, Some(id.uuid())),
            Self::Staff(id) => (5, Some(id.uuid())),
            Self::ApiKey(id) => (6, Some(id.uuid())),
            Self::Session(id) => (7, Some(id.uuid())),
            Self::Board(id) => (8, Some(id.uuid())),
            Self::Webhook(id) => (9, Some(id.uuid())),
            Self::Reward(id) => (10, Some(id.uuid())),
        }
    }
}

/// What whoever acted in person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// Somebody who is not known, such as one who failed to log in.
    Unknown,
    /// The command line.
    Console,
    /// An operator or an agent.
    User,
    /// One of a merchant's people.
    Staff,
    /// A merchant's program.
    ApiKey,
    /// A member.
    Member,
    /// The bearer of a token from an outside issuer.
    Outside,
}

impl ActorKind {
    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Unknown => 0,
            Self::Console => 1,
            Self::User => 2,
            Self::Staff => 3,
            Self::ApiKey => 4,
            Self::Member => 5,
            Self::Outside => 6,
        }
    }
}

/// What storage keeps of an actor, read back: `None` within when nobody is known, and `None` when this program cannot
/// read it.
pub fn read_actor(kind: i16, id: Option<Uuid>) -> Option<Option<Actor>> {
    Some(match (kind, id) {
        (0, None) => None,
        (1, None) => Some(Actor::Console),
        (2, Some(id)) => Some(Actor::User(UserId::new(id))),
        (3, Some(id)) => Some(Actor::Staff(StaffId::new(id))),
        (4, Some(id)) => Some(Actor::ApiKey(ApiKeyId::new(id))),
        (5, Some(id)) => Some(Actor::Member(MemberId::new(id))),
        (6, None) => Some(Actor::Outside),
        _ => return None,
    })
}

/// What storage keeps of whoever acted in person, or of nobody who is known.
pub const fn stored_actor(actor: Option<Actor>) -> (ActorKind, Option<Uuid>) {
    match actor {
        None => (ActorKind::Unknown, None),
        Some(Actor::Console) => (ActorKind::Console, None),
        Some(Actor::User(id)) => (ActorKind::User, Some(id.uuid())),
        Some(Actor::Staff(id)) => (ActorKind::Staff, Some(id.uuid())),
        Some(Actor::ApiKey(id)) => (ActorKind::ApiKey, Some(id.uuid())),
        Some(Actor::Member(id)) => (ActorKind::Member, Some(id.uuid())),
        Some(Actor::Outside) => (ActorKind::Outside, None),
    }
}

const fn stored_caller(caller: Caller) -> (i16, Option<Uuid>) {
    let role = match caller.role() {
        Role::Operator => 1,
        Role::Agent => 2,
        Role::Merchant => 3,
        Role::Member => 4,
    };
    match caller {
        Caller::Operator | Caller::Agent => (role, None),
        Caller::Merchant(id) => (role, Some(id.uuid())),
        Caller::Member(id) => (role, Some(id.uuid())),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::access::Identity;
    use crate::audit::Author;
    use crate::sealed::hex;
    use crate::time::Instant;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn record() -> Record {
        let identity =
            Identity::new(Caller::Merchant(MerchantId::new(id(1))), Actor::Staff(StaffId::new(id(2))));
        let target = Target::ApiKey(ApiKeyId::new(id(3)));
        let at = Instant::from_micros(1_800_000_000_000_000);
        let act = Act::new(&Author::new(&identity, "r-1"), ActKind::ApiKeyMade, target, at);
        Record::of(&act, r#"{"name":"صندوق"}"#.to_owned(), 7, vec![0xab; 32])
    }

    #[test]
    fn the_hash_of_a_record_stays_for_ever() {
        assert_eq!(hex(&record().hash()), "4ab5d3ae7bb2c13910bbaae3b5de0b563888a6102c8e35050b86871d520d8026");
        let first = Record { previous_hash: Vec::new(), actor_id: None, ..record() };
        assert_eq!(hex(&first.hash()), "5a50042af4a622e7d505161e7fafbb9dcfacb97552ac5b5cba747becd4b5d97e");
    }

    #[test]
    fn every_column_is_in_the_hash() {
        let changed = [
            Record { seq: 8, ..record() },
            Record { recorded_at: 1, ..record() },
            Record { actor_kind: 2, ..record() },
            Record { actor_id: None, ..record() },
            Record { caller_role: 4, ..record() },
            Record { caller_id: None, ..record() },
            Record { act: 61, ..record() },
            Record { target_kind: 7, ..record() },
            Record { target_id: Some(id(4)), ..record() },
            Record { detail: "{}".to_owned(), ..record() },
            Record { request_id: "r-2".to_owned(), ..record() },
            Record { previous_hash: vec![0; 32], ..record() },
            // What moves from one column to the next is not the same text in another place.
            Record { detail: String::new(), request_id: format!("{}r-1", record().detail), ..record() },
            record(),
        ];
        let hashes: HashSet<Hash> = changed.iter().map(Record::hash).collect();
        assert_eq!(hashes.len(), changed.len());
    }

    #[test]
    fn who_did_what_to_whom_reads_back() {
        let actors = [
            None,
            Some(Actor::Console),
            Some(Actor::User(UserId::new(id(1)))),
            Some(Actor::Staff(StaffId::new(id(2)))),
            Some(Actor::ApiKey(ApiKeyId::new(id(3)))),
            Some(Actor::Member(MemberId::new(id(4)))),
            Some(Actor::Outside),
        ];
        let callers = [
            None,
            Some(Caller::Operator),
            Some(Caller::Agent),
            Some(Caller::Merchant(MerchantId::new(id(5)))),
            Some(Caller::Member(MemberId::new(id(6)))),
        ];
        let targets = [
            Target::Nothing,
            Target::Merchant(MerchantId::new(id(1))),
            Target::Branch(BranchId::new(id(2))),
            Target::Member(MemberId::new(id(3))),
            Target::User(UserId::new(id(4))),
            Target::Staff(StaffId::new(id(5))),
            Target::ApiKey(ApiKeyId::new(id(6))),
            Target::Session(SessionId::new(id(7))),
            Target::Board(BoardId::new(id(8))),
        ];
        for (number, actor) in actors.into_iter().enumerate() {
            let author = Author { caller: callers[number % callers.len()], actor, request_id: String::new() };
            let target = targets[number % targets.len()];
            let act = Act::new(&author, ActKind::TokenMade, target, Instant::from_micros(0));
            let record = Record::of(&act, "{}".to_owned(), 1, Vec::new());
            assert_eq!(record.actor(), Some(actor));
            assert_eq!(record.caller(), Some(author.caller));
            assert_eq!(record.kind(), Some(ActKind::TokenMade));
            assert_eq!(record.target(), Some(target));
        }
        let session = Record { target_kind: 7, ..record() };
        assert_eq!(session.target(), Some(Target::Session(SessionId::new(id(3)))));
    }

    #[test]
    fn what_a_newer_program_wrote_is_not_taken_for_something_else() {
        let newer = Record { actor_kind: 99, caller_role: 99, act: 99, target_kind: 99, ..record() };
        assert_eq!((newer.actor(), newer.caller(), newer.kind(), newer.target()), (None, None, None, None));
    }
}
