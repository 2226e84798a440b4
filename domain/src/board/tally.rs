//! A score in the making: the effects of one wallet in one period of one board, in the order of its history.

use std::collections::BTreeMap;

use super::{Effect, Metric};
use crate::{id::MerchantId, time::Instant};

/// What a wallet has reached in a period of a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The score.
    pub total: i64,
    /// When the operation was recorded that raised the score last; of equal scores the one that was reached first stands
    /// above.
    pub reached_at: Instant,
    /// The operation that changed it last.
    pub seq: i64,
    /// Purchases kept at each merchant, where merchants are counted.
    pub visits: BTreeMap<MerchantId, i64>,
}

impl Tally {
    /// Nothing yet.
    pub const EMPTY: Self =
        Self { total: 0, reached_at: Instant::from_micros(0), seq: 0, visits: BTreeMap::new() };

    /// Adds an effect. One that was added already, by its place in the history, changes nothing.
    pub fn add(&mut self, metric: Metric, effect: &Effect) {
        if effect.seq <= self.seq {
            return;
        }
        self.seq = effect.seq;
        let difference = match metric {
            Metric::PointsEarned => effect.points,
            Metric::Visits => effect.visits,
            Metric::MerchantsVisited => self.add_visits(effect),
        };
        self.total = self.total.saturating_add(difference);
        if difference > 0 {
            self.reached_at = effect.recorded_at;
        }
    }

    /// How many more merchants are visited.
    fn add_visits(&mut self, effect: &Effect) -> i64 {
        let kept = self.visits.entry(effect.merchant).or_default();
        let before = *kept > 0;
        *kept = kept.saturating_add(effect.visits);
        i64::from(*kept > 0).saturating_sub(i64::from(before))
    }
}
