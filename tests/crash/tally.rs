//! What happened in all rounds, as a table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::clients::Book;
use super::plan::{Fault, Plan, Servers};

/// Sums over rounds.
#[derive(Default)]
pub(super) struct Tally {
    clusters: usize,
    embedded: usize,
    faults: BTreeMap<Fault, usize>,
    acknowledged: usize,
    refused: usize,
    retried: usize,
    unknown: usize,
    took: Duration,
}

impl Tally {
    pub(super) fn add(&mut self, plan: &Plan, book: &Book, took: Duration) {
        match plan.servers {
            Servers::Cluster => self.clusters += 1,
            Servers::Embedded => self.embedded += 1,
        }
        for blow in &plan.blows {
            *self.faults.entry(blow.fault).or_default() += 1;
        }
        self.acknowledged += book.answered.len();
        self.refused += book.answered.iter().filter(|(_, answer)| !answer.refused.is_empty()).count();
        self.retried += book.retried;
        self.unknown += book.unknown;
        self.took += took;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clusters, embedded, acknowledged, refused, retried, unknown, took, .. } = self;
        let mut row = |name: &str, count: &dyn fmt::Display| writeln!(formatter, "{name:<42} {count:>9}");
        row("rounds on two nodes, PostgreSQL and Redis", clusters)?;
        row("rounds on one node and a SQLite file", embedded)?;
        for (fault, times) in &self.faults {
            row(&fault.to_string(), times)?;
        }
        row("operations acknowledged", acknowledged)?;
        row("  of which refused", refused)?;
        row("  of which sent more than once", retried)?;
        row("tries whose outcome nobody knew", unknown)?;
        row("seconds", &took.as_secs())
    }
}
