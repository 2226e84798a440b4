//! The plan of an import: everything that a file asks for, checked, matched and in order. Making it changes nothing and
//! needs no database, so it is all of a dry run.

use amvaj_domain::time::Instant;
use sha2::{Digest as _, Sha256};

use super::basket::{self, Purchase};
use super::cancel::{self, Refund};
use super::error::ImportError;
use super::map::Map;
use super::member::MemberRef;
use super::reason::{Reason, Skipped};
use super::record::Records;
use super::row::Rows;
use amvaj_domain::sealed::hex;

/// What a file asks for.
#[derive(Debug)]
pub struct Plan {
    /// SHA-256 of the file in hexadecimal digits, by which a second import of it is known.
    pub digest: String,
    /// Lines of the file without its header and blank lines.
    pub read: u64,
    /// Units of all cancellations that could be read and have a customer and a merchant.
    pub cancelled_units: i64,
    /// Purchases and refunds in the order in which they happened; of one instant, in the order of the file.
    pub events: Vec<Event>,
    /// Lines that are left out, in the order of the file.
    pub skipped: Vec<Skipped>,
    /// Units of cancellations that were matched only in part, in the order of the file. These lines are not left out.
    pub rests: Vec<Skipped>,
}

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A purchase.
    Purchase(Purchase),
    /// A purchase, or a part of it, came back.
    Refund(Refund),
}

impl Event {
    /// When it happened.
    pub const fn time(&self) -> Instant {
        match self {
            Self::Purchase(purchase) => purchase.time,
            Self::Refund(refund) => refund.time,
        }
    }

    /// Whose wallet it changes.
    pub const fn member(&self) -> &MemberRef {
        match self {
            Self::Purchase(purchase) => &purchase.member,
            Self::Refund(refund) => &refund.member,
        }
    }

    /// How many lines of the file it is made of.
    pub const fn lines(&self) -> usize {
        match self {
            Self::Purchase(purchase) => purchase.lines.len(),
            Self::Refund(refund) => refund.parts.len(),
        }
    }

    fn order(&self) -> (Instant, u64) {
        match self {
            Self::Purchase(purchase) => purchase.order(),
            Self::Refund(refund) => refund.order(),
        }
    }
}

impl Plan {
    /// How many lines cannot be read.
    pub fn malformed(&self) -> usize {
        self.skipped.iter().filter(|skipped| matches!(skipped.reason, Reason::Malformed(_))).count()
    }
}

/// Reads a file by a map. `progress` hears how many bytes are read.
///
/// # Errors
/// [`ImportError::Empty`], [`ImportError::HeaderNotUtf8`] and [`ImportError::Columns`]. A bad line is no error: it is
/// among [`Plan::skipped`].
pub fn plan(map: &Map, file: &[u8], mut progress: impl FnMut(u64)) -> Result<Plan, ImportError> {
    let mut records = Records::open(file, map.delimiter).ok_or(ImportError::Empty)?;
    let mut rows = Rows::new(map, records.header())?;
    let mut read: u64 = 0;
    let mut skipped = Vec::new();
    let (mut bought, mut cancellations) = (Vec::new(), Vec::new());
    while let Some(record) = records.next() {
        read = read.saturating_add(1);
        progress(records.bytes_read());
        let line = match record.cells {
            Ok(cells) => rows.line(record.line, &cells),
            Err(malformed) => Err(Skipped {
                line: record.line,
                reason: Reason::Malformed(malformed),
                receipt: None,
                units: None,
            }),
        };
        match line {
            Ok(line) if line.is_cancellation => cancellations.push(line),
            Ok(line) => bought.push(line),
            Err(left_out) => skipped.push(left_out),
        }
    }
    let cancelled_units = cancellations.iter().fold(0, |sum: i64, line| sum.saturating_add(line.units));
    let purchases = basket::purchases(bought, &mut skipped);
    let mut matched = cancel::matched(&purchases, cancellations);
    skipped.append(&mut matched.unmatched);
    skipped.sort_by_key(|skipped| skipped.line);
    matched.rests.sort_by_key(|rest| rest.line);
    let refunds = matched.refunds.into_iter().map(Event::Refund);
    let mut events: Vec<Event> = purchases.into_iter().map(Event::Purchase).chain(refunds).collect();
    events.sort_by_key(Event::order);
    let digest = hex(&Sha256::digest(file));
    Ok(Plan { digest, read, cancelled_units, events, skipped, rests: matched.rests })
}
