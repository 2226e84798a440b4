//! A merchant's API key.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) api_key_id: Uuid,
    pub(crate) merchant_id: Uuid,
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) secret_hash: Vec<u8>,
    pub(crate) scopes: i64,
    pub(crate) made_by_kind: i16,
    pub(crate) made_by_id: Option<Uuid>,
    pub(crate) replaces: Option<Uuid>,
    pub(crate) replaced_by: Option<Uuid>,
    pub(crate) created_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) revoked_at: Option<i64>,
    pub(crate) last_used_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
