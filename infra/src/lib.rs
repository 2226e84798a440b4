//! Storage, cache and delivery: the only crate that knows SeaORM and Redis.

pub mod clock;
