//! The HTTP surface: the GraphQL endpoint, health, metrics, web pages, and what every response carries.

pub mod assets;
pub mod client;
pub mod docs;
pub mod examples;
pub mod graphiql;
pub mod graphql;
pub mod health;
pub mod landing;
pub mod language;
pub mod media_type;
pub mod page;
pub mod request;
pub mod response;
