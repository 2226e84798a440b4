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
mod chain;
mod check;
mod claims;
mod erasure;
mod exports;
#[cfg(test)]
pub(crate) mod in_memory;
mod journal;
mod lots;
mod members;
mod nightly;
mod purchases;
mod relations;
mod relay;
mod replay;
mod rewards;
mod sandbox;
mod scope;
mod sessions;
mod staff;
mod users;
mod walk;
mod watch;
mod webhooks;

use amvaj_domain::id::WalletId;
use amvaj_domain::time::{Instant, Span};
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, IsolationLevel, TransactionOptions,
    TransactionTrait as _,
};

pub use self::nightly::{keep_verification, last_verified, was_verified};
pub use self::watch::{Watch, Watched};
use self::{check::Check, scope::Scope};
use crate::db::{Database, StoreError};
use crate::ledger_time;
use crate::outbox::chain::heads_in as heads;

/// How to audit.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// The present, from which follows what is late, also by the time of a sandbox.
    pub now: Instant,
    /// How long something may be left undone (a hold past its end, an outbox row without number, a refund beside
    /// its purchase) before it counts as stuck.
    pub grace: Span,
    /// The most rows that one check names; it counts the others.
    pub limit_per_check: u32,
    /// Heads of the ledger's chain that were kept elsewhere ([`crate::outbox::heads`]); empty when there are none.
    pub heads: Vec<Option<Vec<u8>>>,
}

/// The present, and the instants before which nothing may be left undone.
#[derive(Debug, Clone, Copy)]
struct Moments {
    now: Instant,
    /// By the ledger's time, which in a sandbox may be ahead.
    stale: Instant,
    /// By the present.
    stale_present: Instant,
}

impl VerifyOptions {
    /// What was due at these instants has been due for longer than anything may be left undone. A step of a sandbox's time
    /// makes much due at once, which is not late by that: so the ledger's instant is what its time was then.
    async fn moments<C: ConnectionTrait>(&self, connection: &C) -> Result<Moments, StoreError> {
        let stale_present = self.now.plus(Span::from_micros(self.grace.micros().saturating_neg()));
        let stale = ledger_time::at(connection, stale_present).await?;
        Ok(Moments { now: self.now, stale, stale_present })
    }
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
    /// The ends of the ledger's chains in the snapshot that was audited, in the order of the buckets.
    pub heads: Vec<Option<Vec<u8>>>,
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

impl CheckResult {
    /// Counts a row that breaks the check, and names it unless enough are named.
    fn found(&mut self, limit: u32, what: impl FnOnce() -> String) {
        self.violations = self.violations.saturating_add(1);
        if self.violations <= u64::from(limit) {
            self.rows.push(what());
        }
    }
}

impl Report {
    /// Whether every invariant holds.
    pub fn is_clean(&self) -> bool {
        self.violations() == 0
    }

    /// How many rows break an invariant.
    pub fn violations(&self) -> u64 {
        self.checks.iter().fold(0, |sum, check| sum.saturating_add(check.violations))
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
    let snapshot = snapshot(db).await?;
    if db.is_postgres() {
        // Every check joins whole tables. The planner takes `shard_no` and `wallet_id` for independent, expects few
        // rows and would pick nested loops, which a wallet with a long history makes slow by its square.
        snapshot.execute_unprepared("set local enable_nestloop = off").await?;
    }
    let moments = options.moments(&snapshot).await?;
    let others = [walk::CHECKS.len(), chain::CHECKS.len(), boards::CHECKS.len(), audit::CHECKS.len()];
    let total = count(others.into_iter().fold(checks().count(), usize::saturating_add));
    let mut results = Vec::new();
    for (done, check) in checks().enumerate() {
        progress(Progress { done: count(done), total, name: check.name, wallets: (0, 0) });
        results.push(check.run(&snapshot, Scope::Everything, moments, options.limit_per_check).await?);
    }
    let done = count(results.len());
    let walked = walk::run(&snapshot, options.limit_per_check, |wallets| {
        progress(Progress { done, total, name: walk::NAME, wallets });
    });
    results.extend(walked.await?);
    let done = count(results.len());
    progress(Progress { done, total, name: chain::NAME, wallets: (0, 0) });
    results.extend(chain::run(&snapshot, options.limit_per_check, &options.heads).await?);
    let done = count(results.len());
    progress(Progress { done, total, name: boards::NAME, wallets: (0, 0) });
    results.extend(boards::run(&snapshot, options.limit_per_check).await?);
    let done = count(results.len());
    progress(Progress { done, total, name: audit::NAME, wallets: (0, 0) });
    results.extend(audit::run(&snapshot, options.limit_per_check).await?);
    let heads = heads(&snapshot).await?;
    snapshot.rollback().await?;
    results.sort_by_key(|result| result.number);
    Ok(Report { checks: results, heads })
}

/// Runs the checks that look at one wallet at a time for some wallets, on one snapshot. It writes nothing.
///
/// # Errors
/// When the database fails.
pub async fn verify_wallets(
    db: &Database,
    wallets: &[WalletId],
    options: &VerifyOptions,
) -> Result<Report, StoreError> {
    let snapshot = snapshot(db).await?;
    if db.is_postgres() {
        // The other way round: few rows of large tables, which are found by their keys, and then joined as they are.
        let settings = "set local enable_seqscan = off; set local enable_nestloop = off";
        snapshot.execute_unprepared(settings).await?;
    }
    let (moments, limit) = (options.moments(&snapshot).await?, options.limit_per_check);
    let mut checks = Vec::new();
    let of_wallets: Vec<&'static Check> = OF_WALLETS.into_iter().flatten().collect();
    for check in of_wallets {
        checks.push(check.run(&snapshot, Scope::Wallets(wallets), moments, limit).await?);
    }
    checks.extend(walk::run_for(&snapshot, wallets, limit).await?);
    snapshot.rollback().await?;
    Ok(Report { checks, heads: Vec::new() })
}

/// A transaction that sees one state of the database and changes nothing.
async fn snapshot(db: &Database) -> Result<DatabaseTransaction, StoreError> {
    let options = TransactionOptions {
        isolation_level: db.is_postgres().then_some(IsolationLevel::RepeatableRead),
        access_mode: db.is_postgres().then_some(AccessMode::ReadOnly),
        sqlite_transaction_mode: None,
    };
    let snapshot = db.reader().begin_with_options(options).await?;
    if db.is_postgres() {
        // The reader's connections end what takes longer than a request may.
        snapshot.execute_unprepared("set local statement_timeout = 0").await?;
    }
    Ok(snapshot)
}

/// The checks that look at one wallet at a time, each one statement.
const OF_WALLETS: [&[Check]; 5] =
    [balances::CHECKS, lots::CHECKS, journal::CHECKS, claims::CHECKS, purchases::CHECKS];

/// The checks of everything else, each one statement.
const OF_THE_REST: [&[Check]; 17] = [
    balances::OF_THE_BOOK,
    claims::OF_WAITING_REFUNDS,
    members::CHECKS,
    relations::CHECKS,
    relay::CHECKS,
    chain::QUERIES,
    boards::QUERIES,
    staff::CHECKS,
    users::CHECKS,
    api_keys::CHECKS,
    sessions::CHECKS,
    audit::QUERIES,
    webhooks::CHECKS,
    rewards::CHECKS,
    sandbox::CHECKS,
    erasure::CHECKS,
    exports::CHECKS,
];

/// The checks that are one statement each.
fn checks() -> impl Iterator<Item = &'static Check> {
    OF_WALLETS.into_iter().chain(OF_THE_REST).flatten()
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
