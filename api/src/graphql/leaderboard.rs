//! Leaderboards: members ranked by what they did in a period.

pub mod close;
pub mod create;
pub mod entry;
pub mod visibility;

use amvaj_domain::access::Caller;
use amvaj_domain::board::{self, Period, Reach, Standing};
use amvaj_domain::calendar::LocalDay;
use amvaj_domain::id::{BoardId, MemberId};
use amvaj_infra::board::{Kept, Window};
use amvaj_infra::page::{PageEnd, PageRequest};
use async_graphql::{Context, Enum, ID, MergedObject, Object, Result, SimpleObject};

use super::connection::{PageArguments, connection};
use super::context::{app, author, caller, require_member};
use super::error::{Code, fault};
use super::global_id::GlobalId;
use super::merchant::Merchant;
use super::scalar::{Date, DateTime};
use super::value::LocalizedDate;
use crate::app::boards::{find_board, list_boards, look_around, look_at_board, period_at};
use crate::app::{App, AppError};
use crate::language::Message;
use entry::{LeaderboardEntry, LeaderboardEntryConnection};

/// Most neighbours on each side.
const WIDEST: i32 = 50;
/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// What a leaderboard counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "board::Metric")]
pub enum LeaderboardMetric {
    /// Points that purchases earned, less what refunds took back.
    PointsEarned,
    /// Purchases of which something was kept, whether or not they earned points.
    Visits,
    /// Merchants where something was bought and kept.
    MerchantsVisited,
}

/// Whose purchases a leaderboard counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum LeaderboardScope {
    /// Those at every merchant.
    Network,
    /// Those at one merchant.
    Merchant,
}

/// How long the periods of a leaderboard are, in the network's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "board::Cycle")]
pub enum LeaderboardCycle {
    /// One day.
    Day,
    /// A week from Saturday to Friday.
    Week,
    /// A month from January to December.
    GregorianMonth,
    /// A month from Farvardin to Esfand.
    JalaliMonth,
    /// Three Jalali months, of which the first season begins at Nowruz.
    Season,
    /// One period that never ends.
    AllTime,
}

/// A period of a leaderboard.
#[derive(Debug, Clone, SimpleObject)]
pub struct LeaderboardPeriod {
    /// Its first day; null when it has always been going on.
    pub first_day: Option<LocalizedDate>,
    /// Its last day; null when it never ends.
    pub last_day: Option<LocalizedDate>,
    /// When nothing more is counted for it: its end and the grace for what is reported late, or when the leaderboard was
    /// closed. Null when it never ends.
    pub closes_at: Option<DateTime>,
    /// Since when it is final; null while it is not. What happens later changes nothing of it.
    pub frozen_at: Option<DateTime>,
}

connection! {
    /// Leaderboards, a page at a time, in the order in which they were made.
    LeaderboardConnection, LeaderboardEdge, Leaderboard
}

/// A leaderboard in one of its periods.
#[derive(Debug, Clone)]
pub struct Leaderboard {
    kept: Kept,
    period: Period,
}

/// Queries about leaderboards.
#[derive(Default)]
pub struct LeaderboardQueries;

/// Mutations of leaderboards.
#[derive(Default, MergedObject)]
pub struct LeaderboardMutations(
    create::CreateLeaderboard,
    close::CloseLeaderboard,
    visibility::SetLeaderboardVisibility,
);

#[Object]
impl LeaderboardQueries {
    /// The leaderboards that the caller may see, in the order in which they were made, each in its present period: those
    /// of the whole network everybody, a merchant's the merchant and the members that dealt with it, the operator and
    /// agents all.
    async fn leaderboards(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<LeaderboardConnection> {
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        let app = app(ctx)?;
        let page = list_boards(app, caller(ctx)?, &request).await.map_err(fault)?;
        let now = app.ledger_now();
        let node = |kept: Kept| Leaderboard { period: period_at(&kept, now), kept };
        Ok(LeaderboardConnection::new(page, |kept| kept.board.id.uuid(), node))
    }

    /// A leaderboard in one of its periods; null when there is none that the caller may see.
    async fn leaderboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the leaderboard.")] id: ID,
        #[graphql(desc = "Any day of the period; the present one when left out.")] day: Option<Date>,
    ) -> Result<Option<Leaderboard>> {
        Leaderboard::read(ctx, &id, day).await
    }

