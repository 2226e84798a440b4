//! `registerMerchant`.

use amvaj_domain::merchant::{InvalidPrices, Names, checked_prices};
use amvaj_domain::text::Name;
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::Merchant;
use crate::app::register_merchant::{self, register_merchant};
use crate::graphql::context::{app, author, require_operator};
use crate::graphql::error::fault;
use crate::graphql::scalar::{CurrencyCode, MinorUnits};
use crate::graphql::user_error::{Problems, user_errors};

/// A merchant to register.
#[derive(Debug, InputObject)]
pub struct RegisterMerchantInput {
    /// The name in Persian, 1 to 120 characters. Example: `"کافه باغ"`.
    pub name_fa: String,
    /// The name in English, 1 to 120 characters. Example: `"Garden Café"`.
    pub name_en: String,
    /// The currency of its purchases; the network's when left out.
    pub currency: Option<CurrencyCode>,
    /// What it pays for one point that it issues, in minor units of its currency: 0 to 1,000,000. Example: `"100"`.
    pub issue_price: MinorUnits,
    /// What it is paid for one point that it accepts, in minor units of its currency: 0 to 1,000,000.
    pub redeem_price: MinorUnits,
}

/// What `registerMerchant` did.
#[derive(Default, SimpleObject)]
pub struct RegisterMerchantPayload {
    /// The new merchant; null when nothing changed.
    pub merchant: Option<Merchant>,
    /// Why nothing changed; empty when the merchant was registered.
    pub user_errors: Vec<RegisterMerchantUserError>,
}

user_errors! {
    /// Why `registerMerchant` changed nothing.
    RegisterMerchantUserError, RegisterMerchantErrorCode {
        /// A name is empty, too long, or has control characters.
        InvalidName,
        /// A price is out of range.
        InvalidPrice,
    }
}

/// The mutation.
#[derive(Default)]
pub struct RegisterMerchant;

#[Object]
impl RegisterMerchant {
    /// Takes a business into the network (operator). It earns nothing until it has an earn rule.
    async fn register_merchant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The merchant.")] input: RegisterMerchantInput,
    ) -> Result<RegisterMerchantPayload> {
        require_operator(ctx)?;
        let request = match read(&input) {
            Ok(request) => request,
            Err(user_errors) => return Ok(RegisterMerchantPayload { merchant: None, user_errors }),
        };
        let merchant = register_merchant(app(ctx)?, &author(ctx)?, request).await.map_err(fault)?;
        Ok(RegisterMerchantPayload { merchant: Some(Merchant(merchant)), user_errors: Vec::new() })
    }
}

fn read(
    input: &RegisterMerchantInput,
) -> Result<register_merchant::RegisterMerchant, Vec<RegisterMerchantUserError>> {
    use RegisterMerchantErrorCode::{InvalidName, InvalidPrice};
    let mut problems = Problems::new();
    let fa = problems.take(Name::parse(&input.name_fa), InvalidName, "input.nameFa");
    let en = problems.take(Name::parse(&input.name_en), InvalidName, "input.nameEn");
    let issue = problems.take(price(input.issue_price), InvalidPrice, "input.issuePrice");
    let redeem = problems.take(price(input.redeem_price), InvalidPrice, "input.redeemPrice");
    let currency = input.currency.map(|currency| currency.0);
    if let (Some(fa), Some(en), Some(issue), Some(redeem)) = (fa, en, issue, redeem)
        && let Ok(prices) = checked_prices(issue, redeem)
    {
        return Ok(register_merchant::RegisterMerchant { names: Names { fa, en }, currency, prices });
    }
    Err(problems.into_errors())
}

/// One price, checked alone so that the error names its field.
fn price(price: MinorUnits) -> Result<i64, InvalidPrices> {
    let price = i64::try_from(price.0).map_err(|_| InvalidPrices)?;
    checked_prices(price, price).map(|_| price)
}
