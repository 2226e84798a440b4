//! Files of purchases as other systems write them: cells are read as they were written, every line is accounted for,
//! and what is broken costs itself only.

use amvaj_api::import::{Event, Map, Plan, Purchase, dry_run, plan};
use proptest::{collection::vec, prelude::*};

use super::{
    corpus::{spoilt, wild},
    fuzz,
};

const MAP: &str = r#"
name = "fuzz"
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
decimal_mark = "."
group_mark = ","
[time]
format = "%Y-%m-%d %H:%M"
zone = "Asia/Tehran"
[cancellation]
receipt_prefix = "C"
negative_quantity = true
[members]
reference = "customer"
placeholder_mobile = "0995"
name = "Customer {}"
[[merchants]]
code = "bakery"
names = { fa = "نانوایی", en = "Bakery" }
prices = { issue = 1, redeem = 1 }
rule = { points = 1, per = 10 }
"#;

const HEADER: &str = "customer,receipt,product,quantity,price,time";

fn read(file: &[u8]) -> Result<Plan, TestCaseError> {
    plan(&Map::parse(MAP).unwrap(), file, |_| ()).map_err(|error| TestCaseError::fail(error.to_string()))
}

/// Fails unless every line of the file is in a purchase, in a refund, or left out with a reason and its number.
fn accounts_for_all(plan: &Plan) -> Result<(), TestCaseError> {
    let report = dry_run(&Map::parse(MAP).unwrap(), plan)
        .map_err(|error| TestCaseError::fail(format!("the report does not add up: {error}")))?;
    let lines = &report.lines;
    prop_assert_eq!(lines.read, plan.read);
    prop_assert_eq!(lines.read, lines.earned + lines.refunded + lines.skipped.values().sum::<u64>());
    for skipped in &plan.skipped {
        prop_assert!(skipped.line > 1 && !skipped.reason.detail().is_empty());
        prop_assert!(!skipped.reason.detail().contains(char::is_control), "{:?}", skipped);
    }
    Ok(())
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

fn only_purchase(plan: &Plan) -> Option<&Purchase> {
    match plan.events.as_slice() {
        [Event::Purchase(purchase)] => Some(purchase),
        _ => None,
    }
}

/// A price as digits, of which the last so many stand behind the mark.
#[derive(Debug, Clone)]
struct Price {
    digits: String,
    places: usize,
    grouped: bool,
    persian: bool,
}

impl Price {
    fn written(&self) -> String {
        let (whole, decimals) = self.digits.split_at(self.digits.len().saturating_sub(self.places));
        let mut text = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if self.grouped && at > 0 && (whole.len() - at).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        if self.places > 0 {
            text = format!("{text}.{decimals}");
        }
        let persian = |c: char| c.to_digit(10).and_then(|digit| char::from_u32(0x06F0 + digit)).unwrap_or(c);
        if self.persian { text.chars().map(persian).collect() } else { text }
    }

    /// Pence of so many units, half a penny up; by whole numbers of any size.
    fn times(&self, units: i128) -> i128 {
        let digits: i128 = self.digits.parse().unwrap();
        let scale = 10_i128.pow(u32::try_from(self.places).unwrap());
        (2 * digits * units * 100 + scale).div_euclid(2 * scale)
    }
}

#[test]
fn a_line_costs_what_its_price_and_quantity_say() {
    let price = ("[0-9]{1,18}", 0..8_usize, any::<bool>(), any::<bool>());
    let price = price.prop_map(|(digits, places, grouped, persian)| {
        let places = places.min(digits.len());
        Price { digits, places, grouped, persian }
    });
    fuzz(2_000, (price, prop_oneof![1..100_i64, 1..1_000_000_000_i64]), |(price, units)| {
        let file = format!("{HEADER}\n7,1,10,{units},{},2024-01-01 10:00\n", quoted(&price.written()));
        let plan = read(file.as_bytes())?;
        accounts_for_all(&plan)?;
        let exact = price.times(units.into());
        let paid = only_purchase(&plan).map(|purchase| i128::from(purchase.basket.total().minor_units()));
        let expected = (1..=1_000_000_000_000_000).contains(&exact).then_some(exact);
        prop_assert_eq!(paid, expected, "{}", file);
        Ok(())
    });
}

/// Any text that can be a product code, with all that has to be quoted.
fn code() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9۰-۹آ-ی\",;' /#=@+-]{1,40}".prop_map(|code| format!("x{code}x"))
}

#[test]
fn quoted_cells_are_read_as_they_were_written_whatever_ends_lines() {
    let style = (prop_oneof![Just("\n"), Just("\r\n"), Just("\r")], any::<bool>(), any::<bool>());
    fuzz(1_000, (vec(code(), 1..8), style), |(codes, (end, marked, closed))| {
        let mut file = if marked { "\u{FEFF}".to_owned() } else { String::new() };
        file.push_str(HEADER);
        for code in &codes {
            file.push_str(&format!("{end}7,1,{},1,1,2024-01-01 10:00", quoted(code)));
        }
        if closed {
            file.push_str(end);
        }
        let plan = read(file.as_bytes())?;
        accounts_for_all(&plan)?;
        let Some(purchase) = only_purchase(&plan) else {
            return Err(TestCaseError::fail(format!("{:?}", plan.skipped)));
        };
        let products: Vec<&str> = purchase.lines.iter().map(|line| line.product.as_str()).collect();
        let ascii: Vec<String> = codes.iter().map(|code| amvaj_domain::text::ascii_digits(code)).collect();
        prop_assert_eq!(products, ascii);
        let numbers: Vec<u64> = purchase.lines.iter().map(|line| line.number).collect();
        prop_assert_eq!(numbers, (2..).take(codes.len()).collect::<Vec<_>>());
        Ok(())
    });
}

#[test]
fn broken_lines_cost_only_themselves() {
    let cell = || prop_oneof![3 => spoilt("C?[0-9]{1,4}"), 1 => wild()];
    let strange = spoilt("20[0-9]{2}-0[1-9]-[0-3][0-9] 1[0-9]:00");
    let time = prop_oneof![4 => Just("2024-01-01 10:00".to_owned()), 1 => strange];
    let line = (vec(cell(), 0..8), time, any::<bool>()).prop_map(|(cells, time, quotes)| {
        let cells = cells.into_iter().chain([time]);
        cells.map(|cell| if quotes { quoted(&cell) } else { cell }).collect::<Vec<_>>().join(",")
    });
    fuzz(1_000, (vec(line, 0..12), any::<bool>()), |(lines, bytes)| {
        let mut file = [&[HEADER.to_owned()], &lines[..]].concat().join("\n").into_bytes();
        if bytes && !lines.is_empty() {
            file.extend_from_slice(b",\xFF");
        }
        let good = b"\n8,good,10,2,1.50,2024-01-01 10:00\n";
        let broken = read(&file)?;
        accounts_for_all(&broken)?;
        // A line that is well formed comes in, whatever stands before it.
        file.extend_from_slice(good);
        let plan = read(&file)?;
        accounts_for_all(&plan)?;
        let has_good = plan.events.iter().any(|event| match event {
            Event::Purchase(purchase) => {
                purchase.receipt.as_str() == "good" && purchase.basket.total().minor_units() >= 300
            }
            Event::Refund(_) => false,
        });
        prop_assert!(has_good, "{:?}", plan.skipped);
        Ok(())
    });
}
