//! Why a round of background work ended early.

use crate::{db::StoreError, link::LinkError};

/// Why a round of background work ended early. Whatever it had not committed is done by a later round.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another holder has taken the lease: nothing was written.
    #[error("the lease {0} has gone to another holder")]
    Fenced(String),
    /// The cache did not do what it was asked; the cursor stays.
    #[error(transparent)]
    Cache(#[from] LinkError),
}

impl WorkError {
    /// Whether another transaction was in the way, so that the same round can be tried again at once.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Store(error) if error.retryable())
    }
}

impl From<sea_orm::DbErr> for WorkError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}
