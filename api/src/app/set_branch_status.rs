//! The operator closes a branch or opens it again.

use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::BranchId;
use amvaj_domain::merchant::{Branch, BranchStatus};

use super::access::operator_only;
use super::{App, AppError};

/// Sets a branch's status; that it has it already is no fault. Other nodes follow within a second.
pub async fn set_branch_status(
    app: &App,
    author: &Author,
    branch: BranchId,
    status: BranchStatus,
) -> Result<Branch, AppError> {
    operator_only(author)?;
    let kind = match status {
        BranchStatus::Open => ActKind::BranchReopened,
        BranchStatus::Closed => ActKind::BranchClosed,
    };
    let act = Act::new(author, kind, Target::Branch(branch), app.now());
    app.directory.set_branch_status(branch, status, &act).await?.ok_or(AppError::NotFound)
}
