//! A merchant takes a purchase back, or a part of it. A refund that comes before its purchase waits for it.

use amvaj_domain::{
    id::{MerchantId, WalletId},
    ledger::{Command, CommandRefund, ReceiptKey, RefundSpec},
    money::Currency,
    text::ReceiptNumber,
};
use amvaj_infra::ledger::Request;
use uuid::Uuid;

use super::{
    App,
    error::Stopped,
    fingerprint::Fingerprint,
    points::{Acting, PointsOutcome, PointsRefusal, PointsRequest, submit},
};

/// What comes back.
#[derive(Debug, Clone)]
pub struct RefundPurchase {
    /// Key, branch and time.
    pub request: PointsRequest,
    /// The receipt of the purchase.
    pub receipt: ReceiptNumber,
    /// Which part.
    pub what: RefundSpec,
    /// The currency of a refund by amount.
    pub currency: Option<Currency>,
}

/// Takes a purchase back.
///
/// # Errors
/// [`PointsRefusal::IdempotencyMismatch`], and [`PointsRefusal::Rejected`] when a refund that waited was refused;
/// all other refusals are recorded.
pub async fn refund_purchase(
    app: &App,
    merchant: MerchantId,
    input: &RefundPurchase,
) -> Result<PointsOutcome, Stopped<PointsRefusal>> {
    let acting = Acting::load(app, merchant, &input.request).await?;
    let refusal = acting.ending().or_else(|| input.currency.and_then(|currency| acting.currency(currency)));
    let command = Command::Refund(CommandRefund {
        receipt: input.receipt.clone(),
        what: input.what.clone(),
        grace: app.restore_grace,
    });
    let body = Fingerprint::of("refund", &input.request)
        .receipt(Some(&input.receipt))
        .refund(&input.what)
        .currency(input.currency)
        .digest();
    let key = ReceiptKey { merchant, number: input.receipt.clone() };
    let request = if let Some((wallet, _)) = app.reader.receipt(&key).await? {
        Request::Apply(acting.operation(app, wallet, body, refusal, command))
    } else {
        // Nobody's wallet yet: the ledger keeps the refund beside the wallets until its purchase comes.
        let nobody = WalletId::new(Uuid::nil());
        Request::AwaitPurchase(acting.operation(app, nobody, body, refusal, command))
    };
    submit(app, request).await
}
