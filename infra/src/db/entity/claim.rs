//! Idempotency keys in use; never changed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "claim")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) idem: Uuid,
    pub(crate) wallet_id: Option<Uuid>,
    pub(crate) seq: Option<i64>,
    pub(crate) body_hash: Uuid,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("claim" {
    idem, wallet_id, seq, body_hash
});
