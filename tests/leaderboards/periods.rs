//! Where periods begin and end, what is late, and what is final.

use amvaj_domain::access::Caller;
use amvaj_domain::time::Span;
use serde_json::json;

use super::support::{
    BOARD, Shop, a_second, all, anew, count, end_periods, instant, look, make, members, row, top,
};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::till::assert_sound;

#[tokio::test(flavor = "multi_thread")]
async fn a_week_begins_on_saturday_and_a_month_where_its_calendar_says() {
    for app in all().await {
        let shop = Shop::open(&app, "Garden Café").await;
        let [member] = members(&app).await;
        let week = make(&app, "POINTS_EARNED", "WEEK", None).await;
        let jalali = make(&app, "POINTS_EARNED", "JALALI_MONTH", None).await;
        let gregorian = make(&app, "POINTS_EARNED", "GREGORIAN_MONTH", None).await;
        let season = make(&app, "POINTS_EARNED", "SEASON", None).await;
        // The clock stands at the time of the report; 2027-01-16 is a Saturday, and Bahman begins on the 21st.
        for (receipt, points, at) in [
            ("R1", 1, "2027-01-15T23:59:59.999999+03:30"),
            ("R2", 10, "2027-01-16T00:00:00+03:30"),
            ("R3", 100, "2027-01-20T23:59:59+03:30"),
            ("R4", 1_000, "2027-01-21T00:00:00+03:30"),
        ] {
            app.clock.advance_to(instant(at));
            shop.sell_at(member, receipt, points, instant(at)).await;
        }
        count(&app).await;
        let score = async |board: &str, day: &str| {
            top(&app, board, Some(day)).await.first().map(|row| row.2.clone()).unwrap_or_default()
        };
        assert_eq!(score(&week, "2027-01-15").await, "1");
        assert_eq!(score(&week, "2027-01-16").await, "1110");
        assert_eq!(score(&week, "2027-01-22").await, "1110");
        assert_eq!(score(&jalali, "2027-01-20").await, "111");
        assert_eq!(score(&jalali, "2027-01-21").await, "1000");
        assert_eq!(score(&gregorian, "2027-01-01").await, "1111");
        assert_eq!(score(&season, "2027-01-21").await, "1111");
        let board = look(&app, Caller::Operator, &jalali, json!({ "first": 1, "day": "2027-01-25" })).await;
        assert_eq!(
            (&board["period"]["firstDay"]["jalali"], &board["period"]["lastDay"]["jalali"]),
            (&json!("1405-11-01"), &json!("1405-11-30"))
        );
        assert_eq!(board["period"]["closesAt"], "2027-02-20T20:30:00Z");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_late_counts_until_the_period_closes_and_a_frozen_period_never_changes() {
    for app in all().await {
        let shop = Shop::open(&app, "Garden Café").await;
        let [early, late] = members(&app).await;
        let day = make(&app, "POINTS_EARNED", "DAY", None).await;
        let noon = instant("2027-01-15T12:00:00+03:30");
        app.clock.advance_to(noon);
        shop.sell(early, "R1", 50).await;
        let today = Some("2027-01-15");
        // The next evening, a till that was offline reports: within the grace of 24 hours.
        app.clock.advance_to(instant("2027-01-16T23:59:59+03:30"));
        shop.sell_at(late, "R2", 80, noon).await;
        count(&app).await;
        end_periods(&app).await;
        assert_eq!(top(&app, &day, today).await, [row(1, 1, 80, late), row(2, 2, 50, early)]);
        // Too late, although the worker has not closed the period yet.
        app.clock.advance_to(instant("2027-01-17T00:00:00+03:30"));
        shop.sell_at(early, "R3", 900, noon).await;
        count(&app).await;
        let final_ = [row(1, 1, 80, late), row(2, 2, 50, early)];
        assert_eq!(top(&app, &day, today).await, final_);
        app.clock.advance_to(instant("2027-01-17T00:02:00+03:30"));
        end_periods(&app).await;
        let frozen = look(&app, Caller::Operator, &day, json!({ "first": 9, "day": "2027-01-15" })).await;
        assert_eq!(frozen["period"]["frozenAt"], "2027-01-16T20:32:00Z");
        shop.refund(late, "R2", None).await;
        shop.sell_at(early, "R4", 900, noon).await;
        count(&app).await;
        end_periods(&app).await;
        a_second().await;
        assert_eq!(top(&app, &day, today).await, final_);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_is_not_closed_while_something_that_counts_is_on_its_way() {
    for app in all().await {
        let shop = Shop::open(&app, "Garden Café").await;
        let [member] = members(&app).await;
        let day = make(&app, "POINTS_EARNED", "DAY", None).await;
        shop.sell(member, "R1", 50).await;
        count(&app).await;
        shop.sell(member, "R2", 25).await;
        // The worker was away for three days.
        app.clock.advance_to(app.clock.now().plus(Span::days(3)));
        end_periods(&app).await;
        let open = look(&app, Caller::Operator, &day, json!({ "first": 9, "day": "2027-01-15" })).await;
        assert!(open["period"]["frozenAt"].is_null());
        count(&app).await;
        end_periods(&app).await;
        assert_eq!(top(&app, &day, Some("2027-01-15")).await, [row(1, 1, 75, member)]);
        let frozen = look(&app, Caller::Operator, &day, json!({ "first": 9, "day": "2027-01-15" })).await;
        assert!(frozen["period"]["frozenAt"].is_string());
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_made_later_counts_the_history_of_its_period() {
    for app in all().await {
        let shop = Shop::open(&app, "Garden Café").await;
        let [member, other] = members(&app).await;
        shop.sell(member, "R1", 7).await;
        app.clock.advance_to(instant("2027-01-16T08:00:00+03:30"));
        shop.sell(member, "R2", 30).await;
        shop.sell(other, "R3", 20).await;
        shop.refund(member, "R2", Some(100)).await;
        count(&app).await;
        shop.sell(other, "R4", 5).await;
        let week = make(&app, "POINTS_EARNED", "WEEK", None).await;
        let ever = make(&app, "POINTS_EARNED", "ALL_TIME", None).await;
        let waiting = look(&app, Caller::Operator, &week, json!({ "first": 9 })).await;
        assert_eq!(waiting["isRecounting"], true);
        count(&app).await;
        a_second().await;
        assert_eq!(top(&app, &week, None).await, [row(1, 1, 25, other), row(2, 2, 20, member)]);
        assert_eq!(top(&app, &ever, None).await, [row(1, 1, 27, member), row(2, 2, 25, other)]);
        assert_eq!(
            top(&app, &week, Some("2027-01-15")).await,
            [],
            "the week before it was made does not count"
        );
        let board = look(&app, Caller::Operator, &week, json!({ "first": 9 })).await;
        assert_eq!(board["isRecounting"], false);
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_board_counts_nothing_more_and_stays_as_it_is() {
    let [sqlite, postgres] = TestDb::both().await;
    for database in [sqlite, postgres] {
        let app = TestApp::start_with(database, anew).await;
        let shop = Shop::open(&app, "Garden Café").await;
        let [member] = members(&app).await;
        let ever = make(&app, "POINTS_EARNED", "ALL_TIME", None).await;
        shop.sell(member, "R1", 50).await;
        app.clock.advance_to(app.clock.now().plus(Span::minutes(1)));
        for _ in 0..2 {
            let input = json!({ "input": { "leaderboardId": ever } });
            let closed = app.data(Caller::Operator, BOARD, "Close", input).await;
            assert_eq!(closed["closeLeaderboard"]["leaderboard"]["closedAt"], "2027-01-15T08:01:00.000001Z");
            app.clock.advance_to(app.clock.now().plus(Span::minutes(5)));
        }
        shop.sell(member, "R2", 100).await;
        count(&app).await;
        end_periods(&app).await;
        let board = look(&app, Caller::Operator, &ever, json!({ "first": 9 })).await;
        assert!(board["period"]["frozenAt"].is_string(), "{board:#}");
        assert_eq!(top(&app, &ever, None).await, [row(1, 1, 50, member)]);
        assert_sound(&app).await;
    }
}
