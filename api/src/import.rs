//! Bringing in purchases of other systems from a CSV file of purchase lines.
//!
//! A [`Map`] says what the columns mean. [`plan`] reads and checks every line, puts lines together into purchases and
//! finds the purchase that each cancellation takes back; it is pure, so a dry run is the whole plan and nothing else.
//! [`run`] plays the plan through the same use cases as the API, on a clock that follows the file.

mod basket;
mod cancel;
mod cell;
mod error;
mod identity;
mod map;
mod member;
mod plan;
mod post;
mod reason;
mod record;
mod report;
mod row;
mod run;

pub use error::ImportError;
pub use map::{InvalidMap, Map};
pub use plan::{Plan, plan};
pub use post::Poster;
pub use reason::{Malformed, Reason, Skipped};
pub use report::Report;
pub use run::run;
