//! The boards' turn: their shared copies, and the ends of their periods.

use std::time::Duration;

use amvaj_domain::time::{Instant, Span};

use super::{
    WorkError,
    job::Job,
    keeper::Keeper,
    rounds::{BUSY_PAUSE, forget_if_fenced},
};
use crate::{board::Boards, clock::Clock};

/// How long after a step of a sandbox's time what was begun before it on other nodes may take to be committed.
const STEP_SETTLES: Duration = Duration::from_secs(15);

/// Brings shared copies forward, and closes and freezes periods.
pub(super) struct BoardJob {
    pub(super) boards: Boards,
    pub(super) clock: Clock,
    pub(super) ends: Ends,
    pub(super) keeper: Keeper,
    pub(super) interval: Duration,
}

/// The ledger's time by which periods end. A step that a sandbox's time makes counts only when it has settled, or a period
/// would be frozen while another node still writes what belongs to it.
pub(super) struct Ends {
    pub(super) ledger: Clock,
    /// How far ahead periods end by now.
    settled: Span,
    /// A step that was seen, and when.
    seen: Option<(Span, tokio::time::Instant)>,
}

impl Ends {
    pub(super) const fn by(ledger: Clock) -> Self {
        Self { ledger, settled: Span::seconds(0), seen: None }
    }

    /// The time by which periods end at `now`.
    fn at(&mut self, now: Instant) -> Instant {
        if let Some((ahead, since)) = self.seen
            && since.elapsed() >= STEP_SETTLES
        {
            self.settled = ahead;
            self.seen = None;
        }
        let ahead = self.ledger.ahead();
        if self.seen.is_none() && ahead > self.settled {
            self.seen = Some((ahead, tokio::time::Instant::now()));
        }
        now.plus(self.settled)
    }
}

impl Job for BoardJob {
    const NAME: &'static str = "boards";

    async fn round(&mut self) -> Result<Duration, WorkError> {
        let now = self.clock.now();
        let Some(lease) = self.keeper.lease(Self::NAME, now).await? else { return Ok(self.interval) };
        let ended = self.boards.end_periods(&lease, self.ends.at(now)).await;
        let ended = forget_if_fenced(&mut self.keeper, ended)?;
        let fed = self.boards.feed(self.ends.ledger.now()).await?;
        metrics::counter!("amvaj_board_scores_fed_total").increment(u64::try_from(fed).unwrap_or(u64::MAX));
        Ok(if ended || fed > 0 { BUSY_PAUSE.min(self.interval) } else { self.interval })
    }

    async fn end(mut self) {
        self.keeper.release(self.clock.now()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Offset;

    #[tokio::test(start_paused = true)]
    async fn periods_end_by_a_step_only_when_it_has_settled() {
        let (now, by) = (Instant::from_micros(1_000_000), Arc::new(Offset::default()));
        let mut ends = Ends::by(Clock::manual(now).ahead_by(Arc::clone(&by)));
        assert_eq!(ends.at(now), now);
        for day in 1..3 {
            let (before, after) = (now.plus(Span::days(day - 1)), now.plus(Span::days(day)));
            by.grow_to(Span::days(day));
            assert_eq!(ends.at(now), before);
            tokio::time::advance(STEP_SETTLES / 2).await;
            assert_eq!(ends.at(now), before);
            tokio::time::advance(STEP_SETTLES).await;
            assert_eq!(ends.at(now), after);
        }
    }
}
