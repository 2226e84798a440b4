//! Versions of earn rules; never changed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "earn_rule")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) merchant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) version: i32,
    pub(crate) effective_from: i64,
    pub(crate) rate_points: i64,
    pub(crate) rate_per: i64,
    pub(crate) minimum_basket: i64,
    pub(crate) cap_per_purchase: Option<i64>,
    pub(crate) cap_per_day: Option<i64>,
    pub(crate) excluded_categories: String,
    pub(crate) pending_days: i16,
    pub(crate) expiry: String,
    pub(crate) spend_only_at_issuer: i16,
    pub(crate) created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
