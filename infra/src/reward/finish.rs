//! Redemptions that a crash, or a ledger without an answer, has left pending.

use amvaj_domain::reward::RedemptionState;
use amvaj_domain::time::Span;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::{Rewards, rows};
use crate::db::StoreError;
use crate::db::entity::redemption::{Column, Entity};
use crate::ledger::SubmitError;

/// Whoever began a redemption so long ago does not place its hold any more, or it does no harm if two do.
const LEFT_AFTER: Span = Span::seconds(3);
/// Redemptions of one round.
const PAGE: u64 = 100;

impl Rewards {
    /// Places the holds of what was left pending, and answers how many got an answer. One that fails does not
    /// keep the others waiting.
    pub(crate) async fn finish(&self) -> Result<usize, StoreError> {
        let before = self.clock.now().plus(Span::from_micros(LEFT_AFTER.micros().saturating_neg()));
        let left = Entity::find()
            .filter(Column::State.eq(RedemptionState::Pending.stored()))
            .filter(Column::CreatedAt.lt(before.micros()))
            .order_by_asc(Column::CreatedAt)
            .limit(PAGE)
            .all(self.db.reader())
            .await?;
        let mut finished = 0_usize;
        for row in &left {
            let placed = match rows::redemption(row) {
                Ok(redemption) => self.place(&redemption).await,
                Err(error) => Err(error.into()),
            };
            match placed {
                Ok(_) => finished = finished.saturating_add(1),
                Err(SubmitError::Overloaded) => break,
                Err(error) => {
                    tracing::error!(%error, redemption = %row.redemption_id, "a redemption is not finished yet");
                }
            }
        }
        Ok(finished)
    }
}
