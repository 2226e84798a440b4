//! A listener: each operation of a wallet or a merchant once, in order, from a place on.
//!
//! It first takes a place among those to whom the feed hands rows, then reads what it has missed, and only then takes what
//! came into its queue meanwhile; what it has had already it passes over. So nothing can fall between the two.

use std::{collections::VecDeque, sync::Arc};

use amvaj_domain::id::{MerchantId, WalletId};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use tokio::sync::mpsc;

use super::{
    feed::{Feed, Registration},
    numbered::{BUCKETS, Numbers, Row, Told, first_numbers, last_numbers, rows_after, told},
};
use crate::{
    db::{StoreError, entity::op},
    ledger::{StoredOperation, history::stored},
};

/// Operations of a wallet that one read brings.
const OPERATIONS: u64 = 100;
/// Rows of each bucket that one read brings.
const ROWS: u32 = 64;

/// What somebody listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Every operation on a wallet, in the order of their numbers.
    Wallet(WalletId),
    /// Every operation of a merchant; those on one wallet in the order of their numbers.
    Merchant(MerchantId),
}

/// How far a listener to a merchant is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantPlace {
    /// For each bucket of the outbox the number of the last row of which it has everything.
    pub rows: [i64; BUCKETS],
    /// What it has of a row that it has not finished.
    pub within: Option<Within>,
}

/// The operations that a listener has of the row behind those it has finished: up to this one, by wallet and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    /// The row's bucket.
    pub bucket: i16,
    /// The last operation's wallet.
    pub wallet: WalletId,
    /// Its number.
    pub seq: i64,
}

/// Why somebody cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// What came after the place is not kept any more.
    #[error("what came after this place is not kept any more")]
    Expired,
    /// The place lies ahead of everything that has happened.
    #[error("there is no such place yet")]
    Unknown,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Hears of every operation of a topic.
#[derive(Debug)]
pub struct Listener {
    feed: Feed,
    topic: Topic,
    place: Place,
    queue: Option<(Registration, mpsc::Receiver<Arc<Told>>)>,
    /// Whether everything that came before the queue has been read.
    caught_up: bool,
    /// What is next.
    next: VecDeque<Next>,
}

#[derive(Debug)]
enum Place {
    /// The number of the wallet's last operation.
    Wallet(i64),
    Merchant(MerchantPlace),
}

/// What is next.
#[derive(Debug)]
enum Next {
    Operation(Box<StoredOperation>, Step),
    /// Everything up to these rows is had, also where there was nothing of the merchant: its cursor does not age.
    Passed(Arc<Numbers>),
}

/// Where an operation brings its listener.
#[derive(Debug)]
enum Step {
    /// To this number of the wallet.
    Wallet,
    /// Into this row, or to its end.
    Merchant { bucket: usize, relay_no: i64, ends_row: bool },
}

impl Listener {
    pub(super) fn new(feed: Feed, topic: Topic) -> Self {
        let place = match topic {
            Topic::Wallet(_) => Place::Wallet(0),
            Topic::Merchant(_) => Place::Merchant(MerchantPlace { rows: [0; BUCKETS], within: None }),
        };
        Self { feed, topic, place, queue: None, caught_up: false, next: VecDeque::new() }
    }

    /// Listens from behind an operation of the wallet on. What a wallet has had is kept for ever.
    #[must_use]
    pub fn after_operation(self, seq: i64) -> Self {
        Self { place: Place::Wallet(seq), ..self }
    }

