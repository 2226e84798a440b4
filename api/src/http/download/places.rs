//! Who is sent a file at the moment: so many at a time on a node, and of one caller a part of them, so that nobody who reads
//! slowly keeps others from theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use amvaj_domain::access::Caller;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What part of all places one caller may have.
const PART_OF_ONE: usize = 4;

/// The places of those who are sent a file. Clones share them.
#[derive(Debug, Clone)]
pub struct Places {
    free: Arc<Semaphore>,
    taken: Taken,
    most_of_one: usize,
}

/// How many each caller has.
type Taken = Arc<Mutex<HashMap<Caller, usize>>>;

/// A place, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    caller: Caller,
    taken: Taken,
    _one: OwnedSemaphorePermit,
}

impl Places {
    /// So many places.
    pub fn new(most: usize) -> Self {
        let most_of_one = most.div_ceil(PART_OF_ONE);
        Self { free: Arc::new(Semaphore::new(most)), taken: Arc::default(), most_of_one }
    }

    /// A place for a caller, if there is one for it.
    pub(super) fn take(&self, caller: Caller) -> Option<Place> {
        let one = Arc::clone(&self.free).try_acquire_owned().ok()?;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(caller).or_default();
        if *count >= self.most_of_one {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Place { caller, taken: Arc::clone(&self.taken), _one: one })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.caller) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use amvaj_domain::id::MerchantId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn one_caller_takes_a_part_of_the_places_and_all_together_no_more_than_there_are() {
        let places = Places::new(4);
        let shop = |number| Caller::Merchant(MerchantId::new(Uuid::from_u128(number)));
        let mut taken = vec![places.take(shop(1)).unwrap()];
        assert!(places.take(shop(1)).is_none());
        taken.extend((2..=4).map(|number| places.take(shop(number)).unwrap()));
        assert!(places.take(shop(5)).is_none(), "there are four");
        taken.remove(0);
        assert!(places.take(shop(1)).is_some() && places.take(shop(5)).is_some());
        drop(taken);
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
