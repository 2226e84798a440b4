//! The demo network: twelve merchants, their members and a year of business, made from a seed.
//!
//! [`network`], [`people`] and [`year`] are pure: the same seed makes the same merchants, members and events. [`play`]
//! takes them through the use cases on a clock of its own, so the ledger holds what a year of real use would have
//! left. Every request has a key of its own, so a demo that was interrupted is played again and nothing happens twice.

pub mod boards;
pub mod cast;
pub mod days;
pub mod guide;
pub mod marker;
pub mod network;
pub mod people;
pub mod play;
pub mod random;
pub mod rewards;
pub mod script;
pub mod welcome;
pub mod year;