    /// Listens to a merchant from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn from_now(self) -> Result<Self, StoreError> {
        let rows = last_numbers(self.feed.database()).await?;
        Ok(Self { place: Place::Merchant(MerchantPlace { rows, within: None }), ..self })
    }

    /// Listens to a merchant from behind a place on.
    ///
    /// # Errors
    /// [`ListenError::Expired`], [`ListenError::Unknown`]; otherwise when the database fails.
    pub async fn after_place(self, place: MerchantPlace) -> Result<Self, ListenError> {
        let (first, last) =
            (first_numbers(self.feed.database()).await?, last_numbers(self.feed.database()).await?);
        for (had, (first, last)) in place.rows.iter().zip(first.iter().zip(&last)) {
            if had > last || *had < 0 {
                return Err(ListenError::Unknown);
            }
            // The row behind the place is there, or nothing has come behind it.
            if had < last && (*first == 0 || *first > had.saturating_add(1)) {
                return Err(ListenError::Expired);
            }
        }
        Ok(Self { place: Place::Merchant(place), ..self })
    }

    /// How far a listener to a merchant is; nothing for one to a wallet, who is as far as the last operation's number.
    pub const fn merchant_place(&self) -> Option<&MerchantPlace> {
        match &self.place {
            Place::Wallet(_) => None,
            Place::Merchant(place) => Some(place),
        }
    }

    /// Waits for the next operation. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the database fails; the next call tries again.
    pub async fn next(&mut self) -> Result<StoredOperation, StoreError> {
        loop {
            if let Some(next) = self.next.pop_front() {
                match next {
                    Next::Operation(operation, step) if self.place.go_on(&operation, &step) => {
                        return Ok(*operation);
                    }
                    Next::Operation(..) => {}
                    Next::Passed(rows) => self.place.pass(&rows),
                }
            } else if self.queue.is_none() {
                self.queue = Some(self.feed.register(self.topic));
                self.caught_up = false;
            } else if !self.caught_up {
                self.read_missed().await?;
            } else if let Some((_, queue)) = &mut self.queue {
                match queue.recv().await {
                    Some(row) => self.take(&row),
                    // It was full, so something is missing behind what was taken.
                    None => self.queue = None,
                }
            }
        }
    }

    /// Reads a page of what came before the queue; an empty one is the last.
    async fn read_missed(&mut self) -> Result<(), StoreError> {
        match (&self.place, self.topic) {
            (Place::Wallet(seq), Topic::Wallet(wallet)) => {
                let rows = op::Entity::find()
                    .filter(op::Column::ShardNo.eq(wallet.shard_no()))
                    .filter(op::Column::WalletId.eq(wallet.uuid()))
                    .filter(op::Column::Seq.gt(*seq))
                    .order_by_asc(op::Column::Seq)
                    .limit(OPERATIONS)
                    .all(self.feed.database().reader())
                    .await?;
                self.caught_up = rows.is_empty();
                for row in &rows {
                    self.next.push_back(Next::Operation(Box::new(stored(row)?), Step::Wallet));
                }
            }
            (Place::Merchant(place), Topic::Merchant(merchant)) => {
                let rows = self.rows_behind(place).await?;
                self.caught_up = rows.is_empty();
                let of_merchant = ("where op.merchant_id = {v1}", merchant.uuid().into());
                let found = told(self.feed.database(), &rows, Some(of_merchant), None).await?;
                for row in &found {
                    self.take(row);
                }
                if self.next.is_empty() {
                    self.pass(&rows);
                }
            }
            (Place::Wallet(_), Topic::Merchant(_)) | (Place::Merchant(_), Topic::Wallet(_)) => {
                self.caught_up = true;
            }
        }
        Ok(())
    }

    /// The rows that come next, first the one that is not finished.
    async fn rows_behind(&self, place: &MerchantPlace) -> Result<Vec<Row>, StoreError> {
        let mut rows = rows_after(self.feed.database(), &place.rows, ROWS).await?;
        if let Some(begun) = place.within.and_then(|within| usize::try_from(within.bucket).ok()) {
            rows.sort_by_key(|row| row.bucket != begun);
        }
        Ok(rows)
    }

    /// Takes what a row tells of the topic.
    fn take(&mut self, row: &Told) {
        let is_meant = |one: &&StoredOperation| match self.topic {
            Topic::Wallet(wallet) => one.wallet == wallet,
            Topic::Merchant(merchant) => one.op.merchant == Some(merchant),
        };
        self.next.extend(row.passed.clone().map(Next::Passed));
        let meant: Vec<&StoredOperation> = row.operations.iter().filter(is_meant).collect();
        let last = meant.len().saturating_sub(1);
        for (at, operation) in meant.into_iter().enumerate() {
            let step = match self.topic {
                Topic::Wallet(_) => Step::Wallet,
                Topic::Merchant(_) => {
                    Step::Merchant { bucket: row.bucket, relay_no: row.relay_no, ends_row: at == last }
                }
            };
            self.next.push_back(Next::Operation(Box::new(operation.clone()), step));
        }
    }

    /// Passes rows in which there is nothing of the merchant.
    fn pass(&mut self, rows: &[Row]) {
        if let Place::Merchant(place) = &mut self.place {
            for row in rows {
                place.finish(row.bucket, row.relay_no);
            }
        }
    }
}

impl Place {
    /// Notes that everything up to these rows is had.
    fn pass(&mut self, rows: &Numbers) {
        if let Self::Merchant(place) = self {
            for (bucket, relay_no) in rows.iter().enumerate() {
                place.finish(bucket, *relay_no);
            }
        }
    }

    /// Moves on to an operation; false when it was passed before.
    fn go_on(&mut self, operation: &StoredOperation, step: &Step) -> bool {
        match (self, step) {
            (Self::Wallet(seq), _) => {
                let is_new = operation.op.seq > *seq;
                *seq = operation.op.seq.max(*seq);
                is_new
            }
            (Self::Merchant(place), Step::Merchant { bucket, relay_no, ends_row }) => {
                place.go_on(operation, *bucket, *relay_no, *ends_row)
            }
            (Self::Merchant(_), Step::Wallet) => false,
        }
    }
}

impl MerchantPlace {
    fn go_on(&mut self, operation: &StoredOperation, bucket: usize, relay_no: i64, ends_row: bool) -> bool {
        if self.rows.get(bucket).is_none_or(|had| relay_no <= *had) {
            return false;
        }
        let key = (operation.wallet, operation.op.seq);
        let number = i16::try_from(bucket).unwrap_or_default();
        let is_new = match self.within {
            Some(within) if within.bucket == number && self.is_next(bucket, relay_no) => {
                key > (within.wallet, within.seq)
            }
            _ => true,
        };
        if ends_row {
            self.finish(bucket, relay_no);
        } else if is_new {
            self.finish(bucket, relay_no.saturating_sub(1));
            self.within = Some(Within { bucket: number, wallet: key.0, seq: key.1 });
        }
        is_new
    }

    /// Whether a row is the one behind those that are finished.
    fn is_next(&self, bucket: usize, relay_no: i64) -> bool {
        self.rows.get(bucket).is_some_and(|had| relay_no == had.saturating_add(1))
    }

    /// Notes that everything up to a row is had.
    fn finish(&mut self, bucket: usize, relay_no: i64) {
        if let Some(had) = self.rows.get_mut(bucket)
            && relay_no > *had
        {
            *had = relay_no;
            if self.within.is_some_and(|within| usize::try_from(within.bucket) == Ok(bucket)) {
                self.within = None;
            }
        }
    }
}
