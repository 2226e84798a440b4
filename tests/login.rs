//! Logging in with a code: what the asker is told, what is sent, and what nobody can find out.

use std::net::IpAddr;

use amvaj_api::app::request_login_code::{CodeRefused, RequestLoginCode, request_login_code};
use amvaj_api::app::{AppError, Stopped};
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::Caller;
use amvaj_domain::id::MerchantId;
use amvaj_domain::language::Language;
use amvaj_domain::text::Mobile;
use amvaj_domain::time::Span;
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sessions::{SESSION, code, good, refresh};
use crate::support::app::{START, TestApp};
use crate::support::panel::Panel;

const LOGIN: &str = include_str!("queries/login.graphql");
const MEMBER: &str = include_str!("queries/member.graphql");
const MOBILE: &str = "09123456789";

/// Asks for a code and answers with the payload.
pub(crate) async fn ask(app: &TestApp, mobile: &str, staff_of: Option<MerchantId>) -> Value {
    let staff_of = staff_of.map(|id| GlobalId::Merchant(id).write().0);
    let variables = json!({ "mobile": mobile, "staffOf": staff_of });
    let answer = app.send_with(None, LOGIN, "RequestLoginCode", variables).await;
    assert!(answer["errors"].is_null(), "{answer:#}");
    answer["data"]["requestLoginCode"].clone()
}

/// Tries a code and answers with the payload.
pub(crate) async fn verify(app: &TestApp, challenge: &Value, code: &str) -> Value {
    let variables = json!({ "challengeId": challenge, "code": code });
    let answer = app.send_with(None, LOGIN, "VerifyLoginCode", variables).await;
    assert!(answer["errors"].is_null(), "{answer:#}");
    answer["data"]["verifyLoginCode"].clone()
}

fn sent_code(message: &Value) -> String {
    message["code"].as_str().unwrap().to_owned()
}

/// Another code than the one that was sent.
fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

