//! Reading exports and their files.

use amvaj_domain::audit::stored_actor;
use amvaj_domain::export::{BranchSight, Export, ExportSight};
use amvaj_domain::id::{BranchId, ExportId};
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait as _, EntityTrait as _, QueryFilter as _, Statement,
};
use uuid::Uuid;

use super::{Exports, row};
use crate::db::entity::export_job;
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
        if let Some(sight) = &sight.branches {
            list = list.filter(seen_at(sight));
        }
        listing::page(&self.db, list, Column::ExportId, request, row::export).await
    }

    /// What a file holds from a place on, at most `most` bytes and as far as one chunk goes; nothing behind its end, or when
    /// the file is gone. The database cuts it, so that a few bytes cost no whole chunk.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn part(&self, id: ExportId, from: i64, most: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let values = [id.uuid().into(), from.into(), most.clamp(1, LONGEST_PART).into()];
        let statement = Statement::from_sql_and_values(self.db.backend(), PART, values);
        let Some(row) = self.db.reader().query_one_raw(statement).await? else { return Ok(None) };
        let bytes: Vec<u8> = row.try_get("", "part")?;
        Ok((!bytes.is_empty()).then_some(bytes))
    }
}

/// The most bytes that are read at a time, however long a chunk is.
const LONGEST_PART: i64 = 262_144;
const PART: &str = "select substr(bytes, cast($2 - starts_at as integer) + 1, cast($3 as integer)) as part from export_chunk \
     where export_id = $1 and starts_at <= $2 order by starts_at desc limit 1";

/// The exports of operations that one person asked for, and that hold nothing of branches beyond its sight.
fn seen_at(sight: &BranchSight) -> Condition {
    use export_job::Column;
    let (kind, id) = stored_actor(Some(sight.actor));
    let in_person = match id {
        Some(id) => Column::ActorId.eq(id),
        None => Column::ActorId.is_null(),
    };
    Condition::all().add(Column::ActorKind.eq(kind.stored())).add(in_person).add(within(&sight.within))
}

/// Nothing is left of a job's branches when these are taken away. Ids are hexadecimal digits, which need no quoting.
fn within(branches: &[BranchId]) -> SimpleExpr {
    let taken_away = branches.iter().fold("branches".to_owned(), |rest, branch| {
        format!("replace({rest}, '{}', '')", branch.uuid().simple())
    });
    Expr::cust(format!("branches is not null and trim({taken_away}) = ''"))
}
