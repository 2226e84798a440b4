//! Staff: a merchant's people, who log in with their mobiles.

use crate::access::Posts;
use crate::id::{MerchantId, StaffId};
use crate::text::{Mobile, Name};
use crate::time::Instant;

/// One of a merchant's people. Whoever works for several merchants is one of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// The person, at this merchant.
    pub id: StaffId,
    /// The merchant.
    pub merchant: MerchantId,
    /// The name.
    pub name: Name,
    /// The number with which the person logs in; nobody else of the merchant has it.
    pub mobile: Mobile,
    /// Where the person works and as what; nothing once it is removed.
    pub posts: Option<Posts>,
    /// When the person was added.
    pub added_at: Instant,
    /// When the person was removed.
    pub removed_at: Option<Instant>,
}
