//! Records read into checked lines. Cells are data only: nothing in them is ever run, looked up or put into a query.

use std::borrow::Cow;
use std::collections::HashMap;

use amvaj_domain::id::MerchantId;
use amvaj_domain::money::{Currency, Money};
use amvaj_domain::text::{Name, ReceiptNumber, ascii_digits};
use amvaj_domain::time::Instant;
use csv::ByteRecord;

use super::cell::{self, Decimal};
use super::error::ImportError;
use super::map::Map;
use super::member::MemberRef;
use super::reason::{Malformed, Reason, Skipped};

/// A line that can be brought in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its line in the file.
    pub number: u64,
    /// Whether it takes an earlier purchase back.
    pub is_cancellation: bool,
    /// Who bought.
    pub member: MemberRef,
    /// The receipt.
    pub receipt: ReceiptNumber,
    /// Its number on the receipt.
    pub line_no: i32,
    /// Whose product it is.
    pub merchant: MerchantId,
    /// The product.
    pub product: String,
    /// Its category.
    pub category: Option<String>,
    /// The branch.
    pub branch: Option<Name>,
    /// When.
    pub time: Instant,
    /// Units, one or more, of a cancellation too.
    pub units: i64,
    /// The price of all units in minor units.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
}

/// Longest product code and category.
const LONGEST_LABEL: usize = 64;
/// Most units of a line, as in a basket.
const MOST_UNITS: i64 = 1_000_000_000;

/// Where the columns of a map are in a file.
#[derive(Debug)]
pub(super) struct Rows<'m> {
    map: &'m Map,
    columns: HashMap<&'m str, usize>,
    /// Lines seen so far of each receipt.
    ordinals: HashMap<ReceiptNumber, i32>,
}

/// The cells of one record.
struct Cells<'r> {
    rows: &'r HashMap<&'r str, usize>,
    record: &'r ByteRecord,
}

/// A record as far as it could be read, for what is said about a line that is left out.
#[derive(Default)]
struct Seen {
    receipt: Option<ReceiptNumber>,
    units: Option<i64>,
}

impl<'m> Rows<'m> {
    /// Finds the columns in the header.
    pub(super) fn new(map: &'m Map, header: &ByteRecord) -> Result<Self, ImportError> {
        let names: Vec<&str> = header
            .iter()
            .map(|name| str::from_utf8(name).map(str::trim))
            .collect::<Result<_, _>>()
            .map_err(|_| ImportError::HeaderNotUtf8)?;
        let mut columns = HashMap::new();
        let mut missing = Vec::new();
        for named in map.columns.named() {
            let mut places = names.iter().enumerate().filter(|(_, name)| **name == named);
            match (places.next(), places.next()) {
                (Some((place, _)), None) => {
                    columns.insert(named, place);
                }
                (Some(_), Some(_)) | (None, _) => missing.push(named),
            }
        }
        if missing.is_empty() {
            Ok(Self { map, columns, ordinals: HashMap::new() })
        } else {
            Err(ImportError::Columns { missing: listed(&missing), found: listed(&names) })
        }
    }

    /// Reads one record.
    pub(super) fn line(&mut self, number: u64, record: &ByteRecord) -> Result<Line, Skipped> {
        let mut seen = Seen::default();
        self.checked(number, record, &mut seen).map_err(|reason| Skipped {
            line: number,
            reason,
            receipt: seen.receipt.map(|receipt| receipt.to_string()),
            units: seen.units,
        })
    }

    fn checked(&mut self, number: u64, record: &ByteRecord, seen: &mut Seen) -> Result<Line, Reason> {
        let map = self.map;
        let (receipt, line_no) = self.receipt(record, seen)?;
        let cells = Cells { rows: &self.columns, record };
        let columns = &map.columns;
        let quantity = quantity(&cells, &columns.quantity)?;
        seen.units = Some(quantity);
        let product = label(&cells, &columns.product)?
            .ok_or_else(|| cells.wrong(&columns.product, "a product code is needed"))?;
        let price = Decimal::parse(cells.text(&columns.price)?, &map.price)
            .map_err(|problem| cells.wrong(&columns.price, problem))?;
        let time = cell::time(cells.text(&columns.time)?, &map.time)
            .map_err(|problem| cells.wrong(&columns.time, problem))?;
        let stated = columns.currency.as_deref().map(|column| currency(&cells, column)).transpose()?;
        let branch = columns.branch.as_deref().map(|column| branch(&cells, column)).transpose()?.flatten();
        let category = columns.category.as_deref().map(|column| label(&cells, column)).transpose()?.flatten();
        let member = member(&cells, map)?.ok_or(Reason::NoCustomer)?;

        let is_cancellation = is_cancellation(map, &receipt, quantity);
        let units = quantity.saturating_abs();
        let amount =
            amount(price, units, quantity, is_cancellation, map.price.decimals).map_err(|problem| {
                problem.unwrap_or_else(|| cells.wrong(&columns.price, "the line costs too much"))
            })?;
        let merchant = map.merchant_of(&product).ok_or(Reason::NoMerchant)?;
        let currency = stated.unwrap_or(merchant.currency);
        if currency != merchant.currency {
            return Err(Reason::OtherCurrency);
        }
        Ok(Line {
            number,
            is_cancellation,
            member,
            receipt,
            line_no,
            merchant: merchant.id,
            product,
            category,
            branch,
            time,
            units,
            amount,
            currency,
        })
    }

