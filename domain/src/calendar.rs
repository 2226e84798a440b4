//! Days, months and years of the network: time zones, two calendars, and when points expire.
//!
//! Time is stored in UTC microseconds ([`crate::time`]); days exist only in the network's [`Zone`], and months
//! and years only in a [`Calendar`].

mod day;
mod expiry;
mod period;
mod zone;

pub use day::{InvalidDay, JalaliDate, LocalDay};
pub use expiry::{ExpiryPolicy, InvalidExpiryPolicy};
pub use period::{Calendar, InvalidTerm, PeriodUnit, Term};
pub use zone::{UnknownZone, Zone};
