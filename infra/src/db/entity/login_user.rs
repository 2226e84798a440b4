//! Operators and agents.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login_user")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) user_id: Uuid,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) role: i16,
    pub(crate) scopes: Option<i64>,
    pub(crate) disabled_at: Option<i64>,
    pub(crate) joined_at: Option<i64>,
    pub(crate) logged_in_at: Option<i64>,
    pub(crate) created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
