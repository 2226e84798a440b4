//! What the business is stored in: the only crate that knows SeaORM and Redis.

pub mod access;
pub mod audit;
pub mod board;
pub mod cache;
pub mod clock;
pub mod db;
pub mod directory;
pub mod fields;
pub mod jwks;
pub mod ledger;
pub mod ledger_time;
pub mod limit;
pub mod link;
pub mod live;
pub mod notify;
pub mod outbound;
pub mod outbox;
pub mod page;
pub mod persisted;
pub mod plain;
pub mod relation;
pub mod restored;
pub mod users;
pub mod verify;
pub mod webhook;
pub mod worker;
