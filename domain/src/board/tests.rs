//! Periods at their edges, scores that rise and fall, and who stands above whom.

use uuid::Uuid;

use super::*;
use crate::{calendar::JalaliDate, id::WalletId, text::Name};

fn day(text: &str) -> LocalDay {
    LocalDay::parse(text).unwrap()
}

fn jalali(year: i32, month: u8, day: u8) -> LocalDay {
    LocalDay::from_jalali(JalaliDate { year, month, day }).unwrap()
}

fn merchant(number: u128) -> MerchantId {
    MerchantId::new(Uuid::from_u128(number))
}

fn wallet(number: u128) -> WalletId {
    WalletId::new(Uuid::from_u128(number))
}

fn at(micros: i64) -> Instant {
    Instant::from_micros(micros)
}

fn board(metric: Metric, reach: Reach, cycle: Cycle) -> Board {
    let name = Name::parse("board").unwrap();
    Board {
        id: BoardId::new(Uuid::from_u128(1)),
        names: Names { fa: name.clone(), en: name },
        metric,
        reach,
        cycle,
        zone: Zone::default(),
        grace: Span::minutes(60),
        first: LocalDay::MIN,
        created_at: at(0),
        closed_at: None,
    }
}

fn purchase(seq: i64, shop: u128, at_: Instant, points: i64) -> Effect {
    Effect::purchase(seq, merchant(shop), at_, at_, points)
}

#[test]
fn a_week_is_from_saturday_to_friday() {
    // 2027-01-16 is a Saturday.
    let week = Cycle::Week.period_of(day("2027-01-16"));
    assert_eq!((week.first, week.last), (day("2027-01-16"), day("2027-01-22")));
    assert_eq!(Cycle::Week.period_of(day("2027-01-22")), week);
    assert_eq!(Cycle::Week.period_of(day("2027-01-15")).last, day("2027-01-15"));
    assert_eq!(Cycle::Week.period_of(day("1969-12-31")).first, day("1969-12-27"));
}

#[test]
fn months_and_seasons_end_where_their_calendar_ends_them() {
    let month = Cycle::JalaliMonth.period_of(day("2026-03-20"));
    assert_eq!((month.first, month.last), (jalali(1404, 12, 1), jalali(1404, 12, 29)));
    assert_eq!(Cycle::JalaliMonth.period_of(day("2026-03-21")).first, jalali(1405, 1, 1));
    let month = Cycle::GregorianMonth.period_of(day("2028-02-10"));
    assert_eq!((month.first, month.last), (day("2028-02-01"), day("2028-02-29")));
    let season = Cycle::Season.period_of(jalali(1405, 6, 31));
    assert_eq!((season.first, season.last), (jalali(1405, 4, 1), jalali(1405, 6, 31)));
}

#[test]
fn periods_of_a_cycle_follow_each_other_without_a_gap() {
    for cycle in Cycle::ALL {
        for days in (18_000..19_500).map(LocalDay::from_days) {
            let period = cycle.period_of(days);
            assert!(period.first <= days && days <= period.last);
            assert_eq!(cycle.period_of(period.first), period);
            assert_eq!(cycle.period_of(period.last), period);
            if cycle != Cycle::AllTime {
                assert_eq!(cycle.period_of(period.next()).first, period.next());
            }
        }
        assert_eq!(Cycle::from_stored(cycle.stored()), Some(cycle));
    }
}

#[test]
fn a_period_begins_and_ends_at_midnight_of_the_networks_zone() {
    let tehran = Zone::default();
    let today = Cycle::Day.period_of(day("2027-03-21"));
    assert_eq!(today.starts_at(&tehran), tehran.start_of_day(day("2027-03-21")));
    assert_eq!(today.ends_at(&tehran), tehran.start_of_day(day("2027-03-22")));
}

