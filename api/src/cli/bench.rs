//! The arguments of `amvaj bench`.

use std::num::NonZeroU32;

use clap::Args;

use super::values::{parse_count, parse_rate};
use crate::bench::Scenario;

/// `amvaj bench`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj bench                    on a SQLite file of its own, deleted afterwards
  amvaj bench --scenario earn --seconds 30 --json
  amvaj bench --database-url postgres://amvaj:secret@127.0.0.1/bench --redis-url redis://127.0.0.1

Starts a server in this process and asks it over real connections: every one sends its next request when the last one is
answered. The database must be empty or have been used for this before. Ends with 1 when an answer was wrong.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct BenchArgs {
    /// What to measure, in this order; earn, hold, redeem, refund and balance unless named
    #[arg(long, value_enum)]
    pub scenario: Vec<Scenario>,
    /// Connections that send at the same time
    #[arg(long, default_value = "64", value_parser = parse_count)]
    pub connections: NonZeroU32,
    /// Threads that send; the server has threads of its own
    #[arg(long, default_value = "1", value_parser = parse_count)]
    pub threads: NonZeroU32,
    /// Requests a second that go out at their time, whether those before are answered or not (an open loop): a request's
    /// time counts from when it was due. Without it each connection sends when its last request is answered
    #[arg(long, value_name = "PER_SECOND", value_parser = parse_rate)]
    pub rate: Option<NonZeroU32>,
    /// How often everything is measured, in turn
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// Measure beside it in every round what is usual: beside scenarios that write a ledger of one transaction of SQL for
    /// each request, in the same database and without HTTP; beside those that only read the GraphQL library alone, which
    /// answers a fixed wallet from memory
    #[arg(long)]
    pub baseline: bool,
    /// Seconds for which each is measured, after a second to warm up
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub seconds: u32,
    /// Merchants that issue and accept points
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub merchants: u32,
    /// Wallets that they are earned and spent on
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub wallets: u32,
    /// Operations that these wallets together have behind them, loaded before anything is measured: at least one for each;
    /// on PostgreSQL only
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=1_000_000_000))]
    pub operations: u64,
    /// A database for the bench alone, instead of a file that is deleted afterwards
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Cache balances in Redis instead of this process
    #[arg(long, value_name = "URL")]
    pub redis_url: Option<String>,
    /// Measure what authentication, limits and the guard add to a query, without HTTP
    #[arg(long)]
    pub door: bool,
    /// Measure how many events are delivered by webhooks while purchases are made, and what receivers that hang cost
    #[arg(long)]
    pub webhooks: bool,
    /// Measure how many rows of operations are exported in a second, and how much memory that takes
    #[arg(long)]
    pub export: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}
