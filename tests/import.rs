//! Purchases from CSV files: every line is accounted for, on both databases, however often and however far a run gets.
//! The files here are written for the purpose.

mod erased;
mod network;
mod reading;
mod resume;

use amvaj_api::import::{ImportError, Map, Plan, Skipped, plan};

/// A map with the columns `customer,receipt,product,quantity,price,time`, prices in pounds, two merchants, and
/// cancellations by the prefix C.
const MAP: &str = r#"
name = "small"
[columns]
member = "customer"
receipt = "receipt"
product = "product"
quantity = "quantity"
price = "price"
time = "time"
[price]
currency = "GBP"
decimals = 2
[time]
format = "%Y-%m-%d %H:%M"
zone = "Asia/Tehran"
[cancellation]
receipt_prefix = "C"
[members]
reference = "customer"
placeholder_mobile = "0995"
name = "Customer {}"
[[merchants]]
code = "bakery"
names = { fa = "نانوایی", en = "Bakery" }
products = ["10-19"]
prices = { issue = 1, redeem = 1 }
rule = { points = 1, per = 10, expiry = "after P1D" }
[[merchants]]
code = "books"
names = { fa = "کتاب", en = "Books" }
products = ["20"]
prices = { issue = 1, redeem = 1 }
rule = { points = 1, per = 5, pending_days = 1 }
"#;

const HEADER: &str = "customer,receipt,product,quantity,price,time\n";

fn map(text: &str) -> Map {
    Map::parse(text).unwrap()
}

/// The plan of a file with the usual header.
fn planned(lines: &str) -> Plan {
    read(MAP, format!("{HEADER}{lines}").as_bytes()).unwrap()
}

fn read(map_text: &str, file: &[u8]) -> Result<Plan, ImportError> {
    plan(&map(map_text), file, |_| ())
}

/// Line, reason and units of what is left out.
fn left_out(skipped: &[Skipped]) -> Vec<(u64, &'static str, Option<i64>)> {
    skipped.iter().map(|skipped| (skipped.line, skipped.reason.code(), skipped.units)).collect()
}
