//! Who stood where when a period of a board was frozen; never changed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "board_snapshot")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) board_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) period: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) position: i64,
    pub(crate) rank: i64,
    pub(crate) wallet_id: Uuid,
    pub(crate) total: i64,
    pub(crate) reached_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("board_snapshot" {
    board_id, period, position, rank, wallet_id, total, reached_at
});
