//! Webhooks: what merchants are told of as it happens, where, and how often it is tried.
//!
//! An **event** is an applied operation of a merchant. Its id follows from the operation alone, so it is the same at every
//! endpoint and at every try: that is what a receiver knows a repetition by.

mod endpoint;
mod event;
mod pace;

pub use endpoint::{Delivery, DeliveryStatus, DisabledReason, Endpoint, EndpointStatus, Failure, Secret};
pub use event::{EventType, EventTypes, event_id, ping_id};
pub use pace::{Health, MOST_TRIES, pause};
