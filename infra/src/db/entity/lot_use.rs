//! Allocations of lots by operations; never changed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lot_use")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) shard_no: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) seq: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) lot_no: i64,
    pub(crate) qty: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) kind: i16,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("lot_use" {
    shard_no, wallet_id, seq, lot_no, qty, kind
});
