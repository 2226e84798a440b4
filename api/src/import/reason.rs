//! Why a line of the file is not brought in.

use std::borrow::Cow;

use amvaj_domain::ledger::Rejection;
use serde::Serialize;

/// A line that is left out, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its line in the file, from 1; the header is usually line 1.
    pub line: u64,
    /// Why it is left out.
    #[serde(flatten)]
    pub reason: Reason,
    /// Its receipt, when it could be read.
    pub receipt: Option<String>,
    /// The units left out, when they could be read: of a cancellation that was matched in part, the rest.
    pub units: Option<i64>,
}

/// Why a line is left out. Of several reasons the first in this order is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It cannot be read.
    Malformed(Malformed),
    /// It names no customer.
    NoCustomer,
    /// Its price is below zero: not a sale but a correction of the books.
    NegativePrice,
    /// It costs nothing, or less than half a minor unit.
    ZeroPrice,
    /// Its quantity is below zero, and it is not a cancellation by the map's rule.
    NegativeQuantity,
    /// Its product belongs to no merchant of the map.
    NoMerchant,
    /// It is in another currency than its merchant's.
    OtherCurrency,
    /// The receipt began with another customer.
    OtherCustomer,
    /// The receipt has this line number already, in a column of line numbers.
    RepeatedLine,
    /// The purchase has more lines, or costs more, than one purchase may.
    OversizedPurchase,
    /// A cancellation of which some units, or all, find no earlier purchase.
    UnmatchedCancellation,
    /// A cancellation whose purchase the ledger refused.
    PurchaseRefused,
    /// It is of a member that was erased.
    MemberErased,
    /// The ledger refused it.
    Refused(Rejection),
}

/// What of a line cannot be read. Cells are shown escaped, so that they cannot steer a terminal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A quote is opened and not closed.
    #[error("a quote that opens on this line is not closed")]
    UnclosedQuote,
    /// It has too few or too many cells.
    #[error("{found} cells, the header has {expected}")]
    CellCount {
        /// Cells of the line.
        found: usize,
        /// Cells of the header.
        expected: usize,
    },
    /// A cell is not text.
    #[error("column {column:?} is not UTF-8")]
    NotUtf8 {
        /// The column.
        column: String,
    },
    /// A cell is not what its column holds.
    #[error("column {column:?} holds {cell:?}: {problem}")]
    Cell {
        /// The column.
        column: String,
        /// The beginning of what it holds.
        cell: String,
        /// What is wrong with it.
        problem: Cow<'static, str>,
    },
}

impl Reason {
    /// The reason in reports: stable, in snake case.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::NoCustomer => "no_customer",
            Self::NegativePrice => "negative_price",
            Self::ZeroPrice => "zero_price",
            Self::NegativeQuantity => "negative_quantity",
            Self::NoMerchant => "no_merchant",
            Self::OtherCurrency => "other_currency",
            Self::OtherCustomer => "other_customer",
            Self::RepeatedLine => "repeated_line",
            Self::OversizedPurchase => "oversized_purchase",
            Self::UnmatchedCancellation => "unmatched_cancellation",
            Self::PurchaseRefused => "purchase_refused",
            Self::MemberErased => "member_erased",
            Self::Refused(_) => "refused",
        }
    }

    /// Whether it is a cancellation without a purchase.
    pub const fn is_unmatched(&self) -> bool {
        matches!(self, Self::UnmatchedCancellation)
    }

    /// One sentence for people.
    pub fn detail(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Malformed(malformed) => return Cow::Owned(malformed.to_string()),
            Self::Refused(rejection) => return Cow::Owned(format!("the ledger refused it: {rejection:?}")),
            Self::NoCustomer => "it names no customer",
            Self::NegativePrice => "its price is below zero",
            Self::ZeroPrice => "it costs nothing",
            Self::NegativeQuantity => "its quantity is below zero and it is not a cancellation",
            Self::NoMerchant => "its product belongs to no merchant of the map",
            Self::OtherCurrency => "it is in another currency than its merchant's",
            Self::OtherCustomer => "its receipt began with another customer",
            Self::RepeatedLine => "its receipt has this line number already",
            Self::OversizedPurchase => "its purchase is larger than one purchase may be",
            Self::UnmatchedCancellation => "no earlier purchase has these units left",
            Self::PurchaseRefused => "the ledger refused the purchase that it cancels",
            Self::MemberErased => {
                "its member was erased; whoever enrols again with the number is a new member"
            }
        })
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut fields = serializer.serialize_struct("Reason", 2)?;
        fields.serialize_field("reason", self.code())?;
        fields.serialize_field("detail", &self.detail())?;
        fields.end()
    }
}
