//! Background work: what time makes due is done once, and the outbox is followed without a gap, on both databases.

mod lease;
mod outbox;
mod repair;
mod running;
mod support;
mod sweep;
mod watch;
