//! A small generator of pseudo-random numbers: `SplitMix64` (Steele, Lea and Flood, 2014). It is fast without
//! optimisation, needs no floats, and its sequence is fixed for ever by the seed, unlike a library's. It must never
//! be used where somebody could gain by guessing.

use uuid::{Builder, Uuid};

/// The distance between two states: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of pseudo-random numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for one subject, so that what one of them draws does not shift what the others get.
    #[must_use]
    pub fn fork(seed: u64, subject: u64) -> Self {
        let mut stream = Self(seed ^ subject.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Self(stream.bits())
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number from `low` to `high`, both included; `low` when the range is empty. The tiny bias of a
    /// remainder does not matter here.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high.saturating_sub(low)).unwrap_or_default().saturating_add(1);
        low.saturating_add(i64::try_from(self.bits() % width).unwrap_or_default())
    }

    /// An id of version 7 of this time, as the program makes them, whose random half is drawn from the stream.
    pub fn uuid(&mut self, millis: u64) -> Uuid {
        let mut bytes = [0; 10];
        let drawn = [self.bits(), self.bits()].map(u64::to_be_bytes);
        for (byte, drawn) in bytes.iter_mut().zip(drawn.as_flattened()) {
            *byte = *drawn;
        }
        Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    /// Whether something happens that happens `per_mille` times in a thousand.
    pub fn chance(&mut self, per_mille: i64) -> bool {
        self.between(0, 999) < per_mille
    }

    /// An index into a list of so many; zero for an empty list.
    pub fn index(&mut self, length: usize) -> usize {
        let draw = self.bits();
        let length = u64::try_from(length).unwrap_or(u64::MAX).max(1);
        usize::try_from(draw % length).unwrap_or_default()
    }

    /// One of a list; nothing when the list is empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.index(list.len()))
    }

    /// An index, each as likely as its weight says; zero when no weight is above zero.
    pub fn weighted(&mut self, weights: &[i64]) -> usize {
        let total: i64 = weights.iter().sum();
        let mut left = self.between(1, total);
        for (index, weight) in weights.iter().enumerate() {
            left = left.saturating_sub(*weight);
            if left <= 0 {
                return index;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_the_published_generator() {
        let mut random = Random::new(1_234_567);
        assert_eq!(random.bits(), 6_457_827_717_110_365_317);
        assert_eq!(random.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn numbers_keep_their_range_and_reach_its_ends() {
        let mut random = Random::new(1);
        let drawn: std::collections::BTreeSet<i64> = (0..200).map(|_| random.between(-2, 3)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [-2, -1, 0, 1, 2, 3]);
        assert_eq!(random.between(5, 5), 5);
        assert_eq!(random.between(5, 4), 5);
    }

    #[test]
    fn weights_of_zero_are_never_drawn() {
        let mut random = Random::new(2);
        assert!((0..200).map(|_| random.weighted(&[0, 3, 0, 1])).all(|index| index == 1 || index == 3));
    }

    #[test]
    fn subjects_have_streams_of_their_own() {
        assert_ne!(Random::fork(1, 1).bits(), Random::fork(1, 2).bits());
        assert_eq!(Random::fork(1, 1).bits(), Random::fork(1, 1).bits());
    }
}
