//! Rewards, which points buy at a merchant, and redemptions, each of which follows its hold.

mod redemption;
mod voucher;

pub use redemption::{Redemption, RedemptionState};
pub use voucher::{InvalidVoucherCode, VoucherCode};

use crate::{
    id::{MerchantId, RewardId},
    points::Points,
    text::{Description, Name},
    time::{Instant, Span},
};

/// The longest time for which the points of a redemption are reserved: as long as a hold may last.
pub const LONGEST_RESERVE: Span = Span::days(30);
/// How long they are reserved unless the merchant says otherwise: time for a delivery.
pub const USUAL_RESERVE: Span = Span::days(7);
/// The most pieces that a stock or a limit counts.
pub const MOST_PIECES: i32 = 1_000_000_000;

/// Something that a merchant gives for points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reward {
    /// Its id.
    pub id: RewardId,
    /// The merchant that gives it.
    pub merchant: MerchantId,
    /// What is given, and for what.
    pub terms: RewardTerms,
    /// Pieces that are left; none when it never runs out.
    pub stock: Option<i64>,
    /// Whether it can be redeemed at all.
    pub status: RewardStatus,
    /// How often the merchant has changed it, its beginning included.
    pub version: i32,
    /// When it was first offered.
    pub created_at: Instant,
}

/// What a reward gives, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewardTerms {
    /// What kind of thing it is.
    pub kind: RewardKind,
    /// What it is called.
    pub title: Name,
    /// What people are to know of it.
    pub description: Option<Description>,
    /// What it costs.
    pub points: Points,
    /// How often one member gets it.
    pub limit_per_member: Option<i32>,
    /// The first moment at which it can be redeemed.
    pub valid_from: Option<Instant>,
    /// The first moment at which it no longer can.
    pub valid_until: Option<Instant>,
    /// How long the points stay reserved for a redemption that nobody collects.
    pub reserve: Span,
}

/// What kind of thing a reward is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RewardKind {
    /// A thing to take home.
    Item,
    /// Something that is done for the member.
    Service,
    /// A gift to somebody else.
    Charity,
}

/// Whether a reward can be redeemed at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RewardStatus {
    /// It can, within its window and while there is stock.
    Active,
    /// It cannot. What was redeemed before goes on.
    Closed,
}

/// Why terms are none that can be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTerms {
    /// It costs nothing.
    #[error("a reward costs at least one point")]
    Points,
    /// The limit lets nobody have it.
    #[error("a limit for each member is from 1 to {MOST_PIECES}")]
    LimitPerMember,
    /// The window ends before it begins.
    #[error("the window ends before it begins")]
    Window,
    /// The points would be reserved for no time, or for too long.
    #[error("points are reserved for one second to thirty days")]
    Reserve,
}

/// Why a reward cannot be redeemed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The merchant has closed it.
    #[error("the reward is closed")]
    Closed,
    /// Its window has not begun.
    #[error("the reward cannot be redeemed yet")]
    NotYet,
    /// Its window is over.
    #[error("the reward can no longer be redeemed")]
    Over,
    /// Nothing is left of it.
    #[error("nothing is left of the reward")]
    OutOfStock,
}

impl RewardTerms {
    /// Checks them as a whole.
    pub fn validate(&self) -> Result<(), InvalidTerms> {
        let window = self.valid_from.zip(self.valid_until);
        if self.points.is_zero() {
            Err(InvalidTerms::Points)
        } else if self.limit_per_member.is_some_and(|limit| !(1..=MOST_PIECES).contains(&limit)) {
            Err(InvalidTerms::LimitPerMember)
        } else if window.is_some_and(|(from, until)| until <= from) {
            Err(InvalidTerms::Window)
        } else if !(1..=LONGEST_RESERVE.micros()).contains(&self.reserve.micros()) {
            Err(InvalidTerms::Reserve)
        } else {
            Ok(())
        }
    }
}

