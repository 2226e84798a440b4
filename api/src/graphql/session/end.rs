//! `endSession`.

use async_graphql::{Context, Enum, ID, Object, OneofObject, Result, SimpleObject};

use crate::app::sessions::{self, EndRefused, WhichSessions};
use crate::graphql::context::{app, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, user_errors};

/// Sessions of the caller, seen from the one in which the request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OwnSessions {
    /// The session in which the request is made: a log-out.
    This,
    /// All but that one: a log-out everywhere else.
    Others,
    /// All of them, and every access token that was made without a session.
    All,
}

/// Names sessions of the caller in exactly one way.
#[derive(Debug, OneofObject)]
pub enum EndSessionInput {
    /// By how they stand to this request. Example: `THIS`.
    Which(OwnSessions),
    /// By global id, from `sessions`.
    SessionId(ID),
}

/// What `endSession` did.
#[derive(Default, SimpleObject)]
pub struct EndSessionPayload {
    /// How many sessions were ended. Example: `1`.
    pub ended: i32,
    /// Why none was ended; empty when all that was named is over.
    pub user_errors: Vec<EndSessionUserError>,
}

user_errors! {
    /// Why `endSession` ended nothing.
    EndSessionUserError, EndSessionErrorCode {
        /// The caller has no such session that goes on.
        SessionNotFound,
        /// The request was not made in a session: its token is a program's, or was made on the command line.
        NoSession,
    }
}

/// The mutation.
#[derive(Default)]
pub struct EndSession;

#[Object]
impl EndSession {
    /// Ends sessions of the caller. Their access tokens and refresh tokens are refused from then on: at once here, and
    /// within a second on every other server.
    async fn end_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sessions.")] input: EndSessionInput,
    ) -> Result<EndSessionPayload> {
        use EndSessionErrorCode as Code;
        let refused = |code, path| Ok(EndSessionPayload { ended: 0, user_errors: Problems::one(code, path) });
        let which = match &input {
            EndSessionInput::Which(OwnSessions::This) => WhichSessions::This,
            EndSessionInput::Which(OwnSessions::Others) => WhichSessions::Others,
            EndSessionInput::Which(OwnSessions::All) => WhichSessions::All,
            EndSessionInput::SessionId(id) => match GlobalId::session(id) {
                Some(id) => WhichSessions::Named(id),
                None => return refused(Code::SessionNotFound, "input.sessionId"),
            },
        };
        match refusal_or_fault(sessions::end(app(ctx)?, identity(ctx)?, which).await)? {
            Ok(ended) => Ok(EndSessionPayload {
                ended: i32::try_from(ended).unwrap_or(i32::MAX),
                user_errors: Vec::new(),
            }),
            Err(EndRefused::NotFound) => refused(Code::SessionNotFound, "input.sessionId"),
            Err(EndRefused::NoSession) => refused(Code::NoSession, ""),
        }
    }
}
