//! An ordered set that knows how many of its keys are below any key, and which is the nth.
//!
//! The same shape is offered by the crate `indexset`. It is young and still changes with every release, and this crate
//! stands on few others on purpose, so the four operations that a board needs are here: a binary search over blocks of
//! neighbouring keys, and a sum over the sizes of the blocks before one, which a Fenwick tree gives in logarithmic time.

/// Most keys of a block; a fuller one is parted in two.
const LARGEST_BLOCK: usize = 512;

/// An ordered set of keys with their ranks.
#[derive(Debug, Clone)]
pub struct Ranking<K> {
    /// Never empty ones, in order.
    blocks: Vec<Vec<K>>,
    sizes: Sums,
    len: usize,
}

impl<K> Default for Ranking<K> {
    fn default() -> Self {
        Self { blocks: Vec::new(), sizes: Sums::default(), len: 0 }
    }
}

impl<K: Ord + Copy> Ranking<K> {
    /// How many keys there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a key; false when it was there.
    pub fn insert(&mut self, key: K) -> bool {
        let at = self.block_of(&key);
        let Some(block) = self.blocks.get_mut(at) else {
            self.blocks.push(vec![key]);
            self.recount();
            return true;
        };
        let Err(place) = block.binary_search(&key) else { return false };
        block.insert(place, key);
        self.len = self.len.saturating_add(1);
        if block.len() > LARGEST_BLOCK {
            let upper = block.split_off(LARGEST_BLOCK.div_euclid(2));
            self.blocks.insert(at.saturating_add(1), upper);
            self.recount();
        } else {
            self.sizes.raise(at);
        }
        true
    }

    /// Takes a key out; false when it was not there.
    pub fn remove(&mut self, key: &K) -> bool {
        let at = self.block_of(key);
        let Some(block) = self.blocks.get_mut(at) else { return false };
        let Ok(place) = block.binary_search(key) else { return false };
        block.remove(place);
        self.len = self.len.saturating_sub(1);
        if block.is_empty() {
            self.blocks.remove(at);
            self.recount();
        } else {
            self.sizes.lower(at);
        }
        true
    }

    /// How many keys are below this one, which need not be there.
    pub fn count_below(&self, key: &K) -> usize {
        let at = self.block_of(key);
        let within = self.blocks.get(at).map_or(0, |block| block.partition_point(|other| other < key));
        self.sizes.before(at).saturating_add(within)
    }

    /// Whether the key is there.
    pub fn contains(&self, key: &K) -> bool {
        self.blocks.get(self.block_of(key)).is_some_and(|block| block.binary_search(key).is_ok())
    }

    /// Up to `count` keys from the one that has `skip` keys below it, in order.
    pub fn range(&self, skip: usize, count: usize) -> impl Iterator<Item = K> + '_ {
        let (at, within) = self.sizes.find(skip);
        self.blocks.iter().skip(at).flatten().skip(within).take(count).copied()
    }

    /// The block in which the key is, or would be.
    fn block_of(&self, key: &K) -> usize {
        let begun = self.blocks.partition_point(|block| block.first().is_some_and(|first| first <= key));
        begun.saturating_sub(1)
    }

    /// After the blocks themselves changed.
    fn recount(&mut self) {
        self.sizes = Sums::of(self.blocks.iter().map(Vec::len));
        self.len = self.sizes.before(self.blocks.len());
    }
}

impl<K: Ord + Copy> FromIterator<K> for Ranking<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        let mut sorted: Vec<K> = keys.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        // Half full, so that the first keys that come later part none.
        let blocks = sorted.chunks(LARGEST_BLOCK.div_euclid(2)).map(<[K]>::to_vec).collect();
        let mut ranking = Self { blocks, ..Self::default() };
        ranking.recount();
        ranking
    }
}

/// Numbers of which the sum of the first so many is found in logarithmic time: a Fenwick tree. The node `n`, from 1,
/// holds the sum of the numbers `n − (n & −n)` to `n − 1`.
#[derive(Debug, Clone, Default)]
struct Sums(Vec<usize>);

