//! What a user of Amvaj relies on, tried from outside of the crates against real servers: one module per
//! capability, in one program, so that the workspace is linked once.

#![expect(clippy::disallowed_methods, reason = "where the test servers are is said in the environment")]

mod architecture;
mod audit;
mod backup;
mod bench;
mod browser;
mod bulk;
mod cache;
mod clock;
mod concurrency;
mod crash;
mod demo;
mod directory;
mod erasure;
mod exports;
mod federation;
mod fuzz;
mod http;
mod import;
mod issuers;
mod keys;
mod kit;
mod language;
mod leaderboards;
mod ledger_heads;
mod ledger_traces;
mod limits;
mod live;
mod login;
mod many_lots;
mod migrations;
mod notify;
mod outage;
mod pages;
mod participants;
mod persisted;
mod points;
mod program;
mod rewards;
mod sessions;
mod staff;
mod support;
mod tenancy;
mod tokens;
mod users;
mod verify;
mod webhooks;
mod worker;
