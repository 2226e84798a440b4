//! Holds: points reserved for a merchant until they are captured, released, or their time is over.

use crate::{
    id::{BranchId, MerchantId},
    points::Points,
    text::ReceiptNumber,
    time::Instant,
};

/// Where a hold stands. Every state but `Open` is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HoldState {
    /// The points are reserved.
    Open,
    /// The merchant took all or a part; the rest is free again.
    Captured,
    /// The merchant gave all back.
    Released,
    /// Its time was over; all is free again.
    Expired,
}

/// A reservation of points: no movement, so it has no entries, only allocations of lots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Sequence number of the operation that made it: its number in the wallet.
    pub seq: i64,
    /// The merchant that may capture it.
    pub merchant: MerchantId,
    /// The branch where it was made.
    pub branch: Option<BranchId>,
    /// The receipt that a capture pays for.
    pub receipt: Option<ReceiptNumber>,
    /// Points reserved.
    pub amount: Points,
    /// Points taken by the capture.
    pub captured: Points,
    /// First instant at which it is over.
    pub expires_at: Instant,
    /// Where it stands.
    pub state: HoldState,
    /// The lots it reserved, in spending order at the time; empty once it has ended.
    pub reserved: Vec<(i64, Points)>,
}
