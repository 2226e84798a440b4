//! Copies of boards that answer at once: in Redis where several nodes share them, in this process's memory otherwise.
//!
//! A copy is answered from only while it is whole. What it knows of a wallet changes only to what a later operation of the
//! wallet left, so neither repetition nor another order harms.

mod drift;
mod memory;
mod redis;

pub use drift::LiveDrift;

use std::time::Duration;

use amvaj_domain::{board::Place, id::WalletId, time::Instant};

use super::{
    BoardKey,
    read::{Slice, Window},
};
use crate::{db::entity::board_total, link::LinkError};
use memory::{MemoryBoards, Scores};
use redis::{RedisBoards, Staged};

/// Up to which row of the outbox a copy follows the totals, bucket by bucket.
pub(super) type Positions = [i64; 16];

/// What a wallet has reached by one of its operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scored {
    /// The wallet.
    pub(super) wallet: WalletId,
    /// The operation that changed it last.
    pub(super) seq: i64,
    /// The score.
    pub(super) total: i64,
    /// When it was reached.
    pub(super) reached_at: Instant,
}

/// Where the copies are.
#[derive(Debug)]
pub enum LiveBoards {
    /// In the memory of this process.
    Memory(MemoryBoards),
    /// In Redis.
    Redis(Box<RedisBoards>),
}

/// A copy in the making.
pub(super) enum Draft {
    Memory(Scores),
    Redis(Staged),
}

impl Scored {
    pub(super) fn of(row: &board_total::Model) -> Self {
        Self {
            wallet: WalletId::new(row.wallet_id),
            seq: row.seq,
            total: row.total,
            reached_at: Instant::from_micros(row.reached_at),
        }
    }

    /// Where the wallet stands; nowhere while it has nothing.
    pub(super) fn place(&self) -> Option<Place> {
        let place = Place { total: self.total, reached_at: self.reached_at, wallet: self.wallet };
        (self.total > 0).then_some(place)
    }
}

impl LiveBoards {
    /// Copies in this process's memory, which are brought forward by whoever reads them.
    pub fn memory() -> Self {
        Self::Memory(MemoryBoards::new())
    }

    /// Copies in Redis under keys of one database epoch; `call` is the longest that one look may take. Starts without
    /// Redis when it is down, and connects by itself later.
    ///
    /// # Errors
    /// [`LinkError::Url`] when the URL is malformed, and nothing else.
    pub async fn redis(url: &str, epoch: &str, call: Duration) -> Result<Self, LinkError> {
        Ok(Self::Redis(Box::new(RedisBoards::connect(url, epoch, call).await?)))
    }

    /// A part of a copy; nothing when it is not whole or cannot be asked.
    pub(super) async fn part(&self, key: BoardKey, window: Window) -> Option<Slice> {
        match self {
            Self::Memory(memory) => memory.part(key, window),
            Self::Redis(redis) => redis.part(key, window).await,
        }
    }

    /// How far a copy is; nothing when it is not whole.
    pub(super) async fn positions(&self, key: BoardKey) -> Result<Option<Positions>, LinkError> {
        match self {
            Self::Memory(memory) => Ok(memory.positions(key)),
            Self::Redis(redis) => redis.positions(key).await,
        }
    }

    /// Takes over what is newer than what a copy knows, and how far it was and is then. A copy that was not there any more,
    /// because another took its place, stays where it is.
    pub(super) async fn apply(
        &self,
        key: BoardKey,
        scores: &[Scored],
        moved: Option<(&Positions, &Positions)>,
    ) -> Result<(), LinkError> {
        match self {
            Self::Memory(memory) => {
                memory.apply(key, scores, moved);
                Ok(())
            }
            Self::Redis(redis) => redis.apply(key, scores, moved).await,
        }
    }

    /// Begins a copy beside the one that is there.
    pub(super) fn begin(&self, key: BoardKey) -> Draft {
        match self {
            Self::Memory(_) => Draft::Memory(Scores::default()),
            Self::Redis(redis) => Draft::Redis(redis.begin(key)),
        }
    }

    /// Adds to a copy in the making.
    pub(super) async fn draw(&self, draft: &mut Draft, scores: &[Scored]) -> Result<(), LinkError> {
        match (self, draft) {
            (_, Draft::Memory(copy)) => {
                for score in scores {
                    copy.take(score);
                }
                Ok(())
            }
            (Self::Redis(redis), Draft::Redis(staged)) => redis.draw(staged, scores).await,
            (Self::Memory(_), Draft::Redis(_)) => Ok(()),
        }
    }

    /// Puts a finished copy in the place of the one that is there.
    pub(super) async fn publish(
        &self,
        key: BoardKey,
        draft: Draft,
        positions: &Positions,
    ) -> Result<(), LinkError> {
        match (self, draft) {
            (Self::Memory(memory), Draft::Memory(copy)) => {
                memory.publish(key, copy, positions);
                Ok(())
            }
            (Self::Redis(redis), Draft::Redis(staged)) => redis.publish(key, &staged, positions).await,
            (Self::Memory(_), Draft::Redis(_)) | (Self::Redis(_), Draft::Memory(_)) => Ok(()),
        }
    }
}
