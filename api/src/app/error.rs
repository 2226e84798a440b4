//! Why a use case did not come to its end. Expected refusals are not here: each use case has its own.

use amvaj_domain::time::Span;
use amvaj_infra::db::StoreError;
use amvaj_infra::ledger::SubmitError;

use crate::auth::token::MintError;

/// A fault, or something that the request as a whole may not do.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// There is no caller.
    #[error("nobody is calling")]
    Unauthenticated,
    /// The caller's role may not do this.
    #[error("this is not allowed for the caller's role")]
    Forbidden,
    /// There is no such thing for this caller.
    #[error("there is no such thing")]
    NotFound,
    /// The caller does this too often; nothing was done.
    #[error("this is done too often")]
    Throttled {
        /// The time after which it can be done; above zero.
        retry_after: Span,
    },
    /// The caller looks too often for people by what could be tried out; nothing was done.
    #[error("people are looked for too often")]
    LooksTooOften {
        /// The time after which it can be done; above zero.
        retry_after: Span,
    },
    /// There is too much to do; nothing was done.
    #[error("there is too much to do")]
    Overloaded,
    /// Whether it was done is not known; the same request with the same idempotency key tells.
    #[error("the outcome is not known")]
    OutcomeUnknown,
    /// An access token could not be signed.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A loader that several fields shared met a failure of the database.
    #[error(transparent)]
    Shared(#[from] std::sync::Arc<StoreError>),
}

impl From<SubmitError> for AppError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Overloaded => Self::Overloaded,
            SubmitError::OutcomeUnknown => Self::OutcomeUnknown,
            SubmitError::NoSuchWallet(_) => Self::NotFound,
            SubmitError::Quarantined(what) => Self::Store(StoreError::Constraint(what)),
            SubmitError::Store(error) => Self::Store(error),
        }
    }
}

/// How a use case ends early: with a refusal of its own, or with a fault.
#[derive(Debug, thiserror::Error)]
pub enum Stopped<R> {
    /// An expected refusal: data for the caller, nothing changed.
    #[error("refused")]
    Refused(R),
    /// A fault.
    #[error(transparent)]
    Failed(#[from] AppError),
}

impl<R> From<StoreError> for Stopped<R> {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}
