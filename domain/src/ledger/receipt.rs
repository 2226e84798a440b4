//! What one wallet knows of one receipt: the purchase that earned and the redemptions that paid for it.

use crate::{calendar::LocalDay, earn::Sale, id::MerchantId, points::Points, text::ReceiptNumber};

/// A receipt is named by its merchant and that merchant's own number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceiptKey {
    /// The merchant that wrote the receipt.
    pub merchant: MerchantId,
    /// The merchant's number of it.
    pub number: ReceiptNumber,
}

/// The purchase of an applied earn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// Sequence number of the earn.
    pub seq: i64,
    /// The basket, the terms of the sale, and what came back since.
    pub sale: Sale,
    /// Points that the kept basket still earns.
    pub kept: Points,
    /// The lot of its points; none when it earned nothing.
    pub lot_no: Option<i64>,
    /// The day whose cap it used, when the rule caps the day.
    pub cap_day: Option<LocalDay>,
    /// What the issuer pays for one point, in minor units, as it was at the sale.
    pub price: i64,
}

/// Points that paid a part of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redemption {
    /// Sequence number of the redeem or capture.
    pub seq: i64,
    /// Points paid.
    pub points: Points,
    /// Points that refunds gave back.
    pub reversed: Points,
    /// What one point paid, in minor units.
    pub price: i64,
    /// The lots that were spent, in spending order.
    pub spent: Vec<(i64, Points)>,
}

/// One receipt as seen from one wallet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReceiptFile {
    /// The purchase, once its earn was applied to this wallet.
    pub purchase: Option<Purchase>,
    /// The redemptions from this wallet, by sequence number.
    pub redemptions: Vec<Redemption>,
    /// Whether another wallet has the earn of this receipt.
    pub earned_elsewhere: bool,
    /// Whether another wallet has paid for this receipt and nobody has its earn, which says more.
    pub redeemed_elsewhere: bool,
}

impl ReceiptFile {
    /// Value in minor units of the points that paid for the receipt.
    pub(super) fn paid_value(&self) -> i64 {
        self.redemptions
            .iter()
            .fold(0, |sum: i64, paid| sum.saturating_add(paid.points.get().saturating_mul(paid.price)))
    }

    /// Points that paid for the receipt.
    pub(super) fn paid_points(&self) -> i64 {
        self.redemptions.iter().fold(0, |sum: i64, paid| sum.saturating_add(paid.points.get()))
    }

    /// Points that refunds gave back.
    pub(super) fn reversed_points(&self) -> i64 {
        self.redemptions.iter().fold(0, |sum: i64, paid| sum.saturating_add(paid.reversed.get()))
    }
}
