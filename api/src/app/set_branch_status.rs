//! The operator closes a branch or opens it again.

use amvaj_domain::access::Caller;
use amvaj_domain::id::BranchId;
use amvaj_domain::merchant::{Branch, BranchStatus};

use super::access::operator_only;
use super::{App, AppError};

/// Sets a branch's status; that it has it already is no fault. Other nodes follow within a second.
pub async fn set_branch_status(
    app: &App,
    caller: Caller,
    branch: BranchId,
    status: BranchStatus,
) -> Result<Branch, AppError> {
    operator_only(caller)?;
    app.directory.set_branch_status(branch, status).await?.ok_or(AppError::NotFound)
}
