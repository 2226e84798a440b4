//! Copies that are emptied, cut off, spoilt or behind: answers stay right, and the copies heal.

use amvaj_domain::time::Span;
use amvaj_infra::worker::WorkError;
use redis::AsyncCommands as _;
use sea_orm::ConnectionTrait as _;

use super::support::{Shop, a_second, anew, count, make, members, row, top};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::redis::{OwnRedis, connect};
use crate::support::till::assert_sound;

/// A server on PostgreSQL with a Redis of its own.
async fn on(redis: &OwnRedis) -> TestApp {
    let url = redis.url();
    TestApp::start_with(TestDb::postgres().await, move |config| {
        anew(config);
        config.cache.redis_url = Some(amvaj_api::config::Secret::new(&*url));
        config.cache.timeout = std::time::Duration::from_secs(2);
    })
    .await
}

async fn keys(redis: &OwnRedis, part: &str) -> Vec<String> {
    let mut raw = connect(&redis.url()).await.unwrap();
    raw.keys(format!("amvaj:*:board:*:{part}")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_be_emptied_and_stopped_at_any_time() {
    let mut redis = OwnRedis::start().await.unwrap();
    let app = on(&redis).await;
    let shop = Shop::open(&app, "Garden Café").await;
    let [one, two, three] = members(&app).await;
    let board = make(&app, "POINTS_EARNED", "WEEK", None).await;
    shop.sell(one, "R1", 10).await;
    shop.sell(two, "R2", 20).await;
    count(&app).await;
    a_second().await;
    assert_eq!(keys(&redis, "ranking").await.len(), 1, "there is a copy");
    assert_eq!(top(&app, &board, None).await, [row(1, 1, 20, two), row(2, 2, 10, one)]);

    let mut raw = connect(&redis.url()).await.unwrap();
    let () = redis::cmd("FLUSHALL").query_async(&mut raw).await.unwrap();
    assert_eq!(top(&app, &board, None).await, [row(1, 1, 20, two), row(2, 2, 10, one)], "without a copy");
    shop.sell(three, "R3", 15).await;
    count(&app).await;
    let all = [row(1, 1, 20, two), row(2, 2, 15, three), row(3, 3, 10, one)];
    assert_eq!(top(&app, &board, None).await, all, "made anew");
    assert_eq!(app.app.boards.drift(app.clock.now()).await.unwrap().copies, 1);

    // One of the two keys alone is no copy.
    for part in ["ranking", "known"] {
        let key = keys(&redis, part).await.pop().expect("a copy has it");
        let () = raw.del(key).await.unwrap();
        assert_eq!(top(&app, &board, None).await, all, "without its {part}");
        app.app.boards.feed(app.clock.now()).await.unwrap();
        assert_eq!(app.app.boards.drift(app.clock.now()).await.unwrap().copies, 1);
    }

    // Nor is what somebody else has put there.
    for (part, command) in [("ranking", "SET"), ("known", "SET"), ("ranking", "LPUSH"), ("known", "LPUSH")] {
        let key = keys(&redis, part).await.pop().expect("a copy has it");
        let () = raw.del(&key).await.unwrap();
        let () = redis::cmd(command).arg(&key).arg("foreign").query_async(&mut raw).await.unwrap();
        assert_eq!(top(&app, &board, None).await, all, "{command} at its {part}");
        app.app.boards.feed(app.clock.now()).await.unwrap();
        assert_eq!(app.app.boards.drift(app.clock.now()).await.unwrap().copies, 1, "{command} at its {part}");
    }
    let known = keys(&redis, "known").await.pop().expect("a copy has it");
    let () = raw.hset(known, "at:0", "foreign").await.unwrap();
    app.app.boards.feed(app.clock.now()).await.unwrap();
    assert_eq!(top(&app, &board, None).await, all, "drawn anew");

    redis.kill().unwrap();
    shop.sell(one, "R4", 100).await;
    amvaj_api::app::relay_outbox::relay_outbox(&app.app, app.clock.now()).await.unwrap();
    let fed = app.app.boards.feed(app.clock.now()).await;
    assert!(matches!(fed, Err(WorkError::Cache(_))), "{fed:?}");
    let all = [row(1, 1, 110, one), row(2, 2, 20, two), row(3, 3, 15, three)];
    assert_eq!(top(&app, &board, None).await, all, "while Redis is away");
    redis.start_again().await.unwrap();
    redis.wait_until(async || app.app.boards.feed(app.clock.now()).await.is_ok()).await.unwrap();
    assert_eq!(app.app.boards.drift(app.clock.now()).await.unwrap().copies, 1, "it is copied again");
    assert_eq!(top(&app, &board, None).await, all);
    assert_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_went_back_in_time_is_brought_forward() {
    let redis = OwnRedis::start().await.unwrap();
    let app = on(&redis).await;
    let shop = Shop::open(&app, "Garden Café").await;
    let [one, two] = members(&app).await;
    let board = make(&app, "POINTS_EARNED", "WEEK", None).await;
    shop.sell(one, "R1", 10).await;
    shop.sell(two, "R2", 20).await;
    count(&app).await;
    a_second().await;
    let mut raw = connect(&redis.url()).await.unwrap();
    let (ranking, known) = (keys(&redis, "ranking").await.remove(0), keys(&redis, "known").await.remove(0));
    let () = redis::cmd("COPY").arg(&ranking).arg("old-ranking").query_async(&mut raw).await.unwrap();
    let () = redis::cmd("COPY").arg(&known).arg("old-known").query_async(&mut raw).await.unwrap();
    shop.sell(one, "R3", 50).await;
    count(&app).await;
    shop.refund(two, "R2", None).await;
    count(&app).await;
    assert_eq!(top(&app, &board, None).await, [row(1, 1, 60, one)]);
    let () = raw.rename("old-ranking", &ranking).await.unwrap();
    let () = raw.rename("old-known", &known).await.unwrap();
    app.app.boards.feed(app.clock.now()).await.unwrap();
    assert_eq!(top(&app, &board, None).await, [row(1, 1, 60, one)]);

    // What the outbox no longer tells is copied from the totals.
    let () = redis::cmd("COPY").arg(&ranking).arg("old-ranking").query_async(&mut raw).await.unwrap();
    let () = redis::cmd("COPY").arg(&known).arg("old-known").query_async(&mut raw).await.unwrap();
    shop.sell(two, "R5", 70).await;
    count(&app).await;
    let () = raw.rename("old-ranking", &ranking).await.unwrap();
    let () = raw.rename("old-known", &known).await.unwrap();
    app.app.db.for_migrations().execute_unprepared("delete from outbox").await.unwrap();
    app.app.boards.feed(app.clock.now()).await.unwrap();
    assert_eq!(top(&app, &board, None).await, [row(1, 1, 70, two), row(2, 2, 60, one)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_finds_a_redis_that_lies() {
    let redis = OwnRedis::start().await.unwrap();
    let app = on(&redis).await;
    let shop = Shop::open(&app, "Garden Café").await;
    let [one, two] = members(&app).await;
    let board = make(&app, "POINTS_EARNED", "WEEK", None).await;
    shop.sell(one, "R1", 10).await;
    shop.sell(two, "R2", 20).await;
    count(&app).await;
    a_second().await;
    assert_eq!(app.app.boards.drift(app.clock.now()).await.unwrap().differences.len(), 0);
    let mut raw = connect(&redis.url()).await.unwrap();
    let ranking = keys(&redis, "ranking").await.remove(0);
    let last: Vec<Vec<u8>> = raw.zrange(&ranking, 1, 1).await.unwrap();
    let () = raw.zadd(&ranking, &last[0], -99).await.unwrap();
    // The answer comes from the copy, so it is wrong now, and that is what the audit is for.
    assert_eq!(top(&app, &board, None).await[0].2, "99");
    let drift = app.app.boards.drift(app.clock.now()).await.unwrap();
    assert_eq!((drift.copies, drift.differences.len()), (1, 1), "{drift:?}");
    assert!(drift.differences[0].contains("the copy says 99"), "{drift:?}");
    let () = raw.zrem(&ranking, &last[0]).await.unwrap();
    assert_eq!(
        app.app.boards.drift(app.clock.now()).await.unwrap().differences.len(),
        1,
        "somebody is missing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_mends_what_somebody_did_to_the_totals() {
    let [sqlite, postgres] = TestDb::both().await;
    for database in [sqlite, postgres] {
        let app = TestApp::start_with(database, anew).await;
        let shop = Shop::open(&app, "Garden Café").await;
        let [one, two] = members(&app).await;
        let board = make(&app, "MERCHANTS_VISITED", "WEEK", None).await;
        let points = make(&app, "POINTS_EARNED", "WEEK", None).await;
        shop.sell(one, "R1", 10).await;
        shop.sell(two, "R2", 20).await;
        count(&app).await;
        a_second().await;
        count(&app).await;
        assert_eq!(top(&app, &points, None).await, [row(1, 1, 20, two), row(2, 2, 10, one)]);
        for damage in ["update board_total set total = 77", "update board_merchant set visits = 5"] {
            app.app.db.for_migrations().execute_unprepared(damage).await.unwrap();
        }
        let act = crate::support::app::act();
        assert_eq!(app.app.boards.rebuild(None, &act).await.unwrap(), 2);
        count(&app).await;
        a_second().await;
        app.app.boards.feed(app.clock.now()).await.unwrap();
        assert_eq!(top(&app, &points, None).await, [row(1, 1, 20, two), row(2, 2, 10, one)]);
        assert_eq!(top(&app, &board, None).await, [row(1, 1, 1, one), row(2, 1, 1, two)]);
        assert_sound(&app).await;
        let unknown = amvaj_domain::id::BoardId::new(uuid::Uuid::from_u128(1));
        assert_eq!(app.app.boards.rebuild(Some(unknown), &act).await.unwrap(), 0);
        app.clock.advance_to(app.clock.now().plus(Span::days(1)));
    }
}
