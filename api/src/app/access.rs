//! What a role may do at all. What it may see is for the readers, which are made for a caller.

use amvaj_domain::access::{Caller, Identity, Scope};
use amvaj_domain::audit::Author;
use amvaj_domain::id::{BranchId, MerchantId};

use super::AppError;

/// Lets the operator pass.
pub fn operator_only(author: &Author) -> Result<(), AppError> {
    match author.caller {
        Some(Caller::Operator) => Ok(()),
        Some(Caller::Agent | Caller::Merchant(_) | Caller::Member(_)) => Err(AppError::Forbidden),
        None => Err(AppError::Unauthenticated),
    }
}

/// Why something cannot be done at a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BranchRefused {
    /// The caller works at several branches and has named none.
    Needed,
    /// The caller has no post there that allows it.
    NotYours,
}

/// Where something happens that needs `scope`: at the branch that is named, else where the caller is bound to, when that
/// is one branch only. Costs no read: the posts are in the token.
pub fn branch_for(
    identity: &Identity,
    scope: Scope,
    named: Option<BranchId>,
) -> Result<Option<BranchId>, BranchRefused> {
    match named {
        named if identity.may_at(scope, named) => Ok(named),
        Some(_) => Err(BranchRefused::NotYours),
        None if !identity.may(scope) => Err(BranchRefused::NotYours),
        None => identity.only_branch(scope).map(Some).ok_or(BranchRefused::Needed),
    }
}

/// The merchant that calls.
pub fn merchant_only(caller: Caller) -> Result<MerchantId, AppError> {
    match caller {
        Caller::Merchant(id) => Ok(id),
        Caller::Operator | Caller::Agent | Caller::Member(_) => Err(AppError::Forbidden),
    }
}
