//! Storage and transport: the only crate that knows the databases and Redis.

pub mod cache;
