//! Opening a database: every change goes up and down, and what is newer than the program is left alone.

use amvaj_api::config::{DatabaseConfig, Secret};
use amvaj_api::database::{self, DatabaseError};
use amvaj_infra::db::StoreError;
use amvaj_migrations::{Migrator, MigratorTrait};
use sea_orm::ConnectionTrait;

use crate::support::database::TestDb;

fn config(url: &str) -> DatabaseConfig {
    DatabaseConfig { url: Secret::new(url), max_connections: 2 }
}

#[tokio::test]
async fn migrations_go_down_and_up_again() {
    for db in TestDb::both().await {
        let opened = database::open(&config(&db.url)).await.unwrap();
        assert!(database::migrate(&opened).await.unwrap().is_empty());
        Migrator::down(opened.for_migrations(), None).await.unwrap();
        assert!(database::changes(&opened).await.unwrap().iter().all(|change| !change.applied));
        assert_eq!(database::migrate(&opened).await.unwrap().len(), Migrator::migrations().len());
        opened.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_left_alone() {
    for db in TestDb::both().await {
        let newer = "insert into seaql_migrations (version, applied_at) values ('m9999_future', 1)";
        db.database.for_migrations().execute_unprepared(newer).await.unwrap();
        let refused = database::migrate(&db.database).await;
        assert!(matches!(&refused, Err(StoreError::Newer(what)) if what == "m9999_future"), "{refused:?}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_named_without_its_password() {
    // Bound but never accepting: the connection is made, and nobody speaks.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = format!("{}/amvaj", silent.local_addr().unwrap());
    let error = database::open(&config(&format!("postgres://amvaj:secret@{place}"))).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Silent { .. } | DatabaseError::Open { .. }), "{error:?}");
    assert!(error.to_string().contains(&place) && !error.to_string().contains("secret"), "{error}");
}
