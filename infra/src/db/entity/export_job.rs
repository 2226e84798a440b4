//! An export that was asked for, and how far it has come.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "export_job")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) export_id: Uuid,
    pub(crate) owner: Vec<u8>,
    pub(crate) idem: Uuid,
    pub(crate) body_hash: Uuid,
    pub(crate) actor_kind: i16,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) kind: i16,
    pub(crate) format: i16,
    pub(crate) merchant_id: Option<Uuid>,
    pub(crate) branches: Option<String>,
    pub(crate) member_id: Option<Uuid>,
    pub(crate) wallet_id: Option<Uuid>,
    pub(crate) kinds: i64,
    pub(crate) from_at: Option<i64>,
    pub(crate) until_at: i64,
    pub(crate) status: i16,
    pub(crate) slot: Option<i16>,
    pub(crate) place_at: Option<i64>,
    pub(crate) place_wallet: Option<Uuid>,
    pub(crate) place_seq: Option<i64>,
    pub(crate) rows_done: i64,
    pub(crate) rows_total: Option<i64>,
    pub(crate) size: i64,
    pub(crate) sha256: Option<Vec<u8>>,
    pub(crate) created_at: i64,
    pub(crate) finished_at: Option<i64>,
    pub(crate) expires_at: Option<i64>,
    pub(crate) tries: i16,
    pub(crate) try_at: Option<i64>,
    pub(crate) failure: Option<i16>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
