//! Looking for members by mobile or card is limited, so that nobody finds out who is a member by trying numbers.

use amvaj_api::app::AppError;
use amvaj_api::app::find_member::find_member;
use amvaj_api::config::Config;
use amvaj_domain::access::{Actor, Caller, Identity};
use amvaj_domain::audit::Author;
use amvaj_domain::id::{ApiKeyId, StaffId, UserId};
use amvaj_domain::member::MemberLookup;
use amvaj_domain::text::Mobile;
use amvaj_domain::time::Span;
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{START, TestApp};
use crate::support::database::TestDb;
use crate::support::till::{POINTS, Till, codes};

const MEMBER: &str = include_str!("../queries/member.graphql");

/// Limits that a test can reach.
fn few(config: &mut Config) {
    config.look_ups.per_minute = 6;
    config.look_ups.misses_per_hour = 3;
    config.look_ups.merchant_per_minute = 12;
    config.look_ups.merchant_misses_per_hour = 8;
}

async fn both_with_few() -> [TestApp; 2] {
    let [sqlite, postgres] = TestDb::both().await;
    [TestApp::start_with(sqlite, few).await, TestApp::start_with(postgres, few).await]
}

fn nobody(number: usize) -> MemberLookup {
    MemberLookup::Mobile(Mobile::parse(&format!("0935{number:07}")).unwrap())
}

fn author(caller: Caller, actor: Actor) -> Author {
    Author::new(&Identity::new(caller, actor), "r-1")
}

