//! What can be asked of a wallet.

use super::{Body, Idem, OpKind, Rejection, Tenant, WalletStatus};
use crate::{
    calendar::LocalDay,
    earn::{Basket, EarnRule},
    id::{BranchId, MerchantId, WalletId},
    points::Points,
    text::ReceiptNumber,
    time::{Instant, Span},
};

/// One command on one wallet, with its idempotency key and everything that the decision needs from outside the
/// wallet. Nothing is looked up later: rules, prices and standing travel with the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The wallet.
    pub wallet: WalletId,
    /// On whose behalf it runs.
    pub tenant: Tenant,
    /// The identity of tenant and idempotency key.
    pub idem: Idem,
    /// The fingerprint of the input as it was given.
    pub body: Body,
    /// The merchant that acts.
    pub merchant: Option<MerchantId>,
    /// The branch where it happens.
    pub branch: Option<BranchId>,
    /// When it happened, by the caller.
    pub occurred_at: Instant,
    /// How far `occurred_at` may be from the ledger's clock.
    pub window: Window,
    /// The merchant's prices at submission.
    pub prices: Prices,
    /// A refusal found at submission, from what can change with time or configuration. It counts only if the
    /// key is new: a stored key answers its receipt whatever has changed since.
    pub refusal: Option<Rejection>,
    /// What is asked.
    pub command: Command,
}

/// What one point is worth between a merchant and the network, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prices {
    /// What the merchant pays for one point it issues.
    pub issue: i64,
    /// What the merchant is paid for one point it accepts; also what the point pays at its till.
    pub redeem: i64,
}

/// How far the time of a purchase may be from the ledger's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The most that it may lie back.
    pub look_back: Span,
    /// The most that it may lie ahead.
    pub ahead: Span,
}

impl Window {
    /// What stands against something that occurred at `occurred_at` and arrives now.
    pub fn refusal(self, occurred_at: Instant, now: Instant) -> Option<Rejection> {
        let age = now.since(occurred_at).micros();
        if age > self.look_back.micros() {
            Some(Rejection::OccurredTooLongAgo)
        } else if age < self.ahead.micros().saturating_neg() {
            Some(Rejection::OccurredInFuture)
        } else {
            None
        }
    }
}

/// What is asked of a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A merchant issues points for a purchase.
    Earn(CommandEarn),
    /// A merchant reserves points.
    Hold(CommandHold),
    /// A merchant takes reserved points and frees the rest.
    Capture {
        /// The hold's sequence number.
        hold: i64,
        /// Points to take; all of them when absent.
        amount: Option<Points>,
    },
    /// A merchant gives reserved points back.
    Release {
        /// The hold's sequence number.
        hold: i64,
    },
    /// A member spends points at a merchant.
    Redeem(CommandRedeem),
    /// A merchant takes back a purchase or a part of it.
    Refund(CommandRefund),
    /// The operator blocks or reopens the wallet.
    SetStatus(WalletStatus),
    /// The operator reopens the wallet, if nothing has happened in it since this operation: whoever blocks it meanwhile,
    /// for a reason that the operator did not know, is not overruled.
    Reopen {
        /// The wallet's last operation when it was looked at.
        after: i64,
    },
    /// Nothing but what is due: activation, hold end, expiry.
    Settle,
}

/// A merchant issues points for a purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandEarn {
    /// The merchant's receipt number.
    pub receipt: ReceiptNumber,
    /// What was bought.
    pub basket: Basket,
    /// The rule that held when the purchase occurred; absent when none did, which refuses it.
    pub rule: Option<EarnRule>,
    /// The network's day of the purchase.
    pub day: LocalDay,
    /// First instant at which the points can be spent.
    pub active_from: Instant,
    /// Last instant at which they can be spent; absent when they never expire.
    pub expires_at: Option<Instant>,
}

/// A merchant reserves points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandHold {
    /// Points to reserve.
    pub amount: Points,
    /// How long.
    pub ttl: Span,
    /// The receipt that a capture pays for.
    pub receipt: Option<ReceiptNumber>,
}

/// A member spends points at a merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRedeem {
    /// Points to spend.
    pub amount: Points,
    /// The receipt they pay for.
    pub receipt: Option<ReceiptNumber>,
}

/// A merchant takes back a purchase or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRefund {
    /// The receipt of the purchase.
    pub receipt: ReceiptNumber,
    /// Which part.
    pub what: RefundSpec,
    /// How long points live that return to a lot which has expired; none means that they expire at once.
    pub grace: Option<Span>,
}

/// Which part of a purchase comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundSpec {
    /// All that is left of it.
    Whole,
    /// Units of lines: line number and units.
    Lines(Vec<(i32, i64)>),
    /// Minor units, not of any line in particular.
    Amount(i64),
}

impl Command {
    /// The kind of operation that the command makes; none for settling, which makes operations of its own.
    pub const fn kind(&self) -> Option<OpKind> {
        match self {
            Self::Earn(_) => Some(OpKind::Earn),
            Self::Hold(_) => Some(OpKind::Hold),
            Self::Capture { .. } => Some(OpKind::Capture),
            Self::Release { .. } => Some(OpKind::Release),
            Self::Redeem(_) => Some(OpKind::Redeem),
            Self::Refund(_) => Some(OpKind::Refund),
            Self::SetStatus(WalletStatus::Blocked) => Some(OpKind::Block),
            Self::SetStatus(WalletStatus::Open) | Self::Reopen { .. } => Some(OpKind::Unblock),
            Self::Settle => None,
        }
    }

    /// The receipt that the command names.
    pub const fn receipt(&self) -> Option<&ReceiptNumber> {
        match self {
            Self::Earn(earn) => Some(&earn.receipt),
            Self::Hold(hold) => hold.receipt.as_ref(),
            Self::Redeem(redeem) => redeem.receipt.as_ref(),
            Self::Refund(refund) => Some(&refund.receipt),
            Self::Capture { .. }
            | Self::Release { .. }
            | Self::SetStatus(_)
            | Self::Reopen { .. }
            | Self::Settle => None,
        }
    }

    /// Points that the command asks for, as far as it names them.
    pub(super) fn asked(&self) -> Points {
        match self {
            Self::Hold(hold) => hold.amount,
            Self::Redeem(redeem) => redeem.amount,
            Self::Capture { amount, .. } => amount.unwrap_or_default(),
            Self::Earn(_)
            | Self::Release { .. }
            | Self::Refund(_)
            | Self::SetStatus(_)
            | Self::Reopen { .. }
            | Self::Settle => Points::ZERO,
        }
    }

    /// Minor units that the command names.
    pub(super) fn money(&self) -> Option<i64> {
        match self {
            Self::Earn(earn) => Some(earn.basket.total().minor_units()),
            Self::Refund(CommandRefund { what: RefundSpec::Amount(amount), .. }) => Some(*amount),
            Self::Refund(_)
            | Self::Hold(_)
            | Self::Redeem(_)
            | Self::Capture { .. }
            | Self::Release { .. }
            | Self::SetStatus(_)
            | Self::Reopen { .. }
            | Self::Settle => None,
        }
    }
}
