//! The transactional outbox: what every commit of the ledger tells the rest of the system.
//!
//! A batch leaves one row per bucket that it touched. [`relay`] numbers the rows, so that readers can follow them
//! although batches commit out of the order of their ids, and makes each a link of the ledger's [`chain`]; a [`Consumer`] follows the numbers with a cursor of its
//! own; [`retention`] removes what every consumer has passed.
//!
//! What belongs here is order, delivery and removal. What a consumer does with a row does not, except for
//! [`CacheRepair`], the first of them; [`crate::relation::RelationKeeper`] is the second.

mod buckets;
pub(crate) mod cache_repair;
pub(crate) mod chain;
mod consumer;
pub(crate) mod order;
mod relay;
mod retention;

pub use buckets::Buckets;
pub use cache_repair::CacheRepair;
pub use chain::heads;
pub use consumer::{Backlog, Consumer, Relayed};
pub use relay::{Numbered, relay};
pub use retention::remove_passed;
