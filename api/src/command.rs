//! The body of each command, one file each.

pub mod import;
pub mod schema;
pub mod serve;
pub mod token;
