//! Cancellations matched to the purchases that they take back.
//!
//! A cancellation takes the newest earlier purchase of the same customer, merchant and product with units left: by time,
//! then by the order of the file. When that purchase has fewer units left than the cancellation asks for, the rest is
//! taken from the next newest one, and so on; what finds no purchase is unmatched. What one cancellation receipt takes
//! back of one purchase is one refund.

use std::collections::{BTreeMap, HashMap};

use amvaj_domain::id::MerchantId;
use amvaj_domain::text::{Name, ReceiptNumber};
use amvaj_domain::time::Instant;

use super::basket::Purchase;
use super::member::MemberRef;
use super::reason::{Reason, Skipped};
use super::row::Line;

/// What one cancellation takes back of one purchase.
#[derive(Debug, Clone)]
pub struct Refund {
    /// The merchant.
    pub merchant: MerchantId,
    /// The receipt of the purchase.
    pub receipt: ReceiptNumber,
    /// The receipt of the cancellation.
    pub cancellation: ReceiptNumber,
    /// Who bought.
    pub member: MemberRef,
    /// Where the cancellation happened.
    pub branch: Option<Name>,
    /// When: the time of the first line that takes something back of this purchase.
    pub time: Instant,
    /// What each line of the cancellation takes back, in the order of the file.
    pub parts: Vec<Part>,
}

/// What one line of a cancellation takes back of one line of a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The cancellation's line in the file.
    pub number: u64,
    /// The purchase's line number on its receipt.
    pub line_no: i32,
    /// Units, one or more.
    pub units: i64,
}

impl Refund {
    /// Its place in the order of events: by time, then by the order of the file.
    pub fn order(&self) -> (Instant, u64) {
        (self.time, self.parts.first().map_or(0, |part| part.number))
    }

    /// Line numbers and units, one entry per line of the purchase.
    pub fn lines(&self) -> Vec<(i32, i64)> {
        let mut lines: BTreeMap<i32, i64> = BTreeMap::new();
        for part in &self.parts {
            let units = lines.entry(part.line_no).or_default();
            *units = units.saturating_add(part.units);
        }
        lines.into_iter().collect()
    }
}

/// Cancellations after matching.
#[derive(Debug, Default)]
pub(super) struct Matched {
    /// The refunds, in the order of events.
    pub(super) refunds: Vec<Refund>,
    /// Lines that found nothing.
    pub(super) unmatched: Vec<Skipped>,
    /// The rests of lines that found less than they ask for.
    pub(super) rests: Vec<Skipped>,
}

/// Units of a line of a purchase that nobody has taken back.
struct Left<'p> {
    purchase: &'p Purchase,
    line_no: i32,
    units: i64,
}

type Product<'p> = (&'p MemberRef, MerchantId, &'p str);
type Refunds = BTreeMap<(ReceiptNumber, MerchantId, ReceiptNumber), Refund>;

/// Matches cancellations to purchases that are in the order of events.
pub(super) fn matched(purchases: &[Purchase], mut cancellations: Vec<Line>) -> Matched {
    cancellations.sort_by_key(|line| (line.time, line.number));
    let mut coming = purchases.iter().peekable();
    let mut left: HashMap<Product<'_>, Vec<Left<'_>>> = HashMap::new();
    let mut refunds = Refunds::new();
    let mut matched = Matched::default();
    for line in &cancellations {
        while let Some(purchase) = coming.next_if(|next| next.order() < (line.time, line.number)) {
            for bought in &purchase.lines {
                let product = (&bought.member, bought.merchant, bought.product.as_str());
                let units = Left { purchase, line_no: bought.line_no, units: bought.units };
                left.entry(product).or_default().push(units);
            }
        }
        let product = (&line.member, line.merchant, line.product.as_str());
        let rest = take(line, left.get_mut(&product), &mut refunds);
        if rest == line.units {
            matched.unmatched.push(line.skipped(Reason::UnmatchedCancellation));
        } else if rest > 0 {
            let part = Line { units: rest, ..line.clone() };
            matched.rests.push(part.skipped(Reason::UnmatchedCancellation));
        }
    }
    matched.refunds = refunds.into_values().collect();
    matched.refunds.sort_by_key(Refund::order);
    matched
}

/// Takes a cancellation's units from the newest purchases and says how many found none.
fn take(line: &Line, left: Option<&mut Vec<Left<'_>>>, refunds: &mut Refunds) -> i64 {
    let mut rest = line.units;
    let Some(left) = left else { return rest };
    while rest > 0 {
        let Some(newest) = left.last_mut() else { break };
        let units = newest.units.min(rest);
        newest.units = newest.units.saturating_sub(units);
        rest = rest.saturating_sub(units);
        let part = Part { number: line.number, line_no: newest.line_no, units };
        add(line, newest.purchase, part, refunds);
        if newest.units == 0 {
            left.pop();
        }
    }
    rest
}

fn add(line: &Line, purchase: &Purchase, part: Part, refunds: &mut Refunds) {
    let key = (line.receipt.clone(), line.merchant, purchase.receipt.clone());
    let refund = refunds.entry(key).or_insert_with(|| Refund {
        merchant: line.merchant,
        receipt: purchase.receipt.clone(),
        cancellation: line.receipt.clone(),
        member: line.member.clone(),
        branch: line.branch.clone(),
        time: line.time,
        parts: Vec::new(),
    });
    refund.parts.push(part);
}
