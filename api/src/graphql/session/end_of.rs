//! `endSessionsOf`.

use amvaj_domain::access::Subject;
use async_graphql::{Context, ID, Object, OneofObject, Result, SimpleObject};

use crate::app::AppError;
use crate::app::end_sessions_of::end_sessions_of;
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, user_errors};

/// Names somebody in exactly one way.
#[derive(Debug, OneofObject)]
pub enum EndSessionsOfInput {
    /// A member, by global id.
    MemberId(ID),
    /// One of a merchant's people, by global id.
    StaffId(ID),
}

/// What `endSessionsOf` did.
#[derive(Default, SimpleObject)]
pub struct EndSessionsOfPayload {
    /// How many sessions were ended. Example: `2`.
    pub ended: i32,
    /// Why none was ended; empty when the person has no session any more.
    pub user_errors: Vec<EndSessionsOfUserError>,
}

user_errors! {
    /// Why `endSessionsOf` ended nothing.
    EndSessionsOfUserError, EndSessionsOfErrorCode {
        /// There is no such member.
        MemberNotFound,
        /// There is no such person.
        StaffNotFound,
    }
}

/// The mutation.
#[derive(Default)]
pub struct EndSessionsOf;

#[Object]
impl EndSessionsOf {
    /// Ends every session of a member or of one of a merchant's people (operator, with the scope `members:manage` or
    /// `staff:manage`). All their tokens are refused from then on: at once here, and within a second on every other server.
    /// They can log in again. That it was done is in the audit log.
    async fn end_sessions_of(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose sessions.")] input: EndSessionsOfInput,
    ) -> Result<EndSessionsOfPayload> {
        let (subject, code, path) = match &input {
            EndSessionsOfInput::MemberId(id) => {
                let subject = GlobalId::member(id).map(Subject::Member);
                (subject, EndSessionsOfErrorCode::MemberNotFound, "input.memberId")
            }
            EndSessionsOfInput::StaffId(id) => {
                let subject = GlobalId::staff(id).map(Subject::Staff);
                (subject, EndSessionsOfErrorCode::StaffNotFound, "input.staffId")
            }
        };
        let ended = match subject {
            Some(subject) => end_sessions_of(app(ctx)?, identity(ctx)?, &author(ctx)?, subject).await,
            None => Err(AppError::NotFound),
        };
        match ended {
            Ok(ended) => {
                let ended = i32::try_from(ended).unwrap_or(i32::MAX);
                Ok(EndSessionsOfPayload { ended, user_errors: Vec::new() })
            }
            Err(AppError::NotFound) => {
                Ok(EndSessionsOfPayload { ended: 0, user_errors: Problems::one(code, path) })
            }
            Err(error) => Err(fault(error)),
        }
    }
}
