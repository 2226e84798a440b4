//! What the mutations of rewards read alike.

use amvaj_domain::reward::{InvalidTerms, LONGEST_RESERVE};
use amvaj_domain::time::Span;
use async_graphql::MaybeUndefined;

use crate::app::rewards::change::Change;

/// So many seconds, when points may be reserved for so long.
pub(super) fn reserve(seconds: i32) -> Result<Span, InvalidTerms> {
    let span = Span::seconds(seconds.into());
    let fits = seconds > 0 && span <= LONGEST_RESERVE;
    if fits { Ok(span) } else { Err(InvalidTerms::Reserve) }
}

/// A change of a field that `null` clears, its value read by `read`.
pub(super) fn change<T, U, E>(
    field: MaybeUndefined<T>,
    read: impl FnOnce(T) -> Result<U, E>,
) -> Result<Change<U>, E> {
    Ok(match field {
        MaybeUndefined::Undefined => Change::Keep,
        MaybeUndefined::Null => Change::Clear,
        MaybeUndefined::Value(value) => Change::Set(read(value)?),
    })
}
