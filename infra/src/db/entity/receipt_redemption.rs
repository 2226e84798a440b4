//! Points that paid for receipts.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "receipt_redemption")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) shard_no: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) seq: i64,
    pub(crate) merchant_id: Uuid,
    pub(crate) receipt_no: String,
    pub(crate) points: i64,
    pub(crate) reversed: i64,
    pub(crate) price: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("receipt_redemption" {
    shard_no, wallet_id, seq, merchant_id, receipt_no, points, reversed, price
});
