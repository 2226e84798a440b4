//! What was revoked before its time, known to every node within a second.
//!
//! Access tokens and keys are checked without asking the database. What ends early is therefore written to a small
//! table, which every node reads several times a second, and is effective on the writing node at once. Rows last as
//! long as anything they revoke could still be accepted. A node that cannot reach the database hears of nothing new,
//! but cannot do anything either.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use amvaj_domain::{
    access::{Actor, Caller, Identity},
    id::{ApiKeyId, MemberId, SessionId, StaffId, UserId},
    time::{Instant, Span},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _,
    sea_query::{Expr, OnConflict},
};
use tokio::time;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::db::{
    Database, StoreError,
    entity::revocation::{ActiveModel, Column, Entity},
};

/// How often a node reads what others revoked.
const POLL: Duration = Duration::from_millis(250);
/// Commits do not follow the times that their rows carry, so each read goes back by this much. It is far more than the
/// clocks of nodes may differ: those that are a minute apart refuse each other's new tokens.
const OVERLAP: Span = Span::minutes(10);
/// How often a node removes rows that nothing needs any more, in polls.
const POLLS_PER_PURGE: u32 = 4 * 3_600;

/// Until when what is revoked of an erased member is kept: whatever anybody makes for it later is good for nothing.
pub(crate) const FOR_EVER: Instant = Instant::from_micros(i64::MAX);

/// What can be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// One session: its access tokens.
    Session(SessionId),
    /// A member: every token made before, and of one that was erased every other as well.
    Member(MemberId),
    /// One of a merchant's people: every token made before.
    Staff(StaffId),
    /// An operator or an agent: every token made before.
    User(UserId),
    /// A key, and every token that it was exchanged for.
    ApiKey(ApiKeyId),
}

/// What is revoked, as this node knows it. Cheap to clone. The default knows of nothing and hears of nothing, for
/// servers without a database.
#[derive(Debug, Clone, Default)]
pub struct Revocations {
    known: Arc<Known>,
    /// Ends the reading with the last clone.
    _poll: Option<Arc<AbortOnDropHandle<()>>>,
}

/// What was read so far.
#[derive(Debug, Default)]
struct Known {
    at: RwLock<Table>,
}

#[derive(Debug)]
struct Table {
    revoked: HashMap<Revoked, (Instant, Instant)>,
    latest: Instant,
}

impl Default for Table {
    fn default() -> Self {
        Self { revoked: HashMap::new(), latest: Instant::from_micros(0) }
    }
}

impl Revoked {
    const fn stored(self) -> (i16, Uuid) {
        match self {
            Self::Session(id) => (1, id.uuid()),
            Self::Member(id) => (2, id.uuid()),
            Self::Staff(id) => (3, id.uuid()),
            Self::User(id) => (4, id.uuid()),
            Self::ApiKey(id) => (5, id.uuid()),
        }
    }

    const fn from_stored(kind: i16, id: Uuid) -> Option<Self> {
        match kind {
            1 => Some(Self::Session(SessionId::new(id))),
            2 => Some(Self::Member(MemberId::new(id))),
            3 => Some(Self::Staff(StaffId::new(id))),
            4 => Some(Self::User(UserId::new(id))),
            5 => Some(Self::ApiKey(ApiKeyId::new(id))),
            _ => None,
        }
    }
}

impl Revocations {
    /// Reads what is revoked, and goes on reading on the runtime that calls.
    pub async fn start(db: Database) -> Result<Self, StoreError> {
        let known = Arc::new(Known::default());
        known.read(&db).await?;
        let poll = tokio::spawn(keep_reading(db, Arc::clone(&known)));
        Ok(Self { known, _poll: Some(Arc::new(AbortOnDropHandle::new(poll))) })
    }

    /// Makes what a transaction of this node has revoked effective here, after its commit.
    pub(crate) fn note(&self, what: &[Revoked], now: Instant, keep_until: Instant) {
        let mut table = self.known.at.write().unwrap_or_else(PoisonError::into_inner);
        for one in what {
            table.put(*one, now, keep_until);
        }
    }

    /// Whether a token or key of this identity that was made at `issued_at` is revoked. Whatever revokes a person or
    /// a key revokes what was made until then, within the second that tokens count in. Of an erased member everything
    /// is revoked, whenever and by whomever it was made.
    pub fn refuse(&self, identity: &Identity, issued_at: Instant) -> bool {
        let table = self.known.at.read().unwrap_or_else(PoisonError::into_inner);
        if table.revoked.is_empty() {
            return false;
        }
        let person = person(identity);
        let revoked = person.and_then(|person| table.revoked.get(&person));
        if revoked.is_some_and(|(_, keep_until)| *keep_until == FOR_EVER) {
            return true;
        }
        if let Some(session) = identity.session {
            // A session is revoked for good; whatever revokes its owner ends each of the sessions.
            return table.revoked.contains_key(&Revoked::Session(session));
        }
        // A key never comes back.
        revoked.is_some_and(|(revoked_at, _)| {
            issued_at <= *revoked_at || matches!(person, Some(Revoked::ApiKey(_)))
        })
    }

