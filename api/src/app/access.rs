//! What a role may do at all. What it may see is for the readers, which are made for a caller.

use amvaj_domain::access::Caller;
use amvaj_domain::audit::Author;
use amvaj_domain::id::MerchantId;

use super::AppError;

/// Lets the operator pass.
pub fn operator_only(author: &Author) -> Result<(), AppError> {
    match author.caller {
        Some(Caller::Operator) => Ok(()),
        Some(Caller::Agent | Caller::Merchant(_) | Caller::Member(_)) => Err(AppError::Forbidden),
        None => Err(AppError::Unauthenticated),
    }
}

/// The merchant that calls.
pub fn merchant_only(caller: Caller) -> Result<MerchantId, AppError> {
    match caller {
        Caller::Merchant(id) => Ok(id),
        Caller::Operator | Caller::Agent | Caller::Member(_) => Err(AppError::Forbidden),
    }
}
