//! Redemptions that a crash, or a ledger without an answer, has left pending.

use std::collections::HashMap;

use amvaj_domain::reward::RedemptionState;
use amvaj_domain::time::{Instant, Span};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::{Rewards, rows};
use crate::db::StoreError;
use crate::db::entity::redemption::{Column, Entity, Model};
use crate::ledger::SubmitError;

/// Whoever began a redemption so long ago does not place its hold any more, or it does no harm if two do.
const LEFT_AFTER: Span = Span::seconds(3);
/// Redemptions of one round.
const PAGE: usize = 100;
/// How long one that failed is left alone; after each further failure twice as long, up to the longest.
const FIRST_PAUSE: Span = Span::seconds(2);
const LONGEST_PAUSE: Span = Span::minutes(5);

/// How far somebody is with what was left. It goes on behind the last one that it has seen, and begins anew at the end: so
/// those that cannot be finished keep no others waiting, however many they are.
#[derive(Debug, Default)]
pub(crate) struct Finisher {
    /// When the last one was begun, and its id; nothing at the beginning.
    last: Option<(i64, Uuid)>,
    /// Those that failed.
    put_off: HashMap<Uuid, PutOff>,
}

/// One that failed.
#[derive(Debug, Clone, Copy)]
struct PutOff {
    pause: Span,
    until: Instant,
}

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Round {
    /// How many got an answer.
    pub(crate) finished: usize,
    /// Whether there may be more behind them.
    pub(crate) goes_on: bool,
}

impl Finisher {
    fn is_put_off(&self, id: Uuid, now: Instant) -> bool {
        self.put_off.get(&id).is_some_and(|put_off| now < put_off.until)
    }

    fn put_off(&mut self, id: Uuid, now: Instant) {
        let before = self.put_off.get(&id).map(|put_off| put_off.pause.micros());
        let twice = before.map_or(FIRST_PAUSE.micros(), |pause| pause.saturating_mul(2));
        let pause = Span::from_micros(twice.min(LONGEST_PAUSE.micros()));
        self.put_off.insert(id, PutOff { pause, until: now.plus(pause) });
    }

    /// Begins anew, and forgets whom it has not met for long: somebody else has finished those.
    fn begin_anew(&mut self, now: Instant) {
        self.last = None;
        self.put_off.retain(|_, put_off| now < put_off.until.plus(LONGEST_PAUSE));
    }
}

impl Rewards {
    /// Places the holds of some that were left pending. One that fails does not keep the others waiting.
    pub(crate) async fn finish(&self, finisher: &mut Finisher) -> Result<Round, StoreError> {
        let now = self.clock.now();
        let left = self.left_behind(finisher.last, now).await?;
        let mut round = Round { finished: 0, goes_on: left.len() == PAGE };
        for row in &left {
            let id = row.redemption_id;
            if !finisher.is_put_off(id, now) {
                let placed = match rows::redemption(row) {
                    Ok(redemption) => self.place(&redemption).await,
                    Err(error) => Err(error.into()),
                };
                match placed {
                    Ok(_) => {
                        finisher.put_off.remove(&id);
                        round.finished = round.finished.saturating_add(1);
                    }
                    // The next round tries this one again.
                    Err(SubmitError::Overloaded) => return Ok(Round { goes_on: false, ..round }),
                    Err(error) => {
                        finisher.put_off(id, now);
                        tracing::error!(%error, redemption = %id, "a redemption is not finished yet");
                    }
                }
            }
            finisher.last = Some((row.created_at, id));
        }
        if !round.goes_on {
            finisher.begin_anew(now);
        }
        Ok(round)
    }

    /// The oldest that are pending for long, behind a place.
    async fn left_behind(&self, last: Option<(i64, Uuid)>, now: Instant) -> Result<Vec<Model>, StoreError> {
        let before = now.plus(Span::from_micros(LEFT_AFTER.micros().saturating_neg()));
        let mut left = Entity::find()
            .filter(Column::State.eq(RedemptionState::Pending.stored()))
            .filter(Column::CreatedAt.lt(before.micros()));
        if let Some((created_at, id)) = last {
            let same =
                Condition::all().add(Column::CreatedAt.eq(created_at)).add(Column::RedemptionId.gt(id));
            left = left.filter(Condition::any().add(Column::CreatedAt.gt(created_at)).add(same));
        }
        let page = u64::try_from(PAGE).unwrap_or(u64::MAX);
        let left = left.order_by_asc(Column::CreatedAt).order_by_asc(Column::RedemptionId).limit(page);
        Ok(left.all(self.db.reader()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_again_is_left_alone_for_longer_and_forgotten_when_it_is_met_no_more() {
        let (id, mut now) = (Uuid::from_u128(1), Instant::from_micros(0));
        let mut finisher = Finisher::default();
        let mut pauses = Vec::new();
        for _ in 0..9 {
            finisher.put_off(id, now);
            let until = finisher.put_off[&id].until;
            assert!(finisher.is_put_off(id, now) && !finisher.is_put_off(id, until));
            pauses.push(until.since(now).micros() / 1_000_000);
            now = until;
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300]);
        finisher.begin_anew(now);
        assert_eq!(finisher.put_off.len(), 1);
        finisher.begin_anew(now.plus(LONGEST_PAUSE));
        assert!(finisher.put_off.is_empty());
    }
}
