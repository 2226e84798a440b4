//! `closeBranch` and `reopenBranch`.

use amvaj_domain::merchant::BranchStatus;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::Branch;
use crate::app::AppError;
use crate::app::set_branch_status::set_branch_status;
use crate::graphql::context::{app, author, require_operator};
use crate::graphql::error::fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, user_errors};

/// A branch to close.
#[derive(Debug, InputObject)]
pub struct CloseBranchInput {
    /// The branch's global id.
    pub branch_id: ID,
}

/// What `closeBranch` did.
#[derive(Default, SimpleObject)]
pub struct CloseBranchPayload {
    /// The branch, closed; null when there is none.
    pub branch: Option<Branch>,
    /// Why nothing changed; empty when the branch is closed.
    pub user_errors: Vec<CloseBranchUserError>,
}

/// A branch to open again.
#[derive(Debug, InputObject)]
pub struct ReopenBranchInput {
    /// The branch's global id.
    pub branch_id: ID,
}

/// What `reopenBranch` did.
#[derive(Default, SimpleObject)]
pub struct ReopenBranchPayload {
    /// The branch, open; null when there is none.
    pub branch: Option<Branch>,
    /// Why nothing changed; empty when the branch is open.
    pub user_errors: Vec<ReopenBranchUserError>,
}

user_errors! {
    /// Why `closeBranch` changed nothing.
    CloseBranchUserError, CloseBranchErrorCode {
        /// There is no such branch.
        BranchNotFound,
    }
}

user_errors! {
    /// Why `reopenBranch` changed nothing.
    ReopenBranchUserError, ReopenBranchErrorCode {
        /// There is no such branch.
        BranchNotFound,
    }
}

/// The mutations.
#[derive(Default)]
pub struct SetBranchStatus;

#[Object]
impl SetBranchStatus {
    /// Closes a branch (operator): nothing new is earned or spent there. Closing one that is closed changes nothing.
    async fn close_branch(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The branch.")] input: CloseBranchInput,
    ) -> Result<CloseBranchPayload> {
        if let Some(branch) = set(ctx, &input.branch_id, BranchStatus::Closed).await? {
            return Ok(CloseBranchPayload { branch: Some(branch), user_errors: Vec::new() });
        }
        let code = CloseBranchErrorCode::BranchNotFound;
        let user_errors = Problems::one(code, "input.branchId");
        Ok(CloseBranchPayload { branch: None, user_errors })
    }

    /// Opens a closed branch again (operator). Opening one that is open changes nothing.
    async fn reopen_branch(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The branch.")] input: ReopenBranchInput,
    ) -> Result<ReopenBranchPayload> {
        if let Some(branch) = set(ctx, &input.branch_id, BranchStatus::Open).await? {
            return Ok(ReopenBranchPayload { branch: Some(branch), user_errors: Vec::new() });
        }
        let code = ReopenBranchErrorCode::BranchNotFound;
        let user_errors = Problems::one(code, "input.branchId");
        Ok(ReopenBranchPayload { branch: None, user_errors })
    }
}

/// Sets the status; nothing when the id names no branch.
async fn set(ctx: &Context<'_>, id: &ID, status: BranchStatus) -> Result<Option<Branch>> {
    require_operator(ctx)?;
    let Some(id) = GlobalId::branch(id) else { return Ok(None) };
    match set_branch_status(app(ctx)?, &author(ctx)?, id, status).await {
        Ok(branch) => Ok(Some(Branch(branch))),
        Err(AppError::NotFound) => Ok(None),
        Err(error) => Err(fault(error)),
    }
}
