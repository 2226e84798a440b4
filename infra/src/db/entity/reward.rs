//! Rewards that merchants offer.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reward")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) reward_id: Uuid,
    pub(crate) merchant_id: Uuid,
    pub(crate) kind: i16,
    pub(crate) status: i16,
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    pub(crate) points: i64,
    pub(crate) stock: Option<i64>,
    pub(crate) limit_per_member: Option<i32>,
    pub(crate) valid_from: Option<i64>,
    pub(crate) valid_until: Option<i64>,
    pub(crate) reserve: i64,
    pub(crate) version: i32,
    pub(crate) idem: Uuid,
    pub(crate) body_hash: Uuid,
    pub(crate) created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
