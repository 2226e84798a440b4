//! The operator takes a business into the network.

use amvaj_domain::audit::{Act, ActKind, Author, Target};
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
    author: &Author,
    request: RegisterMerchant,
) -> Result<Merchant, AppError> {
    operator_only(author)?;
    let now = app.now();
    let merchant = Merchant {
        id: MerchantId::new(random::uuid(now)),
        names: request.names,
        status: MerchantStatus::Open,
        currency: request.currency.unwrap_or(app.network.currency),
        prices: request.prices,
        created_at: now,
    };
    let act = Act::new(author, ActKind::MerchantRegistered, Target::Merchant(merchant.id), now)
        .detail("nameFa", merchant.names.fa.as_str())
        .detail("nameEn", merchant.names.en.as_str())
        .detail("issuePrice", merchant.prices.issue)
        .detail("redeemPrice", merchant.prices.redeem);
    app.directory.register_merchant(&merchant, &act).await?;
    Ok(merchant)
}
