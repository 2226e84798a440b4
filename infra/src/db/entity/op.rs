//! The journal: one row per operation, applied or rejected; never changed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "op")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) shard_no: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) seq: i64,
    pub(crate) caller: Vec<u8>,
    pub(crate) idem: Uuid,
    pub(crate) kind: i16,
    pub(crate) amount: i64,
    pub(crate) money: Option<i64>,
    pub(crate) merchant_id: Option<Uuid>,
    pub(crate) branch_id: Option<Uuid>,
    pub(crate) receipt_no: Option<String>,
    pub(crate) ref_seq: Option<i64>,
    pub(crate) body_hash: Uuid,
    pub(crate) reject_code: Option<i16>,
    pub(crate) reject_limit: Option<i64>,
    pub(crate) posted_after: i64,
    pub(crate) held_after: i64,
    pub(crate) pending_after: i64,
    pub(crate) debt_after: i64,
    pub(crate) batch_id: Uuid,
    pub(crate) occurred_at: i64,
    pub(crate) recorded_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("op" {
    shard_no, wallet_id, seq, caller, idem, kind, amount, money, merchant_id, branch_id, receipt_no, ref_seq, body_hash, reject_code, reject_limit, posted_after, held_after, pending_after, debt_after, batch_id, occurred_at, recorded_at
});
