//! Boards, as the operator made them.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "board")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) board_id: Uuid,
    pub(crate) name_fa: String,
    pub(crate) name_en: String,
    pub(crate) metric: i16,
    pub(crate) merchant_id: Option<Uuid>,
    pub(crate) cycle: i16,
    pub(crate) zone: String,
    pub(crate) grace: i64,
    pub(crate) first_day: i32,
    pub(crate) generation: i32,
    pub(crate) created_at: i64,
    pub(crate) closed_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
