//! Redemptions of rewards.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "redemption")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) shard_no: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) redemption_id: Uuid,
    pub(crate) wallet_id: Uuid,
    pub(crate) reward_id: Uuid,
    pub(crate) merchant_id: Uuid,
    pub(crate) branch_id: Option<Uuid>,
    pub(crate) caller: Vec<u8>,
    pub(crate) points: i64,
    pub(crate) voucher: String,
    pub(crate) reserve: i64,
    pub(crate) hold_idem: Uuid,
    pub(crate) state: i16,
    pub(crate) hold_seq: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
