//! `createLeaderboard`.

use amvaj_domain::board::{InvalidBoard, Reach};
use amvaj_domain::merchant::Names;
use amvaj_domain::text::Name;
use amvaj_domain::time::Span;
use amvaj_infra::board::BoardRefused;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{Leaderboard, LeaderboardCycle, LeaderboardMetric};
use crate::app::boards::{MakeBoard, MakeRefused, USUAL_GRACE, make_board};
use crate::graphql::context::{app, author, require_operator};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, user_errors};

/// A leaderboard to make.
#[derive(Debug, InputObject)]
pub struct CreateLeaderboardInput {
    /// The name in Persian, 1 to 120 characters. Example: `"پرامتیازترین‌های ماه"`.
    pub name_fa: String,
    /// The name in English, 1 to 120 characters. Example: `"Most points of the month"`.
    pub name_en: String,
    /// What it counts. Example: `POINTS_EARNED`.
    pub metric: LeaderboardMetric,
    /// Global id of the merchant whose purchases count; left out, those of the whole network do.
    pub merchant_id: Option<ID>,
    /// How long each of its periods is. Example: `JALALI_MONTH`.
    pub cycle: LeaderboardCycle,
    /// For how many hours after its end a period still counts what is reported late: 0 to 720; 24 when left out.
    pub grace_hours: Option<i32>,
}

/// What `createLeaderboard` did.
#[derive(Default, SimpleObject)]
pub struct CreateLeaderboardPayload {
    /// The new leaderboard; null when nothing changed.
    pub leaderboard: Option<Leaderboard>,
    /// Why nothing changed; empty when the leaderboard was made.
    pub user_errors: Vec<CreateLeaderboardUserError>,
}

user_errors! {
    /// Why `createLeaderboard` changed nothing.
    CreateLeaderboardUserError, CreateLeaderboardErrorCode {
        /// A name is empty, too long, or has control characters.
        InvalidName,
        /// There is no such merchant.
        MerchantNotFound,
        /// The metric makes no sense in this scope: of one merchant there is only one merchant to visit.
        MetricNotOffered,
        /// The grace is out of range.
        InvalidGrace,
        /// There are as many open leaderboards as there may be.
        TooManyLeaderboards,
    }
}

/// The mutation.
#[derive(Default)]
pub struct CreateLeaderboard;

#[Object]
impl CreateLeaderboard {
    /// Makes a leaderboard (operator). It counts from the beginning of the period that goes on now; what has happened in it
    /// so far is counted within moments, or minutes in a large network (`isRecounting`).
    async fn create_leaderboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The leaderboard.")] input: CreateLeaderboardInput,
    ) -> Result<CreateLeaderboardPayload> {
        use CreateLeaderboardErrorCode as Code;
        require_operator(ctx)?;
        let refused = |user_errors| CreateLeaderboardPayload { leaderboard: None, user_errors };
        let make = match read(&input) {
            Ok(make) => make,
            Err(user_errors) => return Ok(refused(user_errors)),
        };
        let (code, path) = match refusal_or_fault(make_board(app(ctx)?, &author(ctx)?, make).await)? {
            Ok(kept) => {
                let leaderboard = Some(Leaderboard::of(ctx, kept)?);
                return Ok(CreateLeaderboardPayload { leaderboard, user_errors: Vec::new() });
            }
            Err(MakeRefused::Invalid(InvalidBoard::MetricOfOneMerchant)) => {
                (Code::MetricNotOffered, "input.metric")
            }
            Err(MakeRefused::Invalid(InvalidBoard::Grace)) => (Code::InvalidGrace, "input.graceHours"),
            Err(MakeRefused::Refused(BoardRefused::MerchantNotFound | BoardRefused::BoardNotFound)) => {
                (Code::MerchantNotFound, "input.merchantId")
            }
            Err(MakeRefused::Refused(BoardRefused::TooMany)) => (Code::TooManyLeaderboards, ""),
        };
        Ok(refused(Problems::one(code, path)))
    }
}

fn read(input: &CreateLeaderboardInput) -> Result<MakeBoard, Vec<CreateLeaderboardUserError>> {
    use CreateLeaderboardErrorCode::{InvalidName, MerchantNotFound};
    let mut problems = Problems::new();
    let fa = problems.take(Name::parse(&input.name_fa), InvalidName, "input.nameFa");
    let en = problems.take(Name::parse(&input.name_en), InvalidName, "input.nameEn");
    let reach = match &input.merchant_id {
        None => Some(Reach::Network),
        Some(id) => {
            let merchant = GlobalId::merchant(id).map(Reach::Merchant).ok_or(());
            problems.take(merchant, MerchantNotFound, "input.merchantId")
        }
    };
    let grace = input.grace_hours.map_or(USUAL_GRACE, |hours| Span::minutes(i64::from(hours) * 60));
    match (fa, en, reach) {
        (Some(fa), Some(en), Some(reach)) => Ok(MakeBoard {
            names: Names { fa, en },
            metric: input.metric.into(),
            reach,
            cycle: input.cycle.into(),
            grace,
        }),
        _ => Err(problems.into_errors()),
    }
}
