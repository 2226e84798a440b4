//! Merchants' totals, additive over buckets.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "merchant_balance")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bucket: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) merchant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) kind: i16,
    pub(crate) points: i64,
    pub(crate) value: i64,
    pub(crate) n: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("merchant_balance" {
    bucket, merchant_id, kind, points, value, n
});