impl Sums {
    fn of(numbers: impl Iterator<Item = usize>) -> Self {
        let mut nodes: Vec<usize> = numbers.collect();
        for node in 1..=nodes.len() {
            let sum = nodes.get(node.saturating_sub(1)).copied().unwrap_or_default();
            let parent = node.saturating_add(lowest_bit(node));
            if let Some(above) = nodes.get_mut(parent.saturating_sub(1)) {
                *above = above.saturating_add(sum);
            }
        }
        Self(nodes)
    }

    fn raise(&mut self, at: usize) {
        self.change(at, |sum| sum.saturating_add(1));
    }

    fn lower(&mut self, at: usize) {
        self.change(at, |sum| sum.saturating_sub(1));
    }

    fn change(&mut self, at: usize, change: impl Fn(usize) -> usize) {
        let mut node = at.saturating_add(1);
        while let Some(sum) = self.0.get_mut(node.saturating_sub(1)) {
            *sum = change(*sum);
            node = node.saturating_add(lowest_bit(node));
        }
    }

    /// The sum of the first `count` numbers.
    fn before(&self, count: usize) -> usize {
        let mut node = count.min(self.0.len());
        let mut sum: usize = 0;
        while node > 0 {
            sum = sum.saturating_add(self.0.get(node.saturating_sub(1)).copied().unwrap_or_default());
            node = node.saturating_sub(lowest_bit(node));
        }
        sum
    }

    /// The number within which a sum is reached, and what is left of it there.
    fn find(&self, sum: usize) -> (usize, usize) {
        let (mut at, mut left): (usize, usize) = (0, sum);
        let mut step = self.0.len().checked_ilog2().map_or(0, |bits| 1_usize << bits);
        while step > 0 {
            let node = at.saturating_add(step);
            if let Some(size) = self.0.get(node.saturating_sub(1)).copied()
                && size <= left
            {
                at = node;
                left = left.saturating_sub(size);
            }
            step = step.div_euclid(2);
        }
        (at, left)
    }
}

const fn lowest_bit(number: usize) -> usize {
    number & number.wrapping_neg()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(ranking: &Ranking<u16>, sorted: &[u16]) {
        assert_eq!(ranking.len(), sorted.len());
        assert_eq!(ranking.is_empty(), sorted.is_empty());
        for key in (0..=3_000).step_by(7) {
            assert_eq!(ranking.count_below(&key), sorted.partition_point(|other| *other < key), "{key}");
            assert_eq!(ranking.contains(&key), sorted.binary_search(&key).is_ok(), "{key}");
        }
        for skip in (0..sorted.len().saturating_add(3)).step_by(97) {
            let expected: Vec<u16> = sorted.iter().skip(skip).take(9).copied().collect();
            assert_eq!(ranking.range(skip, 9).collect::<Vec<_>>(), expected, "from {skip}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn it_agrees_with_a_sorted_list(
            first in proptest::collection::vec(0_u16..3_000, 0..1_500),
            changes in proptest::collection::vec((any::<bool>(), 0_u16..3_000), 0..3_000),
        ) {
            let mut ranking: Ranking<u16> = first.iter().copied().collect();
            let mut sorted = first;
            sorted.sort_unstable();
            sorted.dedup();
            check(&ranking, &sorted);
            for (add, key) in changes {
                match (add, sorted.binary_search(&key)) {
                    (true, Err(at)) => {
                        sorted.insert(at, key);
                        prop_assert!(ranking.insert(key));
                    }
                    (true, Ok(_)) => prop_assert!(!ranking.insert(key)),
                    (false, Ok(at)) => {
                        sorted.remove(at);
                        prop_assert!(ranking.remove(&key));
                    }
                    (false, Err(_)) => prop_assert!(!ranking.remove(&key)),
                }
            }
            check(&ranking, &sorted);
        }
    }

    #[test]
    fn it_grows_over_many_blocks_and_shrinks_to_none() {
        let mut ranking = Ranking::default();
        for key in 0..3_000_u16 {
            let shuffled = u16::try_from(u32::from(key) * 2_477 % 3_000).unwrap();
            assert!(ranking.insert(shuffled));
        }
        check(&ranking, &(0..3_000).collect::<Vec<_>>());
        for key in 0..3_000_u16 {
            assert!(ranking.remove(&key));
        }
        check(&ranking, &[]);
    }
}
