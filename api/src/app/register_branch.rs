//! The operator adds a branch to a merchant.

use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{BranchId, MerchantId};
use amvaj_domain::merchant::{Branch, BranchStatus, Names};

use super::access::operator_only;
use super::{App, AppError};
use crate::random;

/// Adds an open branch; [`AppError::NotFound`] when there is no such merchant.
pub async fn register_branch(
    app: &App,
    author: &Author,
    merchant: MerchantId,
    names: Names,
) -> Result<Branch, AppError> {
    operator_only(author)?;
    let now = app.now();
    let id = BranchId::new(random::uuid(now));
    let branch = Branch { id, merchant, names, status: BranchStatus::Open, created_at: now };
    let act = Act::new(author, ActKind::BranchRegistered, Target::Branch(id), now)
        .detail("nameFa", branch.names.fa.as_str())
        .detail("nameEn", branch.names.en.as_str());
    if app.directory.add_branch(&branch, &act).await? { Ok(branch) } else { Err(AppError::NotFound) }
}