    /// A member and those next to it on a leaderboard, in order; empty when the member is not on it. Members ask for
    /// themselves. The operator and agents name a member, a merchant one that it has a relation with.
    async fn leaderboard_around(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the leaderboard.")] id: ID,
        #[graphql(desc = "Any day of the period; the present one when left out.")] day: Option<Date>,
        #[graphql(desc = "Global id of the member; left out, the calling member.")] member: Option<ID>,
        #[graphql(desc = "How many on each side, 0 to 50.", default = 3)] distance: i32,
    ) -> Result<Vec<LeaderboardEntry>> {
        let far = u64::try_from(distance).ok().filter(|_| distance <= WIDEST);
        let what = || Message::new("distance-out-of-range").with("limit", i64::from(WIDEST));
        let distance = far.ok_or_else(|| Code::BadUserInput.saying(what()))?;
        let member = match &member {
            None => match caller(ctx)? {
                Caller::Member(own) => own,
                Caller::Operator | Caller::Agent | Caller::Merchant(_) => {
                    return Err(Code::BadUserInput.saying(Message::new("leaderboard-member-needed")));
                }
            },
            Some(id) => match GlobalId::member(id) {
                Some(member) => member,
                None => return Ok(Vec::new()),
            },
        };
        match Leaderboard::read(ctx, &id, day).await? {
            Some(board) => board.around(ctx, member, distance).await,
            None => Ok(Vec::new()),
        }
    }

    /// Where the calling member stands on a leaderboard (member); null when it is not on it.
    async fn my_rank(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the leaderboard.")] id: ID,
        #[graphql(desc = "Any day of the period; the present one when left out.")] day: Option<Date>,
    ) -> Result<Option<LeaderboardEntry>> {
        let member = require_member(ctx)?;
        match Leaderboard::read(ctx, &id, day).await? {
            Some(board) => Ok(board.around(ctx, member, 0).await?.pop()),
            None => Ok(None),
        }
    }
}

/// Members ranked by what they did in a period. Scores come from the ledger, so refunds lower them; a refund belongs to
/// the period of its purchase.
#[Object]
impl Leaderboard {
    /// The leaderboard's global id.
    pub async fn id(&self) -> ID {
        GlobalId::Leaderboard(self.kept.board.id).write()
    }

    /// The name in Persian. Example: `"پرامتیازترین‌های ماه"`.
    async fn name_fa(&self) -> &str {
        self.kept.board.names.fa.as_str()
    }

    /// The name in English. Example: `"Most points of the month"`.
    async fn name_en(&self) -> &str {
        self.kept.board.names.en.as_str()
    }

    /// What it counts.
    async fn metric(&self) -> LeaderboardMetric {
        self.kept.board.metric.into()
    }

    /// Whose purchases it counts.
    async fn scope(&self) -> LeaderboardScope {
        match self.kept.board.reach {
            Reach::Network => LeaderboardScope::Network,
            Reach::Merchant(_) => LeaderboardScope::Merchant,
        }
    }

