//! Operations that are dear take turns, so that they leave processors for everybody else.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::request::Operation;
use super::work::Commitment;
use crate::graphql::document::Asked;

/// From which cost on an operation is dear: some milliseconds of a processor.
const DEAR: u64 = 500;

/// The turns of a process: half as many as it has processors.
#[derive(Debug, Clone)]
pub struct Turns {
    free: Arc<Semaphore>,
}

impl Turns {
    /// All turns are free.
    pub fn new() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self { free: Arc::new(Semaphore::new((processors / 2).max(1))) }
    }

    /// Waits for a turn, which lasts as long as what is returned; nothing to wait for unless the operation is dear. Those
    /// who wait come in the order in which they asked. What is dear moves over, so that it does not keep the thread of many
    /// connections.
    pub(super) async fn take(
        &self,
        operation: &Operation,
        commitment: &Commitment,
    ) -> Option<OwnedSemaphorePermit> {
        let Asked { cost, of_many, .. } = operation.asked;
        if cost < DEAR {
            return None;
        }
        commitment.move_over().await;
        if cost.saturating_sub(of_many) < DEAR {
            return None;
        }
        // Nobody closes it.
        Arc::clone(&self.free).acquire_owned().await.ok()
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_graphql::parser::types::OperationType;
    use tokio::time::timeout;

    use super::*;

    fn operation(kind: OperationType, cost: u64) -> Operation {
        Operation {
            name: String::new(),
            kind,
            asked: Asked { cost, base: 0, named: 0, of_many: 0, introspects: false },
        }
    }

    #[tokio::test]
    async fn dear_operations_wait_for_each_other_and_nothing_else_does() {
        let (turns, here) = (Turns { free: Arc::new(Semaphore::new(1)) }, Commitment::default());
        let dear = operation(OperationType::Query, DEAR);
        let first = turns.take(&dear, &here).await;
        assert!(first.is_some());
        for dear in [dear.clone(), operation(OperationType::Mutation, DEAR)] {
            assert!(timeout(Duration::from_millis(50), turns.take(&dear, &here)).await.is_err());
        }
        assert!(turns.take(&operation(OperationType::Query, DEAR - 1), &here).await.is_none());
        let mut bulk = operation(OperationType::Mutation, 10 * DEAR);
        bulk.asked.of_many = 9 * DEAR + 1;
        assert!(turns.take(&bulk, &here).await.is_none(), "it waits for the ledger");
        drop(first);
        assert!(turns.take(&dear, &here).await.is_some());
    }
}
