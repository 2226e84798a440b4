//! Live: what the journal gets is handed on, in order, without gaps and without doubles, to whoever listens on this node.
//!
//! A [`Feed`] follows the numbered rows of the outbox once for the whole node while anybody listens, and puts them into the
//! queues of those whom they concern. A [`Listener`] reads by itself what it has missed: what came before it listened, or
//! while its queue was full. Every node follows for itself, so any node may number the rows.

mod feed;
mod listener;
mod numbered;

pub use feed::Feed;
pub use listener::{ListenError, Listener, MerchantPlace, Topic, Within};
pub use numbered::BUCKETS;
