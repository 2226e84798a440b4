//! Members that are there, as whoever writes about one has to find them.

use amvaj_domain::id::MemberId;
use sea_orm::sea_query::LockType;
use sea_orm::{ConnectionTrait, EntityTrait as _, QuerySelect as _};

use crate::db::StoreError;
use crate::db::entity::member::{Entity, Model};

/// The row of a member that was not erased, held until the end of the transaction: whoever erases the member at the same
/// moment waits, and finds what was written. So nothing is written of a member after it was forgotten.
pub(crate) async fn present<C: ConnectionTrait>(
    transaction: &C,
    member: MemberId,
) -> Result<Option<Model>, StoreError> {
    let found = Entity::find_by_id(member.uuid()).lock(LockType::KeyShare).one(transaction).await?;
    Ok(found.filter(|row| row.erased_at.is_none()))
}
