//! Merchants: what everybody may know of them, and their prices for those who agreed on them.

pub mod register;
pub mod status;

use amvaj_domain::access::Caller;
use amvaj_domain::id::MerchantId;
use amvaj_domain::merchant::{self, MerchantStatus as Status};
use amvaj_infra::directory;
use async_graphql::{Context, Enum, ID, InputObject, MergedObject, Object, Result, SimpleObject};

use super::api_key::{self, ApiKey, ApiKeyConnection};
use super::branch::{BranchConnection, BranchStatus};
use super::connection::{PageArguments, connection};
use super::context::{app, caller, caller_if_any};
use super::earn_rule::{EarnRule, EarnRuleConnection};
use super::error::fault;
use super::global_id::GlobalId;
use super::loader::loader;
use super::scalar::{CurrencyCode, DateTime, MinorUnits};
use super::staff::{self, StaffConnection};
use super::value::Money;
use super::webhook::{self, WebhookEndpoint, WebhookEndpointConnection};

/// Whether a merchant takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "merchant::MerchantStatus")]
pub enum MerchantStatus {
    /// It issues and accepts points.
    Open,
    /// The operator blocked it: it can end what it began, and begin nothing.
    Blocked,
}

/// What points cost a merchant and bring it, per point.
#[derive(Debug, Clone, SimpleObject)]
pub struct MerchantPrices {
    /// What the merchant pays for one point that it issues. Example: `{ amount: "100", currency: "IRR" }`.
    pub issue: Money,
    /// What the merchant is paid for one point that it accepts; also what the point pays at its till.
    pub redeem: Money,
}

/// Which merchants to list.
#[derive(Debug, Default, InputObject)]
pub struct MerchantFilter {
    /// Only those with this status.
    pub status: Option<MerchantStatus>,
    /// Only those with this text in their Persian or English name; Persian and Arabic letters, digits and spaces are
    /// taken for one another. Example: `"کافه"`.
    pub search: Option<String>,
}

connection! {
    /// Merchants, a page at a time, in the order of their registration.
    MerchantConnection, MerchantEdge, Merchant
}

/// A partner business that issues and accepts points.
#[derive(Debug, Clone)]
pub struct Merchant(pub merchant::Merchant);

/// Queries about merchants.
#[derive(Default)]
pub struct MerchantQueries;

/// Mutations of merchants.
#[derive(Default, MergedObject)]
pub struct MerchantMutations(register::RegisterMerchant, status::SetMerchantStatus);

#[Object]
impl MerchantQueries {
    /// A merchant by its id; null when there is none. Any caller with a token may ask.
    async fn merchant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The merchant's global id.")] id: ID,
    ) -> Result<Option<Merchant>> {
        caller(ctx)?;
        let Some(id) = GlobalId::merchant(&id) else { return Ok(None) };
        Ok(loader(ctx)?.load_one(id).await.map_err(fault)?.map(Merchant))
    }

    /// The merchants of the network, in the order of their registration. Any caller with a token may ask.
    async fn merchants(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which merchants; all when left out.")] filter: Option<MerchantFilter>,
    ) -> Result<MerchantConnection> {
        caller(ctx)?;
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        let filter = filter.unwrap_or_default();
        let filter =
            directory::MerchantFilter { status: filter.status.map(Status::from), search: filter.search };
        let page = app(ctx)?.directory.merchants(&filter, &request).await.map_err(fault)?;
        Ok(MerchantConnection::new(page, |merchant| merchant.id.uuid(), Merchant))
    }
}

impl Merchant {
    /// The merchant of this id.
    pub async fn load(ctx: &Context<'_>, id: MerchantId) -> Result<Option<Self>> {
        Ok(loader(ctx)?.load_one(id).await.map_err(fault)?.map(Self))
    }
}

/// A partner business that issues and accepts points.
#[Object]
impl Merchant {
    /// The merchant's global id.
    pub async fn id(&self) -> ID {
        GlobalId::Merchant(self.0.id).write()
    }

    /// The name in Persian. Example: `"کافه باغ"`.
    async fn name_fa(&self) -> &str {
        self.0.names.fa.as_str()
    }

    /// The name in English. Example: `"Garden Café"`.
    async fn name_en(&self) -> &str {
        self.0.names.en.as_str()
    }

    /// Whether it takes part.
    async fn status(&self) -> MerchantStatus {
        self.0.status.into()
    }

