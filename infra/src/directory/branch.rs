//! Branches of merchants.

use amvaj_domain::audit::Act;
use amvaj_domain::id::{BranchId, MerchantId};
use amvaj_domain::merchant::{Branch, BranchStatus};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::set_column::set_column;
use super::{Directory, listing, rows};
use crate::audit::{Audit, Unit};
use crate::db::StoreError;
use crate::db::entity::branch::{ActiveModel, Column, Entity};
use crate::db::entity::merchant;
use crate::page::{Page, PageRequest};

impl Directory {
    /// The branches of these ids; unknown ones are left out.
    pub async fn branches_by_id(&self, ids: &[BranchId]) -> Result<Vec<Branch>, StoreError> {
        let ids = ids.iter().map(|id| id.uuid());
        let found = Entity::find().filter(Column::BranchId.is_in(ids)).all(self.db.reader()).await?;
        found.iter().map(rows::branch).collect()
    }

    /// A page of a merchant's branches, in the order of their registration.
    pub async fn branches(
        &self,
        merchant: MerchantId,
        status: Option<BranchStatus>,
        request: &PageRequest<Uuid>,
    ) -> Result<Page<Branch>, StoreError> {
        let mut list = Entity::find().filter(Column::MerchantId.eq(merchant.uuid()));
        if let Some(status) = status {
            list = list.filter(Column::Status.eq(status.stored()));
        }
        listing::page(&self.db, list, Column::BranchId, request, rows::branch).await
    }

    /// Writes a new branch; `false` when there is no such merchant.
    pub async fn add_branch(&self, branch: &Branch, act: &Act) -> Result<bool, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let merchant = merchant::Entity::find_by_id(branch.merchant.uuid()).one(unit.transaction()).await?;
        if merchant.is_none() {
            return Ok(false);
        }
        let row = ActiveModel {
            branch_id: Set(branch.id.uuid()),
            merchant_id: Set(branch.merchant.uuid()),
            name_fa: Set(branch.names.fa.to_string()),
            name_en: Set(branch.names.en.to_string()),
            status: Set(branch.status.stored()),
            created_at: Set(branch.created_at.micros()),
        };
        Entity::insert(row).exec_without_returning(unit.transaction()).await?;
        unit.commit().await?;
        self.files.forget(branch.merchant);
        Ok(true)
    }

    /// Sets a branch's status; one that it has already changes nothing and is not told of. Nothing when there is no such
    /// branch.
    pub async fn set_branch_status(
        &self,
        id: BranchId,
        status: BranchStatus,
        act: &Act,
    ) -> Result<Option<Branch>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let row = Entity::find_by_id(id.uuid());
        let found = set_column(unit, row, Column::Status, status.stored().into()).await?;
        let branch = found.as_ref().map(rows::branch).transpose()?;
        if let Some(branch) = &branch {
            self.files.forget(branch.merchant);
        }
        Ok(branch)
    }

    pub(super) async fn all_branches(&self, merchant: MerchantId) -> Result<Vec<Branch>, StoreError> {
        let list = Entity::find().filter(Column::MerchantId.eq(merchant.uuid()));
        let found = list.order_by_asc(Column::BranchId).all(self.db.reader()).await?;
        found.iter().map(rows::branch).collect()
    }
}
