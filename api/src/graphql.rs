//! The GraphQL schema: one file per noun, merged in [`schema`].
//!
//! What every noun builds on: [`scalar`] and [`value`], [`global_id`] and [`node`], [`connection`], [`user_error`],
//! [`loader`] and [`context`].

pub mod access;
pub mod api_key;
pub mod audit;
pub mod branch;
pub mod clock;
pub mod connection;
pub mod context;
pub mod document;
pub mod earn;
pub mod earn_rule;
pub mod entity;
pub mod entry;
pub mod error;
pub mod errors_page;
pub mod explanation;
pub mod export;
pub mod global_id;
pub mod hold;
pub mod leaderboard;
pub mod ledger_loader;
pub mod live;
pub mod loader;
pub mod login;
pub mod member;
pub mod merchant;
pub mod network;
pub mod node;
pub mod operation;
pub mod persisted;
pub mod points_error;
pub mod points_input;
pub mod purchase;
pub mod rate_limit;
pub mod redemption;
pub mod refund;
pub mod relation;
pub mod reward;
pub mod scalar;
pub mod schema;
pub mod served;
pub mod session;
pub mod spend;
pub mod staff;
pub mod subgraph;
pub mod user;
pub mod user_error;
pub mod value;
pub mod viewer;
pub mod wallet;
pub mod webhook;
