//! Which nights the whole ledger was audited, and how that ended.

use amvaj_domain::{calendar::LocalDay, time::Instant};
use sea_orm::{ActiveValue::Set, EntityTrait as _, QueryOrder as _, sea_query::OnConflict};

use super::Report;
use crate::db::{
    Database, StoreError,
    entity::verification::{ActiveModel, Column, Entity},
};

/// Whether the audit of a day has ended, with whatever result.
///
/// # Errors
/// When the database fails.
pub async fn was_verified(database: &Database, day: LocalDay) -> Result<bool, StoreError> {
    Ok(Entity::find_by_id(day.days()).one(database.reader()).await?.is_some())
}

/// When the last audit of everything ended; nothing before the first.
///
/// # Errors
/// When the database fails.
pub async fn last_verified(database: &Database) -> Result<Option<Instant>, StoreError> {
    let last = Entity::find().order_by_desc(Column::Day).one(database.reader()).await?;
    Ok(last.map(|row| Instant::from_micros(row.ended_at)))
}

/// Keeps that the audit of a day has ended. Of two nodes that audited the same day the first one is kept.
///
/// # Errors
/// When the database fails.
pub async fn keep_verification(
    database: &Database,
    day: LocalDay,
    (began_at, ended_at): (Instant, Instant),
    report: &Report,
) -> Result<(), StoreError> {
    let row = ActiveModel {
        day: Set(day.days()),
        began_at: Set(began_at.micros()),
        ended_at: Set(ended_at.micros()),
        violations: Set(i64::try_from(report.violations()).unwrap_or(i64::MAX)),
    };
    let once = OnConflict::column(Column::Day).do_nothing().to_owned();
    Entity::insert(row).on_conflict(once).exec_without_returning(database.writer()).await?;
    Ok(())
}
