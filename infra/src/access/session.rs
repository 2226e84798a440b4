//! Sessions: a log-in and its count of refresh tokens.
//!
//! Only the latest refresh token is good. An older one means that two hold the session, the owner and somebody
//! else; nobody can tell which is which, so the session ends. A client that did not hear the answer may send the
//! same request again with the same retry key, and is answered the same.

use amvaj_domain::{
    access::{EndReason, Subject, SubjectKind},
    audit::Act,
    id::{MemberId, SessionId},
    time::{Instant, Span},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
    sea_query::{Expr, ExprTrait as _},
};

use super::revocation::{self, Revocations, Revoked};
use crate::audit::{Audit, Unit};
use crate::db::{
    Database, StoreError,
    entity::login_challenge,
    entity::session::{ActiveModel, Column, Entity, Model},
};
use crate::directory::present::present;

/// Most sessions of one subject at a time; the one unused for longest makes room.
const MOST_SESSIONS: u64 = 20;
/// How long a session that is over is kept: so long it is told from one that never was.
const KEPT: Span = Span::days(7);
/// For how long an answer can be asked for again.
const RETRY: Span = Span::seconds(60);

/// The sessions in a database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sessions {
    db: Database,
    revocations: Revocations,
    /// How long an access token can be good: so long a revocation is needed.
    access_life: Span,
}

/// A log-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// Whose it is.
    pub subject: Subject,
    /// Number of its latest refresh token, from 0.
    pub generation: i32,
    /// What the client called itself, shortened.
    pub user_agent: String,
    /// When it began.
    pub created_at: Instant,
    /// When a token of it was last made.
    pub used_at: Instant,
    /// When it ends unless it is used.
    pub expires_at: Instant,
}

/// A refresh token that came back.
#[derive(Debug, Clone, Copy)]
pub struct Refresh<'a> {
    /// Its session.
    pub id: SessionId,
    /// Its number.
    pub generation: i32,
    /// A hash of the client's retry key, if it sent one.
    pub retry_key: Option<&'a [u8]>,
}

/// What a refresh token was good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// The session goes on, with another refresh token.
    Continued(Session),
    /// There is no such session, or it is over.
    Ended,
    /// The token had been used: the session has been ended.
    Reused(Subject),
}

/// All that was ended of a subject within a transaction.
#[derive(Debug)]
pub(crate) struct AllEnded {
    sessions: Vec<Revoked>,
    whole: Revoked,
    at: Instant,
}

impl Sessions {
    /// The sessions in a database. `access_life` is the longest life of an access token.
    pub const fn new(db: Database, revocations: Revocations, access_life: Span) -> Self {
        Self { db, revocations, access_life }
    }

    /// Begins a session; nothing for a member that is not there, or not any more.
    pub async fn start(
        &self,
        id: SessionId,
        subject: Subject,
        user_agent: &str,
        now: Instant,
    ) -> Result<Option<Session>, StoreError> {
        let transaction = self.db.begin().await?;
        if let Subject::Member(member) = subject
            && present(&transaction, member).await?.is_none()
        {
            return Ok(None);
        }
        let (started, ended) = self.start_in(&transaction, id, subject, user_agent, now).await?;
        transaction.commit().await?;
        self.note(&ended, now);
        Ok(Some(started))
    }

    /// Like [`Self::start`], within the transaction of what the session rests on. What had to make room is to be noted
    /// after its commit.
    pub(crate) async fn start_in<C: ConnectionTrait>(
        &self,
        connection: &C,
        id: SessionId,
        subject: Subject,
        user_agent: &str,
        now: Instant,
    ) -> Result<(Session, Vec<Revoked>), StoreError> {
        let started = begin(connection, id, subject, user_agent, now).await?;
        let oldest = Entity::find()
            .filter(live(subject, now))
            .order_by_desc(Column::UsedAt)
            .order_by_desc(Column::SessionId)
            .offset(MOST_SESSIONS)
            .limit(100)
            .all(connection)
            .await?;
        let oldest: Vec<SessionId> = oldest.iter().map(|row| SessionId::new(row.session_id)).collect();
        let ended = self.end_in(connection, &oldest, EndReason::Replaced, now).await?;
        Ok((started, ended))
    }

