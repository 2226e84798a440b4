//! The operator blocks a merchant or opens it again.

use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::MerchantId;
use amvaj_domain::merchant::{Merchant, MerchantStatus};

use super::access::operator_only;
use super::{App, AppError};

/// Sets a merchant's status; that it has it already is no fault. Other nodes follow within a second.
pub async fn set_merchant_status(
    app: &App,
    author: &Author,
    merchant: MerchantId,
    status: MerchantStatus,
) -> Result<Merchant, AppError> {
    operator_only(author)?;
    let kind = match status {
        MerchantStatus::Open => ActKind::MerchantUnblocked,
        MerchantStatus::Blocked => ActKind::MerchantBlocked,
    };
    let act = Act::new(author, kind, Target::Merchant(merchant), app.now());
    app.directory.set_merchant_status(merchant, status, &act).await?.ok_or(AppError::NotFound)
}
