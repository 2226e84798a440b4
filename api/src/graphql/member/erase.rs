//! `eraseMember`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::Member;
use crate::app::erase_member::{EraseRefused, erase_member};
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, UserErrorCode as _, user_errors};

/// Whom to erase.
#[derive(InputObject)]
pub struct EraseMemberInput {
    /// The member's global id; a member may leave it out and erases itself. An operator has to name one.
    pub member_id: Option<ID>,
}

/// What `eraseMember` did.
#[derive(Default, SimpleObject)]
pub struct EraseMemberPayload {
    /// What is left of the member: a pseudonym; null when nobody was erased.
    pub member: Option<Member>,
    /// Why nobody was erased; empty when the member is.
    pub user_errors: Vec<EraseMemberUserError>,
}

user_errors! {
    /// Why `eraseMember` erased nobody.
    EraseMemberUserError, EraseMemberErrorCode {
        /// There is no such member for the caller, or an operator named none.
        MemberNotFound,
        /// A merchant has points of the member reserved: it has to capture or release them, or their time has to end.
        HoldsOpen,
        /// A member has to log in again: it erases itself only within ten minutes of a log-in.
        LogInAgain,
    }
}

/// The mutation.
#[derive(Default)]
pub struct EraseMember;

#[Object]
impl EraseMember {
    /// Erases a member for good: an operator with `members:manage` whom it names, a member itself within ten minutes of a
    /// log-in. Name, mobile number, card, language, merchants' references, consents, log-ins and files with its data go; the
    /// ledger keeps its operations under a pseudonym, and balances. Points that are left cannot be spent any more and lapse
    /// in their time. Whoever enrols with the same number is a new member. Erasing again changes nothing; a member who lost
    /// the answer is answered `UNAUTHENTICATED` when it asks again, because it is gone.
    async fn erase_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The member.")] input: EraseMemberInput,
    ) -> Result<EraseMemberPayload> {
        use EraseMemberErrorCode::{HoldsOpen, LogInAgain, MemberNotFound};
        let named = input.member_id.map(|id| GlobalId::member(&id).ok_or(())).transpose();
        let Ok(named) = named else {
            let user_errors = Problems::one(MemberNotFound, "input.memberId");
            return Ok(EraseMemberPayload { user_errors, ..Default::default() });
        };
        let erased = erase_member(app(ctx)?, identity(ctx)?, &author(ctx)?, named).await;
        let refused = match refusal_or_fault(erased)? {
            Ok(member) => {
                let member = Some(Member::whole(member));
                return Ok(EraseMemberPayload { member, user_errors: Vec::new() });
            }
            Err(EraseRefused::MemberNotFound) => MemberNotFound.at("input.memberId"),
            Err(EraseRefused::HoldsOpen) => HoldsOpen.at("input.memberId"),
            Err(EraseRefused::LogInAgain) => LogInAgain.at(""),
        };
        Ok(EraseMemberPayload { user_errors: vec![refused], ..Default::default() })
    }
}