    /// The receipt and the line's number on it. Every readable line of a receipt counts, also one that is left out
    /// for another reason, so that numbers do not depend on the map's rules.
    fn receipt(&mut self, record: &ByteRecord, seen: &mut Seen) -> Result<(ReceiptNumber, i32), Reason> {
        let cells = Cells { rows: &self.columns, record };
        let columns = &self.map.columns;
        let receipt = ReceiptNumber::parse(cells.text(&columns.receipt)?)
            .map_err(|error| cells.wrong(&columns.receipt, error.to_string()))?;
        seen.receipt = Some(receipt.clone());
        let Some(column) = &columns.line else {
            let ordinal = self.ordinals.entry(receipt.clone()).or_default();
            *ordinal = ordinal.saturating_add(1);
            return Ok((receipt, *ordinal));
        };
        let line_no = cell::whole_number(cells.text(column)?)
            .and_then(|number| i32::try_from(number).ok())
            .filter(|number| *number >= 0)
            .ok_or_else(|| cells.wrong(column, "a line number is a whole number"))?;
        Ok((receipt, line_no))
    }
}

impl Cells<'_> {
    /// The text of a column; its name is one of those that were looked up in the header.
    fn text(&self, column: &str) -> Result<&str, Reason> {
        let bytes = self.rows.get(column).and_then(|place| self.record.get(*place)).unwrap_or_default();
        str::from_utf8(bytes).map_err(|_| Reason::Malformed(Malformed::NotUtf8 { column: column.to_owned() }))
    }

    fn wrong(&self, column: &str, problem: impl Into<Cow<'static, str>>) -> Reason {
        const SHOWN: usize = 40;
        let cell = self.text(column).unwrap_or_default().chars().take(SHOWN).collect();
        Reason::Malformed(Malformed::Cell { column: column.to_owned(), cell, problem: problem.into() })
    }
}

fn quantity(cells: &Cells<'_>, column: &str) -> Result<i64, Reason> {
    cell::whole_number(cells.text(column)?)
        .filter(|quantity| *quantity != 0 && quantity.saturating_abs() <= MOST_UNITS)
        .ok_or_else(|| cells.wrong(column, "a quantity is a whole number, not zero, up to a billion"))
}

/// A code of products or categories; nothing when the cell is blank.
fn label(cells: &Cells<'_>, column: &str) -> Result<Option<String>, Reason> {
    let label = ascii_digits(cells.text(column)?.trim());
    if label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
        return Err(cells.wrong(column, "a code has up to 64 characters and no control characters"));
    }
    Ok(if label.is_empty() { None } else { Some(label) })
}

fn branch(cells: &Cells<'_>, column: &str) -> Result<Option<Name>, Reason> {
    let text = cells.text(column)?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    Name::parse(text).map(Some).map_err(|error| cells.wrong(column, error.to_string()))
}

fn currency(cells: &Cells<'_>, column: &str) -> Result<Currency, Reason> {
    Currency::parse(cells.text(column)?.trim()).map_err(|error| cells.wrong(column, error.to_string()))
}

fn member(cells: &Cells<'_>, map: &Map) -> Result<Option<MemberRef>, Reason> {
    let column = &map.columns.member;
    let text = cells.text(column)?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    MemberRef::parse(text, &map.members.reference).map(Some).map_err(|problem| cells.wrong(column, problem))
}

fn is_cancellation(map: &Map, receipt: &ReceiptNumber, quantity: i64) -> bool {
    let by_receipt =
        map.cancellation.receipt_prefix.as_deref().is_some_and(|prefix| receipt.as_str().starts_with(prefix));
    by_receipt || (map.cancellation.negative_quantity && quantity < 0)
}

/// What the line costs. A cancellation may cost nothing: it is matched by product and units. An error without a
/// reason means that the amount is out of range.
fn amount(
    price: Decimal,
    units: i64,
    quantity: i64,
    is_cancellation: bool,
    decimals: u32,
) -> Result<i64, Option<Reason>> {
    if price.is_negative() {
        return Err(Some(Reason::NegativePrice));
    }
    let amount = price.times(units, decimals).filter(|amount| *amount <= Money::MAX).ok_or(None)?;
    if amount == 0 && !is_cancellation {
        return Err(Some(Reason::ZeroPrice));
    }
    if quantity < 0 && !is_cancellation {
        return Err(Some(Reason::NegativeQuantity));
    }
    Ok(amount)
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}
