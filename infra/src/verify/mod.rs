//! The audit: every invariant of the ledger, and of the people and keys around it, as a query that must return no row.
//!
//! All checks read one snapshot, so an audit may run beside a server. Most are one statement over whole tables; what
//! SQL cannot say (the order in which lots are spent, what a kept basket earns) goes through the wallets page by
//! page. Queries that compare two tables add both up, one with the sign turned, and group by the key: so a row that
//! is missing on either side is found as well as one that differs.

mod api_keys;
mod audit;
mod balances;
mod boards;
mod check;
mod claims;
#[cfg(test)]
pub(crate) mod in_memory;
mod journal;
mod lots;
mod members;
mod purchases;
mod relations;
mod relay;
mod replay;
mod sessions;
mod staff;
mod users;
mod walk;

use amvaj_domain::time::{Instant, Span};
use sea_orm::{AccessMode, ConnectionTrait as _, IsolationLevel, TransactionOptions, TransactionTrait as _};

use self::check::Check;
use crate::db::{Database, StoreError};

/// How to audit.
#[derive(Debug, Clone, Copy)]
pub struct VerifyOptions {
    /// The present, by which something is late or not.
    pub now: Instant,
    /// How long something may be left undone (a hold past its end, an outbox row without number, a refund beside
    /// its purchase) before it counts as stuck.
    pub grace: Span,
    /// The most rows that one check names; it counts the others.
    pub limit_per_check: u32,
}

/// How far the audit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Checks that are done.
    pub done: u64,
    /// Checks in all.
    pub total: u64,
    /// What is being checked.
    pub name: &'static str,
    /// Wallets that the checks by wallet have seen, and wallets in all; zero in other checks.
    pub wallets: (u64, u64),
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// One result per check, by number.
    pub checks: Vec<CheckResult>,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// Number of the invariant in the ledger's design.
    pub number: u8,
    /// What must hold, as a sentence.
    pub name: &'static str,
    /// How many rows break it.
    pub violations: u64,
    /// The first of them by name, with what is wrong.
    pub rows: Vec<String>,
}

impl Report {
    /// Whether every invariant holds.
    pub fn is_clean(&self) -> bool {
        self.checks.iter().all(|check| check.violations == 0)
    }
}

/// Runs every check on one snapshot of the database and says how far it is before each. It writes nothing.
///
/// # Errors
/// [`StoreError`] when the database fails, or a stored number is so far out of range that a sum overflows.
pub async fn verify(
    db: &Database,
    options: VerifyOptions,
    mut progress: impl FnMut(Progress),
) -> Result<Report, StoreError> {
    let options_of_snapshot = TransactionOptions {
        isolation_level: db.is_postgres().then_some(IsolationLevel::RepeatableRead),
        access_mode: db.is_postgres().then_some(AccessMode::ReadOnly),
        sqlite_transaction_mode: None,
    };
    let snapshot = db.reader().begin_with_options(options_of_snapshot).await?;
    if db.is_postgres() {
        // Every check joins whole tables. The planner takes `shard_no` and `wallet_id` for independent, expects few
        // rows and would pick nested loops, which a wallet with a long history makes slow by its square.
        snapshot.execute_unprepared("set local enable_nestloop = off").await?;
    }
    let stale = options.now.plus(Span::from_micros(options.grace.micros().saturating_neg()));
    let others = [walk::CHECKS.len(), boards::CHECKS.len(), audit::CHECKS.len()];
    let total = count(others.into_iter().fold(checks().count(), usize::saturating_add));
    let mut results = Vec::new();
    for (done, check) in checks().enumerate() {
        progress(Progress { done: count(done), total, name: check.name, wallets: (0, 0) });
        results.push(check.run(&snapshot, stale, options.limit_per_check).await?);
    }
    let done = count(results.len());
    let walked = walk::run(&snapshot, options.limit_per_check, |wallets| {
        progress(Progress { done, total, name: walk::NAME, wallets });
    });
    results.extend(walked.await?);
    let done = count(results.len());
    progress(Progress { done, total, name: boards::NAME, wallets: (0, 0) });
    results.extend(boards::run(&snapshot, options.limit_per_check).await?);
    let done = count(results.len());
    progress(Progress { done, total, name: audit::NAME, wallets: (0, 0) });
    results.extend(audit::run(&snapshot, options.limit_per_check).await?);
    snapshot.rollback().await?;
    results.sort_by_key(|result| result.number);
    Ok(Report { checks: results })
}

/// The checks that are one statement each.
fn checks() -> impl Iterator<Item = &'static Check> {
    [
        balances::CHECKS,
        lots::CHECKS,
        journal::CHECKS,
        claims::CHECKS,
        purchases::CHECKS,
        members::CHECKS,
        relations::CHECKS,
        relay::CHECKS,
        boards::QUERIES,
        staff::CHECKS,
        users::CHECKS,
        api_keys::CHECKS,
        sessions::CHECKS,
        audit::QUERIES,
    ]
    .into_iter()
    .flatten()
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
