//! The composition root: configuration, HTTP, GraphQL, use cases and the command line. It is a library so that tests
//! can start a server inside their own process; the binary only calls [`cli::run`].

pub mod app;
pub mod auth;
pub mod bench;
pub mod cli;
pub mod command;
pub mod compose;
pub mod config;
pub mod database;
pub mod demo;
pub mod export;
pub mod graphql;
pub mod http;
pub mod import;
pub mod language;
pub mod random;
pub mod server;
pub mod telemetry;
pub mod throttle;
pub mod webhook;
