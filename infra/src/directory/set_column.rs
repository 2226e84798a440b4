//! One column of one row gets a value.

use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, EntityTrait, IntoActiveModel, ModelTrait, QuerySelect as _,
    Select, Value,
};

use crate::audit::Unit;
use crate::db::StoreError;

/// Gives a column of the row that `which` selects a value and commits; a row that has the value already stays as it is,
/// and is not told of. Answers the row as it is then, or nothing when there is none.
///
/// The row is locked before it is looked at: of two who set it at the same time each is answered what it asked for.
pub(super) async fn set_column<E, A>(
    unit: Unit,
    which: Select<E>,
    column: E::Column,
    value: Value,
) -> Result<Option<E::Model>, StoreError>
where
    E: EntityTrait<ActiveModel = A>,
    E::Model: IntoActiveModel<A> + ModelTrait<Entity = E>,
    A: ActiveModelTrait<Entity = E> + ActiveModelBehavior + Send,
{
    let Some(row) = which.lock(LockType::NoKeyUpdate).one(unit.transaction()).await? else {
        return Ok(None);
    };
    if row.get(column) == value {
        return Ok(Some(row));
    }
    let mut changed = row.into_active_model();
    changed.set(column, value);
    let row = changed.update(unit.transaction()).await?;
    unit.commit().await?;
    Ok(Some(row))
}
