//! Whether copies say what the totals say: for the audit.

use std::{collections::BTreeMap, time::Duration};

use amvaj_domain::{board::Place, id::WalletId, time::Instant};

use super::{LiveBoards, Scored};
use crate::{
    board::{BoardKey, Boards, stored::places_after},
    worker::WorkError,
};

/// How long what differs may take to agree: changes are on their way for a moment.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a comparison of the copies with the totals has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LiveDrift {
    /// Periods of which there is a whole copy.
    pub copies: u64,
    /// Places that differ, by name, with what is wrong.
    pub differences: Vec<String>,
}

impl Boards {
    /// Compares every copy with the totals. What differs is looked at again a moment later, because a change may have been
    /// on its way. Periods without a whole copy are left out: they are answered from the database.
    ///
    /// # Errors
    /// When the database or Redis fails.
    pub async fn drift(&self, now: Instant) -> Result<LiveDrift, WorkError> {
        let mut drift = LiveDrift::default();
        for key in self.counted_keys(now).await? {
            let Some(mut found) = self.differences(key).await? else { continue };
            if !found.is_empty() {
                tokio::time::sleep(PATIENCE).await;
                let Some(later) = self.differences(key).await? else { continue };
                found.retain(|what| later.contains(what));
            }
            drift.copies = drift.copies.saturating_add(1);
            drift.differences.extend(found);
        }
        Ok(drift)
    }

    /// Places that the copy of a period has and the totals have not, or the other way round.
    async fn differences(&self, key: BoardKey) -> Result<Option<Vec<String>>, WorkError> {
        let copied = match self.live() {
            LiveBoards::Memory(memory) => memory.known(key),
            LiveBoards::Redis(redis) => redis.known(key).await?,
        };
        let Some(copied) = copied else { return Ok(None) };
        let copied: BTreeMap<WalletId, Place> = by_wallet(&copied);
        let mut totals = BTreeMap::new();
        let mut last = None;
        loop {
            let page = places_after(&self.db, key, last, 2_000).await?;
            let Some(end) = page.last() else { break };
            last = end.place();
            totals.extend(by_wallet(&page));
        }
        let wallets = copied.keys().chain(totals.keys().filter(|wallet| !copied.contains_key(wallet)));
        let differing = wallets.filter(|wallet| copied.get(wallet) != totals.get(wallet));
        let says = |place: Option<&Place>| {
            place.map_or_else(
                || "nothing".to_owned(),
                |place| format!("{} since {}", place.total, place.reached_at.micros()),
            )
        };
        let named = differing.map(|wallet| {
            let (copy, total) = (says(copied.get(wallet)), says(totals.get(wallet)));
            format!(
                "board {} period {} wallet {wallet}: the copy says {copy}, the total {total}",
                key.board, key.period
            )
        });
        Ok(Some(named.collect()))
    }
}

fn by_wallet(scores: &[Scored]) -> BTreeMap<WalletId, Place> {
    scores.iter().filter_map(|score| Some((score.wallet, score.place()?))).collect()
}
