//! The consumer under repetition and disorder, and two workers at once.

use std::collections::BTreeSet;
use std::time::Duration;

use amvaj_api::compose;
use amvaj_api::config::Config;
use futures_util::{StreamExt as _, stream};
use sea_orm::{ConnectionTrait as _, Statement};

use super::support::{Shop, a_second, all, anew, count, make, members, row, top};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::till::assert_sound;

async fn execute(app: &TestApp, sql: &str) {
    app.app.db.for_migrations().execute_unprepared(sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_come_again_or_in_another_order_change_nothing() {
    for app in all().await {
        let shop = Shop::open(&app, "Garden Café").await;
        let [one, two] = members(&app).await;
        let board = make(&app, "POINTS_EARNED", "WEEK", None).await;
        let visited = make(&app, "MERCHANTS_VISITED", "WEEK", None).await;
        count(&app).await;
        for number in 0..6 {
            shop.sell(one, &format!("A{number}"), 10).await;
            shop.sell(two, &format!("B{number}"), 7).await;
        }
        shop.refund(one, "A3", None).await;
        // Numbered, and then turned round before anybody has read them.
        execute(
            &app,
            "update outbox set relayed_at = 1, relay_no = (select count(*) from outbox as o \
            where o.bucket = outbox.bucket and o.batch_id >= outbox.batch_id)",
        )
        .await;
        execute(&app, "delete from relay").await;
        execute(&app, "insert into relay select bucket, max(relay_no) from outbox group by bucket").await;
        count(&app).await;
        a_second().await;
        count(&app).await;
        let right = [row(1, 1, 50, one), row(2, 2, 42, two)];
        assert_eq!(top(&app, &board, None).await, right, "in another order");
        execute(&app, "update consumer_cursor set relay_no = 0 where consumer = 'boards'").await;
        count(&app).await;
        assert_eq!(top(&app, &board, None).await, right, "once more from the beginning");
        assert_eq!(top(&app, &visited, None).await, [row(1, 1, 1, one), row(2, 1, 1, two)]);
        // What was numbered by hand was not sealed: all of it is numbered anew.
        execute(&app, "delete from relay").await;
        execute(&app, "update outbox set relay_no = null, relayed_at = null").await;
        execute(&app, "update consumer_cursor set relay_no = 0").await;
        count(&app).await;
        assert_sound(&app).await;
        assert_eq!(app.app.boards.drift(app.clock.now()).await.unwrap().differences, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_at_once_count_everything_once() {
    let [sqlite, postgres] = TestDb::both().await;
    for database in [sqlite, postgres] {
        let quick = |config: &mut Config| {
            anew(config);
            config.worker.interval = Duration::from_millis(20);
            config.worker.lease = Duration::from_secs(1);
        };
        let app = TestApp::start_with(database, quick).await;
        let other = app.second_node().await;
        let mut config = Config::default();
        quick(&mut config);
        let board = make(&app, "POINTS_EARNED", "ALL_TIME", None).await;
        let workers = [compose::start_worker(&app.app, &config), compose::start_worker(&other.app, &config)];
        let shops = [Shop::open(&app, "Garden Café").await, Shop::open(&other, "Bookshop").await];
        let people = members::<8>(&app).await;
        let sales = (0..160_usize).map(|number| {
            let (shop, member) = (&shops[number % 2], people[number % 8]);
            async move { shop.sell(member, &format!("R{number}"), 10).await }
        });
        stream::iter(sales).buffer_unordered(16).collect::<Vec<()>>().await;
        shops[0].refund(people[0], "R0", None).await;
        let right = |rows: &[super::support::Row]| {
            let scores: Vec<&str> = rows.iter().map(|row| row.2.as_str()).collect();
            scores == ["200", "200", "200", "200", "200", "200", "200", "190"]
        };
        let mut seen = Vec::new();
        for _ in 0..200 {
            seen = top(&app, &board, None).await;
            if right(&seen) && right(&top(&other, &board, None).await) {
                break;
            }
            // A node's clock stands still, and leases end by it.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(right(&seen), "{seen:?}");
        assert_eq!(seen.iter().map(|row| row.0).collect::<BTreeSet<_>>().len(), 8);
        let sql = "select holder from lease where name = 'boards'";
        let connection = app.app.db.for_migrations();
        let held =
            connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await;
        assert_eq!(held.unwrap().len(), 1);
        for (worker, node) in workers.into_iter().zip([&app, &other]) {
            worker.stop().await;
            let drift = node.app.boards.drift(node.clock.now()).await.unwrap();
            assert_eq!(drift.differences, Vec::<String>::new());
        }
        assert_sound(&app).await;
    }
}
