//! Boards of the story: of each metric one that is counted, and one by the day whose periods are frozen in time.

use std::time::Duration;

use amvaj_domain::access::{Actor, Caller, Identity};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::board::{Board, Cycle, Metric, Reach};
use amvaj_domain::calendar::Zone;
use amvaj_domain::id::{BoardId, MerchantId, UserId};
use amvaj_domain::merchant::Names;
use amvaj_domain::text::Name;
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::board::{BoardKeeper, Boards, LiveBoards};
use amvaj_infra::db::Database;
use amvaj_infra::directory::Directory;
use amvaj_infra::outbox::Buckets;
use amvaj_infra::worker::acquire;
use uuid::Uuid;

/// Makes the boards before anything has happened.
pub(super) async fn make(database: &Database, shop: MerchantId, now: Instant) -> Boards {
    let directory = Directory::new(database.clone());
    let boards = Boards::new(database.clone(), directory, LiveBoards::memory(), Duration::ZERO);
    let plans = [
        (Metric::PointsEarned, Reach::Network, Cycle::AllTime),
        (Metric::PointsEarned, Reach::Network, Cycle::Day),
        (Metric::Visits, Reach::Merchant(shop), Cycle::AllTime),
        (Metric::MerchantsVisited, Reach::Network, Cycle::AllTime),
    ];
    let user = Actor::User(UserId::new(Uuid::from_u128(0xe000)));
    let author = Author::new(&Identity::new(Caller::Operator, user), "r-boards");
    for (number, (metric, reach, cycle)) in (1..).zip(plans) {
        let name = Name::parse("تابلو").unwrap();
        let zone = Zone::default();
        let id = BoardId::new(Uuid::from_u128(0xd000 + number));
        let board = Board {
            id,
            names: Names { fa: name.clone(), en: name },
            metric,
            reach,
            cycle,
            grace: Span::days(1),
            first: cycle.period_of(zone.day_of(now)).first,
            zone,
            created_at: now,
            closed_at: None,
        };
        let act = Act::new(&author, ActKind::BoardMade, Target::Board(id), now).detail("nameEn", "board");
        boards.make(&board, &act).await.unwrap().unwrap();
    }
    boards
}

/// Counts what is numbered, the history of the boards included.
pub(super) async fn count(database: &Database, held: &Buckets) {
    let keeper = BoardKeeper::new(database.clone());
    keeper.register().await.unwrap();
    while keeper.keep(held, 100).await.unwrap() > 0 {}
    while keeper.recount(held).await.unwrap() {}
}

/// Ends the periods that are over, and removes the totals of those that are frozen.
pub(super) async fn end(database: &Database, boards: &Boards, now: Instant) {
    let lease = acquire(database, "boards", Uuid::from_u128(1), now, Span::days(9)).await.unwrap().unwrap();
    for now in [now, now.plus(Span::days(1))] {
        while boards.end_periods(&lease, now).await.unwrap() {}
    }
}
