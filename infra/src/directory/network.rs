//! The row that says which installation this is.

use amvaj_domain::network::NetworkMode;
use amvaj_domain::time::Instant;
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};
use uuid::Uuid;

use super::Directory;
use crate::db::{StoreError, entity::network};

/// The installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Changes when a backup is restored, which empties every cache.
    pub epoch: Uuid,
    /// Whether it is the live network or its sandbox; the database's first use decides.
    pub mode: NetworkMode,
    /// When the database was first used.
    pub created_at: Instant,
}

impl Directory {
    /// The installation; nothing when the database was never used.
    pub async fn network(&self) -> Result<Option<Network>, StoreError> {
        let row = network::Entity::find_by_id(1_i16).one(self.db.reader()).await?;
        row.as_ref().map(read).transpose()
    }

    /// The installation; made with `epoch` and `mode` when this is the database's first use. Processes that start
    /// together agree on one.
    pub async fn ensure_network(
        &self,
        epoch: Uuid,
        mode: NetworkMode,
        now: Instant,
    ) -> Result<Network, StoreError> {
        let row = network::ActiveModel {
            id: Set(1),
            epoch: Set(epoch),
            created_at: Set(now.micros()),
            mode: Set(mode.stored()),
        };
        network::Entity::insert(row)
            .on_conflict(OnConflict::column(network::Column::Id).do_nothing().to_owned())
            .exec_without_returning(self.db.writer())
            .await?;
        let row = network::Entity::find_by_id(1_i16).one(self.db.writer()).await?;
        read(&row.ok_or_else(|| corrupt("it is missing"))?)
    }
}

fn read(row: &network::Model) -> Result<Network, StoreError> {
    let mode = NetworkMode::from_stored(row.mode).ok_or_else(|| corrupt("its mode"))?;
    Ok(Network { epoch: row.epoch, mode, created_at: Instant::from_micros(row.created_at) })
}

fn corrupt(what: &'static str) -> StoreError {
    StoreError::CorruptRow { table: "network", id: "1".to_owned(), what }
}
