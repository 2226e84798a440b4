//! What a user of Amvaj relies on, tried against real servers.

mod cache;
