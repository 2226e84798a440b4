//! Sessions: tokens that follow each other, theft that is noticed, and ends that every node hears of.

use std::time::{Duration, Instant as Stopwatch};

use amvaj_api::app::sessions::{self, SessionTokens};
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Caller, Subject};
use amvaj_domain::id::MemberId;
use amvaj_domain::time::Span;
use serde_json::{Value, json};

use crate::support::app::{START, TestApp};

pub(crate) const SESSION: &str = include_str!("queries/session.graphql");
const MEMBER: &str = include_str!("queries/member.graphql");

async fn begin(app: &TestApp, member: MemberId) -> SessionTokens {
    begin_as(app, member, "test").await
}

async fn begin_as(app: &TestApp, member: MemberId, user_agent: &str) -> SessionTokens {
    sessions::begin(&app.app, Subject::Member(member), user_agent).await.unwrap().unwrap()
}

/// Refreshes without an access token, and answers with the payload.
pub(crate) async fn refresh(app: &TestApp, token: &str, retry_key: Option<&str>) -> Value {
    let variables = json!({ "token": token, "retryKey": retry_key });
    let answer = app.send_with(None, SESSION, "RefreshSession", variables).await;
    assert!(answer["errors"].is_null(), "{answer:#}");
    answer["data"]["refreshSession"].clone()
}

/// The code of a payload's only user error.
pub(crate) fn code(payload: &Value) -> &str {
    let errors = payload["userErrors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{payload:#}");
    errors[0]["code"].as_str().unwrap()
}

