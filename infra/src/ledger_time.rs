//! The ledger's time: the present, which in a sandbox may be ahead of everybody else's.
//!
//! How far ahead is kept in the database and only grows. The node that lets time pass goes by it at once, every other reads it
//! several times a second. Nothing but the ledger goes by this time: keys, tokens, limits and leases stay in the present.

use std::{sync::Arc, time::Duration};

use amvaj_domain::{
    audit::Act,
    id::MerchantId,
    network::NetworkMode,
    sandbox::{Advance, CannotAdvance},
    text::IdempotencyKey,
    time::{Instant, Span},
};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ConnectionTrait, DatabaseTransaction, EntityTrait as _,
    QuerySelect as _, Statement,
};
use tokio::time;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::{
    audit::{Audit, Unit},
    clock::{Clock, Offset},
    db::{
        Database, StoreError,
        entity::{clock_advance, ledger_clock},
    },
};

/// How often a node reads what others let pass.
const POLL: Duration = Duration::from_millis(250);
/// The key of the one row.
const ROW: i16 = 1;

/// The ledger's time. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LedgerTime {
    db: Database,
    wall: Clock,
    clock: Clock,
    by: Arc<Offset>,
    /// Ends the reading with the last clone.
    _poll: Option<Arc<AbortOnDropHandle<()>>>,
}

/// What the ledger's time was, and how far ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The time.
    pub now: Instant,
    /// How far it is ahead of the present.
    pub ahead: Span,
}

/// A step that somebody wants the time to make.
#[derive(Debug)]
pub struct Step<'a> {
    /// Whose key it is; nobody's is the operator's.
    pub merchant: Option<MerchantId>,
    /// The key, under which the step is made once.
    pub key: &'a IdempotencyKey,
    /// How far.
    pub advance: Advance,
}

/// Why a step was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepRefused {
    /// The key was used for another step.
    KeyInUse,
    /// It cannot be made.
    CannotAdvance(CannotAdvance),
}

impl LedgerTime {
    /// The time of an installation. In a sandbox it goes on reading on the runtime that calls; in the live network it is the
    /// present for ever.
    pub async fn start(db: &Database, wall: &Clock, mode: NetworkMode) -> Result<Self, StoreError> {
        let by = Arc::new(Offset::default());
        let (clock, poll) = match mode {
            NetworkMode::Live => (wall.clone(), None),
            NetworkMode::Sandbox => {
                by.grow_to(ahead(db).await?);
                let poll = tokio::spawn(keep_reading(db.clone(), Arc::clone(&by)));
                (wall.ahead_by(Arc::clone(&by)), Some(Arc::new(AbortOnDropHandle::new(poll))))
            }
        };
        Ok(Self { db: db.clone(), wall: wall.clone(), clock, by, _poll: poll })
    }

    /// The clock by which the ledger goes.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What this node takes for the time.
    pub fn shown(&self) -> Shown {
        let ahead = self.by.get();
        Shown { now: self.wall.now().plus(ahead), ahead }
    }

    /// Lets time pass, in a sandbox. Of steps that come at once each counts from where the one before led.
    pub async fn step(&self, step: &Step<'_>, act: &Act) -> Result<Result<Shown, StepRefused>, StoreError> {
        let mut unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        let row = ledger_clock::Entity::find_by_id(ROW).lock_exclusive().one(transaction).await?;
        let row = row.ok_or_else(missing)?;
        let asked = asked(step.advance);
        if let Some(made) = find(transaction, step).await? {
            self.by.grow_to(Span::from_micros(row.ahead));
            let shown =
                Shown { now: Instant::from_micros(made.ledger_time), ahead: Span::from_micros(made.ahead) };
            return Ok(if made.asked == asked { Ok(shown) } else { Err(StepRefused::KeyInUse) });
        }
        let wall = self.wall.now();
        let ahead = match step.advance.from(wall, Span::from_micros(row.ahead)) {
            Ok(ahead) => ahead,
            Err(reason) => return Ok(Err(StepRefused::CannotAdvance(reason))),
        };
        let shown = Shown { now: wall.plus(ahead), ahead };
        let moved = ledger_clock::ActiveModel { id: Set(ROW), ahead: Set(ahead.micros()) };
        moved.update(transaction).await?;
        let made = clock_advance::ActiveModel {
            tenant: Set(tenant(step)),
            idem_key: Set(step.key.as_str().to_owned()),
            asked: Set(asked),
            ledger_time: Set(shown.now.micros()),
            ahead: Set(ahead.micros()),
        };
        clock_advance::Entity::insert(made).exec_without_returning(transaction).await?;
        unit.detail("ledgerTime", shown.now.micros());
        unit.commit().await?;
        self.by.grow_to(ahead);
        Ok(Ok(shown))
    }
}

/// What the ledger's time was at a moment of the present.
///
/// # Errors
/// When the database fails.
pub async fn read(db: &Database, present: Instant) -> Result<Instant, StoreError> {
    at(db.reader(), present).await
}

/// [`read`] within a snapshot. A row of each step says by how much the time was ahead from then on.
pub(crate) async fn at<C: ConnectionTrait>(connection: &C, present: Instant) -> Result<Instant, StoreError> {
    let statement = Statement::from_sql_and_values(
        connection.get_database_backend(),
        AHEAD_AT,
        [present.micros().into()],
    );
    let row = connection.query_one_raw(statement).await?;
    let ahead: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
    Ok(present.plus(Span::from_micros(ahead)))
}

async fn ahead(db: &Database) -> Result<Span, StoreError> {
    let row = ledger_clock::Entity::find_by_id(ROW).one(db.reader()).await?;
    row.map(|row| Span::from_micros(row.ahead)).ok_or_else(missing)
}

async fn keep_reading(db: Database, by: Arc<Offset>) {
    let mut fails = false;
    loop {
        time::sleep(POLL).await;
        match ahead(&db).await {
            Ok(ahead) => {
                by.grow_to(ahead);
                fails = false;
            }
            Err(error) if !fails => {
                tracing::warn!(%error, "the sandbox's time cannot be read and is tried again");
                fails = true;
            }
            Err(_) => {}
        }
    }
}

async fn find(
    transaction: &DatabaseTransaction,
    step: &Step<'_>,
) -> Result<Option<clock_advance::Model>, StoreError> {
    let key = (tenant(step), step.key.as_str().to_owned());
    Ok(clock_advance::Entity::find_by_id(key).one(transaction).await?)
}

fn tenant(step: &Step<'_>) -> Uuid {
    step.merchant.map_or(Uuid::nil(), MerchantId::uuid)
}

/// What a key was used for.
fn asked(advance: Advance) -> String {
    match advance {
        Advance::By(span) => format!("by {}", span.micros()),
        Advance::Until(end) => format!("until {}", end.micros()),
    }
}

fn missing() -> StoreError {
    StoreError::CorruptRow { table: "ledger_clock", id: ROW.to_string(), what: "it is missing" }
}

const AHEAD_AT: &str = "select coalesce(max(ahead), 0) from clock_advance where ledger_time - ahead <= $1";
