//! Refunds whose purchase was not known when they arrived.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refund_waiting")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) merchant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) receipt_no: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) idem: Uuid,
    pub(crate) caller: Vec<u8>,
    pub(crate) body_hash: Uuid,
    pub(crate) body: String,
    pub(crate) state: i16,
    pub(crate) reject_code: Option<i16>,
    pub(crate) wallet_id: Option<Uuid>,
    pub(crate) seq: Option<i64>,
    pub(crate) created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("refund_waiting" {
    merchant_id, receipt_no, idem, caller, body_hash, body, state, reject_code, wallet_id, seq, created_at
});
