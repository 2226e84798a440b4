//! Heads of wallets: the rows that guard every write.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "wallet")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) shard_no: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_id: Uuid,
    pub(crate) posted: i64,
    pub(crate) held: i64,
    pub(crate) pending: i64,
    pub(crate) debt: i64,
    pub(crate) version: i64,
    pub(crate) next_lot: i64,
    pub(crate) status: i16,
    pub(crate) last_recorded_at: i64,
    pub(crate) next_due: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("wallet" {
    shard_no, wallet_id, posted, held, pending, debt, version, next_lot, status, last_recorded_at, next_due
});
