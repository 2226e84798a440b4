//! Why an import as a whole does not go on.

use std::path::PathBuf;

use amvaj_domain::id::MerchantId;

use super::map::InvalidMap;
use crate::app::AppError;

/// Why an import stops. What was brought in before stays, and the same command goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The map is wrong.
    #[error("{path} has to be corrected: {error}")]
    Map {
        /// The map's file.
        path: PathBuf,
        /// What is wrong with it.
        error: InvalidMap,
    },
    /// The file has no header.
    #[error("the file is empty: its first line has to name the columns")]
    Empty,
    /// The header is not text.
    #[error("line 1, the header, is not UTF-8")]
    HeaderNotUtf8,
    /// Columns of the map are missing in the header, or are there twice.
    #[error("the map names columns that the file does not have once: {missing}; the file has: {found}")]
    Columns {
        /// The columns that the map names.
        missing: String,
        /// The columns of the file.
        found: String,
    },
    /// Lines are malformed, and a strict import accepts none.
    #[error(
        "{count} malformed lines, nothing was brought in: correct them, or leave --strict out to skip them"
    )]
    Strict {
        /// How many.
        count: usize,
    },
    /// The map names a merchant by an id that the network does not have.
    #[error("the map names merchant {0}, and the network has no such merchant")]
    NoSuchMerchant(MerchantId),
    /// A merchant of the map has another currency in the network.
    #[error("merchant {code} has the currency {actual} in the network, and {expected} in the map")]
    MerchantCurrency {
        /// The merchant's code in the map.
        code: String,
        /// Its currency in the map.
        expected: String,
        /// Its currency in the network.
        actual: String,
    },
    /// A merchant's rule is refused.
    #[error("the rule of merchant {code} is refused: {problem}")]
    Rule {
        /// The merchant's code in the map.
        code: String,
        /// Why.
        problem: String,
    },
    /// A member cannot be enrolled.
    #[error("the member with the reference {reference:?} cannot be enrolled: {problem}")]
    Enrolment {
        /// The reference in the file.
        reference: String,
        /// Why.
        problem: String,
    },
    /// A key of this import was used for something else: the file or the map's rules changed since the last run.
    #[error(
        "receipt {receipt:?} was brought in before with other lines; give the map another name to import a changed file"
    )]
    Changed {
        /// The receipt.
        receipt: String,
    },
    /// The books of the import do not add up: a defect of the program.
    #[error("the import does not add up: {0}")]
    Unbalanced(String),
    /// The application failed.
    #[error(transparent)]
    App(#[from] AppError),
}
