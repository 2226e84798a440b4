//! Places on a leaderboard.

use amvaj_domain::relation::Disclosure;
use amvaj_infra::board::ShownSeat;
use amvaj_infra::page::Page;
use async_graphql::{Context, Object, Result};

use crate::app::boards::Look;
use crate::graphql::connection::connection;
use crate::graphql::error::fault;
use crate::graphql::loader::loader;
use crate::graphql::member::Member;
use crate::graphql::scalar::{DateTime, Score};

connection! {
    /// Places on a leaderboard, a page at a time, the highest score first.
    LeaderboardEntryConnection, LeaderboardEntryEdge, LeaderboardEntry
}

/// A place on a leaderboard with the member who has it.
#[derive(Debug, Clone)]
pub struct LeaderboardEntry(pub ShownSeat);

/// A place on a leaderboard with the member who has it, as far as the caller sees it.
#[Object]
impl LeaderboardEntry {
    /// The place, 1 for the first; no two members have the same. Of equal scores the one that was reached first stands
    /// above. Example: `2`.
    async fn position(&self) -> i32 {
        i32::try_from(self.0.standing.position).unwrap_or(i32::MAX)
    }

    /// The rank: one more than have a higher score, so that equal scores share it and those after them are left out, as
    /// in 1, 1, 3. Example: `1`.
    async fn rank(&self) -> i32 {
        i32::try_from(self.0.standing.rank).unwrap_or(i32::MAX)
    }

    /// What was reached. Example: `"1250"`.
    async fn score(&self) -> Score {
        self.0.standing.place.total.into()
    }

    /// When the score was reached; null for those who may see no more of the member than its initials.
    async fn reached_at(&self) -> Option<DateTime> {
        let member = self.0.member.as_ref()?;
        (member.disclosure() >= Disclosure::Known).then_some(DateTime(self.0.standing.place.reached_at))
    }

    /// The member's name: for other members its initials, for a merchant what relation and consent allow. Null when the
    /// member hides on leaderboards; the operator, agents and the member itself see it nevertheless.
    /// Example: `"م*** ک***"`.
    async fn name(&self) -> Option<String> {
        Some(self.0.member.as_ref()?.name().into_owned())
    }

    /// Whether the place is the calling member's own.
    async fn is_mine(&self) -> bool {
        self.0.own
    }

    /// Whether the member hides on leaderboards. It keeps its place, and others do not see who it is.
    async fn is_hidden(&self) -> bool {
        self.0.hidden
    }

    /// The member; null for whoever may not find it by its id: other members, and merchants that it has no relation with
    /// or hides from.
    async fn member(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        let Some(member) = &self.0.member else { return Ok(None) };
        Ok(loader(ctx)?.load_one(member.id).await.map_err(fault)?.map(Member))
    }
}

/// A page of what somebody looks at.
pub(super) fn page(look: Look, with_total: bool) -> LeaderboardEntryConnection {
    let shown = look.before.saturating_add(u64::try_from(look.seats.len()).unwrap_or(u64::MAX));
    let page = Page {
        has_previous: look.before > 0,
        has_next: shown < look.size,
        total: with_total.then_some(look.size),
        items: look.seats,
    };
    let key = |seat: &ShownSeat| i64::try_from(seat.standing.position).unwrap_or(i64::MAX);
    LeaderboardEntryConnection::new(page, key, LeaderboardEntry)
}
