//! The GraphQL schema: one file per noun, merged in [`schema`].
//!
//! What every noun builds on: [`scalar`] and [`value`], [`global_id`] and [`node`], [`connection`], [`user_error`],
//! [`loader`] and [`context`].

pub mod connection;
pub mod context;
pub mod error;
pub mod global_id;
pub mod loader;
pub mod scalar;
pub mod schema;
pub mod user_error;
pub mod value;
