//! The operator blocks a merchant or opens it again.

use amvaj_domain::access::Caller;
use amvaj_domain::id::MerchantId;
use amvaj_domain::merchant::{Merchant, MerchantStatus};

use super::access::operator_only;
use super::{App, AppError};

/// Sets a merchant's status; that it has it already is no fault. Other nodes follow within a second.
pub async fn set_merchant_status(
    app: &App,
    caller: Caller,
    merchant: MerchantId,
    status: MerchantStatus,
) -> Result<Merchant, AppError> {
    operator_only(caller)?;
    app.directory.set_merchant_status(merchant, status).await?.ok_or(AppError::NotFound)
}
