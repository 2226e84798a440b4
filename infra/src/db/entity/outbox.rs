//! One row per batch and bucket that it touched.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bucket: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) batch_id: Uuid,
    pub(crate) relay_no: Option<i64>,
    pub(crate) relayed_at: Option<i64>,
    pub(crate) payload: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("outbox" {
    bucket, batch_id, relay_no, relayed_at, payload
});
