//! Holds.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "hold")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) shard_no: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) seq: i64,
    pub(crate) merchant_id: Uuid,
    pub(crate) branch_id: Option<Uuid>,
    pub(crate) receipt_no: Option<String>,
    pub(crate) amount: i64,
    pub(crate) captured: i64,
    pub(crate) expires_at: i64,
    pub(crate) state: i16,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("hold" {
    shard_no, wallet_id, seq, merchant_id, branch_id, receipt_no, amount, captured, expires_at, state
});
