//! Lines of purchases.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "purchase_line")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) shard_no: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) seq: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) line_no: i32,
    pub(crate) product: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) amount: i64,
    pub(crate) quantity: i64,
    pub(crate) refunded: i64,
    pub(crate) eligible: i16,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

crate::db::columns::columns!("purchase_line" {
    shard_no, wallet_id, seq, line_no, product, category, amount, quantity, refunded, eligible
});
