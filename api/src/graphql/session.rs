//! Sessions: the log-ins of the caller, and the tokens that a log-in gives.

pub mod end;
pub mod end_of;
pub mod refresh;

use amvaj_domain::access::{Caller, Scope, Subject};
use amvaj_domain::id::SessionId;
use amvaj_infra::access;
use async_graphql::{Context, ID, MergedObject, Object, Result, SimpleObject};

use super::context::{app, identity, identity_if_any};
use super::error::fault;
use super::global_id::GlobalId;
use super::scalar::DateTime;
use crate::app::sessions;

/// A log-in that lasts until it is ended or not used for long. Members' sessions end after 30 days without use, those
/// of a merchant's people after 7 days, those of operators and agents after 12 hours.
#[derive(Debug, Clone)]
pub struct Session(pub access::Session);

/// What a client gets for a log-in or a refresh.
#[derive(Debug, Clone, SimpleObject)]
pub struct SessionTokens {
    /// Proves who calls: send it as `Authorization: Bearer TOKEN`. It is good for some minutes.
    pub access_token: String,
    /// When the access token ends. Refresh the session a little before. Example: `"2026-11-24T08:10:00Z"`.
    pub access_token_expires_at: DateTime,
    /// Gets the next pair of tokens with `refreshSession`, once. Keep it secret, and keep only the latest one: one that
    /// comes a second time ends the session.
    pub refresh_token: String,
    /// When the refresh token ends, and the session with it, unless it is refreshed before.
    pub refresh_token_expires_at: DateTime,
    /// The session that the tokens belong to.
    pub session: Session,
}

/// Queries about sessions.
#[derive(Default)]
pub struct SessionQueries;

/// Mutations of sessions.
#[derive(Default, MergedObject)]
pub struct SessionMutations(refresh::RefreshSession, end::EndSession, end_of::EndSessionsOf);

#[Object]
impl SessionQueries {
    /// The caller's own sessions that go on, the latest used first; empty for keys and other programs. There are at most
    /// 20: the next log-in ends the one that was not used for longest.
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Vec<Session>> {
        let found = sessions::list(app(ctx)?, identity(ctx)?).await.map_err(fault)?;
        Ok(found.into_iter().map(Session).collect())
    }
}

/// A log-in that lasts until it is ended or not used for long.
#[Object]
impl Session {
    /// The session's global id; `endSession` takes it.
    pub async fn id(&self) -> ID {
        GlobalId::Session(self.0.id).write()
    }

    /// What the client that logged in called itself, shortened to 200 characters. Example: `"AmvajApp/1.4 (Android 14)"`.
    async fn user_agent(&self) -> &str {
        &self.0.user_agent
    }

    /// When it began.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When a token of it was last made.
    async fn used_at(&self) -> DateTime {
        DateTime(self.0.used_at)
    }

    /// When it ends unless it is refreshed before.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.0.expires_at)
    }

    /// Whether the access token of this request belongs to it.
    async fn current(&self, ctx: &Context<'_>) -> bool {
        identity_if_any(ctx).is_some_and(|identity| identity.session == Some(self.0.id))
    }
}

impl Session {
    /// The session of this id, when it is the caller's own and goes on.
    pub async fn find(ctx: &Context<'_>, id: SessionId) -> Result<Option<Self>> {
        let found = sessions::list(app(ctx)?, identity(ctx)?).await.map_err(fault)?;
        Ok(found.into_iter().find(|session| session.id == id).map(Self))
    }
}

impl Session {
    /// The sessions of somebody, for that person and for operators who may end them; nothing for others.
    pub async fn of(ctx: &Context<'_>, subject: Subject) -> Result<Option<Vec<Self>>> {
        let (app, identity) = (app(ctx)?, identity(ctx)?);
        let scope = match subject {
            Subject::Member(_) => Scope::MembersManage,
            Subject::Staff(_) => Scope::StaffManage,
            Subject::User(_) => Scope::UsersManage,
        };
        let manages = identity.caller == Caller::Operator && identity.may(scope);
        if !manages && sessions::subject_of(identity) != Some(subject) {
            return Ok(None);
        }
        let found = app.sessions.list(subject, app.now()).await.map_err(fault)?;
        Ok(Some(found.into_iter().map(Session).collect()))
    }
}

impl From<sessions::SessionTokens> for SessionTokens {
    fn from(tokens: sessions::SessionTokens) -> Self {
        Self {
            access_token: tokens.access_token,
            access_token_expires_at: DateTime(tokens.access_expires_at),
            refresh_token: tokens.refresh_token,
            refresh_token_expires_at: DateTime(tokens.refresh_expires_at),
            session: Session(tokens.session),
        }
    }
}
