//! What the tests stand on: databases of their own, and whole servers on them.

pub(crate) mod app;
pub(crate) mod database;
pub(crate) mod disk;
pub(crate) mod issuer;
pub(crate) mod panel;
pub(crate) mod person;
pub(crate) mod proxy;
pub(crate) mod redis;
pub(crate) mod server;
pub(crate) mod till;
pub(crate) mod web;
