//! The GraphQL schema: one file per noun, merged in [`schema`].

pub mod error;
pub mod schema;
