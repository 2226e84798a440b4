//! When keys were last used: kept in mind while requests are answered, and written for many keys at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use amvaj_domain::{
    id::ApiKeyId,
    time::{Instant, Span},
};
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _};
use tokio::time;
use tokio_util::task::AbortOnDropHandle;

use crate::db::{
    Database, StoreError,
    entity::api_key::{Column, Entity},
};

/// How often what is kept in mind is written.
const FLUSH: Duration = Duration::from_secs(5);
/// How long a key that is used all the time is not written again.
const SPARED: Span = Span::minutes(1);
/// Most keys of one statement.
const BATCH: usize = 500;

/// What waits to be written. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct KeyUses {
    db: Database,
    waiting: Arc<Mutex<HashMap<ApiKeyId, Instant>>>,
    /// Ends the writing with the last clone.
    _task: Arc<AbortOnDropHandle<()>>,
}

impl KeyUses {
    pub(super) fn start(db: Database) -> Self {
        let waiting = Arc::default();
        let task = tokio::spawn(write_on(db.clone(), Arc::clone(&waiting)));
        Self { db, waiting, _task: Arc::new(AbortOnDropHandle::new(task)) }
    }

    pub(super) fn note(&self, id: ApiKeyId, now: Instant) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = waiting.entry(id).or_insert(now);
        *latest = now.max(*latest);
    }

    pub(super) async fn flush(&self) {
        write(&self.db, &self.waiting).await;
    }
}

async fn write_on(db: Database, waiting: Arc<Mutex<HashMap<ApiKeyId, Instant>>>) {
    loop {
        time::sleep(FLUSH).await;
        write(&db, &waiting).await;
    }
}

/// Writes everything that waits. What cannot be written is forgotten: the next use tells as much.
async fn write(db: &Database, waiting: &Mutex<HashMap<ApiKeyId, Instant>>) {
    let mut uses: Vec<_> = {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.drain().collect()
    };
    // In one order on every node, so that two of them do not wait for each other's rows.
    uses.sort_unstable();
    for uses in uses.chunks(BATCH) {
        if let Err(error) = write_batch(db, uses).await {
            tracing::warn!(%error, keys = uses.len(), "when keys were last used could not be written");
        }
    }
}

/// All keys of a batch were used within seconds of each other, so one instant stands for them.
async fn write_batch(db: &Database, uses: &[(ApiKeyId, Instant)]) -> Result<(), StoreError> {
    let Some(latest) = uses.iter().map(|(_, at)| *at).max() else { return Ok(()) };
    let spared = latest.micros().saturating_sub(SPARED.micros());
    let due = Condition::any().add(Column::LastUsedAt.is_null()).add(Column::LastUsedAt.lte(spared));
    Entity::update_many()
        .col_expr(Column::LastUsedAt, latest.micros().into())
        .filter(Column::ApiKeyId.is_in(uses.iter().map(|(id, _)| id.uuid())))
        .filter(due)
        .exec(db.writer())
        .await?;
    Ok(())
}
