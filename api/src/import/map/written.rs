//! The map as it is written in TOML, before it is checked. Unknown names are errors, so that a typing mistake is
//! noticed.

use std::collections::BTreeMap;

use serde::Deserialize;
use uuid::Uuid;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenMap {
    pub(super) name: String,
    #[serde(default = "comma")]
    pub(super) delimiter: char,
    pub(super) columns: WrittenColumns,
    pub(super) price: WrittenPrice,
    pub(super) time: WrittenTime,
    #[serde(default)]
    pub(super) cancellation: WrittenCancellation,
    pub(super) members: WrittenMembers,
    pub(super) merchants: Vec<WrittenMerchant>,
    #[serde(default)]
    pub(super) branches: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenColumns {
    pub(super) member: String,
    pub(super) receipt: String,
    pub(super) product: String,
    pub(super) quantity: String,
    pub(super) price: String,
    pub(super) time: String,
    pub(super) line: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) category: Option<String>,
    pub(super) currency: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPrice {
    pub(super) currency: Option<String>,
    pub(super) decimals: u32,
    #[serde(default = "point")]
    pub(super) decimal_mark: char,
    pub(super) group_mark: Option<char>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenTime {
    pub(super) format: String,
    pub(super) zone: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCancellation {
    pub(super) receipt_prefix: Option<String>,
    #[serde(default)]
    pub(super) negative_quantity: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenMembers {
    pub(super) reference: WrittenReference,
    pub(super) placeholder_mobile: Option<String>,
    pub(super) name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WrittenReference {
    Customer,
    Mobile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenMerchant {
    pub(super) code: String,
    pub(super) id: Option<Uuid>,
    pub(super) names: Option<WrittenNames>,
    pub(super) currency: Option<String>,
    pub(super) products: Option<Vec<String>>,
    #[serde(default)]
    pub(super) other_products: bool,
    #[serde(default)]
    pub(super) prices: WrittenPrices,
    pub(super) rule: Option<WrittenRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenNames {
    pub(super) fa: String,
    pub(super) en: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPrices {
    #[serde(default)]
    pub(super) issue: i64,
    #[serde(default)]
    pub(super) redeem: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRule {
    pub(super) points: i64,
    pub(super) per: i64,
    #[serde(default)]
    pub(super) minimum_basket: i64,
    pub(super) cap_per_purchase: Option<i64>,
    pub(super) cap_per_day: Option<i64>,
    #[serde(default)]
    pub(super) excluded_categories: Vec<String>,
    #[serde(default)]
    pub(super) pending_days: u16,
    #[serde(default = "never")]
    pub(super) expiry: String,
    #[serde(default)]
    pub(super) spend_only_at_issuer: bool,
}

const fn comma() -> char {
    ','
}

const fn point() -> char {
    '.'
}

fn never() -> String {
    "never".to_owned()
}