    /// The currency of its purchases. Amounts in another one are refused.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.currency)
    }

    /// When it was registered.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// What points cost it and bring it. Only the operator and the merchant itself see this; null for others.
    async fn prices(&self, ctx: &Context<'_>) -> Option<MerchantPrices> {
        let visible = match caller_if_any(ctx) {
            Some(Caller::Operator | Caller::Agent) => true,
            Some(Caller::Merchant(id)) => id == self.0.id,
            Some(Caller::Member(_)) | None => false,
        };
        let money = |minor_units: i64| Money {
            amount: MinorUnits::from(minor_units),
            currency: CurrencyCode(self.0.currency),
        };
        let prices = self.0.prices;
        visible.then(|| MerchantPrices { issue: money(prices.issue), redeem: money(prices.redeem) })
    }

    /// Its branches, in the order of their registration.
    async fn branches(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only branches with this status.")] status: Option<BranchStatus>,
    ) -> Result<BranchConnection> {
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        let status = status.map(merchant::BranchStatus::from);
        let page = app(ctx)?.directory.branches(self.0.id, status, &request).await.map_err(fault)?;
        Ok(BranchConnection::new(page, |branch| branch.id.uuid(), super::branch::Branch))
    }

    /// Its people, in the order in which they were added. Only its owners and the operator see them; null for others.
    async fn staff(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<Option<StaffConnection>> {
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        if !staff::may_see(ctx, self.0.id) {
            return Ok(None);
        }
        let page = app(ctx)?.directory.staff(self.0.id, &request).await.map_err(fault)?;
        Ok(Some(StaffConnection::new(page, |staff| staff.id.uuid(), staff::Staff)))
    }

    /// Its API keys, in the order in which they were made. Only the operator and whoever manages the merchant's keys
    /// (`keys:manage`) see them; null for others.
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only keys that are good; all of them when left out.")] active_only: Option<bool>,
    ) -> Result<Option<ApiKeyConnection>> {
        if !api_key::looks_after(ctx, self.0.id) {
            return Ok(None);
        }
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        let app = app(ctx)?;
        let active_at = active_only.unwrap_or(false).then(|| app.now());
        let page = app.api_keys.page(self.0.id, active_at, &request).await.map_err(fault)?;
        Ok(Some(ApiKeyConnection::new(page, |key| key.id.uuid(), ApiKey)))
    }

    /// Its endpoints for webhooks, in the order in which they were registered. Only the operator and whoever manages the
    /// merchant's webhooks (`webhooks:manage`) see them; null for others.
    async fn webhook_endpoints(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<Option<WebhookEndpointConnection>> {
        if !webhook::sees(ctx, self.0.id) {
            return Ok(None);
        }
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        let page = app(ctx)?.webhooks.endpoints(self.0.id, &request).await.map_err(fault)?;
        let key = |endpoint: &amvaj_domain::webhook::Endpoint| endpoint.id.uuid();
        Ok(Some(WebhookEndpointConnection::new(page, key, WebhookEndpoint)))
    }

    /// The version of its earn rule that holds now; null when its purchases earn nothing.
    async fn earn_rule(&self, ctx: &Context<'_>) -> Result<Option<EarnRule>> {
        let app = app(ctx)?;
        let file = app.directory.merchant_file(self.0.id).await.map_err(fault)?;
        let rule = file.and_then(|file| amvaj_domain::earn::rule_at(&file.rules, app.ledger_now()).cloned());
        Ok(rule.map(|rule| EarnRule { merchant: self.0.id, rule }))
    }

    /// All versions of its earn rule, oldest first. Versions of the future only the operator and the merchant see.
    async fn earn_rules(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<EarnRuleConnection> {
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        let merchant = self.0.id;
        let app = app(ctx)?;
        // What a merchant plans is between it and the operator.
        let until = match caller_if_any(ctx) {
            Some(Caller::Operator | Caller::Agent) => None,
            Some(Caller::Merchant(own)) if own == merchant => None,
            Some(Caller::Merchant(_) | Caller::Member(_)) | None => Some(app.ledger_now()),
        };
        let page = app.directory.rules(merchant, until, &request).await.map_err(fault)?;
        Ok(EarnRuleConnection::new(page, |rule| rule.version, |rule| EarnRule { merchant, rule }))
    }
}
