//! Members.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "member")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) member_id: Uuid,
    pub(crate) wallet_id: Uuid,
    pub(crate) mobile: String,
    pub(crate) card_number: Option<String>,
    pub(crate) name: String,
    pub(crate) search_key: String,
    pub(crate) status: i16,
    pub(crate) enrolled_at: i64,
    pub(crate) language: Option<String>,
    pub(crate) erased_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
