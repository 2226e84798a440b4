//! Merchants.

use amvaj_domain::audit::Act;
use amvaj_domain::id::MerchantId;
use amvaj_domain::merchant::{Merchant, MerchantStatus};
use amvaj_domain::text::search_key;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::listing::{self, contains};
use super::set_column::set_column;
use super::{Directory, rows};
use crate::audit::{Audit, Unit};
use crate::db::StoreError;
use crate::db::entity::merchant::{ActiveModel, Column, Entity};
use crate::page::{Page, PageRequest};

/// Which merchants to list.
#[derive(Debug, Clone, Default)]
pub struct MerchantFilter {
    /// Only those with this status.
    pub status: Option<MerchantStatus>,
    /// Only those with this text in a name, however it is typed.
    pub search: Option<String>,
}

impl Directory {
    /// The merchants of these ids; unknown ones are left out.
    pub async fn merchants_by_id(&self, ids: &[MerchantId]) -> Result<Vec<Merchant>, StoreError> {
        let ids = ids.iter().map(|id| id.uuid());
        let found = Entity::find().filter(Column::MerchantId.is_in(ids)).all(self.db.reader()).await?;
        found.iter().map(rows::merchant).collect()
    }

    /// A page of merchants, in the order of their registration.
    pub async fn merchants(
        &self,
        filter: &MerchantFilter,
        request: &PageRequest<Uuid>,
    ) -> Result<Page<Merchant>, StoreError> {
        let mut list = Entity::find();
        if let Some(status) = filter.status {
            list = list.filter(Column::Status.eq(status.stored()));
        }
        if let Some(search) = &filter.search {
            list = list.filter(Column::SearchKey.like(contains(&search_key(search))));
        }
        listing::page(&self.db, list, Column::MerchantId, request, rows::merchant).await
    }

    /// Writes a new merchant.
    pub async fn register_merchant(&self, merchant: &Merchant, act: &Act) -> Result<(), StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let row = ActiveModel {
            merchant_id: Set(merchant.id.uuid()),
            name_fa: Set(merchant.names.fa.to_string()),
            name_en: Set(merchant.names.en.to_string()),
            search_key: Set(merchant.names.search_key()),
            status: Set(merchant.status.stored()),
            currency: Set(merchant.currency.to_string()),
            issue_price: Set(merchant.prices.issue),
            redeem_price: Set(merchant.prices.redeem),
            created_at: Set(merchant.created_at.micros()),
        };
        Entity::insert(row).exec_without_returning(unit.transaction()).await?;
        unit.commit().await?;
        self.files.forget(merchant.id);
        Ok(())
    }

    /// Sets a merchant's status; one that it has already changes nothing and is not told of. Nothing when there is no
    /// such merchant.
    pub async fn set_merchant_status(
        &self,
        id: MerchantId,
        status: MerchantStatus,
        act: &Act,
    ) -> Result<Option<Merchant>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let row = Entity::find_by_id(id.uuid());
        let found = set_column(unit, row, Column::Status, status.stored().into()).await?;
        self.files.forget(id);
        found.as_ref().map(rows::merchant).transpose()
    }
}
