//! `setLeaderboardVisibility`.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use crate::app::AppError;
use crate::app::boards::hide_on_boards;
use crate::graphql::context::{app, require_member};
use crate::graphql::error::fault;
use crate::graphql::user_error::{Problems, user_errors};

/// Whether to hide.
#[derive(Debug, InputObject)]
pub struct SetLeaderboardVisibilityInput {
    /// Whether the calling member hides on leaderboards. Example: `true`.
    pub hidden: bool,
}

/// What `setLeaderboardVisibility` did.
#[derive(Default, SimpleObject)]
pub struct SetLeaderboardVisibilityPayload {
    /// Whether the member hides now; null when nothing changed.
    pub hidden: Option<bool>,
    /// Why nothing changed; empty when it is as it was asked for.
    pub user_errors: Vec<SetLeaderboardVisibilityUserError>,
}

user_errors! {
    /// Why `setLeaderboardVisibility` changed nothing.
    SetLeaderboardVisibilityUserError, SetLeaderboardVisibilityErrorCode {
        /// The calling member is not enrolled here.
        MemberNotFound,
    }
}

/// The mutation.
#[derive(Default)]
pub struct SetLeaderboardVisibility;

#[Object]
impl SetLeaderboardVisibility {
    /// Hides the calling member on all leaderboards, or shows it again (member). It keeps its place, so nobody moves up or
    /// down; others see the place without a name. It holds at once here, and within a second on every other server.
    async fn set_leaderboard_visibility(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whether to hide.")] input: SetLeaderboardVisibilityInput,
    ) -> Result<SetLeaderboardVisibilityPayload> {
        let member = require_member(ctx)?;
        match hide_on_boards(app(ctx)?, member, input.hidden).await {
            Ok(()) => {
                Ok(SetLeaderboardVisibilityPayload { hidden: Some(input.hidden), user_errors: Vec::new() })
            }
            Err(AppError::NotFound) => {
                let code = SetLeaderboardVisibilityErrorCode::MemberNotFound;
                Ok(SetLeaderboardVisibilityPayload { hidden: None, user_errors: Problems::one(code, "") })
            }
            Err(error) => Err(fault(error)),
        }
    }
}
