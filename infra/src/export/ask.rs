//! Asking for a file.

use amvaj_domain::export::{Export, ExportOf, MOST_UNDER_WAY};
use amvaj_domain::ledger::{Digest, Idem};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    sea_query::OnConflict,
};

use super::{Exports, row};
use crate::audit::{Audit, Unit};
use crate::db::StoreError;
use crate::db::entity::export_job::{Column, Entity, Model};
use crate::directory::present::present;

/// What became of a request for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The export: this one, or the one that the same request made before.
    pub export: Export,
}

/// Why no file is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskRefused {
    /// The key was used for something else.
    KeyReused,
    /// The member that the file would be about is not there, or not any more.
    NoMember,
    /// As many files are being made for this owner as may be.
    TooMany,
}

impl Exports {
    /// Asks for a file; the same request with the same key is answered with the same export. Two that come at once for the
    /// last slot are told apart by the index.
    ///
    /// # Errors
    /// When the database fails; nothing is asked for then.
    pub async fn ask(
        &self,
        export: &Export,
        (idem, body): (Idem, Digest),
        audit: Audit<'_>,
    ) -> Result<Result<Asked, AskRefused>, StoreError> {
        let unit = Unit::begin(&self.db, audit).await?;
        if let ExportOf::Member(member, _) = export.of
            && present(unit.transaction(), member).await?.is_none()
        {
            return Ok(Err(AskRefused::NoMember));
        }
        for slot in 0..MOST_UNDER_WAY {
            if let Some(made) = made_before(unit.transaction(), idem).await? {
                return answer(&made, body);
            }
            let row = row::queued(export, (idem.uuid(), body.uuid()), slot).into_active_model();
            let free = OnConflict::new().do_nothing().to_owned();
            let written =
                Entity::insert(row).on_conflict(free).exec_without_returning(unit.transaction()).await?;
            if written == 1 {
                unit.commit().await?;
                return Ok(Ok(Asked { export: export.clone() }));
            }
        }
        match made_before(unit.transaction(), idem).await? {
            Some(made) => answer(&made, body),
            None => Ok(Err(AskRefused::TooMany)),
        }
    }
}

async fn made_before<C: ConnectionTrait>(connection: &C, idem: Idem) -> Result<Option<Model>, StoreError> {
    Ok(Entity::find().filter(Column::Idem.eq(idem.uuid())).one(connection).await?)
}

fn answer(made: &Model, body: Digest) -> Result<Result<Asked, AskRefused>, StoreError> {
    if made.body_hash != body.uuid() {
        return Ok(Err(AskRefused::KeyReused));
    }
    Ok(Ok(Asked { export: row::export(made)? }))
}
