//! Who sees which board and whom on it, members who hide, and every refusal once.

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::Caller;
use amvaj_domain::audit::{ActKind, Target};
use amvaj_domain::id::{BoardId, MemberId};
use amvaj_infra::audit::AuditFilter;
use amvaj_infra::page::PageRequest;
use serde_json::{Value, json};
use uuid::Uuid;

use super::support::{BOARD, Shop, all, anew, board_id, count, id, look, make, members};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::till::codes;

async fn boards(app: &TestApp, caller: Caller) -> Value {
    app.data(caller, BOARD, "Boards", json!({})).await["leaderboards"]["totalCount"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchants_board_is_for_the_merchant_its_members_and_the_operator() {
    for app in all().await {
        let (cafe, books) = (Shop::open(&app, "Garden Café").await, Shop::open(&app, "Bookshop").await);
        let [guest, reader] = members(&app).await;
        cafe.sell(guest, "C1", 10).await;
        books.sell(reader, "B1", 30).await;
        let network = make(&app, "VISITS", "WEEK", None).await;
        let own = make(&app, "POINTS_EARNED", "WEEK", Some(cafe.merchant)).await;
        count(&app).await;
        for (caller, sees) in [
            (Caller::Operator, true),
            (Caller::Agent, true),
            (cafe.caller(), true),
            (Caller::Member(guest), true),
            (books.caller(), false),
            (Caller::Member(reader), false),
        ] {
            let seen = look(&app, caller, &own, json!({ "first": 9 })).await;
            assert_eq!(seen.is_object(), sees, "{caller:?}");
            let everybodys = look(&app, caller, &network, json!({ "first": 9 })).await;
            assert_eq!(everybodys["entries"]["totalCount"], 2, "{caller:?}");
            assert_eq!(boards(&app, caller).await, if sees { 2 } else { 1 }, "{caller:?}");
            let node = format!("query Walk {{ node(id: {own:?}) {{ id }} }}");
            assert_eq!(app.data(caller, &node, "Walk", json!({})).await["node"].is_object(), sees);
        }
        let around = json!({ "id": own, "member": id(guest) });
        let strangers = app.data(books.caller(), BOARD, "Around", around.clone()).await;
        assert_eq!(strangers["leaderboardAround"], json!([]));
        let others = app.data(Caller::Member(reader), BOARD, "Around", around.clone()).await;
        assert_eq!(others["leaderboardAround"], json!([]));
        let mine = app.data(cafe.caller(), BOARD, "Around", around).await;
        assert_eq!(mine["leaderboardAround"].as_array().unwrap().len(), 1);
        let mine = app.data(Caller::Member(reader), BOARD, "Mine", json!({ "id": own })).await;
        assert!(mine["myRank"].is_null());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_see_initials_and_of_those_who_hide_nothing_but_the_place() {
    for app in all().await {
        let (cafe, books) = (Shop::open(&app, "Garden Café").await, Shop::open(&app, "Bookshop").await);
        let [first, second] = members(&app).await;
        cafe.sell(first, "C1", 30).await;
        cafe.sell(second, "C2", 10).await;
        let board = make(&app, "POINTS_EARNED", "WEEK", None).await;
        count(&app).await;
        // Name, member, whether it is hidden, whether it is one's own, and when it was reached, of the first place.
        let first_place = async |caller| {
            let seen = look(&app, caller, &board, json!({ "first": 2 })).await["entries"]["nodes"][0].clone();
            assert_eq!((&seen["position"], &seen["score"]), (&json!(1), &json!("30")), "{caller:?}");
            let name = seen["name"].as_str().map(str::to_owned);
            (
                name,
                seen["member"].is_object(),
                seen["isHidden"] == true,
                seen["isMine"] == true,
                seen["reachedAt"].is_string(),
            )
        };
        let (whole, initials) = (Some("مینا کریمی".to_owned()), Some("م*** ک***".to_owned()));
        assert_eq!(first_place(Caller::Member(first)).await, (whole.clone(), true, false, true, true));
        assert_eq!(first_place(Caller::Member(second)).await, (initials.clone(), false, false, false, false));
        assert_eq!(first_place(cafe.caller()).await, (whole.clone(), true, false, false, true));
        assert_eq!(first_place(books.caller()).await, (initials.clone(), false, false, false, false));
        assert_eq!(first_place(Caller::Operator).await, (whole.clone(), true, false, false, true));

        let hide = async |hidden: bool| {
            let said = app.data(Caller::Member(first), BOARD, "Hide", json!({ "hidden": hidden })).await;
            assert_eq!(said["setLeaderboardVisibility"], json!({ "hidden": hidden, "userErrors": [] }));
        };
        hide(true).await;
        hide(true).await;
        assert_eq!(first_place(Caller::Member(first)).await, (whole.clone(), true, true, true, true));
        assert_eq!(first_place(Caller::Member(second)).await, (None, false, true, false, false));
        assert_eq!(first_place(cafe.caller()).await, (None, false, true, false, false));
        // Nor is it found by whoever names it: a place without a name would still be the place of who was named.
        let named = async |caller, member: MemberId| {
            let variables = json!({ "id": board, "member": id(member), "distance": 0 });
            let around = app.data(caller, BOARD, "Around", variables).await;
            around["leaderboardAround"].as_array().unwrap().len()
        };
        assert_eq!(named(cafe.caller(), first).await, 0);
        assert_eq!(named(cafe.caller(), second).await, 1);
        assert_eq!(named(Caller::Agent, first).await, 1);
        assert_eq!(first_place(Caller::Agent).await, (whole.clone(), true, true, false, true));
        hide(false).await;
        assert_eq!(first_place(Caller::Member(second)).await, (initials, false, false, false, false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_kept_for_a_second_and_a_change_of_name_or_score_is_seen_after_it() {
    let [sqlite, postgres] = TestDb::both().await;
    for database in [sqlite, postgres] {
        let app = TestApp::start(database).await;
        let shop = Shop::open(&app, "Garden Café").await;
        let [member] = members(&app).await;
        shop.sell(member, "C1", 30).await;
        let board = make(&app, "POINTS_EARNED", "WEEK", None).await;
        count(&app).await;
        let score = async || {
            look(&app, Caller::Member(member), &board, json!({ "first": 2 })).await["entries"]["nodes"][0]["score"]
                .clone()
        };
        assert_eq!(score().await, "30");
        shop.sell(member, "C2", 5).await;
        count(&app).await;
        for _ in 0..100 {
            if score().await == "35" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(score().await, "35");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_has_its_code() {
    let [sqlite, postgres] = TestDb::both().await;
    for database in [sqlite, postgres] {
        let app = TestApp::start_with(database, anew).await;
        let merchant = app.merchant("Garden Café").await;
        let shop = GlobalId::Merchant(merchant).write().to_string();
        let [member] = members(&app).await;
        let nobody = GlobalId::Leaderboard(BoardId::new(Uuid::from_u128(9))).write().to_string();
        let foreign = GlobalId::Merchant(amvaj_domain::id::MerchantId::new(Uuid::from_u128(9))).write();
        let good = json!({ "nameFa": "تابلو", "nameEn": "Board", "metric": "VISITS", "cycle": "DAY" });
        let with = |changes: Value| {
            let mut input = good.clone();
            input.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            json!({ "input": input })
        };
        for (changes, code, field) in [
            (json!({ "nameFa": " " }), "INVALID_NAME", "nameFa"),
            (json!({ "nameEn": "" }), "INVALID_NAME", "nameEn"),
            (json!({ "merchantId": "x" }), "MERCHANT_NOT_FOUND", "merchantId"),
            (json!({ "merchantId": foreign.as_str() }), "MERCHANT_NOT_FOUND", "merchantId"),
            (json!({ "merchantId": shop, "metric": "MERCHANTS_VISITED" }), "METRIC_NOT_OFFERED", "metric"),
            (json!({ "graceHours": -1 }), "INVALID_GRACE", "graceHours"),
            (json!({ "graceHours": 721 }), "INVALID_GRACE", "graceHours"),
        ] {
            let answer = app.data(Caller::Operator, BOARD, "Create", with(changes)).await;
            let payload = &answer["createLeaderboard"];
            assert_eq!(codes(payload), [code], "{payload:#}");
            assert_eq!(payload["userErrors"][0]["field"], json!(["input", field]));
            assert!(payload["leaderboard"].is_null());
        }
        for board in [nobody.as_str(), shop.as_str()] {
            let input = json!({ "input": { "leaderboardId": board } });
            let answer = app.data(Caller::Operator, BOARD, "Close", input).await;
            assert_eq!(codes(&answer["closeLeaderboard"]), ["LEADERBOARD_NOT_FOUND"]);
            assert!(look(&app, Caller::Operator, board, json!({ "first": 1 })).await.is_null());
            let around = json!({ "id": board, "member": id(member) });
            let around = app.data(Caller::Operator, BOARD, "Around", around).await;
            assert_eq!(around["leaderboardAround"], json!([]));
        }
        let stranger = Caller::Member(MemberId::new(Uuid::from_u128(9)));
        let answer = app.data(stranger, BOARD, "Hide", json!({ "hidden": true })).await;
        assert_eq!(codes(&answer["setLeaderboardVisibility"]), ["MEMBER_NOT_FOUND"]);

        let board = make(&app, "VISITS", "DAY", Some(merchant)).await;
        let operator = Some(Caller::Operator);
        for (caller, name, variables, code) in [
            (operator, "Board", json!({ "id": board }), "BAD_USER_INPUT"),
            (operator, "Board", json!({ "id": board, "first": 101 }), "BAD_USER_INPUT"),
            (operator, "Board", json!({ "id": board, "first": 1, "after": "x" }), "BAD_USER_INPUT"),
            (operator, "Around", json!({ "id": board }), "BAD_USER_INPUT"),
            (
                Some(Caller::Member(member)),
                "Around",
                json!({ "id": board, "distance": 51 }),
                "BAD_USER_INPUT",
            ),
            (
                Some(Caller::Member(member)),
                "Around",
                json!({ "id": board, "distance": -1 }),
                "BAD_USER_INPUT",
            ),
            (operator, "Mine", json!({ "id": board }), "FORBIDDEN"),
            (None, "Boards", json!({}), "UNAUTHENTICATED"),
            (Some(Caller::Agent), "Create", json!({ "input": good }), "FORBIDDEN"),
            (
                Some(Caller::Merchant(merchant)),
                "Close",
                json!({ "input": { "leaderboardId": board } }),
                "FORBIDDEN",
            ),
        ] {
            assert_eq!(app.code(caller, BOARD, name, variables.clone()).await, code, "{name} {variables}");
        }
        for number in 1..=99 {
            let made = app.data(Caller::Operator, BOARD, "Create", json!({ "input": good })).await;
            assert!(codes(&made["createLeaderboard"]).is_empty(), "{number}");
        }
        let made = app.data(Caller::Operator, BOARD, "Create", json!({ "input": good })).await;
        assert_eq!(codes(&made["createLeaderboard"]), ["TOO_MANY_LEADERBOARDS"]);
        assert_eq!(boards(&app, Caller::Operator).await, 100);
        tells_what_was_done(&app, &board).await;
    }
}

/// The audit log names who made, looked at and closed a board; looks of the same person within ten minutes are one entry.
async fn tells_what_was_done(app: &TestApp, board: &str) {
    for _ in 0..3 {
        look(app, Caller::Operator, board, json!({ "first": 1 })).await;
    }
    let input = json!({ "input": { "leaderboardId": board } });
    app.data(Caller::Operator, BOARD, "Close", input).await;
    let filter = AuditFilter { target: Some(Target::Board(board_id(board))), ..AuditFilter::default() };
    let told = app.app.audit.page(&filter, &PageRequest::first(9)).await.unwrap();
    let kinds: Vec<ActKind> = told.items.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [ActKind::BoardMade, ActKind::BoardLookedAt, ActKind::BoardClosed]);
}
