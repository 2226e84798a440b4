//! One row per privileged act, chained by hashes.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entry")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) seq: i64,
    pub(crate) recorded_at: i64,
    pub(crate) actor_kind: i16,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) caller_role: i16,
    pub(crate) caller_id: Option<Uuid>,
    pub(crate) act: i16,
    pub(crate) target_kind: i16,
    pub(crate) target_id: Option<Uuid>,
    pub(crate) detail: String,
    pub(crate) request_id: String,
    pub(crate) previous_hash: Vec<u8>,
    pub(crate) hash: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
