//! The HTTP surface: the GraphQL endpoint, health, metrics, and what every response carries.

pub mod docs;
pub mod graphql;
pub mod health;
pub mod language;
pub mod media_type;
pub mod request;
pub mod response;
