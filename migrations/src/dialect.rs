//! One text for both databases: placeholders stand for the words that differ.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, DbErr};

/// The words that differ: placeholder, PostgreSQL, SQLite.
const WORDS: [(&str, &str, &str); 9] = [
    ("{i16}", "smallint", "integer"),
    ("{i32}", "integer", "integer"),
    ("{i64}", "bigint", "integer"),
    ("{text}", "text", "text"),
    ("{uuid}", "uuid", "blob"),
    ("{bytes}", "bytea", "blob"),
    // Rows that are looked up by their key live in the key's own tree on SQLite.
    ("{keyed}", "", "strict, without rowid"),
    // Rows that are longer than a page of SQLite's are kept away from the tree of their keys.
    ("{large}", "", "strict"),
    // Wallet rows change all the time: room on the page keeps their updates away from the index.
    ("{hot}", "with (fillfactor = 70)", "strict, without rowid"),
];

/// Runs the statements of a change, in order.
pub(crate) async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let postgres = connection.get_database_backend() == DbBackend::Postgres;
    for statement in statements {
        let sql = WORDS.iter().fold((*statement).to_owned(), |sql, (word, on_postgres, on_sqlite)| {
            sql.replace(word, if postgres { on_postgres } else { on_sqlite })
        });
        connection.execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// Drops tables, in order.
pub(crate) async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&str]) -> Result<(), DbErr> {
    for table in tables {
        manager.get_connection().execute_unprepared(&format!("drop table {table}")).await?;
    }
    Ok(())
}
