//! What is kept of a request that names somebody by a number tells nobody which number it was.

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::ledger::Digest;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::MEMBER;
use crate::support::app::TestApp;
use crate::support::till::{Till, codes};

const MOBILE: &str = "+989356660000";
const CARD: &str = "6273009988776655";

/// What anybody could make of a redemption of points, who guesses the number in it.
fn guess(named: &str, points: i64) -> Uuid {
    let fields: [&[u8]; 6] = [b"redeem", b"", b"", named.as_bytes(), &points.to_be_bytes(), b""];
    Digest::of(fields).uuid()
}

/// How both databases write the bytes of an id into a statement.
fn literal(app: &TestApp, id: Uuid) -> String {
    if app.app.db.is_postgres() { format!("uuid '{id}'") } else { format!("x'{}'", id.simple()) }
}

/// Rows of both tables of fingerprints that have this one.
async fn kept(app: &TestApp, body: Uuid) -> i64 {
    let connection = app.app.db.for_migrations();
    let body = literal(app, body);
    let sql = format!(
        "select (select count(*) from op where body_hash = {body}) + (select count(*) from claim where body_hash = {body})"
    );
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Every fingerprint of this many points redeemed as it was kept before there was a key.
async fn keep_as_before(app: &TestApp, points: i64, named: &str) {
    let connection = app.app.db.for_migrations();
    let body = literal(app, guess(named, points));
    let op = format!("select idem from op where kind = 5 and amount = {points}");
    for sql in [
        format!("update claim set body_hash = {body} where idem in ({op})"),
        format!("update op set body_hash = {body} where idem in ({op})"),
    ] {
        connection.execute_unprepared(&sql).await.unwrap();
    }
}

async fn redeem(till: &Till<'_>, key: &str, named: &Value, points: i64) -> Value {
    let input = json!({ "idempotencyKey": key, "member": named, "points": points });
    till.ask("Redeem", input).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fingerprint_cannot_be_guessed_and_one_from_before_is_known_again() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09356661111").await;
        let input = json!({ "name": "مینا", "mobile": MOBILE, "cardNumber": CARD, "customer": { "customerRef": "C-1" } });
        app.data(till.caller(), MEMBER, "EnrolMember", json!({ "input": input })).await;
        let earned = json!({
            "idempotencyKey": "e", "receiptNumber": "R", "member": { "mobile": MOBILE },
            "amount": { "amount": "10000", "currency": "IRR" },
        });
        assert_eq!(codes(&till.ask("Earn", earned.clone()).await), Vec::<&str>::new());
        assert_eq!(till.ask("Earn", earned).await["replayed"], true);
        let customer = format!("customer:{}:C-1", till.merchant.uuid().simple());
        let cases = [
            (json!({ "mobile": MOBILE }), format!("mobile:{MOBILE}"), 11),
            (json!({ "cardNumber": CARD }), format!("card:{CARD}"), 12),
            (json!({ "customer": { "customerRef": "C-1" } }), customer, 13),
        ];
        for (named, guessed, points) in cases {
            let key = format!("r{points}");
            let first = redeem(&till, &key, &named, points).await;
            assert_eq!((codes(&first), &first["replayed"]), (Vec::new(), &json!(false)), "{guessed}");
            assert_eq!(kept(&app, guess(&guessed, points)).await, 0, "{guessed} can be tried out");
            assert_eq!(redeem(&till, &key, &named, points).await["replayed"], true, "{guessed}");
            // As it was kept by a program from before: the guess is right then, and the retry is known.
            keep_as_before(&app, points, &guessed).await;
            assert_eq!(
                kept(&app, guess(&guessed, points)).await,
                2,
                "the guess is made as the program makes it"
            );
            let again = redeem(&till, &key, &named, points).await;
            assert_eq!((codes(&again), &again["replayed"]), (Vec::new(), &json!(true)), "{guessed}");
            let other = redeem(&till, &key, &named, points + 1).await;
            assert_eq!(codes(&other), ["IDEMPOTENCY_MISMATCH"], "{guessed}");
        }
        // Nodes have one secret, so each knows what the others kept.
        let node = app.second_node().await;
        let input = json!({ "idempotencyKey": "x", "member": { "mobile": MOBILE }, "points": 21 });
        let first = till.ask("Redeem", input.clone()).await;
        let again =
            node.data(till.caller(), crate::support::till::POINTS, "Redeem", json!({ "input": input })).await;
        assert_eq!(
            (&first["replayed"], &again["redeemPoints"]["replayed"]),
            (&json!(false), &json!(true)),
            "{again}"
        );
        node.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reward_at_the_till_is_known_again_by_either_fingerprint() {
    const REWARD: &str = include_str!("../queries/reward.graphql");
    for app in TestApp::both().await {
        let till = Till::open(&app, "09357770000").await;
        till.earn("e", "R", 100).await;
        let offer = json!({ "idempotencyKey": "o", "kind": "ITEM", "title": "Coffee", "points": "50" });
        let offered = app.data(till.caller(), REWARD, "Create", json!({ "input": offer })).await;
        let reward = offered["createReward"]["reward"]["id"].as_str().unwrap().to_owned();
        let ask = async |mobile: &str| {
            let input = json!({ "idempotencyKey": "k", "rewardId": reward, "member": { "mobile": mobile } });
            app.data(till.caller(), REWARD, "Redeem", json!({ "input": input })).await["redeemReward"].clone()
        };
        let first = ask("+989357770000").await;
        assert_eq!(codes(&first), Vec::<&str>::new(), "{first:#}");
        let id = GlobalId::reward(&reward.as_str().into()).unwrap().uuid();
        let fields: [&[u8]; 5] = [b"redeemReward", b"", b"", id.as_bytes(), b"mobile:+989357770000"];
        let guess = literal(&app, Digest::of(fields).uuid());
        let connection = app.app.db.for_migrations();
        let sql = format!("update redemption_claim set body_hash = {guess} where body_hash <> {guess}");
        let changed = connection.execute_unprepared(&sql).await.unwrap().rows_affected();
        assert_eq!(changed, 1, "it was not kept as anybody could make it");
        let again = ask("+989357770000").await;
        assert_eq!(again["redemption"]["id"], first["redemption"]["id"], "{again:#}");
        assert_eq!(codes(&ask("+989357770001").await), ["IDEMPOTENCY_MISMATCH"]);
    }
}
