//! The body of each command, one file each.

pub mod backup;
pub mod bench;
pub mod boards;
pub mod demo;
pub mod documents;
pub mod erasures;
pub mod import;
pub mod keys;
pub mod migrate;
pub mod restored;
pub mod schema;
pub mod serve;
pub mod token;
pub mod user;
pub mod verify;
pub mod worker;
