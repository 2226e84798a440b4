//! What a user of Amvaj relies on, tried from outside of the crates against real servers: one module per
//! capability, in one program, so that the workspace is linked once.

mod architecture;
mod bench;
mod cache;
mod demo;
mod http;
mod ledger_traces;
mod program;
