//! Reading exports and their files.

use amvaj_domain::audit::stored_actor;
use amvaj_domain::export::{Export, ExportSight};
use amvaj_domain::id::ExportId;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use uuid::Uuid;

use super::{Exports, row};
use crate::db::entity::{export_chunk, export_job};
use crate::db::{StoreError, listing};
use crate::page::{Page, PageRequest};

impl Exports {
    /// The export of an id, whoever asked for it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_id(&self, id: ExportId) -> Result<Option<Export>, StoreError> {
        let found = export_job::Entity::find_by_id(id.uuid()).one(self.db.reader()).await?;
        found.as_ref().map(row::export).transpose()
    }

    /// A page of the exports that somebody sees, in the order in which they were asked for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page(
        &self,
        sight: &ExportSight,
        request: &PageRequest<Uuid>,
    ) -> Result<Page<Export>, StoreError> {
        use export_job::Column;
        let kinds = [(sight.operations, row::OPERATIONS), (sight.members, row::MEMBER)];
        let kinds = kinds.into_iter().filter(|(seen, _)| *seen).map(|(_, kind)| kind);
        let mut list = export_job::Entity::find()
            .filter(Column::Owner.eq(sight.owner.to_bytes().to_vec()))
            .filter(Column::Kind.is_in(kinds));
        if let Some(actor) = sight.actor {
            let (kind, id) = stored_actor(Some(actor));
            list = list.filter(Column::ActorKind.eq(kind.stored()));
            list = match id {
                Some(id) => list.filter(Column::ActorId.eq(id)),
                None => list.filter(Column::ActorId.is_null()),
            };
        }
        listing::page(&self.db, list, Column::ExportId, request, row::export).await
    }

    /// What a file holds from a place on, as far as one chunk goes; nothing behind its end, or when the file is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn part(&self, id: ExportId, from: i64) -> Result<Option<Vec<u8>>, StoreError> {
        use export_chunk::Column;
        let found = export_chunk::Entity::find()
            .filter(Column::ExportId.eq(id.uuid()))
            .filter(Column::StartsAt.lte(from))
            .order_by_desc(Column::StartsAt)
            .one(self.db.reader())
            .await?;
        let Some(mut chunk) = found else { return Ok(None) };
        let skipped = usize::try_from(from - chunk.starts_at).unwrap_or(usize::MAX);
        if skipped >= chunk.bytes.len() {
            return Ok(None);
        }
        Ok(Some(chunk.bytes.split_off(skipped)))
    }
}