/// Whether an access token is accepted.
pub(crate) async fn good(app: &TestApp, token: &str) -> bool {
    let answer = app.send_with(Some(token), SESSION, "Viewer", json!({})).await;
    let role = &answer["data"]["viewer"]["role"];
    assert!(role.is_string() || answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", "{answer:#}");
    role.is_string()
}

/// Waits until another node refuses an access token, which it has to within a second.
pub(crate) async fn refused_within_a_second(node: &TestApp, token: &str) {
    let began = Stopwatch::now();
    while good(node, token).await {
        assert!(began.elapsed() < Duration::from_secs(1), "the other node still accepts the token");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn own(app: &TestApp, token: &str) -> Vec<Value> {
    let answer = app.send_with(Some(token), SESSION, "Sessions", json!({})).await;
    answer["data"]["sessions"].as_array().unwrap_or_else(|| panic!("{answer:#}")).clone()
}

async fn end(app: &TestApp, token: &str, input: Value) -> Value {
    let answer = app.send_with(Some(token), SESSION, "EndSession", json!({ "input": input })).await;
    assert!(answer["errors"].is_null(), "{answer:#}");
    answer["data"]["endSession"].clone()
}

#[tokio::test]
async fn a_refresh_gives_the_next_tokens_and_the_session_goes_on() {
    for app in TestApp::both().await {
        let member = app.member("مینا کریمی", "09123456789").await;
        let first = begin_as(&app, member, "App/1\n2").await;
        assert!(good(&app, &first.access_token).await);
        assert_eq!(first.access_expires_at, START.plus(Span::minutes(10)));
        app.clock.advance_to(START.plus(Span::minutes(9)));
        let next = refresh(&app, &first.refresh_token, None).await["tokens"].clone();
        assert_eq!(next["accessTokenExpiresAt"], "2027-01-15T08:19:00Z");
        assert_eq!(next["refreshTokenExpiresAt"], "2027-02-14T08:09:00Z");
        assert_ne!(next["refreshToken"], json!(first.refresh_token));
        app.clock.advance_to(START.plus(Span::minutes(12)));
        assert!(!good(&app, &first.access_token).await, "its time is over");
        let access = next["accessToken"].as_str().unwrap();
        let [session] = &own(&app, access).await[..] else { panic!("there is one session") };
        assert_eq!(session["userAgent"], "App/12", "control characters are left out");
        assert_eq!(
            (&session["createdAt"], &session["usedAt"]),
            (&json!("2027-01-15T08:00:00Z"), &json!("2027-01-15T08:09:00Z"))
        );
        assert_eq!((&session["current"], &session["id"]), (&json!(true), &next["session"]["id"]));
        app.clock.advance_to(START.plus(Span::days(31)));
        let refused = refresh(&app, next["refreshToken"].as_str().unwrap(), None).await;
        assert_eq!(code(&refused), "SESSION_ENDED", "it was not used for 30 days");
    }
}

#[tokio::test]
async fn a_refresh_token_that_comes_a_second_time_ends_its_session_and_no_other() {
    for app in TestApp::both().await {
        let member = app.member("مینا کریمی", "09123456789").await;
        let (stolen, other) = (begin(&app, member).await, begin(&app, member).await);
        let next = refresh(&app, &stolen.refresh_token, None).await["tokens"].clone();
        assert_eq!(code(&refresh(&app, &stolen.refresh_token, None).await), "REFRESH_TOKEN_REUSED");
        let latest = next["refreshToken"].as_str().unwrap();
        assert_eq!(code(&refresh(&app, latest, None).await), "SESSION_ENDED");
        assert!(!good(&app, next["accessToken"].as_str().unwrap()).await);
        assert!(!good(&app, &stolen.access_token).await);
        assert!(good(&app, &other.access_token).await, "the owner's other sessions stay");
        assert!(refresh(&app, &other.refresh_token, None).await["tokens"].is_object());
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_its_retry_key() {
    for app in TestApp::both().await {
        let member = app.member("مینا کریمی", "09123456789").await;
        let tokens = begin(&app, member).await;
        let first = refresh(&app, &tokens.refresh_token, Some("key-1")).await["tokens"].clone();
        app.clock.advance_to(START.plus(Span::seconds(30)));
        let again = refresh(&app, &tokens.refresh_token, Some("key-1")).await["tokens"].clone();
        assert_eq!(again["refreshToken"], first["refreshToken"]);
        assert!(good(&app, again["accessToken"].as_str().unwrap()).await);
        let latest = first["refreshToken"].as_str().unwrap();
        let next = refresh(&app, latest, Some("key-2")).await["tokens"].clone();
        assert!(next.is_object());
        assert_eq!(code(&refresh(&app, latest, Some("key-1")).await), "REFRESH_TOKEN_REUSED");
        let tokens = begin(&app, member).await;
        refresh(&app, &tokens.refresh_token, Some("key-1")).await;
        app.clock.advance_to(START.plus(Span::seconds(91)));
        let late = refresh(&app, &tokens.refresh_token, Some("key-1")).await;
        assert_eq!(code(&late), "REFRESH_TOKEN_REUSED", "after a minute nobody retries any more");
    }
}

#[tokio::test]
async fn of_many_refreshes_at_once_one_is_the_first() {
    for app in TestApp::both().await {
        let other = app.second_node().await;
        let member = app.member("مینا کریمی", "09123456789").await;
        let tokens = begin(&app, member).await;
        let asking = (0..10).map(|number| {
            let node = if number % 2 == 0 { &app } else { &other };
            refresh(node, &tokens.refresh_token, None)
        });
        let answers = futures_util::future::join_all(asking).await;
        let given = answers.iter().filter(|answer| answer["tokens"].is_object()).count();
        assert_eq!(given, 1, "{answers:#?}");
        let refused: Vec<_> = answers.iter().filter(|answer| answer["tokens"].is_null()).map(code).collect();
        assert!(refused.contains(&"REFRESH_TOKEN_REUSED"), "{refused:?}");
        assert!(own_sessions(&app, member).await.is_empty(), "nobody can tell who was the owner");
    }
}

async fn own_sessions(app: &TestApp, member: MemberId) -> Vec<amvaj_infra::access::Session> {
    app.app.sessions.list(Subject::Member(member), app.clock.now()).await.unwrap()
}

#[tokio::test]
async fn what_is_no_refresh_token_is_told_so() {
    for app in TestApp::both().await {
        let member = app.member("مینا کریمی", "09123456789").await;
        let tokens = begin(&app, member).await;
        for wrong in ["", "amvaj_refresh_", "x", &tokens.access_token, &tokens.refresh_token[..40]] {
            assert_eq!(code(&refresh(&app, wrong, None).await), "INVALID_REFRESH_TOKEN", "{wrong}");
        }
        for wrong in ["", "a b", &"x".repeat(65)] {
            let refused = refresh(&app, &tokens.refresh_token, Some(wrong)).await;
            assert_eq!(code(&refused), "INVALID_RETRY_KEY", "{wrong}");
        }
    }
}

#[tokio::test]
async fn a_member_ends_this_session_a_named_one_the_others_or_all() {
    for app in TestApp::both().await {
        let other = app.second_node().await;
        let member = app.member("مینا کریمی", "09123456789").await;
        let (phone, tablet) = (begin(&app, member).await, begin(&app, member).await);
        let (web, till) = (begin(&app, member).await, begin(&app, member).await);
        let id = |tokens: &SessionTokens| GlobalId::Session(tokens.session.id).write().0;
        assert!(good(&other, &web.access_token).await);
        let ended = end(&app, &phone.access_token, json!({ "sessionId": id(&web) })).await;
        assert_eq!(ended["ended"], 1);
        assert!(!good(&app, &web.access_token).await, "at once where it was ended");
        refused_within_a_second(&other, &web.access_token).await;
        assert_eq!(code(&refresh(&other, &web.refresh_token, None).await), "SESSION_ENDED");
        let again = end(&app, &phone.access_token, json!({ "sessionId": id(&web) })).await;
        assert_eq!(code(&again), "SESSION_NOT_FOUND");
        assert_eq!(end(&app, &till.access_token, json!({ "which": "THIS" })).await["ended"], 1);
        assert!(!good(&app, &till.access_token).await);
        assert_eq!(end(&app, &phone.access_token, json!({ "which": "OTHERS" })).await["ended"], 1);
        assert!(good(&app, &phone.access_token).await);
        refused_within_a_second(&other, &tablet.access_token).await;
        let unbound = app.token(&amvaj_domain::access::Identity::console(Caller::Member(member)));
        assert_eq!(code(&end(&app, &unbound, json!({ "which": "THIS" })).await), "NO_SESSION");
        assert_eq!(end(&app, &unbound, json!({ "which": "ALL" })).await["ended"], 1);
        refused_within_a_second(&other, &phone.access_token).await;
        refused_within_a_second(&other, &unbound).await;
    }
}

#[tokio::test]
async fn nobody_sees_or_ends_the_session_of_another() {
    for app in TestApp::both().await {
        let tokens = begin(&app, app.member("مینا کریمی", "09123456789").await).await;
        let foreign = begin(&app, app.member("علی", "09121234567").await).await;
        let id = GlobalId::Session(tokens.session.id).write().0;
        let node = async |token: &str| {
            let answer = app.send_with(Some(token), SESSION, "SessionNode", json!({ "id": id })).await;
            answer["data"]["node"].clone()
        };
        assert_eq!(node(&tokens.access_token).await, json!({ "id": id, "current": true }));
        assert_eq!(node(&foreign.access_token).await, Value::Null);
        let refused = end(&app, &foreign.access_token, json!({ "sessionId": id })).await;
        assert_eq!(code(&refused), "SESSION_NOT_FOUND");
        assert_eq!(
            code(&end(&app, &foreign.access_token, json!({ "sessionId": "x" })).await),
            "SESSION_NOT_FOUND"
        );
        assert!(good(&app, &tokens.access_token).await);
        let merchant =
            app.token(&amvaj_domain::access::Identity::console(Caller::Merchant(app.merchant("Shop").await)));
        assert!(own(&app, &merchant).await.is_empty());
        assert_eq!(code(&end(&app, &merchant, json!({ "which": "ALL" })).await), "NO_SESSION");
        let code = app.code(None, SESSION, "Sessions", json!({})).await;
        assert_eq!(code, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn a_blocked_member_s_session_neither_survives_nor_begins() {
    for app in TestApp::both().await {
        let other = app.second_node().await;
        let member = app.member("مینا کریمی", "09123456789").await;
        let tokens = begin(&app, member).await;
        assert!(good(&other, &tokens.access_token).await);
        let id = GlobalId::Member(member).write().0;
        app.data(Caller::Operator, MEMBER, "BlockMember", json!({ "id": id })).await;
        assert!(!good(&app, &tokens.access_token).await);
        refused_within_a_second(&other, &tokens.access_token).await;
        assert_eq!(code(&refresh(&app, &tokens.refresh_token, None).await), "SESSION_ENDED");
        let late = sessions::begin(&other.app, Subject::Member(member), "test").await.unwrap();
        assert!(late.is_none(), "a code that was right comes too late");
        app.data(Caller::Operator, MEMBER, "UnblockMember", json!({ "id": id })).await;
        app.clock.advance_to(START.plus(Span::seconds(2)));
        assert!(!good(&app, &tokens.access_token).await, "what has ended stays ended");
        assert!(good(&app, &begin(&app, member).await.access_token).await);
        let left = own_sessions(&app, member).await;
        assert_eq!(left.len(), 1, "the session that began while the member was blocked is over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_block_and_many_log_ins_at_once_no_session_is_left() {
    for app in TestApp::both().await {
        let other = app.second_node().await;
        let member = app.member("مینا کریمی", "09123456789").await;
        let beginning = (0..12).map(|number| {
            let node = if number % 2 == 0 { &app } else { &other };
            async move { sessions::begin(&node.app, Subject::Member(member), "test").await.unwrap() }
        });
        let id = GlobalId::Member(member).write().0;
        let block = app.data(Caller::Operator, MEMBER, "BlockMember", json!({ "id": id }));
        let (begun, _) = tokio::join!(futures_util::future::join_all(beginning), block);
        let left = own_sessions(&app, member).await;
        assert_eq!(left, [], "{} were begun", begun.iter().flatten().count());
        for tokens in begun.iter().flatten() {
            refused_within_a_second(&other, &tokens.access_token).await;
        }
    }
}

#[tokio::test]
async fn the_session_unused_for_longest_makes_room() {
    for app in TestApp::both().await {
        let member = app.member("مینا کریمی", "09123456789").await;
        let first = begin(&app, member).await;
        let mut latest = None;
        for number in 1..=20 {
            app.clock.advance_to(START.plus(Span::seconds(number)));
            latest = Some(begin(&app, member).await);
        }
        assert!(!good(&app, &first.access_token).await);
        assert_eq!(own(&app, &latest.unwrap().access_token).await.len(), 20);
    }
}
