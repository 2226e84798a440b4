//! Tokens that are good for one request: which ones have had theirs.

use amvaj_domain::time::{Instant, Span};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, sea_query::OnConflict,
};

use crate::db::{
    Database, StoreError,
    entity::used_token::{ActiveModel, Column, Entity},
};

/// How long a token is remembered after its end, because clocks differ.
const KEPT: Span = Span::minutes(10);

/// The tokens that were used, in a database that all nodes share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct UsedTokens {
    db: Database,
}

impl UsedTokens {
    /// The tokens in a database.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }

    /// Uses a token, known by a hash; `false` when it was used before. Of two that come at once one is the first.
    pub async fn spend(&self, token: [u8; 32], expires_at: Instant) -> Result<bool, StoreError> {
        let row = ActiveModel { token_key: Set(token.to_vec()), expires_at: Set(expires_at.micros()) };
        let written = Entity::insert(row)
            .on_conflict(OnConflict::column(Column::TokenKey).do_nothing().to_owned())
            .exec_without_returning(self.db.writer())
            .await?;
        Ok(written > 0)
    }

    /// Forgets tokens that are over; says how many.
    pub async fn purge(&self, now: Instant) -> Result<u64, StoreError> {
        let before = now.micros().saturating_sub(KEPT.micros());
        let purged =
            Entity::delete_many().filter(Column::ExpiresAt.lt(before)).exec(self.db.writer()).await?;
        Ok(purged.rows_affected)
    }
}