/// Looks once; says whether somebody was found, or nothing when it was too often.
async fn look(app: &TestApp, author: &Author, lookup: &MemberLookup) -> Option<bool> {
    match find_member(&app.app, author.caller.unwrap(), author, lookup).await {
        Ok(found) => Some(found.is_some()),
        Err(AppError::LooksTooOften { retry_after }) => {
            assert!(retry_after.micros() > 0);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_numbers_tried_by_one_merchant_are_refused_after_the_limit() {
    for app in TestApp::both().await {
        let till = author(Caller::Merchant(app.merchant("Shop").await), Actor::Outside);
        let mut answered = 0;
        for number in 0..10_000 {
            answered += usize::from(look(&app, &till, &nobody(number)).await.is_some());
        }
        assert_eq!(answered, 2_000, "as many misses as an hour has");
        app.clock.advance_to(START.plus(Span::minutes(6)));
        let mut later = 0;
        for number in 0..300 {
            later += usize::from(look(&app, &till, &nobody(number)).await.is_some());
        }
        assert_eq!(later, 200, "a tenth of an hour gives a tenth back");
        // Another merchant is not kept from its work.
        let other = author(Caller::Merchant(app.merchant("Other").await), Actor::Outside);
        assert_eq!(look(&app, &other, &nobody(1)).await, Some(false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_till_that_serves_somebody_every_second_is_never_refused() {
    for app in TestApp::both().await {
        let member = MemberLookup::Mobile(Mobile::parse("09122100001").unwrap());
        app.member("مینا", "09122100001").await;
        let merchant = Caller::Merchant(app.merchant("Shop").await);
        let cashier = author(merchant, Actor::Staff(StaffId::new(Uuid::from_u128(7))));
        for second in 0..2_000_i64 {
            app.clock.advance_to(START.plus(Span::seconds(second)));
            // One in twenty customers is no member.
            let lookup =
                if second % 20 == 0 { nobody(usize::try_from(second).unwrap()) } else { member.clone() };
            assert_eq!(look(&app, &cashier, &lookup).await, Some(second % 20 != 0), "second {second}");
        }
    }
}

#[tokio::test]
async fn whoever_is_over_the_limit_learns_nothing_whatever_is_tried() {
    for app in both_with_few().await {
        app.member("مینا", "09122100002").await;
        let merchant = app.merchant("Shop").await;
        let found = json!({ "ref": { "mobile": "09122100002" } });
        let missing = json!({ "ref": { "mobile": "09359999999" } });
        let ask = async |variables: &Value| {
            app.send(Some(Caller::Merchant(merchant)), MEMBER, "Member", variables.clone()).await
        };
        for _ in 0..8 {
            let answer = ask(&missing).await;
            assert!(answer["errors"].is_null() && answer["data"]["member"].is_null(), "{answer}");
        }
        for variables in [&missing, &found] {
            let answer = ask(variables).await;
            let extensions = &answer["errors"][0]["extensions"];
            assert_eq!(extensions["code"], "THROTTLED", "{answer}");
            assert!(extensions["retryAfter"].as_i64().unwrap() > 0, "{answer}");
            assert!(answer["data"]["member"].is_null());
        }
        let card = json!({ "ref": { "cardNumber": "6273001234" } });
        assert_eq!(ask(&card).await["errors"][0]["extensions"]["code"], "THROTTLED");
        // Its own references are no secret of others, and ids cannot be guessed.
        for free in
            [json!({ "ref": { "customer": { "customerRef": "7" } } }), json!({ "ref": { "id": "?" } })]
        {
            assert!(ask(&free).await["errors"].is_null());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_tried_at_the_same_time_are_counted_before_they_are_answered() {
    for app in both_with_few().await {
        app.member("مینا", "09122100003").await;
        let till = author(Caller::Merchant(app.merchant("Shop").await), Actor::Outside);
        let member = MemberLookup::Mobile(Mobile::parse("09122100003").unwrap());
        for number in 0..8 {
            look(&app, &till, &nobody(number)).await;
        }
        let tries = (0..40).map(|number| {
            let (app, till) = (&app, &till);
            let lookup = if number % 2 == 0 { member.clone() } else { nobody(number) };
            async move { look(app, till, &lookup).await }
        });
        assert_eq!(join_all(tries).await.into_iter().flatten().count(), 0);
    }
}

#[tokio::test]
async fn persons_and_keys_have_limits_of_their_own_within_their_merchants() {
    for app in both_with_few().await {
        let merchant = Caller::Merchant(app.merchant("Shop").await);
        let misses = async |actor, tries: usize| {
            let who = author(merchant, actor);
            let mut answered = 0;
            for number in 0..tries {
                answered += usize::from(look(&app, &who, &nobody(number)).await.is_some());
            }
            answered
        };
        let staff = |number| Actor::Staff(StaffId::new(Uuid::from_u128(number)));
        assert_eq!(misses(staff(1), 9).await, 3, "a person");
        assert_eq!(misses(Actor::ApiKey(ApiKeyId::new(Uuid::from_u128(2))), 9).await, 4, "a key: half of 8");
        assert_eq!(misses(staff(3), 9).await, 1, "together they are at the merchant's");
        let agent = author(Caller::Agent, Actor::User(UserId::new(Uuid::from_u128(4))));
        let mut answered = 0;
        for number in 0..9 {
            answered += usize::from(look(&app, &agent, &nobody(number)).await.is_some());
        }
        assert_eq!(answered, 3, "the operator's people are persons too");
    }
}

#[tokio::test]
async fn every_way_to_ask_whether_a_number_is_a_members_is_the_same_oracle() {
    for app in both_with_few().await {
        let till = Till::open(&app, "09122100004").await;
        let number = |number: usize| json!({ "mobile": format!("0936{number:07}") });
        let send = async |document: &str, name: &str, input: Value| {
            let answer = app.send(Some(till.caller()), document, name, json!({ "input": input })).await;
            let code = answer["errors"][0]["extensions"]["code"].as_str().map(str::to_owned);
            let payload = answer["data"].as_object().and_then(|data| data.values().next().cloned());
            (code, payload.unwrap_or_default())
        };
        let amount = json!({ "amount": "1000", "currency": "IRR" });
        let quote = json!({ "member": number(1), "amount": amount });
        let earn =
            json!({ "idempotencyKey": "e", "receiptNumber": "R", "member": number(2), "amount": amount });
        let redeem = json!({ "idempotencyKey": "r", "member": number(3), "points": "1" });
        let hold = json!({ "idempotencyKey": "h", "member": number(4), "points": "1", "seconds": 60 });
        let link = json!({ "member": number(5), "customerRef": "7" });
        let enrol = json!({ "name": "x", "mobile": "09122100004" });
        let ways = [
            (POINTS, "Quote", quote, "MEMBER_NOT_FOUND"),
            (POINTS, "Earn", earn, "MEMBER_NOT_FOUND"),
            (POINTS, "Redeem", redeem, "MEMBER_NOT_FOUND"),
            (POINTS, "Hold", hold, "MEMBER_NOT_FOUND"),
            (MEMBER, "LinkCustomer", link, "MEMBER_NOT_FOUND"),
            (MEMBER, "EnrolMember", enrol, "MOBILE_TAKEN"),
        ];
        for (document, name, input, expected) in &ways {
            let (code, payload) = send(document, name, input.clone()).await;
            assert_eq!((code, codes(&payload)), (None, vec![*expected]), "{name}");
        }
        for number in [6, 7] {
            send(
                MEMBER,
                "LinkCustomer",
                json!({ "member": { "mobile": format!("0936{number:07}") }, "customerRef": "7" }),
            )
            .await;
        }
        // Eight misses in all. Now nobody learns anything, and nothing is done.
        for (document, name, input, _) in &ways {
            assert_eq!(send(document, name, input.clone()).await.0.as_deref(), Some("THROTTLED"), "{name}");
        }
        let new = json!({ "name": "x", "mobile": "09122100005" });
        assert_eq!(send(MEMBER, "EnrolMember", new).await.0.as_deref(), Some("THROTTLED"));
        let listed = app.data(Caller::Operator, MEMBER, "Members", json!({ "first": 9 })).await;
        assert_eq!(listed["members"]["totalCount"], 1);
        // Whom the till knows already it serves.
        assert_eq!(codes(&till.earn("k", "R-1", 10).await), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn what_is_found_and_whoever_is_enrolled_costs_no_miss() {
    for app in both_with_few().await {
        let till = Till::open(&app, "09122100006").await;
        let by_mobile = json!({ "mobile": "09122100006" });
        for number in 0..30 {
            let earn = json!({
                "idempotencyKey": format!("k{number}"), "receiptNumber": format!("R{number}"), "member": by_mobile,
                "amount": { "amount": "100", "currency": "IRR" },
            });
            assert_eq!(codes(&till.ask("Earn", earn).await), Vec::<&str>::new(), "earn {number}");
        }
        for number in 0..10 {
            let input = json!({ "input": { "name": "x", "mobile": format!("0912220000{number}") } });
            let enrolled = app.data(till.caller(), MEMBER, "EnrolMember", input).await;
            assert_eq!(codes(&enrolled["enrolMember"]), Vec::<&str>::new(), "enrolment {number}");
        }
    }
}
