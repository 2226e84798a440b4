//! The demo's leaderboards: one of each metric, in periods of both calendars, and one of the first merchant alone.

use amvaj_domain::{
    audit::{Act, ActKind, Author, Target},
    board::{Board, Cycle, Metric, Reach},
    id::{BoardId, MerchantId},
};

use super::{
    cast::{self, CastError},
    script::Script,
};
use crate::app::{App, boards::USUAL_GRACE};

/// A board to be.
struct BoardPlan {
    fa: &'static str,
    en: &'static str,
    metric: Metric,
    cycle: Cycle,
    /// Whether it is the first merchant's own.
    own: bool,
}

/// The boards, in the order in which they are listed.
const PLANS: [BoardPlan; 5] = [
    BoardPlan {
        fa: "پرامتیازترین‌های ماه",
        en: "Most points of the month",
        metric: Metric::PointsEarned,
        cycle: Cycle::JalaliMonth,
        own: false,
    },
    BoardPlan {
        fa: "پرخریدترین‌های هفته",
        en: "Most visits of the week",
        metric: Metric::Visits,
        cycle: Cycle::Week,
        own: false,
    },
    BoardPlan {
        fa: "گردشگران این فصل",
        en: "Most merchants of the season",
        metric: Metric::MerchantsVisited,
        cycle: Cycle::Season,
        own: false,
    },
    BoardPlan {
        fa: "پرامتیازترین‌های همیشه",
        en: "Most points of all time",
        metric: Metric::PointsEarned,
        cycle: Cycle::AllTime,
        own: false,
    },
    BoardPlan {
        fa: "مشتریان وفادار ما",
        en: "Our regulars",
        metric: Metric::Visits,
        cycle: Cycle::AllTime,
        own: true,
    },
];

/// How many boards the demo has.
pub const BOARDS: u64 = 5;

/// Makes the boards that are not there yet. They count the history of their present periods.
///
/// # Errors
/// When a name of the demo's own list is none, or the database fails.
pub async fn make(app: &App, script: &Script) -> Result<(), CastError> {
    let first: Option<MerchantId> = script.shops.first().map(|shop| shop.merchant);
    let known: Vec<BoardId> = app.boards.all().await?.iter().map(|kept| kept.board.id).collect();
    for (plan, &id) in PLANS.iter().zip(&script.boards).filter(|(_, id)| !known.contains(id)) {
        let now = app.now();
        let reach = first.filter(|_| plan.own).map_or(Reach::Network, Reach::Merchant);
        let board = Board {
            id,
            names: cast::names(plan.fa, plan.en)?,
            metric: plan.metric,
            reach,
            cycle: plan.cycle,
            zone: app.zone.clone(),
            grace: USUAL_GRACE,
            first: plan.cycle.period_of(app.zone.day_of(now)).first,
            created_at: now,
            closed_at: None,
        };
        let act = Act::new(&Author::console(), ActKind::BoardMade, Target::Board(id), now)
            .detail("nameFa", board.names.fa.as_str())
            .detail("nameEn", board.names.en.as_str());
        if app.boards.make(&board, &act).await?.is_err() {
            tracing::warn!(board = plan.en, "a board of the demo was refused");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use amvaj_domain::text::Name;

    use super::*;

    #[test]
    fn every_board_makes_sense_and_shows_a_metric_or_a_period_of_its_own() {
        assert_eq!(u64::try_from(PLANS.len()), Ok(BOARDS));
        let shown: std::collections::HashSet<_> =
            PLANS.iter().map(|plan| (plan.metric, plan.cycle, plan.own)).collect();
        assert_eq!(shown.len(), PLANS.len());
        assert!(PLANS.iter().all(|plan| Name::parse(plan.fa).is_ok() && Name::parse(plan.en).is_ok()));
        assert!(PLANS.iter().all(|plan| !(plan.own && plan.metric == Metric::MerchantsVisited)));
    }
}
