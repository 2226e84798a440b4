//! Sessions: how one begins, goes on and ends, and what tokens it gives.
//!
//! What a subject may do is read after its session was written, each time that it gets a token. Whoever blocks or
//! changes somebody writes that first and ends the sessions after it. So of a log-in and a block at the same time,
//! either the log-in sees the block and ends its own session, or the block sees the session and ends it.

use std::time::Duration;

use amvaj_domain::access::{Actor, Caller, EndReason, Identity, Subject};
use amvaj_domain::id::{MemberId, SessionId, StaffId, UserId};
use amvaj_domain::member::{MemberLookup, MemberStatus};
use amvaj_domain::time::{Instant, Span};
use amvaj_domain::user::UserStatus;
use amvaj_infra::access::{Refresh, Refreshed, Session};

use super::{App, AppError, Stopped};
use crate::auth::{Credentials, Purpose, refresh};
use crate::random;

/// What a client gets for a log-in or a refresh.
#[derive(Debug, Clone)]
pub struct SessionTokens {
    /// Proves who calls, for a few minutes.
    pub access_token: String,
    /// When the access token ends.
    pub access_expires_at: Instant,
    /// Gets the next pair of tokens, once.
    pub refresh_token: String,
    /// When the session ends unless it is refreshed before.
    pub refresh_expires_at: Instant,
    /// The session.
    pub session: Session,
}

/// Why a session was not refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshRefused {
    /// We never made such a token.
    InvalidToken,
    /// The session is over, or its owner is blocked or gone.
    Ended,
    /// The token was used before, so the session has been ended.
    Reused,
}

/// Which of the own sessions to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichSessions {
    /// The one that the request was made in.
    This,
    /// All but that one.
    Others,
    /// All, with every token that was made without a session.
    All,
    /// This one.
    Named(SessionId),
}

/// Why no session was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndRefused {
    /// The caller has no such session that goes on.
    NotFound,
    /// The request was made in no session.
    NoSession,
}

/// Begins a session for somebody who has proved who it is; nothing when the subject may not come in, by then or since
/// the proof.
pub async fn begin(app: &App, subject: Subject, user_agent: &str) -> Result<Option<SessionTokens>, AppError> {
    let now = app.now();
    let id = SessionId::new(random::uuid(now));
    match app.sessions.start(id, subject, user_agent, now).await? {
        Some(session) => enter(app, session).await,
        None => Ok(None),
    }
}

/// The first tokens of a session that has begun; nothing when its owner may not come in, and then it ends.
pub(super) async fn enter(app: &App, session: Session) -> Result<Option<SessionTokens>, AppError> {
    let now = app.now();
    let Some(identity) = identity_now(app, session.subject).await? else {
        app.sessions.end(session.subject, session.id, EndReason::Blocked, now).await?;
        return Ok(None);
    };
    tokens(app, session, identity, now).map(Some)
}

/// Takes a refresh token and gives the next tokens of its session, for what its owner may do now. The same request with
/// the same retry key is answered again for a minute, in case the first answer was lost.
pub async fn refresh(
    app: &App,
    token: &str,
    retry_key: Option<&str>,
) -> Result<SessionTokens, Stopped<RefreshRefused>> {
    let secret = &app.credentials.secret;
    let Some((id, generation)) = refresh::read(secret, token) else {
        return Err(Stopped::Refused(RefreshRefused::InvalidToken));
    };
    let retry_key = retry_key.map(|key| secret.keyed_hash(Purpose::RetryKey, &[key.as_bytes()]));
    let retry_key = retry_key.as_ref().map(<[u8; 32]>::as_slice);
    let now = app.now();
    let session = match app.sessions.refresh(Refresh { id, generation, retry_key }, now).await? {
        Refreshed::Continued(session) => session,
        Refreshed::Ended => return Err(Stopped::Refused(RefreshRefused::Ended)),
        Refreshed::Reused(subject) => {
            tracing::warn!(session = %id, kind = ?subject.kind(), "a refresh token came twice; its session was ended");
            metrics::counter!("amvaj_sessions_reused_total").increment(1);
            return Err(Stopped::Refused(RefreshRefused::Reused));
        }
    };
    let Some(identity) = identity_now(app, session.subject).await? else {
        app.sessions.end(session.subject, id, EndReason::Blocked, now).await?;
        return Err(Stopped::Refused(RefreshRefused::Ended));
    };
    Ok(tokens(app, session, identity, now)?)
}

