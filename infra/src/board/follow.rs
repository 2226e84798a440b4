//! Keeping the copies of boards where the totals are.
//!
//! A copy says of each bucket up to which row of the outbox it follows the totals; the cursors of [`BoardKeeper`] say how
//! far those are. In between lie rows that tell which wallets changed, and their totals are read as they are now: so it
//! does not matter how often, by whom or in which order a copy is brought forward. A copy that is not there, is ahead of
//! the totals, or is behind what the outbox still has is made anew.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use amvaj_domain::{
    calendar::LocalDay,
    id::{BoardId, OUTBOX_BUCKETS, WalletId},
    time::Instant,
};
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _, Statement};

use tokio::time::timeout;

use super::{
    BoardKeeper, BoardKey, Boards, kept,
    live::{LiveBoards, Positions},
    read::{Slice, Window},
    stored::{places_after, scores_of},
};
use crate::{
    db::{Database, StoreError, entity::board_period},
    ledger::touched::touched_from,
    worker::WorkError,
};

/// Rows of the outbox beyond which a copy is made anew instead of brought forward.
const MOST_ROWS: i64 = 20_000;
/// How long a reader waits for a copy to be brought forward before it asks the database.
const PATIENCE: Duration = Duration::from_millis(250);
/// Totals that are read and copied at a time.
const PAGE: u64 = 2_000;

impl Boards {
    /// Brings the copies that nodes share forward, and answers how many wallets that took. Copies in memory are brought
    /// forward by whoever reads them.
    ///
    /// # Errors
    /// When the database or Redis fails. The next call goes on.
    pub async fn feed(&self, now: Instant) -> Result<usize, WorkError> {
        if matches!(*self.live, LiveBoards::Memory(_)) {
            return Ok(0);
        }
        let keys = self.counted_keys(now).await?;
        let cursors = cursors(&self.db).await?;
        let mut changed: HashMap<(i16, i64, i64), BTreeSet<WalletId>> = HashMap::new();
        let mut fed: usize = 0;
        for key in keys {
            fed = fed.saturating_add(self.bring_forward(key, &cursors, &mut changed).await?);
        }
        Ok(fed)
    }

    /// A part of a copy; nothing when there is no copy that is whole. Redis is asked once; a copy in memory is brought
    /// forward first when that was not done within the last quarter of a second. If that takes long, as for the first
    /// copy of a large board, it goes on without the caller.
    pub(super) async fn copied(&self, key: BoardKey, window: Window) -> Result<Option<Slice>, StoreError> {
        if let LiveBoards::Memory(memory) = &*self.live
            && !memory.is_fresh(key)
        {
            let Ok(turn) = timeout(PATIENCE, memory.turn(key)).await else { return Ok(None) };
            // Whoever had the turn before may have done it.
            if !memory.is_fresh(key) {
                let boards = self.clone();
                let refreshing = tokio::spawn(async move {
                    let refreshed = boards.refresh(key).await;
                    drop(turn);
                    refreshed
                });
                match timeout(PATIENCE, refreshing).await {
                    Ok(Ok(refreshed)) => refreshed?,
                    // It goes on, or it was ended with the program.
                    Err(_) | Ok(Err(_)) => return Ok(None),
                }
            }
        }
        Ok(self.live.part(key, window).await)
    }

    /// Brings a copy in memory forward.
    async fn refresh(&self, key: BoardKey) -> Result<(), StoreError> {
        let cursors = cursors(&self.db).await?;
        match self.bring_forward(key, &cursors, &mut HashMap::new()).await {
            Ok(_) => {
                if let LiveBoards::Memory(memory) = &*self.live {
                    memory.refreshed(key);
                }
                Ok(())
            }
            Err(WorkError::Store(error)) => Err(error),
            // Memory takes part in no lease and has no connection.
            Err(error @ (WorkError::Fenced(_) | WorkError::Cache(_))) => {
                Err(StoreError::Failed(error.to_string()))
            }
        }
    }

    /// The periods that copies are kept of: those that count now and those that have not closed yet.
    pub(super) async fn counted_keys(&self, now: Instant) -> Result<Vec<BoardKey>, StoreError> {
        let mut keys = BTreeSet::new();
        let boards = kept::list(&self.db).await?;
        let open = board_period::Entity::find()
            .filter(board_period::Column::ClosedAt.is_null())
            .all(self.db.reader())
            .await?;
        for kept in boards.iter().filter(|kept| !kept.recounting) {
            let id = kept.board.id.uuid();
            let begun = open.iter().filter(|row| row.board_id == id).map(|row| row.period);
            keys.extend(begun.map(|period| (id, period, kept.generation)));
            if kept.board.closed_at.is_none() {
                let current = kept.board.period_at(now);
                keys.insert((id, current.first.days(), kept.generation));
            }
        }
        let key = |(board, period, generation): (uuid::Uuid, i32, i32)| BoardKey {
            board: BoardId::new(board),
            period: LocalDay::from_days(period.into()),
            generation,
        };
        Ok(keys.into_iter().map(key).collect())
    }

