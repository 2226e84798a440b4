//! Lots: points earned together, expiring together, tagged with their issuer.

use crate::{id::MerchantId, points::Points, time::Instant};

/// Whether a lot's points can be spent yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LotState {
    /// Not yet: they count as pending until `active_from`.
    Pending,
    /// They count as posted.
    Active,
}

/// Points earned together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    /// Number of the lot in its wallet, from 1.
    pub lot_no: i64,
    /// The merchant that issued the points.
    pub issuer: MerchantId,
    /// What the issuer pays for one point, in minor units, fixed at issue.
    pub price: i64,
    /// Points at issue.
    pub original: Points,
    /// Points not used up.
    pub remaining: Points,
    /// Points of `remaining` that holds have reserved.
    pub reserved: Points,
    /// Whether the points can be spent yet.
    pub state: LotState,
    /// First instant at which the points can be spent.
    pub active_from: Instant,
    /// Last instant at which the points can be spent.
    pub expires_at: Instant,
    /// The only merchant where the points can be spent, when they are restricted.
    pub restriction: Option<MerchantId>,
    /// Version of the issuer's earn rule.
    pub rule_version: i32,
    /// Sequence number of the operation that last changed the lot.
    pub changed_seq: i64,
}

/// The instant of a lot that never expires.
pub(crate) const NEVER: Instant = Instant::from_micros(i64::MAX);

impl Lot {
    /// Points that no hold has reserved.
    pub fn free(&self) -> Points {
        self.remaining.less(self.reserved)
    }

    /// Whether the last valid instant has passed.
    pub fn expired(&self, now: Instant) -> bool {
        self.expires_at < now
    }

    /// Points that can be spent at `merchant` now.
    pub fn spendable_at(&self, merchant: Option<MerchantId>, now: Instant) -> Points {
        let allowed = match (self.restriction, merchant) {
            (None, _) => true,
            (Some(only), Some(merchant)) => only == merchant,
            (Some(_), None) => false,
        };
        match self.state {
            LotState::Active if allowed && !self.expired(now) => self.free(),
            LotState::Active | LotState::Pending => Points::ZERO,
        }
    }

    /// The order in which lots are spent: earliest expiry first, then the oldest.
    pub fn spending_order(&self) -> (Instant, i64) {
        (self.expires_at, self.lot_no)
    }
}
