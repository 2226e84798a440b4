//! Lots of points.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lot")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) shard_no: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) lot_no: i64,
    pub(crate) issuer_merchant: Uuid,
    pub(crate) price: i64,
    pub(crate) original: i64,
    pub(crate) remaining: i64,
    pub(crate) reserved: i64,
    pub(crate) state: i16,
    pub(crate) active_from: i64,
    pub(crate) expires_at: i64,
    pub(crate) restriction: Option<Uuid>,
    pub(crate) rule_version: i32,
    pub(crate) changed_seq: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("lot" {
    shard_no, wallet_id, lot_no, issuer_merchant, price, original, remaining, reserved, state, active_from, expires_at, restriction, rule_version, changed_seq
});
