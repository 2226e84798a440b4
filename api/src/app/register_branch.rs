//! The operator adds a branch to a merchant.

use amvaj_domain::access::Caller;
use amvaj_domain::id::{BranchId, MerchantId};
use amvaj_domain::merchant::{Branch, BranchStatus, Names};

use super::access::operator_only;
use super::{App, AppError};
use crate::random;

/// Adds an open branch; [`AppError::NotFound`] when there is no such merchant.
pub async fn register_branch(
    app: &App,
    caller: Caller,
    merchant: MerchantId,
    names: Names,
) -> Result<Branch, AppError> {
    operator_only(caller)?;
    let now = app.now();
    let id = BranchId::new(random::uuid(now));
    let branch = Branch { id, merchant, names, status: BranchStatus::Open, created_at: now };
    if app.directory.add_branch(&branch).await? { Ok(branch) } else { Err(AppError::NotFound) }
}