    /// Takes a refresh token and lets the session go on, unless the token was used before.
    pub async fn refresh(&self, token: Refresh<'_>, now: Instant) -> Result<Refreshed, StoreError> {
        let transaction = self.db.begin().await?;
        let Some(row) = Entity::find_by_id(token.id.uuid()).one(&transaction).await? else {
            return Ok(Refreshed::Ended);
        };
        let session = read(&row)?;
        if row.ended_at.is_some() || now >= session.expires_at || token.generation > row.generation {
            return Ok(Refreshed::Ended);
        }
        let taken = Entity::update_many()
            .col_expr(Column::Generation, Expr::col(Column::Generation).add(1))
            .col_expr(Column::RetryKey, Expr::value(token.retry_key.map(<[u8]>::to_vec)))
            .col_expr(Column::UsedAt, now.micros().into())
            .col_expr(Column::ExpiresAt, session.subject.kind().ends(session.created_at, now).micros().into())
            .filter(Column::SessionId.eq(token.id.uuid()))
            .filter(Column::Generation.eq(token.generation))
            .filter(Column::EndedAt.is_null())
            .exec(&transaction)
            .await?;
        // Read again: whoever was first has changed the row between the two statements.
        let Some(row) = Entity::find_by_id(token.id.uuid()).one(&transaction).await? else {
            return Ok(Refreshed::Ended);
        };
        if taken.rows_affected == 1 || is_retry(&row, token, now) {
            let session = read(&row)?;
            transaction.commit().await?;
            return Ok(Refreshed::Continued(session));
        }
        let ended = self.end_in(&transaction, &[token.id], EndReason::Reuse, now).await?;
        transaction.commit().await?;
        self.note(&ended, now);
        Ok(Refreshed::Reused(session.subject))
    }

    /// The sessions of a subject that go on, the latest used first.
    pub async fn list(&self, subject: Subject, now: Instant) -> Result<Vec<Session>, StoreError> {
        let found = Entity::find()
            .filter(live(subject, now))
            .order_by_desc(Column::UsedAt)
            .order_by_desc(Column::SessionId)
            .all(self.db.reader())
            .await?;
        found.iter().map(read).collect()
    }

    /// Ends one session of a subject; nothing when the subject has no such session that goes on.
    pub async fn end(
        &self,
        subject: Subject,
        id: SessionId,
        reason: EndReason,
        now: Instant,
    ) -> Result<Option<Session>, StoreError> {
        let transaction = self.db.begin().await?;
        let found = Entity::find_by_id(id.uuid()).filter(live(subject, now)).one(&transaction).await?;
        let Some(row) = found else { return Ok(None) };
        let ended = self.end_in(&transaction, &[id], reason, now).await?;
        transaction.commit().await?;
        self.note(&ended, now);
        read(&row).map(Some)
    }

    /// Ends every session of a subject but one; says how many that were. Other tokens of the subject stay good.
    pub async fn end_others(
        &self,
        subject: Subject,
        keep: SessionId,
        reason: EndReason,
        now: Instant,
    ) -> Result<usize, StoreError> {
        let transaction = self.db.begin().await?;
        let others = Entity::find()
            .filter(live(subject, now))
            .filter(Column::SessionId.ne(keep.uuid()))
            .all(&transaction)
            .await?;
        let ids: Vec<SessionId> = others.iter().map(|row| SessionId::new(row.session_id)).collect();
        let ended = self.end_in(&transaction, &ids, reason, now).await?;
        transaction.commit().await?;
        self.note(&ended, now);
        Ok(ended.len())
    }

