//! The database: its connections, tables and readers. No other crate knows SeaORM.

pub(crate) mod columns;
mod connection;
pub(crate) mod entity;
mod error;
pub(crate) mod gathered;
mod insert;
pub(crate) mod listing;

pub use connection::{Database, DatabaseSettings};
pub use error::StoreError;
pub(crate) use insert::{insert, select, update};