    /// The merchant whose purchases it counts; null when it counts those of the whole network.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        match self.kept.board.reach.merchant() {
            Some(merchant) => Merchant::load(ctx, merchant).await,
            None => Ok(None),
        }
    }

    /// How long each of its periods is.
    async fn cycle(&self) -> LeaderboardCycle {
        self.kept.board.cycle.into()
    }

    /// For how many hours after its end a period still counts what is reported late. Example: `24`.
    async fn grace_hours(&self) -> i32 {
        i32::try_from(self.kept.board.grace.micros().div_euclid(HOUR)).unwrap_or(i32::MAX)
    }

    /// Since when it is there. It counts from the beginning of the period in which it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.kept.board.created_at)
    }

    /// When the operator closed it; null while it counts.
    async fn closed_at(&self) -> Option<DateTime> {
        self.kept.board.closed_at.map(DateTime)
    }

    /// Whether a part of its history is still to be counted, as just after it was made: until then scores are too low.
    async fn is_recounting(&self) -> bool {
        self.kept.recounting
    }

    /// The period in which it is shown.
    async fn period(&self, ctx: &Context<'_>) -> Result<LeaderboardPeriod> {
        let frozen_at = app(ctx)?.boards.frozen_at(&self.kept, self.period).await.map_err(fault)?;
        let Period { first, last } = self.period;
        let ends = last < LocalDay::MAX || self.kept.board.closed_at.is_some();
        Ok(LeaderboardPeriod {
            first_day: (first > LocalDay::MIN).then(|| first.into()),
            last_day: (last < LocalDay::MAX).then(|| last.into()),
            closes_at: ends.then(|| DateTime(self.kept.board.closes_at(self.period))),
            frozen_at: frozen_at.map(DateTime),
        })
    }

    /// Those who stand on it, the highest score first. A cursor is a position: while the period goes on, others may have
    /// moved between two pages. What is shown is at most two seconds old.
    async fn entries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<LeaderboardEntryConnection> {
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        let (caller, author) = (caller(ctx)?, author(ctx)?);
        let window = window(&request);
        let look = look_at_board(app(ctx)?, caller, &author, (&self.kept, self.period), window).await;
        Ok(entry::page(look.map_err(fault)?, request.with_total))
    }
}

impl Leaderboard {
    /// A leaderboard in its present period, if the caller may see it.
    pub async fn find(ctx: &Context<'_>, id: BoardId) -> Result<Option<Self>> {
        Self::find_at(ctx, id, None).await
    }

    /// A leaderboard in its present period and what its places are, for whoever watches them.
    pub async fn watched(
        app: &App,
        caller: Caller,
        id: BoardId,
        window: Window,
    ) -> Result<(Self, Vec<Standing>)> {
        let kept = find_board(app, caller, id).await.map_err(fault)?.ok_or_else(|| Code::NotFound.error())?;
        let board = Self { period: period_at(&kept, app.ledger_now()), kept };
        let shown = app
            .boards
            .show(&board.kept, board.period, window)
            .await
            .map_err(AppError::from)
            .map_err(fault)?;
        let places = shown.seats.iter().map(|seat| seat.standing).collect();
        Ok((board, places))
    }

    /// A leaderboard just made or closed.
    fn of(ctx: &Context<'_>, kept: Kept) -> Result<Self> {
        Ok(Self { period: period_at(&kept, app(ctx)?.ledger_now()), kept })
    }

    async fn read(ctx: &Context<'_>, id: &ID, day: Option<Date>) -> Result<Option<Self>> {
        match GlobalId::leaderboard(id) {
            Some(id) => Self::find_at(ctx, id, day).await,
            None => Ok(None),
        }
    }

    async fn find_at(ctx: &Context<'_>, id: BoardId, day: Option<Date>) -> Result<Option<Self>> {
        let app = app(ctx)?;
        let found = find_board(app, caller(ctx)?, id).await.map_err(fault)?;
        let shown = |kept: Kept| Self {
            period: match day {
                Some(Date(day)) => kept.board.cycle.period_of(day),
                None => period_at(&kept, app.ledger_now()),
            },
            kept,
        };
        Ok(found.map(shown))
    }

    async fn around(
        &self,
        ctx: &Context<'_>,
        member: MemberId,
        distance: u64,
    ) -> Result<Vec<LeaderboardEntry>> {
        let (caller, author) = (caller(ctx)?, author(ctx)?);
        let place = (&self.kept, self.period);
        let look = look_around(app(ctx)?, caller, &author, place, (member, distance)).await;
        Ok(look.map_err(fault)?.seats.into_iter().map(LeaderboardEntry).collect())
    }
}

/// The part of a board that a page is.
fn window(request: &PageRequest<i64>) -> Window {
    let position = |cursor: i64| u64::try_from(cursor).unwrap_or_default();
    let (skip, before) = (request.after.map_or(0, position), request.before.map(position));
    let count = request.limit;
    match request.end {
        PageEnd::First => Window::First { skip, count, before },
        PageEnd::Last => Window::Last { skip, count, before },
    }
}