    /// Ends every session of a subject and refuses every token that was made for it until `now`; says how many
    /// sessions that were.
    pub async fn end_all(
        &self,
        subject: Subject,
        reason: EndReason,
        now: Instant,
    ) -> Result<usize, StoreError> {
        self.end_whole(subject, reason, Audit::Ordinary, now).await
    }

    /// The same for somebody else's sessions: the act is committed with it, and tells how many sessions those were.
    pub async fn end_all_told(&self, subject: Subject, act: &Act) -> Result<usize, StoreError> {
        self.end_whole(subject, EndReason::ByOthers, Audit::Entry(act), act.at).await
    }

    async fn end_whole(
        &self,
        subject: Subject,
        reason: EndReason,
        audit: Audit<'_>,
        now: Instant,
    ) -> Result<usize, StoreError> {
        let mut unit = Unit::begin(&self.db, audit).await?;
        let ended = self.end_all_in(unit.transaction(), subject, reason, now).await?;
        unit.detail("sessions", ended.sessions.len());
        unit.commit().await?;
        self.note_all(&ended);
        Ok(ended.sessions.len())
    }

    /// Ends what lets a member in that is being erased, for ever, and forgets its log-ins and the codes that it was sent. To
    /// be noted by [`Self::note_erased`] after the commit.
    pub(crate) async fn erase_in<C: ConnectionTrait>(
        &self,
        connection: &C,
        member: MemberId,
        now: Instant,
    ) -> Result<AllEnded, StoreError> {
        let subject = Subject::Member(member);
        let ended = self.end_all_in(connection, subject, EndReason::Blocked, now).await?;
        revocation::insert(connection, &[Revoked::Member(member)], now, revocation::FOR_EVER).await?;
        Entity::delete_many()
            .filter(Column::Kind.eq(subject.kind().stored()))
            .filter(Column::Subject.eq(subject.uuid()))
            .exec(connection)
            .await?;
        login_challenge::Entity::delete_many()
            .filter(login_challenge::Column::Kind.eq(subject.kind().stored()))
            .filter(login_challenge::Column::Subject.eq(subject.uuid()))
            .exec(connection)
            .await?;
        Ok(ended)
    }

    /// Makes what [`Self::erase_in`] ended effective here, after its commit.
    pub(crate) fn note_erased(&self, ended: &AllEnded) {
        self.note(&ended.sessions, ended.at);
        self.revocations.note(&[ended.whole], ended.at, revocation::FOR_EVER);
    }

    /// Like [`Self::end_all`], within the transaction of what makes it necessary; to be noted after its commit.
    pub(crate) async fn end_all_in<C: ConnectionTrait>(
        &self,
        connection: &C,
        subject: Subject,
        reason: EndReason,
        now: Instant,
    ) -> Result<AllEnded, StoreError> {
        let live = Entity::find().filter(live(subject, now)).all(connection).await?;
        let ids: Vec<SessionId> = live.iter().map(|row| SessionId::new(row.session_id)).collect();
        let sessions = self.end_in(connection, &ids, reason, now).await?;
        // Tokens without a session were made on the command line and can be good for a year.
        let whole = match subject {
            Subject::Member(id) => Revoked::Member(id),
            Subject::Staff(id) => Revoked::Staff(id),
            Subject::User(id) => Revoked::User(id),
        };
        revocation::insert(connection, &[whole], now, now.plus(LONGEST_TOKEN)).await?;
        Ok(AllEnded { sessions, whole, at: now })
    }

    /// Makes what [`Self::end_all_in`] ended effective here, after its commit.
    pub(crate) fn note_all(&self, ended: &AllEnded) {
        self.note(&ended.sessions, ended.at);
        self.revocations.note(&[ended.whole], ended.at, ended.at.plus(LONGEST_TOKEN));
    }

