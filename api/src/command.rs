//! The body of each command, one file each.

<<<<<<< HEAD
pub mod bench;
pub mod demo;
=======
pub mod migrate;
>>>>>>> main
pub mod schema;
pub mod serve;
pub mod token;
