//! `closeLeaderboard`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::Leaderboard;
use crate::app::boards::close_board;
use crate::graphql::context::{app, author, require_operator};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, user_errors};

/// A leaderboard to close.
#[derive(Debug, InputObject)]
pub struct CloseLeaderboardInput {
    /// Global id of the leaderboard.
    pub leaderboard_id: ID,
}

/// What `closeLeaderboard` did.
#[derive(Default, SimpleObject)]
pub struct CloseLeaderboardPayload {
    /// The leaderboard, closed; null when nothing changed.
    pub leaderboard: Option<Leaderboard>,
    /// Why nothing changed; empty when the leaderboard is closed.
    pub user_errors: Vec<CloseLeaderboardUserError>,
}

user_errors! {
    /// Why `closeLeaderboard` changed nothing.
    CloseLeaderboardUserError, CloseLeaderboardErrorCode {
        /// There is no such leaderboard.
        LeaderboardNotFound,
    }
}

/// The mutation.
#[derive(Default)]
pub struct CloseLeaderboard;

#[Object]
impl CloseLeaderboard {
    /// Closes a leaderboard for good (operator): what is recorded from now on does not count, and its open periods are
    /// frozen within minutes as they are. It can still be looked at. Closing it again changes nothing.
    async fn close_leaderboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The leaderboard.")] input: CloseLeaderboardInput,
    ) -> Result<CloseLeaderboardPayload> {
        require_operator(ctx)?;
        let nothing_there = || {
            let code = CloseLeaderboardErrorCode::LeaderboardNotFound;
            let user_errors = Problems::one(code, "input.leaderboardId");
            Ok(CloseLeaderboardPayload { leaderboard: None, user_errors })
        };
        let Some(id) = GlobalId::leaderboard(&input.leaderboard_id) else { return nothing_there() };
        match refusal_or_fault(close_board(app(ctx)?, &author(ctx)?, id).await)? {
            Ok(kept) => {
                let leaderboard = Some(Leaderboard::of(ctx, kept)?);
                Ok(CloseLeaderboardPayload { leaderboard, user_errors: Vec::new() })
            }
            Err(_) => nothing_there(),
        }
    }
}
