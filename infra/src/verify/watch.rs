//! The audit of what was touched last: the wallets that rows of the outbox tell of.
//!
//! The rows are hints. Whoever watches notes how far the outbox was when it looked last, and nobody waits for it: not the
//! outbox with the removal of old rows, and not the next look when one fails. What it passes over is audited with
//! everything else by [`super::verify`].

use std::collections::{BTreeMap, BTreeSet};

use amvaj_domain::id::WalletId;
use sea_orm::{ConnectionTrait as _, FromQueryResult, Statement};

use super::{Report, VerifyOptions, verify_wallets};
use crate::{
    db::{Database, StoreError},
    ledger::touched::touched_from,
};

/// The newest rows of each bucket that one look reads.
const MOST_ROWS: i64 = 64;

/// Whoever watches.
#[derive(Debug, Clone)]
pub struct Watch {
    database: Database,
    most: usize,
    /// The last number of each bucket when it looked last; nothing before the first look.
    seen: Option<BTreeMap<i16, i64>>,
}

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Wallets that were audited.
    pub wallets: usize,
    /// Rows of the outbox since the last look.
    pub rows: i64,
    /// Rows whose wallets were all audited.
    pub audited_rows: i64,
    /// What the audit found.
    pub report: Report,
}

#[derive(FromQueryResult)]
struct Row {
    payload: String,
}

impl Watch {
    /// A watch that audits at most so many wallets in one look.
    pub const fn new(database: Database, most: usize) -> Self {
        Self { database, most, seen: None }
    }

    /// Audits the wallets that were touched since the last look, as they are now, the latest first. The first look only
    /// notes how far the outbox is.
    ///
    /// # Errors
    /// When the database fails. What was touched is passed over then.
    pub async fn look(&mut self, options: &VerifyOptions) -> Result<Watched, StoreError> {
        let ends = self.ends().await?;
        let since = self.seen.replace(ends.clone()).unwrap_or_else(|| ends.clone());
        let fresh: BTreeMap<i16, (i64, i64)> = ends
            .into_iter()
            .map(|(bucket, end)| (bucket, (since.get(&bucket).copied().unwrap_or(0), end)))
            .filter(|(_, (from, to))| from < to)
            .collect();
        let rows =
            fresh.values().fold(0, |sum: i64, (from, to)| sum.saturating_add(to.saturating_sub(*from)));
        let (wallets, audited_rows) = self.touched(&fresh).await?;
        let report = if wallets.is_empty() {
            Report { checks: Vec::new(), heads: Vec::new() }
        } else {
            verify_wallets(&self.database, &wallets, options).await?
        };
        Ok(Watched { wallets: wallets.len(), rows, audited_rows, report })
    }

    /// How far the relay is in each bucket.
    async fn ends(&self) -> Result<BTreeMap<i16, i64>, StoreError> {
        let statement = Statement::from_string(self.database.backend(), "select bucket, relay_no from relay");
        let rows = self.database.reader().query_all_raw(statement).await?;
        rows.iter().map(|row| Ok((row.try_get("", "bucket")?, row.try_get("", "relay_no")?))).collect()
    }

    /// The wallets of the newest rows, as many as one look audits, and of how many rows those are.
    async fn touched(&self, fresh: &BTreeMap<i16, (i64, i64)>) -> Result<(Vec<WalletId>, i64), StoreError> {
        let mut wallets = BTreeSet::new();
        let mut rows = 0_i64;
        for (bucket, (from, to)) in fresh {
            let values = [(*bucket).into(), (*from).into(), (*to).into(), MOST_ROWS.into()];
            let statement = Statement::from_sql_and_values(self.database.backend(), NEWEST, values);
            for row in Row::find_by_statement(statement).all(self.database.reader()).await? {
                let touched = touched_from(&row.payload).unwrap_or_default();
                let more: BTreeSet<WalletId> = touched.iter().map(|touched| touched.wallet()).collect();
                if wallets.union(&more).count() > self.most {
                    continue;
                }
                wallets.extend(more);
                rows = rows.saturating_add(1);
            }
        }
        Ok((wallets.into_iter().collect(), rows))
    }
}

const NEWEST: &str = "select payload from outbox where bucket = $1 and relay_no > $2 and relay_no <= $3 \
     order by relay_no desc limit $4";
