//! `blockMember` and `unblockMember`.

use amvaj_domain::member::MemberStatus;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::Member;
use crate::app::AppError;
use crate::app::set_member_status::set_member_status;
use crate::graphql::context::{app, author, require_operator};
use crate::graphql::error::fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, user_errors};

/// A member to block.
#[derive(Debug, InputObject)]
pub struct BlockMemberInput {
    /// The member's global id.
    pub member_id: ID,
}

/// What `blockMember` did.
#[derive(Default, SimpleObject)]
pub struct BlockMemberPayload {
    /// The member, blocked; null when there is none.
    pub member: Option<Member>,
    /// Why nothing changed; empty when the member is blocked.
    pub user_errors: Vec<BlockMemberUserError>,
}

/// A member to open again.
#[derive(Debug, InputObject)]
pub struct UnblockMemberInput {
    /// The member's global id.
    pub member_id: ID,
}

/// What `unblockMember` did.
#[derive(Default, SimpleObject)]
pub struct UnblockMemberPayload {
    /// The member, open; null when there is none.
    pub member: Option<Member>,
    /// Why nothing changed; empty when the member is open.
    pub user_errors: Vec<UnblockMemberUserError>,
}

user_errors! {
    /// Why `blockMember` changed nothing.
    BlockMemberUserError, BlockMemberErrorCode {
        /// There is no such member.
        MemberNotFound,
    }
}

user_errors! {
    /// Why `unblockMember` changed nothing.
    UnblockMemberUserError, UnblockMemberErrorCode {
        /// There is no such member.
        MemberNotFound,
    }
}

/// The mutations.
#[derive(Default)]
pub struct SetMemberStatus;

#[Object]
impl SetMemberStatus {
    /// Blocks a member (operator): the wallet can neither earn nor spend, only end what was begun. Blocking one that
    /// is blocked changes nothing.
    async fn block_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The member.")] input: BlockMemberInput,
    ) -> Result<BlockMemberPayload> {
        if let Some(member) = set(ctx, &input.member_id, MemberStatus::Blocked).await? {
            return Ok(BlockMemberPayload { member: Some(member), user_errors: Vec::new() });
        }
        let code = BlockMemberErrorCode::MemberNotFound;
        let user_errors = Problems::one(code, "input.memberId");
        Ok(BlockMemberPayload { member: None, user_errors })
    }

    /// Opens a blocked member again (operator). Opening one that is open changes nothing.
    async fn unblock_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The member.")] input: UnblockMemberInput,
    ) -> Result<UnblockMemberPayload> {
        if let Some(member) = set(ctx, &input.member_id, MemberStatus::Open).await? {
            return Ok(UnblockMemberPayload { member: Some(member), user_errors: Vec::new() });
        }
        let code = UnblockMemberErrorCode::MemberNotFound;
        let user_errors = Problems::one(code, "input.memberId");
        Ok(UnblockMemberPayload { member: None, user_errors })
    }
}

/// Sets the status; nothing when the id names no member.
async fn set(ctx: &Context<'_>, id: &ID, status: MemberStatus) -> Result<Option<Member>> {
    require_operator(ctx)?;
    let Some(id) = GlobalId::member(id) else { return Ok(None) };
    match set_member_status(app(ctx)?, &author(ctx)?, id, status).await {
        Ok(member) => Ok(Some(Member::whole(member))),
        Err(AppError::NotFound) => Ok(None),
        Err(error) => Err(fault(error)),
    }
}
