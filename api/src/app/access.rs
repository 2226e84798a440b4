//! What a role may do at all. What it may see is for the readers, which are made for a caller.

use amvaj_domain::access::Caller;
use amvaj_domain::id::MerchantId;

use super::AppError;

/// Lets the operator pass.
pub fn operator_only(caller: Caller) -> Result<(), AppError> {
    match caller {
        Caller::Operator => Ok(()),
        Caller::Agent | Caller::Merchant(_) | Caller::Member(_) => Err(AppError::Forbidden),
    }
}

/// The merchant that calls.
pub fn merchant_only(caller: Caller) -> Result<MerchantId, AppError> {
    match caller {
        Caller::Merchant(id) => Ok(id),
        Caller::Operator | Caller::Agent | Caller::Member(_) => Err(AppError::Forbidden),
    }
}