    /// Brings one copy to the cursors, and answers how many wallets that took.
    async fn bring_forward(
        &self,
        key: BoardKey,
        cursors: &Positions,
        changed: &mut HashMap<(i16, i64, i64), BTreeSet<WalletId>>,
    ) -> Result<usize, WorkError> {
        let Some(positions) = self.live.positions(key).await? else { return self.copy(key).await };
        let rows = positions.iter().zip(cursors).fold(0_i64, |sum, (from, to)| sum.saturating_add(to - from));
        let is_ahead = positions.iter().zip(cursors).any(|(from, to)| from > to);
        if is_ahead || rows > MOST_ROWS {
            return self.copy(key).await;
        }
        let mut wallets = BTreeSet::new();
        for (bucket, (from, to)) in (0..OUTBOX_BUCKETS).zip(positions.iter().zip(cursors)) {
            if from == to {
                continue;
            }
            if let Some(known) = changed.get(&(bucket, *from, *to)) {
                wallets.extend(known);
                continue;
            }
            let Some(found) = touched_between(&self.db, bucket, *from, *to).await? else {
                return self.copy(key).await;
            };
            wallets.extend(&found);
            changed.insert((bucket, *from, *to), found);
        }
        if positions == *cursors {
            return Ok(0);
        }
        let wallets: Vec<WalletId> = wallets.into_iter().collect();
        let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
        for some in wallets.chunks(page) {
            let scores = scores_of(&self.db, key, some).await?;
            self.live.apply(key, &scores, None).await?;
        }
        self.live.apply(key, &[], Some((&positions, cursors))).await?;
        Ok(wallets.len())
    }

    /// Makes a copy anew, beside the one that is there: the cursors are noted first, so what changes meanwhile is brought
    /// forward afterwards.
    async fn copy(&self, key: BoardKey) -> Result<usize, WorkError> {
        let cursors = cursors(&self.db).await?;
        let mut draft = self.live.begin(key);
        let mut last = None;
        let mut copied: usize = 0;
        loop {
            let scores = places_after(&self.db, key, last, PAGE).await?;
            let Some(end) = scores.last() else { break };
            last = end.place();
            copied = copied.saturating_add(scores.len());
            self.live.draw(&mut draft, &scores).await?;
        }
        self.live.publish(key, draft, &cursors).await?;
        Ok(copied.max(1))
    }
}

/// How far the totals are, bucket by bucket.
async fn cursors(db: &Database) -> Result<Positions, StoreError> {
    let sql = "select bucket, relay_no from consumer_cursor where consumer = $1";
    let statement = Statement::from_sql_and_values(db.backend(), sql, [BoardKeeper::NAME.into()]);
    let mut positions = Positions::default();
    for row in db.reader().query_all_raw(statement).await? {
        let bucket: i16 = row.try_get("", "bucket")?;
        let place = usize::try_from(bucket).ok().and_then(|bucket| positions.get_mut(bucket));
        if let Some(place) = place {
            *place = row.try_get("", "relay_no")?;
        }
    }
    Ok(positions)
}

/// The wallets that rows of the outbox tell of; nothing when retention has removed some of the rows.
async fn touched_between(
    db: &Database,
    bucket: i16,
    from: i64,
    to: i64,
) -> Result<Option<BTreeSet<WalletId>>, StoreError> {
    let sql = "select payload from outbox where bucket = $1 and relay_no > $2 and relay_no <= $3";
    let statement =
        Statement::from_sql_and_values(db.backend(), sql, [bucket.into(), from.into(), to.into()]);
    let rows = db.reader().query_all_raw(statement).await?;
    if i64::try_from(rows.len()).is_ok_and(|rows| rows < to.saturating_sub(from)) {
        return Ok(None);
    }
    let mut wallets = BTreeSet::new();
    for row in rows {
        let payload: String = row.try_get("", "payload")?;
        let touched = touched_from(&payload).ok_or_else(|| StoreError::CorruptRow {
            table: "outbox",
            id: format!("{bucket}/{from}"),
            what: "payload",
        })?;
        wallets.extend(touched.iter().map(|touched| touched.wallet()));
    }
    Ok(Some(wallets))
}
