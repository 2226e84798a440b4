//! What an operation does to the scores of its wallet.

use crate::{id::MerchantId, time::Instant};

/// What one applied earn or refund does. A refund belongs to the time of its purchase, so that it takes back what the
/// purchase brought and no score falls below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// The operation's place in the history of its wallet.
    pub seq: i64,
    /// Where the purchase was made.
    pub merchant: MerchantId,
    /// When the purchase was made.
    pub at: Instant,
    /// When the operation was recorded.
    pub recorded_at: Instant,
    /// Points that it adds, negative when it takes some back.
    pub points: i64,
    /// Visits that it adds: 1 for a purchase, −1 when nothing of it is kept any more, otherwise 0.
    pub visits: i64,
}

impl Effect {
    /// What a purchase does that earned so many points.
    pub const fn purchase(
        seq: i64,
        merchant: MerchantId,
        at: Instant,
        recorded_at: Instant,
        points: i64,
    ) -> Self {
        Self { seq, merchant, at, recorded_at, points, visits: 1 }
    }

    /// What a refund of this purchase does: it takes `points` back and `money` minor units of a `basket`, of which
    /// `before` had come back already.
    #[must_use]
    pub const fn refunded(
        &self,
        seq: i64,
        recorded_at: Instant,
        points: i64,
        basket: i64,
        before: i64,
        money: i64,
    ) -> Self {
        let ends = before < basket && before.saturating_add(money) >= basket;
        Self {
            seq,
            recorded_at,
            points: points.saturating_neg(),
            visits: if ends { -1 } else { 0 },
            merchant: self.merchant,
            at: self.at,
        }
    }
}
