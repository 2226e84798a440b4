//! Boards: members ranked by what they did in a period.
//!
//! What is pure about them is here: which period a purchase belongs to, what an operation does to a score, and in which
//! order scores stand. Where scores are kept is not.

mod cycle;
mod effect;
mod place;
mod ranking;
mod tally;

pub use cycle::{Cycle, Period};
pub use effect::Effect;
pub use place::{Place, Standing, standings};
pub use ranking::Ranking;
pub use tally::Tally;

use crate::{
    calendar::{LocalDay, Zone},
    id::{BoardId, MerchantId},
    merchant::Names,
    time::{Instant, Span},
};

/// What a board counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Points of purchases, less what refunds took back.
    PointsEarned,
    /// Purchases of which something was kept.
    Visits,
    /// Merchants where something was bought and kept.
    MerchantsVisited,
}

/// Whose purchases a board counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Those at every merchant.
    Network,
    /// Those at one merchant.
    Merchant(MerchantId),
}

/// A board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// The board.
    pub id: BoardId,
    /// What it is called.
    pub names: Names,
    /// What it counts.
    pub metric: Metric,
    /// Whose purchases it counts.
    pub reach: Reach,
    /// How long each of its periods is.
    pub cycle: Cycle,
    /// Where its days begin. A board keeps it, so that no period ever changes its edges.
    pub zone: Zone,
    /// How long after its end a period still counts what is reported late: 0 to [`Board::LONGEST_GRACE`].
    pub grace: Span,
    /// The first day of its first period; purchases before it do not count.
    pub first: LocalDay,
    /// When it was made.
    pub created_at: Instant,
    /// When the operator ended it; what was recorded from then on does not count.
    pub closed_at: Option<Instant>,
}

/// Why there is no such board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBoard {
    /// Of one merchant there is only one merchant to visit.
    #[error("merchants visited are counted in the network only")]
    MetricOfOneMerchant,
    /// The grace is out of range.
    #[error("the grace is 0 to 30 days")]
    Grace,
}

impl Board {
    /// The longest grace: as long as a purchase may be reported late.
    pub const LONGEST_GRACE: Span = Span::days(30);

    /// Refuses a board that makes no sense.
    pub fn validate(&self) -> Result<(), InvalidBoard> {
        if self.metric == Metric::MerchantsVisited && self.reach != Reach::Network {
            return Err(InvalidBoard::MetricOfOneMerchant);
        }
        let grace = self.grace.micros();
        if grace < 0 || grace > Self::LONGEST_GRACE.micros() {
            return Err(InvalidBoard::Grace);
        }
        Ok(())
    }

    /// The period that an instant belongs to.
    pub fn period_at(&self, instant: Instant) -> Period {
        self.cycle.period_of(self.zone.day_of(instant))
    }

    /// The first instant at which nothing more is counted for a period.
    pub fn closes_at(&self, period: Period) -> Instant {
        let over = period.ends_at(&self.zone).plus(self.grace);
        self.closed_at.map_or(over, |closed| over.min(closed))
    }

    /// The period for which an effect counts; nothing when it counts for none.
    pub fn period_of(&self, effect: &Effect) -> Option<Period> {
        match self.reach {
            Reach::Merchant(merchant) if merchant != effect.merchant => return None,
            Reach::Merchant(_) | Reach::Network => {}
        }
        let period = self.period_at(effect.at);
        let counts = period.first >= self.first && effect.recorded_at < self.closes_at(period);
        counts.then_some(period)
    }
}

impl Metric {
    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::PointsEarned => 1,
            Self::Visits => 2,
            Self::MerchantsVisited => 3,
        }
    }

    /// What storage keeps under a number.
    pub const fn from_stored(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::PointsEarned),
            2 => Some(Self::Visits),
            3 => Some(Self::MerchantsVisited),
            _ => None,
        }
    }
}

impl Reach {
    /// The merchant, if it is one only.
    pub const fn merchant(self) -> Option<MerchantId> {
        match self {
            Self::Network => None,
            Self::Merchant(merchant) => Some(merchant),
        }
    }
}

#[cfg(test)]
mod tests;