    /// Whether a key is revoked.
    pub fn has_key(&self, key: ApiKeyId) -> bool {
        let table = self.known.at.read().unwrap_or_else(PoisonError::into_inner);
        table.revoked.contains_key(&Revoked::ApiKey(key))
    }
}

/// What can be revoked of whoever calls.
const fn person(identity: &Identity) -> Option<Revoked> {
    match (identity.actor, identity.caller) {
        (Actor::User(id), _) => Some(Revoked::User(id)),
        (Actor::Staff(id), _) => Some(Revoked::Staff(id)),
        (Actor::Member(id), _) | (Actor::Console | Actor::Outside, Caller::Member(id)) => {
            Some(Revoked::Member(id))
        }
        (Actor::ApiKey(id), _) => Some(Revoked::ApiKey(id)),
        (Actor::Console | Actor::Outside, _) => None,
    }
}

/// Writes revocations; to be noted by [`Revocations::note`] after the commit.
pub(crate) async fn insert<C: ConnectionTrait>(
    connection: &C,
    what: &[Revoked],
    now: Instant,
    keep_until: Instant,
) -> Result<(), StoreError> {
    if what.is_empty() {
        return Ok(());
    }
    let rows = what.iter().map(|one| {
        let (kind, subject) = one.stored();
        ActiveModel {
            kind: Set(kind),
            subject: Set(subject),
            revoked_at: Set(now.micros()),
            expires_at: Set(keep_until.micros()),
        }
    });
    // What is revoked for ever stays so, whatever is ended of it later.
    let longest = "case when revocation.expires_at > excluded.expires_at then revocation.expires_at \
        else excluded.expires_at end";
    let latest_wins = OnConflict::columns([Column::Kind, Column::Subject])
        .value(Column::RevokedAt, Expr::cust("excluded.revoked_at"))
        .value(Column::ExpiresAt, Expr::cust(longest))
        .to_owned();
    Entity::insert_many(rows).on_conflict(latest_wins).exec_without_returning(connection).await?;
    Ok(())
}

async fn keep_reading(db: Database, known: Arc<Known>) {
    let mut polls: u32 = 0;
    loop {
        time::sleep(POLL).await;
        if let Err(error) = known.read(&db).await {
            tracing::warn!(%error, "what other nodes revoked could not be read");
        }
        polls = polls.wrapping_add(1);
        if polls.is_multiple_of(POLLS_PER_PURGE)
            && let Err(error) = known.purge(&db).await
        {
            tracing::warn!(%error, "old revocations could not be removed");
        }
    }
}

impl Known {
    async fn read(&self, db: &Database) -> Result<(), StoreError> {
        let latest = self.at.read().unwrap_or_else(PoisonError::into_inner).latest;
        let since = Instant::from_micros(latest.micros().saturating_sub(OVERLAP.micros()));
        let rows = Entity::find().filter(Column::RevokedAt.gte(since.micros())).all(db.reader()).await?;
        let mut table = self.at.write().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            let (revoked_at, keep_until) =
                (Instant::from_micros(row.revoked_at), Instant::from_micros(row.expires_at));
            // What a newer program revokes is nothing that this one accepts.
            if let Some(what) = Revoked::from_stored(row.kind, row.subject) {
                table.put(what, revoked_at, keep_until);
            }
            table.latest = table.latest.max(revoked_at);
        }
        Ok(())
    }

    /// Removes what is over by the time of the latest revocation, which no clock of this node can be ahead of.
    async fn purge(&self, db: &Database) -> Result<(), StoreError> {
        let over = {
            let mut table = self.at.write().unwrap_or_else(PoisonError::into_inner);
            let latest = table.latest;
            table.revoked.retain(|_, (_, keep_until)| *keep_until >= latest);
            latest
        };
        Entity::delete_many().filter(Column::ExpiresAt.lt(over.micros())).exec(db.writer()).await?;
        Ok(())
    }
}

impl Table {
    fn put(&mut self, what: Revoked, revoked_at: Instant, keep_until: Instant) {
        let entry = self.revoked.entry(what).or_insert((revoked_at, keep_until));
        *entry = (entry.0.max(revoked_at), entry.1.max(keep_until));
    }
}
