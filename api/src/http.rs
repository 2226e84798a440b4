//! The HTTP surface: the GraphQL endpoint, health, metrics, web pages, and what every response carries.

pub(crate) mod answer;
pub mod assets;
mod charge;
pub mod client;
pub mod docs;
pub mod download;
pub mod examples;
pub(crate) mod execution;
pub mod graphiql;
pub mod graphql;
pub mod health;
mod json_size;
pub mod jwks;
pub mod landing;
pub mod language;
pub mod live;
pub mod media_type;
pub mod page;
mod refusal;
pub mod request;
pub mod response;
pub mod turns;
pub(crate) mod work;
