//! Everything that is tested from outside of the crates, in one program, so that the workspace is linked once.

mod architecture;
//! What a user of Amvaj relies on, tried against real servers.

mod cache;
