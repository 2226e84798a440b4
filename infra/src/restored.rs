//! What has to happen once after a backup was put back, before anybody is served from it.

use amvaj_domain::{
    access::EndReason,
    audit::Act,
    id::SessionId,
    time::{Instant, Span},
};
use sea_orm::{
    ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _, entity::prelude::ColumnTrait as _,
};
use uuid::Uuid;

use crate::{
    access::{Revoked, revocation},
    audit::{Audit, Unit},
    db::{
        Database, StoreError,
        entity::{network, session},
    },
    worker::Lease,
};

/// Sessions that are ended at a time.
const PAGE: u64 = 500;
/// How long an access token of a session can still be good, whatever the settings are.
const LONGEST_ACCESS: Span = Span::days(1);

/// Gives the installation another epoch, so that nothing is ever read again which was kept elsewhere under the one before:
/// balances, copies of leaderboards, limits. It frees all leases and ends every session, because some may have been ended since the backup, and
/// answers how many; nothing when the database was never used.
///
/// # Errors
/// When the database fails; nothing has changed then.
pub async fn begin_epoch(db: &Database, epoch: Uuid, act: &Act) -> Result<Option<usize>, StoreError> {
    let mut unit = Unit::begin(db, Audit::Entry(act)).await?;
    let moved = network::Entity::update_many()
        .col_expr(network::Column::Epoch, epoch.into())
        .filter(network::Column::Id.eq(1_i16))
        .exec(unit.transaction())
        .await?;
    if moved.rows_affected == 0 {
        return Ok(None);
    }
    // Whoever held them when the backup was made runs no more.
    Lease::free_all(unit.transaction()).await?;
    let ended = end_every_session(unit.transaction(), act.at).await?;
    unit.detail("sessions", ended);
    unit.commit().await?;
    Ok(Some(ended))
}

async fn end_every_session<C: ConnectionTrait>(connection: &C, now: Instant) -> Result<usize, StoreError> {
    let mut ended = 0_usize;
    loop {
        let live = session::Entity::find().filter(session::Column::EndedAt.is_null()).limit(PAGE);
        let ids: Vec<Uuid> = live.all(connection).await?.iter().map(|row| row.session_id).collect();
        if ids.is_empty() {
            return Ok(ended);
        }
        session::Entity::update_many()
            .col_expr(session::Column::EndedAt, now.micros().into())
            .col_expr(session::Column::EndReason, EndReason::ByOthers.stored().into())
            .filter(session::Column::SessionId.is_in(ids.iter().copied()))
            .exec(connection)
            .await?;
        let revoked: Vec<Revoked> = ids.iter().map(|id| Revoked::Session(SessionId::new(*id))).collect();
        revocation::insert(connection, &revoked, now, now.plus(LONGEST_ACCESS)).await?;
        ended = ended.saturating_add(ids.len());
    }
}
