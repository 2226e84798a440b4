//! User errors of the mutations on points. Each mutation has its own enum of codes; what a code means and which
//! field it is about is written once, here; what it says is in the message files, under the code's name.

use amvaj_domain::{
    ledger::{OpRecord, Rejection},
    points::Points,
};

use super::user_error::UserErrorCode;
use crate::language::Message;

/// What can be wrong with a request on points before the ledger sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputProblem {
    InvalidIdempotencyKey,
    IdempotencyMismatch,
    InvalidBranchId,
    BranchNeeded,
    BranchNotYours,
    InvalidMember,
    MemberNotFound,
    InvalidReceiptNumber,
    InvalidAmount,
    InvalidBasket,
    InvalidPoints,
    InvalidHoldId,
    InvalidSeconds,
    InvalidRefund,
    RewardNotFound,
    RedemptionNotFound,
    InvalidVoucherCode,
}

/// A refusal of the ledger with its numbers.
#[derive(Debug, Clone, Copy)]
pub struct Refused {
    rejection: Rejection,
    asked: Points,
    limit: i64,
    /// Whether the balance may be told.
    tells_balance: bool,
}

impl Refused {
    /// The refusal that an operation's record tells, if it was refused. It says how many points there are only where it
    /// may tell the balance.
    pub fn recorded(op: &OpRecord, tells_balance: bool) -> Option<Self> {
        let rejection = op.rejection?;
        Some(Self { rejection, asked: op.amount, limit: op.limit.unwrap_or_default(), tells_balance })
    }

    /// The refusal of whoever has so few points that the ledger was not asked.
    pub const fn short(asked: Points, spendable: i64, tells_balance: bool) -> Self {
        Self { rejection: Rejection::InsufficientPoints, asked, limit: spendable, tells_balance }
    }

    /// A refusal that has no record.
    pub const fn bare(rejection: Rejection) -> Self {
        Self { rejection, asked: Points::ZERO, limit: 0, tells_balance: true }
    }

    /// What it says to people when no mutation in particular tells it.
    pub fn message(self) -> Message {
        self.say(Message::of_variant(&self.code_name()))
    }

    /// What it says to people, given what its code says.
    pub fn say(self, code: Message) -> Message {
        let known = self.tells_balance || self.rejection != Rejection::InsufficientPoints;
        self.fill(if known { code } else { Message::new("fewer-points") })
    }

    /// A message with the numbers of the refusal.
    fn fill(self, message: Message) -> Message {
        message.with("asked", self.asked).with("limit", self.limit)
    }

    /// The input field that it is about.
    pub const fn field(self) -> &'static str {
        match self.rejection {
            Rejection::MerchantBlocked => "",
            Rejection::BranchNotFound | Rejection::BranchClosed => "input.branchId",
            Rejection::MemberBlocked => "input.member",
            Rejection::CurrencyMismatch | Rejection::AmountTooLarge => "input.amount",
            Rejection::NoEarnRule | Rejection::OccurredInFuture | Rejection::OccurredTooLongAgo => {
                "input.occurredAt"
            }
            Rejection::ReceiptAlreadyUsed
            | Rejection::ReceiptOfAnotherMember
            | Rejection::PurchaseNotFound => "input.receiptNumber",
            Rejection::InsufficientPoints | Rejection::CaptureExceedsHold => "input.points",
            Rejection::HoldNotFound
            | Rejection::HoldExpired
            | Rejection::HoldReleased
            | Rejection::HoldCaptured => "input.holdId",
            Rejection::LineNotFound | Rejection::RefundExceedsPurchase => "input.what",
        }
    }

    /// The refusal itself.
    pub const fn rejection(self) -> Rejection {
        self.rejection
    }

    /// The name of its code in every mutation that can meet it.
    pub fn code_name(self) -> String {
        format!("{:?}", self.rejection)
    }
}

/// The user errors of one mutation on points.
pub trait PointsUserError: Sized {
    /// The mutation's codes.
    type Code: UserErrorCode<Error = Self>;

    /// The code of this name; nothing when the mutation cannot meet it.
    fn code(name: &str) -> Option<Self::Code>;

    /// The error of an input that lies within another one, at this path such as `input.purchases.3`.
    #[must_use]
    fn moved_to(self, path: &str) -> Self;
}

