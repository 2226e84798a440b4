//! Tests of the whole: one module per capability, against real servers in this process.

mod http;
