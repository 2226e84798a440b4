//! What a wallet has reached in a period of a board that is not frozen yet.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "board_total")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) shard_no: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) board_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) period: i32,
    pub(crate) total: i64,
    pub(crate) reached_at: i64,
    pub(crate) seq: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("board_total" {
    shard_no, wallet_id, board_id, period, total, reached_at, seq
});
