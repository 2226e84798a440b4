//! Leaderboards: who stands where, from the database and from copies alike, on both databases, with and without Redis.

mod access;
mod background;
mod copies;
mod periods;
mod standings;
mod support;
