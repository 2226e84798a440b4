#![deny(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::wildcard_enum_match_arm
)]
//! The business of Amvaj, pure and synchronous.
//!
//! A **network** is run by an operator and joined by **merchants**. A **member** has one **wallet** of points,
//! filled by earns at any merchant and spent at any other. This crate says what is true in that world and
//! nothing about how it is stored or served: it never awaits, never reads a clock, never draws a random number,
//! and holds no floating point number for points or money. Whoever needs the time is given `now`.
//!

//! - values: [`id`], [`points`], [`money`], [`time`], [`calendar`], [`text`]
//! - the installation: [`network`]; who takes part: [`merchant`], [`member`];
//!   who runs it: [`user`]
//! - what a merchant may see of a member: [`relation`]; who stands where: [`board`]
//! - what points buy, and what becomes of it: [`reward`]
//! - who may do what: [`access`]; who did what: [`audit`]; what merchants are told: [`webhook`]; what shows that rows were changed: [`sealed`]
//! - what is handed out as a file: [`export`]
//! - what a purchase earns, and why: [`earn`]
//! - the ledger, whose heart is [`ledger::apply`]: a wallet's state and an operation in, rows or a rejection out

pub mod access;
pub mod audit;
pub mod board;
pub mod calendar;
pub mod earn;
pub mod export;
pub mod id;
pub mod language;
pub mod ledger;
pub mod member;
pub mod merchant;
pub mod money;
pub mod network;
pub mod points;
pub mod relation;
pub mod reward;
pub mod sandbox;
pub mod sealed;
pub mod staff;
pub mod text;
pub mod time;
pub mod user;
pub mod webhook;
