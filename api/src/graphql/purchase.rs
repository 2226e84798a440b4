//! Purchases: what a receipt bought, earned and gave back.

use amvaj_domain::{earn::SaleLine, ledger::ReceiptKey, text::ReceiptNumber};
use amvaj_infra::ledger::StoredPurchase;
use async_graphql::{Context, ID, Object, Result};

use super::{
    context::{app, caller},
    error::{Code, fault},
    global_id::GlobalId,
    ledger_loader::PurchaseOf,
    loader::ledger_loader,
    merchant::Merchant,
    operation::Operation,
    scalar::{MinorUnits, PointsScalar},
};
use crate::language::Message;
use amvaj_domain::access::Caller;

/// A purchase that earned points, and what came back of it since.
pub struct Purchase(StoredPurchase);

/// One line of a purchase.
pub struct PurchaseLine(SaleLine);

impl Purchase {
    /// The purchase of an earn, when the caller may see it.
    pub async fn find(
        ctx: &Context<'_>,
        wallet: amvaj_domain::id::WalletId,
        seq: i64,
    ) -> Result<Option<Self>> {
        let found = ledger_loader(ctx)?.load_one(PurchaseOf(wallet, seq)).await.map_err(fault)?;
        Ok(found.map(Self))
    }
}

/// A purchase that earned points, and what came back of it since.
#[Object]
impl Purchase {
    /// The global id.
    pub async fn id(&self) -> ID {
        GlobalId::Purchase(self.0.wallet, self.0.purchase.seq).write()
    }

    /// The merchant.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        Merchant::load(ctx, self.0.receipt.merchant).await
    }

    /// The merchant's receipt number.
    async fn receipt_number(&self) -> &str {
        self.0.receipt.number.as_str()
    }

    /// The earn.
    async fn operation(&self, ctx: &Context<'_>) -> Result<Option<Operation>> {
        Operation::find(ctx, self.0.wallet, self.0.purchase.seq).await
    }

    /// Price of the whole basket, in minor units of the merchant's currency.
    async fn total(&self) -> MinorUnits {
        self.0.purchase.sale.total.into()
    }

    /// The part of it that was kept, in minor units.
    async fn kept_total(&self) -> MinorUnits {
        self.0.purchase.sale.kept_total().into()
    }

    /// Points that the kept part earns.
    async fn kept_points(&self) -> PointsScalar {
        self.0.purchase.kept.into()
    }

    /// Points that paid a part of it.
    async fn paid_points(&self) -> PointsScalar {
        self.0.redemptions.iter().fold(0_i64, |sum, paid| sum.saturating_add(paid.points.get())).into()
    }

    /// Points of `paidPoints` that refunds gave back.
    async fn returned_points(&self) -> PointsScalar {
        self.0.redemptions.iter().fold(0_i64, |sum, paid| sum.saturating_add(paid.reversed.get())).into()
    }

    /// The lines, in the order of their numbers.
    async fn lines(&self) -> Vec<PurchaseLine> {
        self.0.purchase.sale.lines.iter().cloned().map(PurchaseLine).collect()
    }
}

/// One line of a purchase.
#[Object]
impl PurchaseLine {
    /// Number of the line on the receipt.
    async fn line(&self) -> i32 {
        self.0.line_no
    }

    /// The merchant's product code.
    async fn product(&self) -> Option<&str> {
        self.0.product.as_deref()
    }

    /// The merchant's product category.
    async fn category(&self) -> Option<&str> {
        self.0.category.as_deref()
    }

    /// Price of the whole line in minor units.
    async fn amount(&self) -> MinorUnits {
        self.0.amount.into()
    }

    /// Units bought.
    async fn quantity(&self) -> i32 {
        i32::try_from(self.0.quantity).unwrap_or(i32::MAX)
    }

    /// Units refunded by line.
    async fn refunded(&self) -> i32 {
        i32::try_from(self.0.refunded).unwrap_or(i32::MAX)
    }

    /// Whether the rule of the sale lets the line earn.
    async fn earns(&self) -> bool {
        self.0.eligible
    }
}

/// Queries about purchases.
#[derive(Default)]
pub struct PurchaseQuery;

#[Object]
impl PurchaseQuery {
    /// The purchase of a receipt; null when no earn has it, or it is not yours. A merchant's receipts are its own; a
    /// member or the operator names the merchant.
    async fn purchase(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The merchant's receipt number.")] receipt_number: String,
        #[graphql(desc = "The merchant; only the caller's own when a merchant calls.")] merchant_id: Option<
            ID,
        >,
    ) -> Result<Option<Purchase>> {
        let named = merchant_id
            .map(|id| {
                let what = Message::new("argument-no-merchant-id");
                GlobalId::merchant(&id).ok_or_else(|| Code::BadUserInput.saying(what))
            })
            .transpose()?;
        let merchant = match (caller(ctx)?, named) {
            (Caller::Merchant(own), None) => own,
            (Caller::Merchant(own), Some(named)) if own != named => return Ok(None),
            (_, Some(named)) => named,
            (Caller::Operator | Caller::Agent | Caller::Member(_), None) => {
                return Err(Code::BadUserInput.saying(Message::new("merchant-id-needed")));
            }
        };
        let Ok(number) = ReceiptNumber::parse(&receipt_number) else { return Ok(None) };
        let found = app(ctx)?.reader.receipt(&ReceiptKey { merchant, number }).await.map_err(fault)?;
        match found {
            Some((wallet, seq)) => Purchase::find(ctx, wallet, seq).await,
            None => Ok(None),
        }
    }
}
