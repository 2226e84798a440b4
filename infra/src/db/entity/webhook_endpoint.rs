//! A merchant's endpoint for webhooks.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_endpoint")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) endpoint_id: Uuid,
    pub(crate) merchant_id: Uuid,
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) event_types: i64,
    pub(crate) status: i16,
    pub(crate) disabled_reason: Option<i16>,
    pub(crate) failures: i32,
    pub(crate) failing_since: Option<i64>,
    pub(crate) paused_until: Option<i64>,
    pub(crate) replay_at: Option<i64>,
    pub(crate) replay_wallet: Option<Uuid>,
    pub(crate) replay_seq: Option<i64>,
    pub(crate) replay_until: Option<i64>,
    pub(crate) replay_delivered_from: Option<i64>,
    pub(crate) created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