#[test]
fn an_effect_counts_where_and_when_the_board_says() {
    let zone = Zone::default();
    let shop = board(Metric::PointsEarned, Reach::Merchant(merchant(7)), Cycle::Day);
    let noon = zone.start_of_day(day("2027-03-21")).plus(Span::minutes(720));
    let counted = purchase(1, 7, noon, 10);
    assert_eq!(shop.period_of(&counted), Some(Cycle::Day.period_of(day("2027-03-21"))));
    assert_eq!(shop.period_of(&purchase(1, 8, noon, 10)), None, "another merchant");
    let later = Board { first: day("2027-03-22"), ..shop.clone() };
    assert_eq!(later.period_of(&counted), None, "before the board began");
    let midnight = zone.start_of_day(day("2027-03-22"));
    let late = |recorded_at| Effect { recorded_at, ..counted };
    let last = midnight.plus(Span::minutes(60)).plus(Span::from_micros(-1));
    assert!(shop.period_of(&late(last)).is_some(), "within the grace");
    assert_eq!(shop.period_of(&late(midnight.plus(Span::minutes(60)))), None, "after it");
    let closed = Board { closed_at: Some(noon), ..shop };
    assert_eq!(closed.period_of(&counted), None, "recorded when the board was closed");
}

#[test]
fn a_refund_takes_back_the_points_at_the_time_of_the_purchase() {
    let sold = purchase(1, 7, at(100), 50);
    let mut tally = Tally::EMPTY;
    tally.add(Metric::PointsEarned, &sold);
    let refund = sold.refunded(2, at(900), 20, 500, 0, 200);
    assert_eq!((refund.at, refund.points, refund.visits), (at(100), -20, 0));
    tally.add(Metric::PointsEarned, &refund);
    assert_eq!((tally.total, tally.reached_at, tally.seq), (30, at(100), 2), "who falls was there before");
    tally.add(Metric::PointsEarned, &refund);
    assert_eq!(tally.total, 30, "what was added already changes nothing");
}

#[test]
fn a_visit_goes_with_the_last_piece_of_its_purchase_and_only_once() {
    let sold = purchase(1, 7, at(1), 50);
    let visits = |before, money| sold.refunded(2, at(2), 0, 500, before, money).visits;
    assert_eq!((visits(0, 499), visits(499, 1), visits(0, 500), visits(500, 0)), (0, -1, -1, 0));
}

#[test]
fn a_merchant_counts_once_and_until_nothing_of_it_is_kept() {
    let mut tally = Tally::EMPTY;
    let first = purchase(1, 7, at(10), 5);
    for effect in [first, purchase(2, 7, at(20), 5), purchase(3, 8, at(30), 5)] {
        tally.add(Metric::MerchantsVisited, &effect);
    }
    assert_eq!((tally.total, tally.reached_at), (2, at(30)));
    tally.add(Metric::MerchantsVisited, &first.refunded(4, at(40), 5, 100, 0, 100));
    assert_eq!(tally.total, 2, "another purchase is kept there");
    tally.add(Metric::MerchantsVisited, &purchase(2, 7, at(20), 5).refunded(5, at(50), 5, 100, 0, 100));
    assert_eq!((tally.total, tally.reached_at), (1, at(30)));
}

#[test]
fn equal_scores_share_a_rank_and_the_first_to_reach_it_stands_above() {
    let place = |total, reached, number| Place { total, reached_at: at(reached), wallet: wallet(number) };
    let mut places = [place(70, 5, 1), place(90, 9, 2), place(90, 8, 3), place(70, 5, 4), place(10, 1, 5)];
    places.sort_unstable();
    let shown: Vec<_> = standings(places, 0, 0)
        .into_iter()
        .map(|one| (one.position, one.rank, one.place.wallet.uuid().as_u128()))
        .collect();
    assert_eq!(shown, [(1, 1, 3), (2, 1, 2), (3, 3, 1), (4, 3, 4), (5, 5, 5)]);
    let page = standings(places[3..].iter().copied(), 3, 2);
    assert_eq!(page.iter().map(|one| (one.position, one.rank)).collect::<Vec<_>>(), [(4, 3), (5, 5)]);
}

#[test]
fn a_board_that_makes_no_sense_is_refused() {
    let merchants = board(Metric::MerchantsVisited, Reach::Merchant(merchant(1)), Cycle::Day);
    assert_eq!(merchants.validate(), Err(InvalidBoard::MetricOfOneMerchant));
    let good = board(Metric::Visits, Reach::Merchant(merchant(1)), Cycle::Day);
    assert_eq!(good.validate(), Ok(()));
    for grace in [Span::from_micros(-1), Span::days(31)] {
        assert_eq!(Board { grace, ..good.clone() }.validate(), Err(InvalidBoard::Grace));
    }
    for metric in [Metric::PointsEarned, Metric::Visits, Metric::MerchantsVisited] {
        assert_eq!(Metric::from_stored(metric.stored()), Some(metric));
    }
}
