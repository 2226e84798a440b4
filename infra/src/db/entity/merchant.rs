//! Merchants.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "merchant")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) merchant_id: Uuid,
    pub(crate) name_fa: String,
    pub(crate) name_en: String,
    pub(crate) search_key: String,
    pub(crate) status: i16,
    pub(crate) currency: String,
    pub(crate) issue_price: i64,
    pub(crate) redeem_price: i64,
    pub(crate) created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
