//! What must never happen: a decision that the state it was given does not support.

use crate::points::InvalidPoints;

/// The state and the operation do not fit together. Unlike a rejection this is never the caller's doing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The wallet's lots and holds are needed but were not read; read them and decide again.
    #[error("the decision needs the wallet's lots and holds")]
    DetailNotRead,
    /// A sum left its range although the operation was checked.
    #[error("a sum left its range: {0}")]
    Arithmetic(#[from] InvalidPoints),
    /// A number left 64 bits.
    #[error("a number left 64 bits")]
    Overflow,
    /// A row that another row refers to is absent.
    #[error("{0} is missing from the wallet's state")]
    Missing(&'static str),
}
