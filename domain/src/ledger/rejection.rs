//! How an operation can be refused: expected answers, stored with the operation and repeated on every retry.

/// Why an operation was refused. The numbers that belong to it are in the operation's record: the amount asked
/// for, the limit it met (`limit`), and the wallet's balances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rejection {
    /// The merchant is blocked: it can neither issue nor accept points. What it began can be ended.
    MerchantBlocked,
    /// The merchant has no such branch.
    BranchNotFound,
    /// The branch is closed.
    BranchClosed,
    /// The member is blocked: the wallet can neither earn nor spend. What was begun can be ended.
    MemberBlocked,
    /// The amount is in another currency than the merchant's.
    CurrencyMismatch,
    /// No earn rule of the merchant holds at the time of the purchase.
    NoEarnRule,
    /// The purchase would have occurred later than the clock allows.
    OccurredInFuture,
    /// The purchase occurred before the look-back of the network.
    OccurredTooLongAgo,
    /// Another earn has this receipt.
    ReceiptAlreadyUsed,
    /// The receipt belongs to another member's wallet.
    ReceiptOfAnotherMember,
    /// The wallet has fewer points that can be spent here; `limit` says how many.
    InsufficientPoints,
    /// The merchant has no such hold on this wallet.
    HoldNotFound,
    /// The hold's time is over and its points are free again.
    HoldExpired,
    /// The hold was released.
    HoldReleased,
    /// The hold was captured.
    HoldCaptured,
    /// The capture asks for more than is held; `limit` says how much.
    CaptureExceedsHold,
    /// No purchase has this receipt.
    PurchaseNotFound,
    /// The purchase has no such line.
    LineNotFound,
    /// The refund asks for more than was kept; `limit` says how much, in minor units or units of the line.
    RefundExceedsPurchase,
    /// The wallet or the amount would leave the range of points.
    AmountTooLarge,
}

impl Rejection {
    /// Every rejection with its stored number. Numbers are never reused.
    const STORED: [(Self, i16); 20] = [
        (Self::MerchantBlocked, 1),
        (Self::BranchNotFound, 2),
        (Self::BranchClosed, 3),
        (Self::MemberBlocked, 4),
        (Self::CurrencyMismatch, 5),
        (Self::NoEarnRule, 6),
        (Self::OccurredInFuture, 7),
        (Self::OccurredTooLongAgo, 8),
        (Self::ReceiptAlreadyUsed, 9),
        (Self::ReceiptOfAnotherMember, 10),
        (Self::InsufficientPoints, 11),
        (Self::HoldNotFound, 12),
        (Self::HoldExpired, 13),
        (Self::HoldReleased, 14),
        (Self::HoldCaptured, 15),
        (Self::CaptureExceedsHold, 16),
        (Self::PurchaseNotFound, 17),
        (Self::LineNotFound, 18),
        (Self::RefundExceedsPurchase, 19),
        (Self::AmountTooLarge, 20),
    ];

    /// The number that storage keeps; zero would mean a rejection without one, which a test excludes.
    pub fn stored(self) -> i16 {
        Self::STORED.iter().find(|(rejection, _)| *rejection == self).map_or(0, |(_, number)| *number)
    }

    /// The rejection that storage keeps under a number.
    pub fn from_stored(number: i16) -> Option<Self> {
        Self::STORED.iter().find(|(_, stored)| *stored == number).map(|(rejection, _)| *rejection)
    }

    /// All rejections, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::STORED.iter().map(|(rejection, _)| *rejection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rejection_survives_storage() {
        for rejection in Rejection::all() {
            assert!(rejection.stored() > 0);
            assert_eq!(Rejection::from_stored(rejection.stored()), Some(rejection));
        }
    }
}
