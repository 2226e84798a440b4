//! Points used of daily caps.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cap_used")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) shard_no: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) rule_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) day: i32,
    pub(crate) used: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("cap_used" {
    shard_no, wallet_id, rule_id, day, used
});