/// Declares the user errors of one mutation on points by the names of their codes.
macro_rules! points_errors {
    ($(#[doc = $doc:literal])+ $error:ident, $code:ident { $($names:ident)+ }) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$(#[doc = $doc])+] [] $($names)+);

        impl $crate::graphql::points_error::PointsUserError for $error {
            type Code = $code;

            fn code(name: &str) -> Option<$code> {
                match name {
                    $(stringify!($names) => Some($code::$names),)+
                    _ => None,
                }
            }

            fn moved_to(mut self, path: &str) -> Self {
                let below = self.field.into_iter().skip(1);
                self.field = path.split('.').map(str::to_owned).chain(below).collect();
                self
            }
        }
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*]) => {
        $crate::graphql::user_error::user_errors! {
            $($doc)+
            $error, $code { $($variants)* }
        }
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] InvalidIdempotencyKey $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The idempotency key is empty, longer than 64 characters, or not of visible ASCII characters."] InvalidIdempotencyKey,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] IdempotencyMismatch $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The idempotency key was used before with another input. Nothing was done now."] IdempotencyMismatch,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] InvalidBranchId $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The branch id is not the id of a branch."] InvalidBranchId,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] BranchNeeded $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The caller works at several branches: say at which one this happens."] BranchNeeded,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] BranchNotYours $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The caller has no post at this branch that allows this; or none for business at no branch."] BranchNotYours,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] InvalidMember $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The reference cannot name a member: no mobile number, no card number, or none or several of its fields."] InvalidMember,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] MemberNotFound $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "No member is named by the reference."] MemberNotFound,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] InvalidReceiptNumber $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The receipt number is empty, too long, or has control characters."] InvalidReceiptNumber,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] InvalidAmount $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The amount is zero, negative, or above the limit."] InvalidAmount,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] InvalidBasket $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The lines do not make a basket: they do not add up, repeat a number, or have no units."] InvalidBasket,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] InvalidPoints $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The points are zero, negative, or above the limit."] InvalidPoints,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] InvalidHoldId $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The hold id is not the id of a hold."] InvalidHoldId,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] InvalidSeconds $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The duration is below one second or above 30 days."] InvalidSeconds,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] InvalidRefund $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The refund says nothing that can come back: no lines, no units, or no amount."] InvalidRefund,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] MerchantBlocked $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The operator blocked the merchant: it can end holds and refund, but start nothing."] MerchantBlocked,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] BranchNotFound $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The merchant has no such branch."] BranchNotFound,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] BranchClosed $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The branch is closed."] BranchClosed,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] MemberBlocked $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The operator blocked the member."] MemberBlocked,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] CurrencyMismatch $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The amount is in another currency than the merchant's."] CurrencyMismatch,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] NoEarnRule $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "No earn rule of the merchant held at the time of the purchase."] NoEarnRule,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] OccurredInFuture $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "`occurredAt` lies further ahead than the network allows (usually 5 minutes)."] OccurredInFuture,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] OccurredTooLongAgo $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "`occurredAt` lies further back than the network allows (usually 30 days)."] OccurredTooLongAgo,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] ReceiptAlreadyUsed $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "Another operation has earned with this receipt; `operation` is that one."] ReceiptAlreadyUsed,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] ReceiptOfAnotherMember $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The receipt belongs to another member."] ReceiptOfAnotherMember,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] InsufficientPoints $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The wallet has fewer points that can be spent at this merchant."] InsufficientPoints,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] HoldNotFound $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The merchant has no such hold."] HoldNotFound,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] HoldExpired $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The hold's time is over."] HoldExpired,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] HoldReleased $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The hold was released."] HoldReleased,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] HoldCaptured $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The hold was captured."] HoldCaptured,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] CaptureExceedsHold $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "More is captured than is held."] CaptureExceedsHold,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] PurchaseNotFound $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "No purchase has this receipt."] PurchaseNotFound,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] LineNotFound $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The purchase has no such line."] LineNotFound,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] RefundExceedsPurchase $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "More is refunded than was kept."] RefundExceedsPurchase,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] AmountTooLarge $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The amount would leave the range of points or money."] AmountTooLarge,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] RewardNotFound $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "There is no such reward, or it is not this merchant's."] RewardNotFound,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] RewardClosed $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The merchant has closed the reward."] RewardClosed,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] RewardNotYetAvailable $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The reward can be redeemed later: see its `validFrom`."] RewardNotYetAvailable,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] RewardNoLongerAvailable $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The reward could be redeemed until its `validUntil`."] RewardNoLongerAvailable,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] RewardOutOfStock $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "Nothing is left of the reward."] RewardOutOfStock,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] RewardLimitReached $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The member has had the reward as often as one member may."] RewardLimitReached,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] RewardChanged $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The reward costs something else than the `points` that were named."] RewardChanged,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] RedemptionNotFound $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "There is no such redemption for the caller."] RedemptionNotFound,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] InvalidVoucherCode $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The voucher code does not have twelve digits."] InvalidVoucherCode,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] RedemptionExpired $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "Nobody collected the redemption in time."] RedemptionExpired,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] RedemptionReleased $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The redemption was called off."] RedemptionReleased,
        ] $($rest)*);
    };
    (@ $error:ident $code:ident [$($doc:tt)+] [$($variants:tt)*] RedemptionCaptured $($rest:ident)*) => {
        $crate::graphql::points_error::points_errors!(@ $error $code [$($doc)+] [$($variants)*
            #[doc = "The redemption was captured."] RedemptionCaptured,
        ] $($rest)*);
    };
}
pub(crate) use points_errors;
