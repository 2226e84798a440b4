//! Lines put together into purchases: one per merchant and receipt, so that an invoice over several merchants becomes
//! several purchases with its number.

use std::collections::{BTreeMap, BTreeSet};

use amvaj_domain::earn::{Basket, BasketLine};
use amvaj_domain::id::MerchantId;
use amvaj_domain::money::Money;
use amvaj_domain::text::{Name, ReceiptNumber};
use amvaj_domain::time::Instant;

use super::member::MemberRef;
use super::reason::{Reason, Skipped};
use super::row::Line;

/// A purchase at one merchant.
#[derive(Debug, Clone)]
pub struct Purchase {
    /// The merchant.
    pub merchant: MerchantId,
    /// The receipt.
    pub receipt: ReceiptNumber,
    /// Who bought: the customer of the first line.
    pub member: MemberRef,
    /// Where: the branch of the first line.
    pub branch: Option<Name>,
    /// When: the earliest time of its lines.
    pub time: Instant,
    /// Its lines, in the order of the file.
    pub lines: Vec<Line>,
    /// What the ledger gets of them.
    pub basket: Basket,
}

impl Purchase {
    /// Its place in the order of events: by time, then by the order of the file.
    pub fn order(&self) -> (Instant, u64) {
        (self.time, self.lines.first().map_or(0, |line| line.number))
    }
}

/// Puts lines together; they come in the order of the file.
pub(super) fn purchases(lines: Vec<Line>, skipped: &mut Vec<Skipped>) -> Vec<Purchase> {
    let mut receipts: BTreeMap<(MerchantId, ReceiptNumber), Vec<Line>> = BTreeMap::new();
    for line in lines {
        receipts.entry((line.merchant, line.receipt.clone())).or_default().push(line);
    }
    let mut purchases: Vec<Purchase> =
        receipts.into_values().filter_map(|lines| purchase(lines, skipped)).collect();
    purchases.sort_by_key(Purchase::order);
    purchases
}

fn purchase(lines: Vec<Line>, skipped: &mut Vec<Skipped>) -> Option<Purchase> {
    let member = lines.first()?.member.clone();
    let mut numbers = BTreeSet::new();
    let mut kept = Vec::with_capacity(lines.len());
    for line in lines {
        if line.member != member {
            skipped.push(line.skipped(Reason::OtherCustomer));
        } else if numbers.insert(line.line_no) {
            kept.push(line);
        } else {
            skipped.push(line.skipped(Reason::RepeatedLine));
        }
    }
    let Some(basket) = basket(&kept) else {
        skipped.extend(kept.iter().map(|line| line.skipped(Reason::OversizedPurchase)));
        return None;
    };
    let first = kept.first()?;
    Some(Purchase {
        merchant: first.merchant,
        receipt: first.receipt.clone(),
        member,
        branch: first.branch.clone(),
        time: kept.iter().map(|line| line.time).min()?,
        basket,
        lines: kept,
    })
}

/// The ledger's basket. Each line fits on its own and costs something, so it can only fail by being too large.
fn basket(lines: &[Line]) -> Option<Basket> {
    let currency = lines.first()?.currency;
    let total = lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.amount));
    let lines = lines
        .iter()
        .map(|line| BasketLine {
            line_no: line.line_no,
            product: Some(line.product.clone()),
            category: line.category.clone(),
            amount: line.amount,
            quantity: line.units,
        })
        .collect();
    Basket::new(Money::new(total, currency).ok()?, lines).ok()
}

impl Line {
    /// The line as one that is left out.
    pub(super) fn skipped(&self, reason: Reason) -> Skipped {
        Skipped {
            line: self.number,
            reason,
            receipt: Some(self.receipt.to_string()),
            units: Some(if self.is_cancellation { self.units.saturating_neg() } else { self.units }),
        }
    }
}
