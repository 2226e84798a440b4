//! The consumer of the outbox that notes what became of holds.

use sea_orm::{ConnectionTrait as _, Statement};

use super::Rewards;
use crate::{
    db::StoreError,
    ledger::Touched,
    outbox::{Backlog, Buckets, Consumer, Relayed},
    worker::WorkError,
};

/// Wallets of one statement. A row of the outbox may bring more, and then is one alone.
const MOST_WALLETS: usize = 500;

/// The consumer that lets redemptions follow their holds.
#[derive(Debug, Clone)]
pub struct RewardKeeper {
    rewards: Rewards,
    consumer: Consumer,
}

impl RewardKeeper {
    pub(super) fn new(rewards: Rewards) -> Self {
        Self { consumer: Consumer::new(rewards.db.clone(), "rewards"), rewards }
    }

    /// Makes its cursors.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn register(&self) -> Result<(), StoreError> {
        self.consumer.register().await
    }

    /// What waits for the relay, and then for the keeper.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        self.consumer.backlog().await
    }

    /// Notes what up to `limit` rows of each bucket did to redemptions, then moves the cursors, and answers how many rows it
    /// has passed. A crash between the two has it noted again, which changes nothing.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] when a lease is lost; otherwise when the database fails. The cursors stay then.
    pub async fn keep(&self, buckets: &Buckets, limit: u32) -> Result<usize, WorkError> {
        let rows = self.consumer.read_after(buckets, limit).await?;
        let rows = Relayed::few(&rows, MOST_WALLETS);
        if rows.is_empty() {
            return Ok(0);
        }
        if self.something_is_open().await? {
            let touched: Vec<Touched> = rows.iter().flat_map(|row| row.touched.iter().copied()).collect();
            self.rewards.follow(&touched).await?;
        }
        let transaction = buckets.fence(&self.rewards.db).await?;
        self.consumer.advance_in(&transaction, rows).await?;
        transaction.commit().await?;
        Ok(rows.len())
    }

    /// Whether any redemption follows a hold. It is written before its hold, so whoever reads of the hold finds it.
    async fn something_is_open(&self) -> Result<bool, StoreError> {
        let db = &self.rewards.db;
        let statement = Statement::from_string(db.backend(), SOMETHING_IS_OPEN);
        Ok(db.for_outbox().query_one_raw(statement).await?.is_some())
    }
}

const SOMETHING_IS_OPEN: &str = "select 1 from redemption where state in (1, 2) limit 1";
