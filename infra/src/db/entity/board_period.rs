//! Periods of boards, from the first score in them to their snapshot.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "board_period")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) board_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) period: i32,
    pub(crate) closes_at: i64,
    pub(crate) closed_at: Option<i64>,
    pub(crate) frozen_at: Option<i64>,
    pub(crate) entries: Option<i64>,
    pub(crate) score_sum: Option<i64>,
    pub(crate) cleared: i16,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
