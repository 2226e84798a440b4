//! Ranks, positions and neighbours, and what raises and lowers a score.

use amvaj_domain::access::Caller;
use amvaj_domain::time::Span;
use serde_json::json;

use super::support::{
    BOARD, Shop, a_second, all, count, end_periods, id, look, make, members, row, rows, top,
};
use crate::support::app::TestApp;
use crate::support::till::assert_sound;

/// Everything that can be asked of the board of [`ties_share_a_rank_and_neighbours_end_at_both_ends`].
async fn looks_right(app: &TestApp, board: &str, people: &[amvaj_domain::id::MemberId; 5], what: &str) {
    let [first, second, third, fourth, nobody] = *people;
    let all = [row(1, 1, 100, first), row(2, 1, 100, second), row(3, 3, 70, third), row(4, 4, 5, fourth)];
    let seen = look(app, Caller::Operator, board, json!({ "first": 2 })).await["entries"].clone();
    assert_eq!(rows(&seen["nodes"]), all[..2], "{what}");
    assert_eq!(seen["totalCount"], 4, "{what}");
    assert_eq!(
        (&seen["pageInfo"]["hasNextPage"], &seen["pageInfo"]["hasPreviousPage"]),
        (&json!(true), &json!(false))
    );
    let after = json!({ "first": 9, "after": seen["pageInfo"]["endCursor"] });
    let rest = look(app, Caller::Operator, board, after).await["entries"].clone();
    assert_eq!(rows(&rest["nodes"]), all[2..], "{what}");
    assert_eq!(
        (&rest["pageInfo"]["hasNextPage"], &rest["pageInfo"]["hasPreviousPage"]),
        (&json!(false), &json!(true))
    );
    let last = look(app, Caller::Operator, board, json!({ "last": 3 })).await["entries"].clone();
    assert_eq!(rows(&last["nodes"]), all[1..], "{what}");
    let before = json!({ "last": 9, "before": last["pageInfo"]["startCursor"] });
    let before = look(app, Caller::Operator, board, before).await["entries"].clone();
    assert_eq!(rows(&before["nodes"]), all[..1], "{what}");

    for (member, distance, expected) in [
        (first, 1, &all[..2]),
        (second, 1, &all[..3]),
        (fourth, 1, &all[2..]),
        (third, 50, &all[..]),
        (nobody, 3, &all[..0]),
    ] {
        let variables = json!({ "id": board, "member": id(member), "distance": distance });
        let around = app.data(Caller::Operator, BOARD, "Around", variables).await;
        assert_eq!(rows(&around["leaderboardAround"]), expected, "{what}");
    }
    let mine = app.data(Caller::Member(third), BOARD, "Mine", json!({ "id": board })).await["myRank"].clone();
    assert_eq!(
        (&mine["position"], &mine["rank"], &mine["isMine"]),
        (&json!(3), &json!(3), &json!(true)),
        "{what}"
    );
    let none = app.data(Caller::Member(nobody), BOARD, "Mine", json!({ "id": board })).await;
    assert!(none["myRank"].is_null(), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ties_share_a_rank_and_neighbours_end_at_both_ends() {
    for app in all().await {
        let shop = Shop::open(&app, "Garden Café").await;
        let people = members::<5>(&app).await;
        let [first, second, third, fourth, _] = people;
        shop.sell(third, "R1", 70).await;
        shop.sell(first, "R2", 100).await;
        // The last to reach a hundred, in two steps, although it came first of all.
        shop.sell(second, "R3", 60).await;
        shop.sell(fourth, "R4", 5).await;
        shop.sell(second, "R5", 40).await;
        let board = make(&app, "POINTS_EARNED", "DAY", None).await;
        count(&app).await;
        looks_right(&app, &board, &people, "from the database").await;
        a_second().await;
        count(&app).await;
        // Memory makes its copy for the first look.
        looks_right(&app, &board, &people, "from a copy").await;
        looks_right(&app, &board, &people, "from the same copy").await;
        let drift = app.app.boards.drift(app.clock.now()).await.unwrap();
        assert_eq!((drift.copies, drift.differences.len()), (1, 0), "{drift:?}");
        assert_sound(&app).await;

        let day = app.clock.now();
        app.clock.advance_to(day.plus(Span::days(3)));
        count(&app).await;
        end_periods(&app).await;
        let frozen = top(&app, &board, Some("2027-01-15")).await;
        assert_eq!(
            frozen,
            [row(1, 1, 100, first), row(2, 1, 100, second), row(3, 3, 70, third), row(4, 4, 5, fourth)]
        );
        let variables = json!({ "id": board, "member": id(second), "distance": 1, "day": "2027-01-15" });
        let around = app.data(Caller::Operator, BOARD, "Around", variables).await;
        assert_eq!(rows(&around["leaderboardAround"]), frozen[..3]);
        let last = look(&app, Caller::Operator, &board, json!({ "last": 2, "day": "2027-01-15" })).await;
        assert_eq!(rows(&last["entries"]["nodes"]), frozen[2..]);
        assert_eq!(top(&app, &board, None).await, [], "the day of today is another period");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_lower_every_score_and_never_below_zero() {
    for app in all().await {
        let (cafe, books) = (Shop::open(&app, "Garden Café").await, Shop::open(&app, "Bookshop").await);
        let [lucky, other] = members(&app).await;
        let mut boards = Vec::new();
        for metric in ["POINTS_EARNED", "VISITS", "MERCHANTS_VISITED"] {
            boards.push(make(&app, metric, "ALL_TIME", None).await);
        }
        let at_cafe = make(&app, "POINTS_EARNED", "ALL_TIME", Some(cafe.merchant)).await;
        boards.push(at_cafe);
        cafe.sell(lucky, "C1", 100).await;
        cafe.sell(lucky, "C2", 30).await;
        books.sell(lucky, "B1", 20).await;
        cafe.sell(other, "C3", 40).await;
        count(&app).await;
        a_second().await;
        count(&app).await;
        let scores = async |member| {
            let mut scores = Vec::new();
            for board in &boards {
                let found = top(&app, board, None).await.into_iter().find(|row| row.3 == id(member));
                scores.push(found.map_or(0, |row| row.2.parse::<i64>().unwrap()));
            }
            scores
        };
        assert_eq!(scores(lucky).await, [150, 3, 2, 130]);
        assert_eq!(scores(other).await, [40, 1, 1, 40]);
        cafe.refund(lucky, "C1", Some(500)).await;
        count(&app).await;
        a_second().await;
        assert_eq!(scores(lucky).await, [100, 3, 2, 80], "a part of a purchase came back");
        cafe.refund(lucky, "C1", None).await;
        cafe.refund(other, "C3", None).await;
        books.refund(lucky, "B1", None).await;
        count(&app).await;
        a_second().await;
        assert_eq!(scores(lucky).await, [30, 1, 1, 30]);
        assert_eq!(scores(other).await, [0, 0, 0, 0], "who has nothing does not stand there");
        let points = top(&app, &boards[0], None).await;
        assert_eq!(points, [row(1, 1, 30, lucky)]);
        assert_eq!(app.app.boards.drift(app.clock.now()).await.unwrap().differences, Vec::<String>::new());
        assert_sound(&app).await;
    }
}