impl Reward {
    /// What stands against a redemption at `now`.
    pub fn unavailable(&self, now: Instant) -> Option<Unavailable> {
        if self.status == RewardStatus::Closed {
            Some(Unavailable::Closed)
        } else if self.terms.valid_from.is_some_and(|from| now < from) {
            Some(Unavailable::NotYet)
        } else if self.terms.valid_until.is_some_and(|until| now >= until) {
            Some(Unavailable::Over)
        } else if self.stock.is_some_and(|stock| stock <= 0) {
            Some(Unavailable::OutOfStock)
        } else {
            None
        }
    }
}

impl RewardKind {
    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Item => 1,
            Self::Service => 2,
            Self::Charity => 3,
        }
    }

    /// What storage keeps under a number.
    pub const fn from_stored(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Item),
            2 => Some(Self::Service),
            3 => Some(Self::Charity),
            _ => None,
        }
    }
}

impl RewardStatus {
    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Active => 1,
            Self::Closed => 2,
        }
    }

    /// What storage keeps under a number.
    pub const fn from_stored(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Active),
            2 => Some(Self::Closed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn coffee() -> Reward {
        Reward {
            id: RewardId::new(Uuid::from_u128(1)),
            merchant: MerchantId::new(Uuid::from_u128(2)),
            terms: RewardTerms {
                kind: RewardKind::Item,
                title: Name::parse("A coffee").unwrap(),
                description: None,
                points: Points::new(50).unwrap(),
                limit_per_member: None,
                valid_from: Some(Instant::from_micros(10)),
                valid_until: Some(Instant::from_micros(20)),
                reserve: USUAL_RESERVE,
            },
            stock: Some(1),
            status: RewardStatus::Active,
            version: 1,
            created_at: Instant::from_micros(0),
        }
    }

    #[test]
    fn a_reward_is_there_within_its_window_while_it_lasts() {
        let at = |micros| coffee().unavailable(Instant::from_micros(micros));
        assert_eq!(
            [at(9), at(10), at(19), at(20)],
            [Some(Unavailable::NotYet), None, None, Some(Unavailable::Over)]
        );
        let inside = Instant::from_micros(15);
        let sold_out = Reward { stock: Some(0), ..coffee() };
        assert_eq!(sold_out.unavailable(inside), Some(Unavailable::OutOfStock));
        let closed = Reward { status: RewardStatus::Closed, stock: None, ..coffee() };
        assert_eq!(closed.unavailable(inside), Some(Unavailable::Closed));
        assert_eq!(Reward { stock: None, ..coffee() }.unavailable(inside), None);
    }

    #[test]
    fn terms_that_nobody_could_use_are_refused() {
        let terms = coffee().terms;
        assert_eq!(terms.validate(), Ok(()));
        let free = RewardTerms { points: Points::ZERO, ..terms.clone() };
        assert_eq!(free.validate(), Err(InvalidTerms::Points));
        for limit in [0, -1, MOST_PIECES + 1] {
            let limited = RewardTerms { limit_per_member: Some(limit), ..terms.clone() };
            assert_eq!(limited.validate(), Err(InvalidTerms::LimitPerMember));
        }
        let over = RewardTerms { valid_until: terms.valid_from, ..terms.clone() };
        assert_eq!(over.validate(), Err(InvalidTerms::Window));
        for reserve in [Span::seconds(0), Span::days(31)] {
            assert_eq!(RewardTerms { reserve, ..terms.clone() }.validate(), Err(InvalidTerms::Reserve));
        }
    }

    #[test]
    fn kinds_and_states_survive_storage() {
        for kind in [RewardKind::Item, RewardKind::Service, RewardKind::Charity] {
            assert_eq!(RewardKind::from_stored(kind.stored()), Some(kind));
        }
        for status in [RewardStatus::Active, RewardStatus::Closed] {
            assert_eq!(RewardStatus::from_stored(status.stored()), Some(status));
        }
        assert_eq!((RewardKind::from_stored(0), RewardStatus::from_stored(0)), (None, None));
    }
}
