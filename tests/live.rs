//! Subscriptions: every event once and in order, also for those who come back or fall behind, over sockets and as
//! server-sent events, on one node and on several.

pub(crate) mod client;

use std::time::Duration;

use amvaj_api::app::relay_outbox::relay_outbox;
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::time::Span;
use sea_orm::{ConnectionTrait as _, Database, TransactionTrait as _};
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::till::{POINTS, Till};
use client::Socket;

const LIVE: &str = include_str!("queries/live.graphql");

async fn relay(app: &TestApp) {
    relay_outbox(&app.app, app.clock.now()).await.unwrap();
}

fn token(app: &TestApp, caller: Caller) -> String {
    app.token(&Identity::console(caller))
}

/// The receipts of events of a merchant.
async fn receipts(socket: &mut Socket, count: usize) -> Vec<(String, String)> {
    let mut events = Vec::new();
    for _ in 0..count {
        let event = socket.event().await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        events.push((text(&event["operation"]["receiptNumber"]), text(&event["cursor"])));
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_is_shown_at_once_and_then_each_change_in_order() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09125000001").await;
        till.earn("k0", "R0", 100).await;
        let mut socket = Socket::of(&app, &token(&app, Caller::Member(till.member))).await;
        socket.subscribe("w", "Wallet", json!({ "wallet": till.wallet_id() })).await;
        let first = socket.event().await;
        assert_eq!((&first["wallet"]["posted"], &first["operation"]), (&json!("100"), &Value::Null));

        till.earn("k1", "R1", 5).await;
        till.redeem("k2", 7).await;
        relay(&app).await;
        let (earned, redeemed) = (socket.event().await, socket.event().await);
        assert_eq!(earned["operation"]["kind"], "EARN");
        assert_eq!(redeemed["operation"]["kind"], "REDEEM");
        assert_eq!(redeemed["wallet"]["posted"], "98");
        assert!(socket.is_silent().await);

        // Whoever comes back is told what was missed, each once, before and after the relay.
        till.earn("k3", "R3", 1).await;
        let mut again = Socket::of(&app, &token(&app, Caller::Member(till.member))).await;
        let after = json!({ "wallet": till.wallet_id(), "after": earned["cursor"] });
        again.subscribe("w", "Wallet", after).await;
        assert_eq!(again.event().await["cursor"], redeemed["cursor"]);
        assert_eq!(again.event().await["wallet"]["posted"], "99");
        relay(&app).await;
        assert!(again.is_silent().await);
        assert_eq!(socket.event().await["wallet"]["posted"], "99");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_hears_of_its_operations_once_from_whatever_cursor_it_comes_back() {
    for app in TestApp::both().await {
        let mine = Till::open(&app, "09125000002").await;
        let other = Till::of_member(&app, mine.member).await;
        let mut socket = Socket::of(&app, &token(&app, mine.caller())).await;
        socket.subscribe("o", "Operations", json!({})).await;
        for number in 0..6 {
            mine.earn(&format!("k{number}"), &format!("R{number}"), 10).await;
            other.earn(&format!("o{number}"), &format!("O{number}"), 10).await;
            if number % 2 == 0 {
                relay(&app).await;
            }
        }
        relay(&app).await;
        let all = receipts(&mut socket, 6).await;
        let heard: Vec<&str> = all.iter().map(|(receipt, _)| receipt.as_str()).collect();
        assert_eq!(heard, ["R0", "R1", "R2", "R3", "R4", "R5"]);
        assert!(socket.is_silent().await);
        for (had, (_, cursor)) in (1..).zip(&all) {
            let mut again = Socket::of(&app, &token(&app, mine.caller())).await;
            again.subscribe("o", "Operations", json!({ "after": cursor })).await;
            assert_eq!(receipts(&mut again, 6 - had).await, all[had..], "after {had}");
            assert!(again.is_silent().await);
        }
    }
}

/// One batch of the ledger brings several operations in one row of the outbox: a cursor may point into it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_may_point_into_a_batch() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09125000003").await;
        let earns = (0..40).map(|number| {
            let (key, receipt) = (format!("k{number}"), format!("R{number}"));
            let till = &till;
            async move { till.earn(&key, &receipt, 1).await }
        });
        let mut socket = Socket::of(&app, &token(&app, till.caller())).await;
        socket.subscribe("o", "Operations", json!({})).await;
        assert!(socket.is_silent().await);
        futures_util::future::join_all(earns).await;
        relay(&app).await;
        let all = receipts(&mut socket, 40).await;
        for had in [1, 2, 7, 20, 38, 39, 40] {
            let mut again = Socket::of(&app, &token(&app, till.caller())).await;
            again.subscribe("o", "Operations", json!({ "after": all[had - 1].1 })).await;
            assert_eq!(receipts(&mut again, 40 - had).await, all[had..], "after {had}");
            assert!(again.is_silent().await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_come_and_go_on_another_node_while_the_merchant_earns() {
    let app = TestApp::start(TestDb::postgres().await).await;
    let other = app.second_node().await;
    let till = Till::open(&app, "09125000004").await;
    let credential = token(&other, till.caller());
    let earning = async {
        for number in 0..120 {
            till.earn(&format!("k{number}"), &format!("R{number}"), 1).await;
            relay(if number % 3 == 0 { &other } else { &app }).await;
        }
    };
    let listening = async {
        let mut heard: Vec<String> = Vec::new();
        let mut after = Value::Null;
        while heard.len() < 120 {
            // A socket that is dropped without a word, as by a client that was killed.
            let mut socket = Socket::of(&other, &credential).await;
            socket.subscribe("o", "Operations", json!({ "after": after })).await;
            for (receipt, cursor) in receipts(&mut socket, 13.min(120 - heard.len())).await {
                heard.push(receipt);
                after = json!(cursor);
            }
        }
        heard
    };
    let mut first = Socket::of(&other, &credential).await;
    first.subscribe("o", "Operations", json!({})).await;
    assert!(first.is_silent().await);
    let (whole, heard, ()) = tokio::join!(receipts(&mut first, 120), listening, earning);
    let expected: Vec<String> = (0..120).map(|number| format!("R{number}")).collect();
    let whole: Vec<String> = whole.into_iter().map(|(receipt, _)| receipt).collect();
    assert_eq!(whole, expected);
    // The first socket of the other listener began somewhere; from there on nothing is missing or doubled.
    let began = expected.iter().position(|receipt| *receipt == heard[0]).unwrap();
    assert_eq!(heard[..120 - began], expected[began..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_of_others_and_of_what_is_gone_are_told_of() {
    for app in TestApp::both().await {
        let (mine, other) = (Till::open(&app, "09125000005").await, Till::open(&app, "09125000006").await);
        let mut socket = Socket::of(&app, &token(&app, mine.caller())).await;
        socket.subscribe("o", "Operations", json!({})).await;
        assert!(socket.is_silent().await);
        for number in 0..3 {
            mine.earn(&format!("k{number}"), &format!("R{number}"), 1).await;
            relay(&app).await;
        }
        let mut events = receipts(&mut socket, 3).await;
        let mut foreign = Socket::of(&app, &token(&app, other.caller())).await;
        for wrong in ["", "nonsense", &events[0].1] {
            foreign.subscribe("o", "Operations", json!({ "after": wrong })).await;
            assert_eq!(foreign.error().await, "BAD_USER_INPUT");
            let over = foreign.message().await.unwrap();
            assert_eq!(over["type"], "complete");
        }
        let remove = "delete from outbox where relay_no <= 2";
        app.app.db.for_migrations().execute_unprepared(remove).await.unwrap();
        let mut again = Socket::of(&app, &token(&app, mine.caller())).await;
        again.subscribe("old", "Operations", json!({ "after": events[0].1 })).await;
        assert_eq!(again.error().await, "BAD_USER_INPUT");
        again.message().await.unwrap();
        again.subscribe("o", "Operations", json!({ "after": events[1].1 })).await;
        assert_eq!(receipts(&mut again, 1).await, events.split_off(2));
    }
}

/// What others did is passed by a listener as well, or its cursor would be as old as its last operation in each bucket.
#[tokio::test(flavor = "multi_thread")]
async fn the_cursor_of_a_quiet_merchant_does_not_age_while_it_listens() {
    for app in TestApp::both().await {
        let mine = Till::open(&app, "09125000020").await;
        let mut socket = Socket::of(&app, &token(&app, mine.caller())).await;
        socket.subscribe("o", "Operations", json!({})).await;
        assert!(socket.is_silent().await);
        for number in 0..12 {
            let other = Till::open(&app, &format!("091250001{number:02}")).await;
            other.earn("k0", "R0", 1).await;
            relay(&app).await;
            other.earn("k1", "R1", 1).await;
            relay(&app).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        mine.earn("k0", "R0", 1).await;
        relay(&app).await;
        let events = receipts(&mut socket, 1).await;
        let remove = "delete from outbox where relay_no < \
            (select r.relay_no from relay r where r.bucket = outbox.bucket)";
        app.app.db.for_migrations().execute_unprepared(remove).await.unwrap();
        mine.earn("k1", "R1", 1).await;
        relay(&app).await;
        let mut again = Socket::of(&app, &token(&app, mine.caller())).await;
        again.subscribe("o", "Operations", json!({ "after": events[0].1 })).await;
        assert_eq!(receipts(&mut again, 1).await[0].0, "R1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_look_may_listen_and_only_as_long() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09125000007").await;
        let stranger = app.member("سارا احمدی", "09125000008").await;
        let wallet = json!({ "wallet": till.wallet_id() });
        let mut socket = Socket::of(&app, &token(&app, Caller::Member(stranger))).await;
        socket.subscribe("w", "Wallet", wallet.clone()).await;
        assert_eq!(socket.error().await, "NOT_FOUND");
        socket.message().await.unwrap();
        socket.subscribe("o", "Operations", json!({})).await;
        assert_eq!(socket.error().await, "FORBIDDEN");

        let mut nobody = Socket::open(&app, &[]).await.unwrap();
        nobody.send(json!({ "type": "connection_init" })).await;
        nobody.message().await.unwrap();
        nobody.subscribe("w", "Wallet", wallet.clone()).await;
        assert_eq!(nobody.error().await, "UNAUTHENTICATED");

        let mut liar = Socket::open(&app, &[]).await.unwrap();
        liar.send(json!({ "type": "connection_init", "payload": { "token": "nonsense" } })).await;
        assert_eq!(liar.message().await, Err(4403));

        let mut two = Socket::of(&app, &token(&app, till.caller())).await;
        let both = "subscription { a: operationRecorded { cursor } b: operationRecorded { cursor } }";
        two.send(json!({ "type": "subscribe", "id": "2", "payload": { "query": both } })).await;
        assert_eq!(two.error().await, "GRAPHQL_VALIDATION_FAILED");

        let mut idle = Socket::of(&app, &token(&app, Caller::Member(till.member))).await;
        let mut blocked = Socket::of(&app, &token(&app, Caller::Member(till.member))).await;
        blocked.subscribe("w", "Wallet", wallet).await;
        blocked.event().await;
        let member = GlobalId::Member(till.member).write();
        let members = include_str!("queries/member.graphql");
        app.clock.advance_to(app.clock.now().plus(Span::seconds(1)));
        app.data(Caller::Operator, members, "BlockMember", json!({ "id": member.as_str() })).await;
        assert_eq!(blocked.message().await, Err(4401), "the credential has ended, and the stream with it");
        let query = json!({ "query": "{ viewer { __typename } }" });
        idle.send(json!({ "type": "subscribe", "id": "q", "payload": query })).await;
        assert_eq!(idle.message().await, Err(4401), "nor may anything be asked on a socket that was silent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_are_bounded_and_only_for_pages_of_here() {
    let app = TestApp::start_with(TestDb::sqlite().await, |config| {
        config.live.connections = 2;
        config.live.operations = 3;
    })
    .await;
    assert_eq!(Socket::open(&app, &[("origin", "http://evil.example")]).await.err(), Some(403));
    assert_eq!(Socket::open(&app, &[("sec-websocket-protocol", "graphql-ws")]).await.err(), Some(400));
    let own = app.home().trim_end_matches('/').to_owned();
    let mut first = Socket::open(&app, &[("origin", &own)]).await.unwrap();
    let second = Socket::open(&app, &[]).await.unwrap();
    assert_eq!(Socket::open(&app, &[]).await.err(), Some(503));
    drop(second);
    let till = Till::open(&app, "09125000009").await;
    let credential = token(&app, Caller::Member(till.member));
    first.send(json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {credential}") } })).await;
    first.message().await.unwrap();
    for id in ["a", "b", "c"] {
        first.subscribe(id, "Wallet", json!({ "wallet": till.wallet_id() })).await;
        first.event().await;
    }
    first.subscribe("d", "Wallet", json!({ "wallet": till.wallet_id() })).await;
    assert_eq!(first.error().await, "BAD_USER_INPUT", "one more than it may have");
    first.send(json!({ "type": "complete", "id": "a" })).await;
    first.subscribe("d", "Wallet", json!({ "wallet": till.wallet_id() })).await;
    first.event().await;
    drop(first);
    let long = "x".repeat(300_000);
    let mut reopened = loop {
        if let Ok(socket) = Socket::open(&app, &[]).await {
            break socket;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    reopened.send(json!({ "type": "ping", "payload": { "long": long } })).await;
    assert_eq!(reopened.message().await, Err(4400));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_sockets_in_order() {
    let app = TestApp::start(TestDb::sqlite().await).await;
    let till = Till::open(&app, "09125000010").await;
    let mut socket = Socket::of(&app, &token(&app, Caller::Member(till.member))).await;
    socket.subscribe("w", "Wallet", json!({ "wallet": till.wallet_id() })).await;
    socket.event().await;
    let stopped = tokio::time::timeout(Duration::from_secs(4), app.stop());
    let (told, stopped) = tokio::join!(socket.message(), stopped);
    assert_eq!(told, Err(1001));
    stopped.expect("a socket holds the server up").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_until_mutations_are_answered_that_have_begun() {
    let database = TestDb::postgres().await;
    let url = database.url.clone();
    let app = TestApp::start(database).await;
    let till = Till::open(&app, "09125000012").await;
    let earn = |key: &str| {
        let amount = json!({ "amount": "1000", "currency": "IRR" });
        json!({ "input": {
            "idempotencyKey": key, "receiptNumber": key, "member": till.member_ref(), "amount": amount,
        } })
    };
    let mut socket = Socket::of(&app, &token(&app, till.caller())).await;
    let events = app.request(Some(till.caller()), POINTS, "Earn", earn("S2"));
    let events = events.header("accept", "text/event-stream").send();
    let others = Database::connect(url).await.unwrap();
    let lock = others.begin().await.unwrap();
    lock.execute_unprepared("lock table op in exclusive mode").await.unwrap();
    let payload = json!({ "query": POINTS, "operationName": "Earn", "variables": earn("S1") });
    socket.send(json!({ "type": "subscribe", "id": "e", "payload": payload })).await;
    let events = tokio::spawn(async move { events.await.unwrap().text().await.unwrap() });
    tokio::time::sleep(Duration::from_millis(500)).await;

    let unlocks = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        lock.commit().await.unwrap();
        let earned = socket.event().await;
        assert_eq!(earned["operation"]["receiptNumber"], "S1", "{earned:#}");
        assert_eq!(socket.message().await.unwrap()["type"], "complete");
        assert_eq!(socket.message().await, Err(1001));
    };
    let stopped = tokio::time::timeout(Duration::from_secs(8), app.stop());
    let ((), stopped) = tokio::join!(unlocks, stopped);
    stopped.expect("a socket holds the server up").unwrap();
    let events = events.await.unwrap();
    assert!(events.contains("\"receiptNumber\":\"S2\"") && events.contains("event: complete"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_wants_events_is_answered_with_them() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09125000011").await;
        let variables = json!({ "wallet": till.wallet_id() });
        let events = |caller: Option<Caller>, variables: &Value| {
            app.request(caller, LIVE, "Wallet", variables.clone())
                .header("accept", "text/event-stream")
                .send()
        };
        let refused = events(None, &variables).await.unwrap().text().await.unwrap();
        assert!(
            refused.contains("UNAUTHENTICATED") && refused.ends_with("event: complete\ndata:\n\n"),
            "{refused}"
        );

        let mut answer = events(Some(Caller::Member(till.member)), &variables).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut text = String::new();
        till.earn("k1", "R1", 42).await;
        relay(&app).await;
        while !text.contains("\"posted\":\"42\"") {
            let chunk =
                tokio::time::timeout(Duration::from_secs(20), answer.chunk()).await.expect("no event");
            text.push_str(str::from_utf8(&chunk.unwrap().expect("the stream goes on")).unwrap());
        }
        assert!(text.starts_with("event: next\ndata: {\"data\":{\"walletChanged\":"), "{text}");
        let plain = app.send(Some(Caller::Member(till.member)), LIVE, "Wallet", variables).await;
        assert_eq!(plain["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{plain:#}");
    }
}
