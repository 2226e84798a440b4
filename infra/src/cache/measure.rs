//! What the cache tells of itself in metrics.

use super::balance::Balance;

/// How a look-up ended.
#[derive(Debug)]
pub(super) enum Read {
    /// Found and fit for the reader.
    Hit(Balance),
    /// Nothing kept, or foreign data.
    Miss,
    /// Kept, but too old for the reader.
    Stale,
    /// The cache failed.
    Error,
    /// The cache was not asked: the breaker is open.
    Open,
}

impl Read {
    pub(super) fn found(self) -> Option<Balance> {
        match self {
            Self::Hit(balance) => Some(balance),
            Self::Miss | Self::Stale | Self::Error | Self::Open => None,
        }
    }
}

/// How the writing of a balance ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Write {
    /// It is newer than what was kept, and kept now.
    Stored,
    /// What was kept is as new or newer, or the balance's own life was over already.
    Outdated,
    /// The cache failed.
    Error,
    /// The cache was not asked: the breaker is open.
    Open,
}

pub(super) fn count_read(read: &Read) {
    let outcome = match read {
        Read::Hit(_) => "hit",
        Read::Miss => "miss",
        Read::Stale => "stale",
        Read::Error => "error",
        Read::Open => "open",
    };
    metrics::counter!("amvaj_balance_cache_reads_total", "outcome" => outcome).increment(1);
}

pub(super) fn count_writes(write: Write, balances: usize) {
    let outcome = match write {
        Write::Stored => "stored",
        Write::Outdated => "outdated",
        Write::Error => "error",
        Write::Open => "open",
    };
    let balances = u64::try_from(balances).unwrap_or(u64::MAX);
    metrics::counter!("amvaj_balance_cache_writes_total", "outcome" => outcome).increment(balances);
}
