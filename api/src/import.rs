//! Bringing in purchases of other systems from a CSV file of purchase lines.
//!
//! A [`Map`] says what the columns mean. [`plan`] reads and checks every line, puts lines together into purchases and
//! finds the purchase that each cancellation takes back; it is pure, so a dry run is the whole plan and nothing else.
//! [`play`] plays the plan through the same use cases as the API, on a clock that follows the file.

mod basket;
mod cancel;
mod cell;
mod enrol;
mod error;
mod identity;
mod map;
mod member;
mod plan;
mod play;
mod post;
mod reason;
mod record;
mod report;
mod row;
mod tally;

pub use basket::Purchase;
pub use cancel::{Part, Refund};
pub use error::ImportError;
pub use identity::Identities;
pub use map::{
    Cancellation, Columns, InvalidMap, Map, MemberPlan, MerchantPlan, NewMerchant, PriceFormat, Products,
    Reference, TimeFormat,
};
pub use member::MemberRef;
pub use plan::{Event, Plan, plan};
pub use play::{dry_run, play};
pub use post::Poster;
pub use reason::{Malformed, Reason, Skipped};
pub use report::{CancelledUnits, Lines, MerchantTotals, Posts, Report};
pub use row::Line;
