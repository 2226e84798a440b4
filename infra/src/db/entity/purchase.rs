//! Purchases: what a refund recomputes from.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "purchase")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) shard_no: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) seq: i64,
    pub(crate) merchant_id: Uuid,
    pub(crate) receipt_no: String,
    pub(crate) basket: i64,
    pub(crate) lines: i32,
    pub(crate) refunded_amount: i64,
    pub(crate) paid_value: i64,
    pub(crate) kept: i64,
    pub(crate) rule_version: i32,
    pub(crate) rate_points: i64,
    pub(crate) rate_per: i64,
    pub(crate) minimum_basket: i64,
    pub(crate) cap_left: Option<i64>,
    pub(crate) cap_day: Option<i32>,
    pub(crate) price: i64,
    pub(crate) lot_no: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("purchase" {
    shard_no, wallet_id, seq, merchant_id, receipt_no, basket, lines, refunded_amount, paid_value, kept, rule_version, rate_points, rate_per, minimum_basket, cap_left, cap_day, price, lot_no
});