    async fn end_in<C: ConnectionTrait>(
        &self,
        connection: &C,
        ids: &[SessionId],
        reason: EndReason,
        now: Instant,
    ) -> Result<Vec<Revoked>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Entity::update_many()
            .col_expr(Column::EndedAt, now.micros().into())
            .col_expr(Column::EndReason, reason.stored().into())
            .filter(Column::SessionId.is_in(ids.iter().map(|id| id.uuid())))
            .filter(Column::EndedAt.is_null())
            .exec(connection)
            .await?;
        let revoked: Vec<Revoked> = ids.iter().copied().map(Revoked::Session).collect();
        revocation::insert(connection, &revoked, now, self.revoked_until(now)).await?;
        Ok(revoked)
    }

    /// Makes what was ended effective here, after its commit.
    pub(crate) fn note(&self, ended: &[Revoked], now: Instant) {
        self.revocations.note(ended, now, self.revoked_until(now));
    }

    /// Twice the life of a token leaves room for clocks that differ.
    fn revoked_until(&self, now: Instant) -> Instant {
        now.plus(self.access_life).plus(self.access_life)
    }
}

/// Removes sessions that have been over for long; says how many.
pub(crate) async fn purge(db: &Database, now: Instant) -> Result<u64, StoreError> {
    let before = now.micros().saturating_sub(KEPT.micros());
    let over = Condition::any().add(Column::ExpiresAt.lt(before)).add(Column::EndedAt.lt(before));
    Ok(Entity::delete_many().filter(over).exec(db.writer()).await?.rows_affected)
}

/// No token that the command line makes is good for longer.
const LONGEST_TOKEN: Span = Span::days(366);

async fn begin<C: ConnectionTrait>(
    connection: &C,
    id: SessionId,
    subject: Subject,
    user_agent: &str,
    now: Instant,
) -> Result<Session, StoreError> {
    let session = Session {
        id,
        subject,
        generation: 0,
        user_agent: user_agent.chars().filter(|c| !c.is_control()).take(200).collect(),
        created_at: now,
        used_at: now,
        expires_at: subject.kind().ends(now, now),
    };
    let row = ActiveModel {
        session_id: Set(id.uuid()),
        kind: Set(subject.kind().stored()),
        subject: Set(subject.uuid()),
        generation: Set(session.generation),
        retry_key: Set(None),
        user_agent: Set(session.user_agent.clone()),
        created_at: Set(now.micros()),
        used_at: Set(now.micros()),
        expires_at: Set(session.expires_at.micros()),
        ended_at: Set(None),
        end_reason: Set(None),
    };
    Entity::insert(row).exec_without_returning(connection).await?;
    Ok(session)
}

/// The sessions of a subject that go on.
fn live(subject: Subject, now: Instant) -> Condition {
    Condition::all()
        .add(Column::Kind.eq(subject.kind().stored()))
        .add(Column::Subject.eq(subject.uuid()))
        .add(Column::EndedAt.is_null())
        .add(Column::ExpiresAt.gt(now.micros()))
}

/// Whether this is the request that made the latest token, sent again.
fn is_retry(row: &Model, token: Refresh<'_>, now: Instant) -> bool {
    row.ended_at.is_none()
        && row.generation == token.generation.saturating_add(1)
        && now < Instant::from_micros(row.used_at).plus(RETRY)
        && token.retry_key.is_some()
        && token.retry_key == row.retry_key.as_deref()
}

fn read(row: &Model) -> Result<Session, StoreError> {
    let kind = SubjectKind::from_stored(row.kind).ok_or_else(|| StoreError::CorruptRow {
        table: "session",
        id: row.session_id.to_string(),
        what: "its kind",
    })?;
    Ok(Session {
        id: SessionId::new(row.session_id),
        subject: Subject::of(kind, row.subject),
        generation: row.generation,
        user_agent: row.user_agent.clone(),
        created_at: Instant::from_micros(row.created_at),
        used_at: Instant::from_micros(row.used_at),
        expires_at: Instant::from_micros(row.expires_at),
    })
}
