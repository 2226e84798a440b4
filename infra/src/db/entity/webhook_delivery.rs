//! What became of an event at an endpoint.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_delivery")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) delivery_id: Uuid,
    pub(crate) endpoint_id: Uuid,
    pub(crate) shard_no: i16,
    pub(crate) wallet_id: Uuid,
    pub(crate) seq: i64,
    pub(crate) event_type: i16,
    pub(crate) status: i16,
    pub(crate) tries: i32,
    pub(crate) recorded_at: i64,
    pub(crate) next_try_at: Option<i64>,
    pub(crate) tried_at: Option<i64>,
    pub(crate) took: Option<i64>,
    pub(crate) response_status: Option<i16>,
    pub(crate) failure: Option<i16>,
    pub(crate) delivered_at: Option<i64>,
    pub(crate) queued_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("webhook_delivery" {
    delivery_id, endpoint_id, shard_no, wallet_id, seq, event_type, status, tries, recorded_at, next_try_at, tried_at, took, response_status, failure, delivered_at, queued_at
});
