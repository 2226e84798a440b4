//! The operator takes a business into the network.

use amvaj_domain::access::Caller;
use amvaj_domain::id::MerchantId;
use amvaj_domain::ledger::Prices;
use amvaj_domain::merchant::{Merchant, MerchantStatus, Names};
use amvaj_domain::money::Currency;

use super::access::operator_only;
use super::{App, AppError};
use crate::random;

/// A merchant to register.
#[derive(Debug, Clone)]
pub struct RegisterMerchant {
    /// Its names.
    pub names: Names,
    /// The currency of its purchases; the network's when nothing is said.
    pub currency: Option<Currency>,
    /// What a point costs it at issue and brings it at redemption.
    pub prices: Prices,
}

/// Registers a merchant. It has no branch and no earn rule yet.
pub async fn register_merchant(
    app: &App,
    caller: Caller,
    request: RegisterMerchant,
) -> Result<Merchant, AppError> {
    operator_only(caller)?;
    let now = app.now();
    let merchant = Merchant {
        id: MerchantId::new(random::uuid(now)),
        names: request.names,
        status: MerchantStatus::Open,
        currency: request.currency.unwrap_or(app.network.currency),
        prices: request.prices,
        created_at: now,
    };
    app.directory.register_merchant(&merchant).await?;
    Ok(merchant)
}