/// Counts rows.
async fn rows(app: &TestApp, table: &str) -> i64 {
    let connection = app.app.db.for_migrations();
    let sql = format!("select count(*) from {table}");
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// A request that comes from an address of its own.
fn from(number: u32, mobile: &str) -> RequestLoginCode {
    RequestLoginCode {
        mobile: Mobile::parse(mobile).unwrap(),
        staff_of: None,
        address: IpAddr::from(number.to_be_bytes()),
        language: Language::English,
    }
}

#[tokio::test]
async fn a_member_logs_in_with_the_code_that_the_panel_was_given() {
    for (app, panel) in Panel::both(|_| {}).await {
        app.member("مینا کریمی", MOBILE).await;
        let asked = ask(&app, "۰۹۱۲ ٣٤٥ ۶۷۸۹", None).await;
        assert_eq!(asked["userErrors"], json!([]));
        assert_eq!(asked["expiresAt"], "2027-01-15T08:02:00Z");
        assert_eq!(asked["resendAt"], "2027-01-15T08:01:00Z");
        let message = panel.message(1).await;
        let sent = sent_code(&message);
        assert_eq!(message["to"], "+989123456789");
        let text = message["text"].as_str().unwrap();
        assert!(text.ends_with(&format!("\n@club.example #{sent}")), "{text}");
        assert!(text.starts_with("Your code for Amvaj Club:"), "{text}");
        let persian: String =
            sent.bytes().map(|digit| char::from_u32(0x06F0 + u32::from(digit - b'0')).unwrap()).collect();
        let logged_in = verify(&app, &asked["challengeId"], &format!(" {persian}\u{200F}")).await;
        assert_eq!(logged_in["userErrors"], json!([]));
        let tokens = &logged_in["tokens"];
        let access = tokens["accessToken"].as_str().unwrap();
        let viewer = app.send_with(Some(access), SESSION, "Viewer", json!({})).await;
        assert_eq!(viewer["data"]["viewer"]["role"], "MEMBER");
        assert!(refresh(&app, tokens["refreshToken"].as_str().unwrap(), None).await["tokens"].is_object());
        let again = verify(&app, &asked["challengeId"], &sent).await;
        assert_eq!(code(&again), "CODE_EXPIRED", "a code is good once");
    }
}

#[tokio::test]
async fn the_message_is_in_the_language_that_the_member_chose_and_fits_into_one_part() {
    for (app, panel) in Panel::both(|_| {}).await {
        let member = Caller::Member(app.member("مینا کریمی", MOBILE).await);
        app.data(member, MEMBER, "SetLanguage", json!({ "language": "FA" })).await;
        let request = app.request(None, LOGIN, "RequestLoginCode", json!({ "mobile": MOBILE }));
        request.header("accept-language", "en").send().await.unwrap();
        let message = panel.message(1).await;
        let text = message["text"].as_str().unwrap();
        assert!(text.starts_with("کد ورود"), "{text}");
        assert!(text.encode_utf16().count() <= 70, "{} units: {text}", text.encode_utf16().count());
        app.member("Ali", "09121234567").await;
        let request = app.request(None, LOGIN, "RequestLoginCode", json!({ "mobile": "09121234567" }));
        request.header("accept-language", "fa").send().await.unwrap();
        assert!(panel.message(2).await["text"].as_str().unwrap().starts_with("کد ورود"));
    }
}

#[tokio::test]
async fn a_wrong_code_counts_and_the_fifth_was_the_last() {
    for (app, panel) in Panel::both(|_| {}).await {
        app.member("مینا کریمی", MOBILE).await;
        let challenge = ask(&app, MOBILE, None).await["challengeId"].clone();
        let right = sent_code(&panel.message(1).await);
        for nonsense in ["", "48291", "4829134", "48291x"] {
            assert_eq!(code(&verify(&app, &challenge, nonsense).await), "INVALID_CODE", "{nonsense}");
        }
        for left in (0..5).rev() {
            let tried = verify(&app, &challenge, &wrong(&right)).await;
            assert_eq!((code(&tried), &tried["triesLeft"]), ("WRONG_CODE", &json!(left)));
        }
        let late = verify(&app, &challenge, &right).await;
        assert_eq!((code(&late), &late["triesLeft"]), ("CODE_EXPIRED", &Value::Null));
        for foreign in ["", "x", "AAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(code(&verify(&app, &json!(foreign), &right).await), "CODE_EXPIRED");
        }
    }
}

#[tokio::test]
async fn a_code_is_good_for_two_minutes() {
    for (app, panel) in Panel::both(|_| {}).await {
        app.member("مینا کریمی", MOBILE).await;
        let challenge = ask(&app, MOBILE, None).await["challengeId"].clone();
        let right = sent_code(&panel.message(1).await);
        app.clock.advance_to(START.plus(Span::minutes(2)));
        assert_eq!(code(&verify(&app, &challenge, &right).await), "CODE_EXPIRED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_code_that_comes_many_times_at_once_logs_in_once() {
    for (app, panel) in Panel::both(|_| {}).await {
        let other = app.second_node().await;
        app.member("مینا کریمی", MOBILE).await;
        let challenge = ask(&app, MOBILE, None).await["challengeId"].clone();
        let right = sent_code(&panel.message(1).await);
        let trying =
            (0..5).map(|number| verify(if number % 2 == 0 { &app } else { &other }, &challenge, &right));
        let answers = join_all(trying).await;
        let given = answers.iter().filter(|answer| answer["tokens"].is_object()).count();
        assert_eq!(given, 1, "{answers:#?}");
    }
}

#[tokio::test]
async fn numbers_that_nobody_has_or_whose_owner_is_blocked_are_answered_alike_and_sent_nothing() {
    for (app, panel) in Panel::both(|_| {}).await {
        app.member("مینا کریمی", MOBILE).await;
        let blocked = GlobalId::Member(app.member("علی", "09121234567").await).write().0;
        app.data(Caller::Operator, MEMBER, "BlockMember", json!({ "id": blocked })).await;
        let shape = |mut payload: Value| {
            let id = payload["challengeId"].take();
            assert_eq!(id.as_str().map(str::len), Some(22), "{payload:#}");
            payload
        };
        let mobiles = [MOBILE, "09121234567", "09351112222"];
        let mut answers = Vec::new();
        for (number, mobile) in (1_i64..).zip(mobiles) {
            let asked = ask(&app, mobile, None).await;
            let tried = verify(&app, &asked["challengeId"], "000000").await;
            assert_eq!(rows(&app, "login_challenge").await, number, "each has a row");
            assert_eq!(rows(&app, "login_number").await, number);
            answers.push((shape(asked), tried, shape_of_wait(&app, mobile).await));
        }
        assert_eq!(answers[0], answers[1], "blocked");
        assert_eq!(answers[0], answers[2], "unknown");
        // Whatever was sent was begun before the answers; one message later all of it is here.
        app.clock.advance_to(START.plus(Span::minutes(1)));
        ask(&app, MOBILE, None).await;
        panel.message(2).await;
        assert!(panel.messages().iter().all(|message| message["to"] == "+989123456789"));
    }
}

/// What is answered to a number that asks again at once.
async fn shape_of_wait(app: &TestApp, mobile: &str) -> Value {
    let again = ask(app, mobile, None).await;
    assert_eq!(code(&again), "CODE_SENT_RECENTLY");
    assert_eq!(again["resendAt"], "2027-01-15T08:01:00Z");
    again
}

#[tokio::test]
async fn a_number_is_sent_a_code_a_minute_and_six_an_hour() {
    for (app, panel) in Panel::both(|_| {}).await {
        app.member("مینا کریمی", MOBILE).await;
        for minute in 0..6 {
            app.clock.advance_to(START.plus(Span::minutes(minute)));
            assert_eq!(ask(&app, MOBILE, None).await["userErrors"], json!([]), "minute {minute}");
        }
        app.clock.advance_to(START.plus(Span::minutes(30)));
        let refused = ask(&app, MOBILE, None).await;
        assert_eq!(
            (code(&refused), &refused["resendAt"]),
            ("CODE_SENT_RECENTLY", &json!("2027-01-15T09:00:00Z"))
        );
        app.clock.advance_to(START.plus(Span::minutes(60)));
        assert_eq!(ask(&app, MOBILE, None).await["userErrors"], json!([]));
        panel.message(7).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_requests_for_one_number_send_one_code_and_keep_one_row() {
    for (app, panel) in Panel::both(|_| {}).await {
        app.member("مینا کریمی", MOBILE).await;
        let mut sent = 0;
        for round in 0..100_u32 {
            let asking = (0..100).map(|number| {
                let request = from(round * 100 + number, MOBILE);
                let app = &app.app;
                async move { request_login_code(app, &request).await }
            });
            for answer in join_all(asking).await {
                match answer {
                    Ok(_) => sent += 1,
                    Err(Stopped::Refused(CodeRefused::Wait { until })) => {
                        assert_eq!(until, START.plus(Span::seconds(60)));
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
        assert_eq!(sent, 1);
        assert_eq!((rows(&app, "login_number").await, rows(&app, "login_challenge").await), (1, 1));
        panel.message(1).await;
        assert_eq!(panel.messages().len(), 1);
    }
}

#[tokio::test]
async fn an_address_that_asks_or_tries_too_often_is_told_when_to_come_back() {
    for app in TestApp::both().await {
        for number in 0..60 {
            assert_eq!(ask(&app, &format!("0935{number:07}"), None).await["userErrors"], json!([]));
        }
        let request = app.request(None, LOGIN, "RequestLoginCode", json!({ "mobile": MOBILE }));
        let answer = request.send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (429, &"5".parse().unwrap())
        );
        let answer: Value = answer.json().await.unwrap();
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "THROTTLED");
        assert_eq!(error["extensions"]["retryAfter"], 5);
        app.clock.advance_to(START.plus(Span::seconds(5)));
        ask(&app, MOBILE, None).await;
        let challenge = json!("AAAAAAAAAAAAAAAAAAAAAA");
        for _ in 0..120 {
            verify(&app, &challenge, "000000").await;
        }
        let variables = json!({ "challengeId": challenge, "code": "000000" });
        assert_eq!(app.code(None, LOGIN, "VerifyLoginCode", variables).await, "THROTTLED");
    }
}

#[tokio::test]
async fn a_flood_from_one_address_leaves_codes_for_the_others_and_made_up_numbers_cost_none() {
    for (app, panel) in Panel::both(|config| config.auth.login_codes_per_hour = 40).await {
        for number in 0..12 {
            app.member("Member", &format!("0912{number:07}")).await;
        }
        for number in 0..30 {
            request_login_code(&app.app, &from(1, &format!("0935{number:07}"))).await.unwrap();
        }
        for number in 0..11 {
            request_login_code(&app.app, &from(2, &format!("0912{number:07}"))).await.unwrap();
        }
        let flood = request_login_code(&app.app, &from(2, "09351234567")).await;
        assert!(matches!(flood, Err(Stopped::Failed(AppError::Throttled { .. }))), "{flood:?}");
        request_login_code(&app.app, &from(3, "09120000011")).await.unwrap();
        panel.message(12).await;
        assert_eq!(panel.messages().len(), 12, "nothing was sent to numbers that nobody has");
    }
}

#[tokio::test]
async fn a_member_who_is_blocked_after_the_code_was_sent_does_not_come_in() {
    for (app, panel) in Panel::both(|_| {}).await {
        let id = GlobalId::Member(app.member("مینا کریمی", MOBILE).await).write().0;
        let challenge = ask(&app, MOBILE, None).await["challengeId"].clone();
        let right = sent_code(&panel.message(1).await);
        app.data(Caller::Operator, MEMBER, "BlockMember", json!({ "id": id })).await;
        assert_eq!(code(&verify(&app, &challenge, &right).await), "CODE_EXPIRED");
    }
}

#[tokio::test]
async fn what_is_no_number_and_no_merchant_is_told_so() {
    for app in TestApp::both().await {
        for wrong in ["", "0912", "02188776655", "+447911123456"] {
            assert_eq!(code(&ask(&app, wrong, None).await), "INVALID_MOBILE", "{wrong}");
        }
        let nobody = MerchantId::new(Uuid::from_u128(1));
        assert_eq!(code(&ask(&app, MOBILE, Some(nobody)).await), "MERCHANT_NOT_FOUND");
        let answer =
            app.send(None, LOGIN, "RequestLoginCode", json!({ "mobile": MOBILE, "staffOf": "x" })).await;
        assert_eq!(code(&answer["data"]["requestLoginCode"]), "MERCHANT_NOT_FOUND");
    }
}

#[tokio::test]
async fn only_hashes_of_numbers_and_codes_are_kept() {
    for (app, panel) in Panel::both(|_| {}).await {
        app.member("مینا کریمی", MOBILE).await;
        let asked = ask(&app, MOBILE, None).await;
        let right = sent_code(&panel.message(1).await);
        let logged_in = verify(&app, &asked["challengeId"], &right).await;
        assert!(good(&app, logged_in["tokens"]["accessToken"].as_str().unwrap()).await);
        let connection = app.app.db.for_migrations();
        for (table, column) in [("login_challenge", "code_hash"), ("login_number", "number_key")] {
            let sql = format!("select {column} from {table}");
            let statement = Statement::from_string(connection.get_database_backend(), sql);
            let kept: Vec<u8> =
                connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap();
            assert_eq!(kept.len(), 32);
            assert!(!kept.windows(6).any(|part| part == right.as_bytes()));
        }
    }
}

#[tokio::test]
async fn the_worker_removes_codes_and_sessions_that_have_been_over_for_long() {
    for (app, panel) in Panel::both(|_| {}).await {
        app.member("مینا کریمی", MOBILE).await;
        let asked = ask(&app, MOBILE, None).await;
        let right = sent_code(&panel.message(1).await);
        verify(&app, &asked["challengeId"], &right).await;
        app.clock.advance_to(START.plus(Span::days(36)));
        ask(&app, "09121234567", None).await;
        let settings = amvaj_api::config::Config::default();
        let worker = amvaj_api::compose::start_worker(&app.app, &settings);
        let mut left = (0, 0, 0);
        for _ in 0..400 {
            left = (
                rows(&app, "login_number").await,
                rows(&app, "login_challenge").await,
                rows(&app, "session").await,
            );
            if left == (1, 1, 1) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(left, (1, 1, 1), "what was asked for today stays, and a session for a week after its end");
        worker.stop().await;
        app.clock.advance_to(START.plus(Span::days(38)));
        let worker = amvaj_api::compose::start_worker(&app.app, &settings);
        for _ in 0..400 {
            if rows(&app, "session").await == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(rows(&app, "session").await, 0);
        worker.stop().await;
    }
}