/// The sessions of the caller that go on, the latest used first. A program has none.
pub async fn list(app: &App, identity: &Identity) -> Result<Vec<Session>, AppError> {
    match subject_of(identity) {
        Some(subject) => Ok(app.sessions.list(subject, app.now()).await?),
        None => Ok(Vec::new()),
    }
}

/// Ends sessions of the caller and says how many.
pub async fn end(app: &App, identity: &Identity, which: WhichSessions) -> Result<usize, Stopped<EndRefused>> {
    let subject = subject_of(identity).ok_or(Stopped::Refused(EndRefused::NoSession))?;
    let this = || identity.session.ok_or(Stopped::Refused(EndRefused::NoSession));
    let (now, reason) = (app.now(), EndReason::LoggedOut);
    let named = match which {
        WhichSessions::This => this()?,
        WhichSessions::Named(id) => id,
        WhichSessions::Others => return Ok(app.sessions.end_others(subject, this()?, reason, now).await?),
        WhichSessions::All => return Ok(app.sessions.end_all(subject, reason, now).await?),
    };
    match app.sessions.end(subject, named, reason, now).await? {
        Some(_) => Ok(1),
        None => Err(Stopped::Refused(EndRefused::NotFound)),
    }
}

/// Whose sessions the caller has; nothing for programs, the command line and outside issuers in anybody's name but a
/// member's.
pub const fn subject_of(identity: &Identity) -> Option<Subject> {
    match (identity.actor, identity.caller) {
        (Actor::User(id), _) => Some(Subject::User(id)),
        (Actor::Staff(id), _) => Some(Subject::Staff(id)),
        (Actor::Member(id), _) | (Actor::Console | Actor::Outside, Caller::Member(id)) => {
            Some(Subject::Member(id))
        }
        (Actor::Console | Actor::Outside | Actor::ApiKey(_), _) => None,
    }
}

/// What a subject may do now; nothing for one that may not come in.
async fn identity_now(app: &App, subject: Subject) -> Result<Option<Identity>, AppError> {
    match subject {
        Subject::Member(id) => member_now(app, id).await,
        Subject::Staff(id) => staff_now(app, id).await,
        Subject::User(id) => user_now(app, id).await,
    }
}

async fn user_now(app: &App, id: UserId) -> Result<Option<Identity>, AppError> {
    let found = app.users.by_id(&[id]).await?.pop();
    Ok(found.filter(|user| user.status == UserStatus::Active).map(|user| user.identity()))
}

async fn member_now(app: &App, id: MemberId) -> Result<Option<Identity>, AppError> {
    let caller = Caller::Member(id);
    let found = app.directory.members(caller).find(&MemberLookup::Id(id)).await?;
    let open = found.is_some_and(|member| member.status == MemberStatus::Open);
    Ok(open.then(|| Identity::new(caller, Actor::Member(id))))
}

async fn staff_now(app: &App, id: StaffId) -> Result<Option<Identity>, AppError> {
    let found = app.directory.staff_by_id(&[id]).await?.pop();
    let present = found.and_then(|staff| Some((staff.merchant, staff.posts?)));
    Ok(present.map(|(merchant, posts)| Identity::staff(merchant, id, posts.as_slice().to_vec())))
}

fn tokens(app: &App, session: Session, identity: Identity, now: Instant) -> Result<SessionTokens, AppError> {
    let Credentials { tokens, secret, .. } = &app.credentials;
    // What is over cannot be ended: no token is good for longer than its session.
    let left = session.expires_at.since(now).min(app.access_life);
    let seconds = left.micros().max(0).div_euclid(1_000_000);
    let life = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let access_token = tokens.mint(&identity.within(session.id), life, now)?;
    // A token counts in whole seconds.
    let issued = Instant::from_micros(now.micros().div_euclid(1_000_000).saturating_mul(1_000_000));
    Ok(SessionTokens {
        access_token,
        access_expires_at: issued.plus(Span::seconds(seconds)),
        refresh_token: refresh::write(secret, session.id, session.generation),
        refresh_expires_at: session.expires_at,
        session,
    })
}
